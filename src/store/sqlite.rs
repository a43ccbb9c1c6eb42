//! SQLite as the store: WAL, `synchronous=FULL`, so that what is committed survives a power cut.

use std::path::Path;

use contract::{EpisodeId, Moment};
use rusqlite::{Connection, OpenFlags, params};

use super::{Entry, Store, StoreError, Table, Write};

/// Numbered migrations: each takes the file from the version of its place to the next.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE condition (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE thread    (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE journal   (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, episode TEXT NOT NULL, body TEXT NOT NULL);
    CREATE INDEX journal_episode ON journal (episode, seq);
", "
    CREATE TABLE raised (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE record (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
", "
    CREATE TABLE production (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"];

/// The journal keeps this many lines: years of a calm plant, a fortnight of a mad one, about 50 MB.
const JOURNAL_LINES_MAX: i64 = 200_000;

/// One SQLite file.
pub struct Sqlite {
    connection: Connection,
    commits: u64,
}

impl Sqlite {
    /// Opens or makes the file, checks it, and brings it to this version.
    ///
    /// # Errors
    /// What SQLite found, in its words.
    pub fn open(path: &Path) -> Result<Sqlite, rusqlite::Error> {
        let connection = Connection::open(path)?;
        // One page cache of 512 KiB: rows are small and read once.
        connection.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-512; PRAGMA busy_timeout=5000;
             PRAGMA journal_size_limit=1048576; PRAGMA temp_store=MEMORY;",
        )?;
        let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if check != "ok" {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(rusqlite::Error::SqliteFailure(code, Some(check)));
        }
        migrate(&connection)?;
        Ok(Sqlite { connection, commits: 0 })
    }

    /// Opens an existing file to read it, while the service may be running.
    ///
    /// # Errors
    /// What SQLite found, in its words.
    pub fn read_only(path: &Path) -> Result<Sqlite, rusqlite::Error> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.execute_batch("PRAGMA busy_timeout=5000;")?;
        Ok(Sqlite { connection, commits: 0 })
    }
}

fn migrate(connection: &Connection) -> Result<(), rusqlite::Error> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    if done > MIGRATIONS.len() {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_MISMATCH);
        let found = format!("made by a newer portevoix (version {version} of the store)");
        return Err(rusqlite::Error::SqliteFailure(code, Some(found)));
    }
    for (at, step) in MIGRATIONS.iter().enumerate().skip(done) {
        connection.execute_batch(&format!("BEGIN; {step} PRAGMA user_version={}; COMMIT;", at + 1))?;
    }
    Ok(())
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Table::Condition => "condition",
            Table::Thread => "thread",
            Table::Raised => "raised",
            Table::Record => "record",
            Table::Production => "production",
        }
    }
}

impl Store for Sqlite {
    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction().map_err(later)?;
        for write in writes {
            keep(&transaction, write).map_err(later)?;
        }
        // The journal is bounded, checked once in a while: the cost of a count is not paid by each step.
        if self.commits.is_multiple_of(1_000) {
            transaction
                .execute(
                    "DELETE FROM journal WHERE seq <= (SELECT max(seq) FROM journal) - ?1",
                    [JOURNAL_LINES_MAX],
                )
                .map_err(later)?;
        }
        transaction.commit().map_err(later)?;
        self.commits += 1;
        Ok(())
    }

    fn rows(&self, table: Table) -> Result<Vec<(String, String)>, StoreError> {
        let query = format!("SELECT key, body FROM {} ORDER BY key", table.name());
        let mut statement = self.connection.prepare(&query).map_err(later)?;
        let mut rows = statement.query([]).map_err(later)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(later)? {
            match (row.get(0), row.get(1)) {
                (Ok(key), Ok(body)) => found.push((key, body)),
                (Err(error), _) | (_, Err(error)) => {
                    // A flipped bit spoils one row, never the start.
                    tracing::error!(table = table.name(), %error, "a row cannot be read and is left out");
                }
            }
        }
        Ok(found)
    }

    fn journal(&self, episode: &str, lines_max: usize) -> Result<Vec<Entry>, StoreError> {
        let query = "SELECT at, episode, body FROM (SELECT seq, at, episode, body FROM journal
             WHERE substr(episode, 1, length(?1)) = ?1 ORDER BY seq DESC LIMIT ?2) ORDER BY seq";
        let mut statement = self.connection.prepare(query).map_err(later)?;
        let limit = i64::try_from(lines_max).unwrap_or(i64::MAX);
        let rows = statement
            .query_map(params![episode, limit], |row| {
                Ok(Entry {
                    at: Moment::from_ms(row.get(0)?),
                    episode: EpisodeId(row.get(1)?),
                    body: row.get(2)?,
                })
            })
            .map_err(later)?;
        rows.collect::<Result<_, _>>().map_err(later)
    }
}

