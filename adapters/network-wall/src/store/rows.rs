//! What the store holds and how it is asked: posts, the replies under them, and the number of the last change.

use std::path::Path;

use contract::{DeliveryKey, Mark, Moment, Post, Receipt, Step};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// The format of the file. A file with a higher number is not touched.
pub(super) const FORMAT: i64 = 1;

/// Posts kept in all. A plant of a hundred machines with ten posts a day each fills this in three weeks, in
/// about 30 MB; a flood must not fill the disk.
const POSTS_MAX: u32 = 20_000;

/// Replies kept under one post; the oldest go first. A thread is read by people: longer ones are a fault.
const REPLIES_MAX: u32 = 200;

/// A place in the feed, as the last row of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub open: bool,
    pub moved: i64,
    pub seq: i64,
}

/// A post as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub key: String,
    pub place: Place,
    /// When its first words were written.
    pub opened: Moment,
    pub post: Post,
    pub replies: Vec<Reply>,
    /// Replies in the store that are not in `replies`.
    pub replies_more: usize,
}

/// A reply as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub key: String,
    pub post: Post,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub receipt: Receipt,
    /// False when there was nothing new in it.
    pub is_change: bool,
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Rows {
    db: Connection,
    store: String,
    seq: i64,
}

impl Rows {
    /// Opens the file, or makes it.
    pub fn open(path: &Path) -> rusqlite::Result<Rows> {
        let db = Connection::open(path)?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", true)?;
        // Half a megabyte of pages: the feed is small and the product must stay small.
        db.pragma_update(None, "cache_size", -512)?;
        db.pragma_update(None, "journal_size_limit", 4 * 1024 * 1024)?;
        let said: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if said != "ok" {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                Some(said),
            ));
        }
        if db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? == 0 {
            db.execute_batch(include_str!("schema.sql"))?;
            let name = format!("{:x}", crate::clock::now().as_ms());
            db.execute("INSERT OR IGNORE INTO place VALUES (1, ?1, 0)", [name])?;
            db.pragma_update(None, "user_version", FORMAT)?;
        }
        let (store, seq) =
            db.query_row("SELECT store, seq FROM place", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Rows { db, store, seq })
    }

    /// The format of the file.
    pub fn format(&self) -> rusqlite::Result<i64> {
        self.db.pragma_query_value(None, "user_version", |row| row.get(0))
    }

    /// Which store this is, and the number of its last change.
    pub fn position(&self) -> (&str, i64) {
        (&self.store, self.seq)
    }

    /// Takes a delivery in one transaction. A repeat finds its own row.
    pub fn take(
        &mut self,
        key: &DeliveryKey,
        step: &Step,
        post: &Post,
        now: Moment,
    ) -> rusqlite::Result<Taken> {
        let seq = self.seq + 1;
        let change = Change { seq, post, json: as_json(post)?, now };
        let work = self.db.transaction()?;
        let taken = match step {
            Step::Open => change.open(&work, &key.0)?,
            Step::Edit(receipt) => change.edit(&work, &receipt.0)?,
            Step::Reply(receipt) => change.reply(&work, &key.0, &receipt.0)?,
        };
        if taken.is_change {
            work.prepare_cached("UPDATE place SET seq = ?1")?.execute([seq])?;
        }
        work.commit()?;
        if taken.is_change {
            self.seq = seq;
        }
        Ok(taken)
    }

    /// A page of the feed: what is open first, then by the last change of state; of one machine or of all.
    pub fn page(
        &self,
        machine: Option<&str>,
        before: Option<Place>,
        count: usize,
    ) -> rusqlite::Result<Vec<Kept>> {
        let at = before.unwrap_or(Place { open: true, moved: i64::MAX, seq: i64::MAX });
        let mut ask = self.db.prepare_cached(concat!(
            "SELECT key, open, moved, seq, opened, post FROM posts ",
            "WHERE (?1 IS NULL OR machine = ?1) AND (open, moved, seq) < (?2, ?3, ?4) ",
            "ORDER BY open DESC, moved DESC, seq DESC LIMIT ?5"
        ))?;
        let rows = ask.query_map(params![machine, at.open, at.moved, at.seq, count as i64], read)?;
        self.with_replies(sound(rows)?, crate::page::REPLIES_SHOWN)
    }

    /// What changed after a number, oldest first.
    pub fn changed_since(&self, seq: i64, count: usize) -> rusqlite::Result<Vec<Kept>> {
        let mut ask = self.db.prepare_cached(
            "SELECT key, open, moved, seq, opened, post FROM posts WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )?;
        let rows = ask.query_map(params![seq, count as i64], read)?;
        self.with_replies(sound(rows)?, crate::page::REPLIES_SHOWN)
    }

    /// One post with its whole thread.
    pub fn one(&self, key: &str) -> rusqlite::Result<Option<Kept>> {
        let mut ask =
            self.db.prepare_cached("SELECT key, open, moved, seq, opened, post FROM posts WHERE key = ?1")?;
        let rows = ask.query_map([key], read)?;
        Ok(self.with_replies(sound(rows)?, REPLIES_MAX as usize)?.pop())
    }

    /// What a machine says now: its worst open post, else its latest.
    pub fn latest_of(&self, machine: &str) -> rusqlite::Result<Option<Kept>> {
        let mut ask = self.db.prepare_cached(concat!(
            "SELECT key, open, moved, seq, opened, post FROM posts WHERE machine = ?1 ",
            "ORDER BY open DESC, CASE open WHEN 1 THEN rank END, moved DESC, seq DESC LIMIT 1"
        ))?;
        let rows = ask.query_map([machine], read)?;
        Ok(sound(rows)?.pop())
    }

    /// How many are open.
    pub fn open_count(&self) -> rusqlite::Result<usize> {
        let count: i64 = self
            .db
            .prepare_cached("SELECT count(*) FROM posts WHERE open = 1")?
            .query_row([], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Forgets what ended before a moment, and the oldest beyond what is kept in all.
    pub fn prune(&mut self, before: Moment) -> rusqlite::Result<usize> {
        let work = self.db.transaction()?;
        let aged = work.execute("DELETE FROM posts WHERE open = 0 AND touched < ?1", [before.as_ms()])?;
        let beyond = work.execute(
            concat!(
                "DELETE FROM posts WHERE key IN (SELECT key FROM posts ",
                "ORDER BY open DESC, moved DESC, seq DESC LIMIT -1 OFFSET ?1)"
            ),
            [POSTS_MAX],
        )?;
        work.commit()?;
        Ok(aged + beyond)
    }

    fn with_replies(&self, mut posts: Vec<Kept>, shown: usize) -> rusqlite::Result<Vec<Kept>> {
        let mut count = self.db.prepare_cached("SELECT count(*) FROM replies WHERE root = ?1")?;
        let mut ask = self.db.prepare_cached(
            "SELECT key, post FROM replies WHERE root = ?1 ORDER BY at DESC, key DESC LIMIT ?2",
        )?;
        for kept in &mut posts {
            let all: i64 = count.query_row([&kept.key], |row| row.get(0))?;
            let rows = ask.query_map(params![kept.key, shown as i64], |row| {
                let (key, post): (String, String) = (row.get(0)?, row.get(1)?);
                Ok(serde_json::from_str(&post).ok().map(|post| Reply { key, post }))
            })?;
            kept.replies = sound(rows)?;
            kept.replies.reverse();
            kept.replies_more = usize::try_from(all).unwrap_or(0).saturating_sub(kept.replies.len());
        }
        Ok(posts)
    }
}

/// One delivery on its way into the tables.
struct Change<'a> {
    seq: i64,
    post: &'a Post,
    json: String,
    now: Moment,
}

impl Change<'_> {
    /// A new row; a repeat with newer words replaces them.
    fn open(&self, db: &Connection, key: &str) -> rusqlite::Result<Taken> {
        if let Some(root) = root_of(db, key)? {
            return if root == key { self.edit(db, key) } else { Ok(taken(key, false)) };
        }
        db.prepare_cached("INSERT INTO posts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9)")?.execute(
            params![
                key,
                self.seq,
                self.post.author.key,
                self.post.version,
                is_open(self.post),
                rank(self.post.mark),
                self.post.written.as_ms(),
                self.now.as_ms(),
                self.json
            ],
        )?;
        Ok(taken(key, true))
    }

    /// Newer words in place. What we no longer know, after a damaged store or an old age, is shown anew: a
    /// closing is never lost.
    fn edit(&self, db: &Connection, key: &str) -> rusqlite::Result<Taken> {
        match root_of(db, key)? {
            None => self.open(db, key),
            Some(root) if root == key => {
                // Figures that change do not move a post under its reader; a change of state does.
                let changed = db
                    .prepare_cached(concat!(
                        "UPDATE posts SET seq = ?2, machine = ?3, version = ?4, open = ?5, rank = ?6, ",
                        "moved = CASE WHEN open = ?5 AND rank = ?6 THEN moved ELSE ?7 END, ",
                        "touched = ?8, post = ?9 WHERE key = ?1 AND version < ?4"
                    ))?
                    .execute(params![
                        key,
                        self.seq,
                        self.post.author.key,
                        self.post.version,
                        is_open(self.post),
                        rank(self.post.mark),
                        self.post.written.as_ms(),
                        self.now.as_ms(),
                        self.json
                    ])?;
                Ok(taken(key, changed > 0))
            }
            Some(root) => {
                let changed = db
                    .prepare_cached(
                        "UPDATE replies SET version = ?2, post = ?3 WHERE key = ?1 AND version < ?2",
                    )?
                    .execute(params![key, self.post.version, self.json])?;
                self.touch(db, &root, changed > 0)?;
                Ok(taken(key, changed > 0))
            }
        }
    }

    /// A row under a post, or a post of its own when that is no longer known.
    fn reply(&self, db: &Connection, key: &str, under: &str) -> rusqlite::Result<Taken> {
        if root_of(db, key)?.is_some() {
            return Ok(taken(key, false));
        }
        let Some(root) = root_of(db, under)? else {
            return self.open(db, key);
        };
        db.prepare_cached("INSERT INTO replies VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
            key,
            root,
            self.post.version,
            self.post.written.as_ms(),
            self.json
        ])?;
        db.prepare_cached(concat!(
            "DELETE FROM replies WHERE root = ?1 AND key NOT IN ",
            "(SELECT key FROM replies WHERE root = ?1 ORDER BY at DESC, key DESC LIMIT ?2)"
        ))?
        .execute(params![root, REPLIES_MAX])?;
        self.touch(db, &root, true)?;
        Ok(taken(key, true))
    }

    /// The post of a thread changed with it.
    fn touch(&self, db: &Connection, root: &str, changed: bool) -> rusqlite::Result<()> {
        if changed {
            db.prepare_cached("UPDATE posts SET seq = ?2, touched = ?3 WHERE key = ?1")?.execute(params![
                root,
                self.seq,
                self.now.as_ms()
            ])?;
        }
        Ok(())
    }
}

