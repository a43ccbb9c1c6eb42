//! Databases of other people's code, each in a folder of its own: PostgreSQL and MariaDB, as Debian has them.
//!
//! In both, the user `erp` owns the database `erp`, and the user `reader` may only read it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::foreign::{Server, free_port, script};

/// Who may do everything in the database, and its password.
pub const OWNER: (&str, &str) = ("erp", "s3cret");
/// Who may only read, and its password.
pub const READER: (&str, &str) = ("reader", "r3ader");

/// How long a server may take to end.
const END_MAX: Duration = Duration::from_secs(20);

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    Mariadb,
}

/// A database that serves.
#[derive(Debug)]
pub struct Database {
    kind: Kind,
    server: Server,
    port: u16,
}

impl Database {
    /// Makes one and serves it.
    pub async fn start(kind: Kind) -> Database {
        let (name, ready) = match kind {
            Kind::Postgres => ("sql_postgres.sh", "database system is ready to accept connections"),
            Kind::Mariadb => ("sql_mariadb.sh", "ready for connections"),
        };
        let port = free_port();
        let number = port.to_string();
        let server = Server::start(Path::new(&script(name)), &[&number], ready).await;
        Database { kind, server, port }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `postgres://127.0.0.1:5432/erp` or `mysql://…`.
    pub fn url(&self) -> String {
        let scheme = match self.kind {
            Kind::Postgres => "postgres",
            Kind::Mariadb => "mysql",
        };
        format!("{scheme}://127.0.0.1:{}/erp", self.port)
    }

    /// Runs statements as the owner, with the database's own client, and gives what that prints.
    pub fn run(&self, statements: &str) -> String {
        let port = self.port.to_string();
        let (user, password) = OWNER;
        let mut client = match self.kind {
            Kind::Postgres => {
                let mut client = Command::new("psql");
                client.args(["-h", "127.0.0.1", "-p", &port, "-U", user, "-At", "-v", "ON_ERROR_STOP=1"]);
                client.args(["-c", statements, "erp"]).env("PGPASSWORD", password);
                client
            }
            Kind::Mariadb => {
                let mut client = Command::new("mariadb");
                client.args(["--no-defaults", "-h", "127.0.0.1", "-P", &port, "-u", user, "-N", "-B"]);
                client.args(["-e", statements, "erp"]).env("MYSQL_PWD", password);
                client
            }
        };
        let done = client.output().expect("the client of the database");
        let words = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{statements}: {words}");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// The certificate that it shows.
    pub fn certificate(&self) -> PathBuf {
        self.server.folder().join(match self.kind {
            Kind::Postgres => "data/server.crt",
            Kind::Mariadb => "server.crt",
        })
    }

    /// Ends it in its tracks. Nothing is written first.
    pub fn kill(&mut self) {
        if self.kind == Kind::Postgres {
            // Killed alone, its children would still hold the port: this makes it end them first, at once.
            self.server.signal("QUIT");
            let started = Instant::now();
            while self.is_alive() && started.elapsed() < END_MAX {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        self.server.kill();
    }

    /// Serves again, the same rows on the same port.
    pub async fn restart(&mut self) {
        self.server.restart().await;
    }

    /// Stops it in the middle of what it does, and lets it go on: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        self.server.signal(name);
    }

    fn is_alive(&self) -> bool {
        let Some(pid) = self.server.pid() else { return false };
        // A zombie has no command line.
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.kill();
    }
}