fn keep(connection: &Connection, write: &Write) -> Result<(), rusqlite::Error> {
    match write {
        Write::Put { table, key, body } => connection
            .prepare_cached(match table {
                Table::Condition => "INSERT OR REPLACE INTO condition VALUES (?1, ?2)",
                Table::Thread => "INSERT OR REPLACE INTO thread VALUES (?1, ?2)",
                Table::Raised => "INSERT OR REPLACE INTO raised VALUES (?1, ?2)",
                Table::Record => "INSERT OR REPLACE INTO record VALUES (?1, ?2)",
                Table::Production => "INSERT OR REPLACE INTO production VALUES (?1, ?2)",
            })?
            .execute([key, body])?,
        Write::Delete { table, key } => connection
            .prepare_cached(match table {
                Table::Condition => "DELETE FROM condition WHERE key = ?1",
                Table::Thread => "DELETE FROM thread WHERE key = ?1",
                Table::Raised => "DELETE FROM raised WHERE key = ?1",
                Table::Record => "DELETE FROM record WHERE key = ?1",
                Table::Production => "DELETE FROM production WHERE key = ?1",
            })?
            .execute([key])?,
        Write::Journal { at, episode, body } => connection
            .prepare_cached("INSERT INTO journal (at, episode, body) VALUES (?1, ?2, ?3)")?
            .execute(params![at.as_ms(), episode.0, body])?,
    };
    Ok(())
}

fn later(error: rusqlite::Error) -> StoreError {
    StoreError::Later(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Sqlite {
        Sqlite::open(Path::new(":memory:")).unwrap()
    }

    fn put(key: &str, body: &str) -> Write {
        Write::Put { table: Table::Thread, key: key.into(), body: body.into() }
    }

    #[test]
    fn the_newest_row_of_a_key_is_kept() {
        let mut store = store();
        store.commit(&[put("b", "1"), put("a", "2")]).unwrap();
        store.commit(&[put("b", "3"), Write::Delete { table: Table::Thread, key: "a".into() }]).unwrap();
        assert_eq!(store.rows(Table::Thread).unwrap(), [("b".to_owned(), "3".to_owned())]);
        assert_eq!(store.rows(Table::Condition).unwrap(), []);
    }

    #[test]
    fn the_journal_is_read_by_the_beginning_of_a_name() {
        let mut store = store();
        let line = |episode: &str, at| Write::Journal {
            at: Moment::from_ms(at),
            episode: EpisodeId(episode.into()),
            body: format!("{at}"),
        };
        store.commit(&[line("ab12", 1), line("cd34", 2), line("ab12", 3), line("ab12", 4)]).unwrap();
        let bodies = |episode, max| {
            store.journal(episode, max).unwrap().into_iter().map(|entry| entry.body).collect::<Vec<_>>()
        };
        assert_eq!(bodies("ab", 10), ["1", "3", "4"]);
        assert_eq!(bodies("ab", 2), ["3", "4"]);
        assert_eq!(bodies("a%", 2), Vec::<String>::new());
    }
}