/// True for an alarm, or for what is foreseen, that has not ended. A digest or a summary tells; it is not something to end.
pub(crate) fn is_open(post: &Post) -> bool {
    let is_alarm = match post.mark {
        Mark::Stopped | Mark::Warning | Mark::Silent | Mark::Paused | Mark::Late | Mark::Stock => true,
        Mark::Cleared | Mark::Digest => false,
    };
    is_alarm && post.ended.is_none()
}

/// How bad a state is, the worst first.
pub(crate) fn rank(mark: Mark) -> u8 {
    match mark {
        Mark::Stopped => 0,
        Mark::Warning => 1,
        Mark::Silent => 2,
        Mark::Late | Mark::Stock => 3,
        Mark::Paused => 4,
        Mark::Digest => 5,
        Mark::Cleared => 6,
    }
}

fn taken(key: &str, is_change: bool) -> Taken {
    Taken { receipt: Receipt(key.to_owned()), is_change }
}

/// The key of the post that a key belongs to: its own, or that of its thread.
fn root_of(db: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    db.prepare_cached(
        "SELECT key FROM posts WHERE key = ?1 UNION ALL SELECT root FROM replies WHERE key = ?1 LIMIT 1",
    )?
    .query_row([key], |row| row.get(0))
    .optional()
}

fn as_json(post: &Post) -> rusqlite::Result<String> {
    serde_json::to_string(post).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// A row whose words nobody can read any more is left out; the rest of the wall stands.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<Kept>> {
    let post: String = row.get(5)?;
    let place = Place { open: row.get(1)?, moved: row.get(2)?, seq: row.get(3)? };
    let (key, opened) = (row.get(0)?, Moment::from_ms(row.get(4)?));
    Ok(serde_json::from_str(&post).ok().map(|post| Kept {
        key,
        place,
        opened,
        post,
        replies: Vec::new(),
        replies_more: 0,
    }))
}

fn sound<T>(rows: impl Iterator<Item = rusqlite::Result<Option<T>>>) -> rusqlite::Result<Vec<T>> {
    rows.filter_map(Result::transpose).collect()
}
