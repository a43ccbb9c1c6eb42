CREATE TABLE IF NOT EXISTS posts (
  key     TEXT PRIMARY KEY,      -- the delivery key: a repeat is the same row
  seq     INTEGER NOT NULL,      -- the number of its last change
  machine TEXT NOT NULL,
  version INTEGER NOT NULL,
  open    INTEGER NOT NULL,
  rank    INTEGER NOT NULL,      -- 0 is worst
  opened  INTEGER NOT NULL,      -- when its first words were written, ms
  moved   INTEGER NOT NULL,      -- when its state last changed, ms: the order of the feed
  touched INTEGER NOT NULL,      -- when it last reached us, ms: what ageing goes by
  post    TEXT NOT NULL          -- JSON
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS posts_feed    ON posts (open DESC, moved DESC, seq DESC);
CREATE INDEX IF NOT EXISTS posts_machine ON posts (machine, open DESC, rank, moved DESC);
CREATE INDEX IF NOT EXISTS posts_seq     ON posts (seq);

CREATE TABLE IF NOT EXISTS replies (
  key     TEXT PRIMARY KEY,
  root    TEXT NOT NULL REFERENCES posts (key) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  post    TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS replies_root ON replies (root, at, key);

-- Which store this is and how often it changed: the place of a reader that comes back.
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), store TEXT NOT NULL, seq INTEGER NOT NULL);
