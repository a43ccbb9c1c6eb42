//! Tryton, an ERP of other people's code, with production orders in three states. Its database is made once and kept
//! under `target/peers/tryton-db`; each server has a copy of its own.

use std::path::PathBuf;

use crate::foreign::{Server, free_port, installed, script};

/// Who may read everything.
pub const USER: &str = "admin";
/// The password of [`USER`].
pub const PASSWORD: &str = "adminpw";

/// The Python that has Tryton and proteus.
pub fn python() -> PathBuf {
    installed().join("tryton/bin/python")
}

/// A Tryton that serves.
#[derive(Debug)]
pub struct Tryton {
    server: Server,
    port: u16,
}

impl Tryton {
    /// Makes the database if nobody did (a minute), and serves a copy of it (a few seconds).
    pub async fn start() -> Tryton {
        let port = free_port();
        let made = installed().join("tryton-db").display().to_string();
        let number = port.to_string();
        // Far from the limit of a start: the database is made before, not while a test waits for a port.
        let make = [script("tryton_make.py"), made.clone()];
        let done = std::process::Command::new(python()).args(make).status();
        assert!(done.is_ok_and(|status| status.success()), "the database of Tryton cannot be made");
        let arguments = [script("tryton_serve.py"), made, number];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Tryton { server: Server::start(&python(), &arguments, "Running on").await, port }
    }

    /// Kills it and starts it again, on the same database and port.
    pub async fn restart(&mut self) {
        self.server.restart().await;
    }

    /// Where its database `erp` is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/erp/", self.port)
    }

    /// Writes its production orders as a user exports them: columns with French labels, `;`, a decimal comma. The
    /// encoding is one of Python's: `utf-8-sig`, `cp1252`.
    pub fn export(&self, into: &std::path::Path, encoding: &str) {
        let url = format!("http://{USER}:{PASSWORD}@127.0.0.1:{}/erp/rpc/", self.port);
        let arguments = [script("tryton_export.py"), url, into.display().to_string(), encoding.to_owned()];
        let done = std::process::Command::new(python()).args(arguments).status();
        assert!(done.is_ok_and(|status| status.success()), "Tryton writes no file");
    }
}
