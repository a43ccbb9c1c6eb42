//! Rounds of queries, in a task of their own, so that a query is never given up half-way. What is read goes through a
//! queue of one batch: a slow middle slows the queries down.

use std::sync::Arc;
use std::time::Duration;

use contract::{Batch, Cause, Event, Origin, Quality, Sample, SourceError, TagId, Value, async_trait, clean};
use rows::{Cell, Given, LeftOut, Maker, Out, Style, Told};
use serde_json::Value as Json;
use tokio::sync::mpsc;

use crate::cell;
use crate::session::{Failure, Plan as Line, Row, Session};

/// The database ends a query that takes too long; if it does not, we do, so much later.
const LATE: Duration = Duration::from_secs(10);

/// What is asked, and what is looked for in the rows. Does not change.
pub struct Plan {
    /// How a connection is made.
    pub line: Line,
    /// How numbers and times are written.
    pub style: Style,
    /// The most rows of one query in one round.
    pub rows_max: u64,
    /// From one round to the next.
    pub every: Duration,
    /// Queries with values of tags.
    pub values: Vec<Values>,
    /// Lists.
    pub lists: Vec<List>,
}

/// A query whose first row holds values of tags.
pub struct Values {
    /// The query.
    pub query: String,
    /// What people know it by.
    pub name: String,
    /// Tags, each with its column and that of its time.
    pub tags: Vec<(TagId, String, Option<String>)>,
}

/// A query whose rows are records.
pub struct List {
    /// The query.
    pub query: String,
    /// Its name in the configuration.
    pub name: String,
    /// Makes its records.
    pub maker: Maker,
    /// The column of the cursor and what it is the first time.
    pub cursor: Option<(String, String)>,
    /// All rows come in each round.
    pub whole: bool,
}

/// The task.
pub struct Poller {
    plan: Arc<Plan>,
    session: Session,
    /// How far each list was read.
    since: Vec<Option<Json>>,
    told: Told,
    out: Out,
}

impl Poller {
    /// Begins behind `since`.
    pub fn new(plan: Arc<Plan>, session: Session, since: Vec<Option<Json>>, out: Out) -> Poller {
        Poller { plan, session, since, told: Told::default(), out }
    }

    /// Asks until the source is lost or nobody listens.
    pub async fn run(mut self) {
        loop {
            match self.round().await {
                Ok(()) => {}
                Err(Failure::Source(error)) => {
                    // Whoever does not listen any more is leaving.
                    let _ = self.out.send(Err(error)).await;
                    return;
                }
                Err(Failure::Query(_) | Failure::Nobody) => return,
            }
            tokio::time::sleep(self.plan.every).await;
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let plan = Arc::clone(&self.plan);
        for values in &plan.values {
            self.values(values).await?;
        }
        for (index, list) in plan.lists.iter().enumerate() {
            self.list(index, list).await?;
        }
        Ok(())
    }

    async fn give(&self, batch: Batch, mark: Option<(usize, Json)>) -> Result<(), Failure> {
        self.out.send(Ok(Given { batch, mark })).await.map_err(|_| Failure::Nobody)
    }

    async fn values(&mut self, values: &Values) -> Result<(), Failure> {
        let mut batch = Batch::default();
        let mut first = First(None);
        let cause = match self.read(&values.query, None, &mut first).await {
            Ok(()) => None,
            Err(Failure::Query(cause)) => Some(cause),
            Err(other) => return Err(other),
        };
        let (First(first), empty) = (first, Row::new());
        let row = first.as_ref().unwrap_or(&empty);
        for (tag, column, time) in &values.tags {
            let found = match (&cause, first.is_some()) {
                (Some(cause), _) => Err(cause.to_string()),
                (None, false) => Err("found no row".to_owned()),
                (None, true) => cell::measure(row, column, time.as_deref(), &self.plan.style),
            };
            batch.samples.push(sample(*tag, found));
        }
        let gone = values.tags.iter().find(|(_, column, _)| first.is_some() && !row.contains_key(column));
        let missing = gone.map(|(_, column, _)| Cause::Missing(format!("column {column}")));
        batch.notices.extend(self.told.say(&values.name, cause.or(missing)));
        self.give(batch, None).await
    }

    async fn list(&mut self, index: usize, list: &List) -> Result<(), Failure> {
        let start = list.cursor.as_ref().map(|(_, start)| Json::from(start.as_str()));
        let since = self.since[index].clone().or(start);
        // What comes last waits for the mark.
        let mut found = Records {
            list,
            out: self.out.clone(),
            rows_max: self.plan.rows_max,
            waiting: Batch::default(),
            count: Count { newest: since.clone(), ..Count::default() },
        };
        if list.whole {
            found.waiting.events.push(Event::Begin(list.maker.list()));
        }
        let read = self.read(&list.query, since.as_ref(), &mut found).await;
        let Records { mut waiting, count, .. } = found;
        let cause = match read {
            Ok(()) => count.left_out.cause(),
            // The list stays half: it is asked again from where it was safe.
            Err(Failure::Query(cause)) => {
                waiting.notices.extend(self.told.say(&list.name, Some(cause)));
                return self.give(waiting, None).await;
            }
            Err(other) => return Err(other),
        };
        waiting.events.extend(list.whole.then(|| count.left_out.end(list.maker.list())));
        // A row that cannot be understood is asked for again until it is mended, so the mark stays before it.
        let is_understood = cause.is_none();
        waiting.notices.extend(self.told.say(&list.name, cause));
        let newest =
            count.newest.filter(|newest| list.cursor.is_some() && self.since[index].as_ref() != Some(newest));
        let newest = newest.filter(|_| count.rows > 0 && is_understood);
        if let Some(newest) = &newest {
            self.since[index] = Some(newest.clone());
        }
        self.give(waiting, newest.map(|newest| (index, newest))).await
    }

    /// Runs a query and hands its rows over, some hundred at a time, as fast as they are taken.
    async fn read(&mut self, query: &str, since: Option<&Json>, takes: &mut dyn Take) -> Result<(), Failure> {
        let (out, mut found) = mpsc::channel(1);
        let timeout = self.plan.line.query_timeout + LATE;
        let reading = self.session.read(query, since, out);
        let taking = async {
            loop {
                // The wait for a row is the database's; the wait for the middle is not.
                match tokio::time::timeout(timeout, found.recv()).await {
                    Ok(Some(rows)) => takes.take(rows).await?,
                    Ok(None) => return Ok(()),
                    Err(_) => return Err(Failure::Source(SourceError::Lost("no row in time".to_owned()))),
                }
            }
        };
        tokio::pin!(reading);
        tokio::pin!(taking);
        tokio::select! {
            // Why nobody takes any more is told by whoever took; the half-read transaction is rolled back with the next.
            taken = &mut taking => {
                taken?;
                reading.await
            }
            read = &mut reading => {
                // The sender is gone; what is still in the queue is taken first.
                taking.await?;
                read
            }
        }
    }
}

/// Whoever takes rows.
#[async_trait]
trait Take: Send {
    /// Some more.
    async fn take(&mut self, rows: Vec<Row>) -> Result<(), Failure>;
}

/// The first row counts.
struct First(Option<Row>);

#[async_trait]
impl Take for First {
    async fn take(&mut self, rows: Vec<Row>) -> Result<(), Failure> {
        self.0 = self.0.take().or(rows.into_iter().next());
        Ok(())
    }
}

/// Rows become records, and go on once more of them came.
struct Records<'a> {
    list: &'a List,
    out: Out,
    rows_max: u64,
    waiting: Batch,
    count: Count,
}

#[async_trait]
impl Take for Records<'_> {
    async fn take(&mut self, rows: Vec<Row>) -> Result<(), Failure> {
        if !self.waiting.events.is_empty() {
            let batch = std::mem::take(&mut self.waiting);
            self.out.send(Ok(Given { batch, mark: None })).await.map_err(|_| Failure::Nobody)?;
        }
        self.waiting = self.count.take(self.list, &rows);
        if self.count.rows > self.rows_max {
            return Err(Failure::Query(Cause::TooLarge { max: self.rows_max }));
        }
        Ok(())
    }
}

/// What was seen of a list in this round.
#[derive(Default)]
struct Count {
    rows: u64,
    newest: Option<Json>,
    left_out: LeftOut,
}

impl Count {
    fn take(&mut self, list: &List, rows: &[Row]) -> Batch {
        let mut batch = Batch::default();
        for row in rows {
            self.rows += 1;
            let cells: Vec<Cell<'_>> = list
                .maker
                .fields()
                .iter()
                .map(|field| row.get(&field.from).map_or(Cell::Absent, Cell::Json))
                .collect();
            let made = list.maker.record(&format!("row {}", self.rows), &cells);
            batch.events.extend(self.left_out.take(list.maker.list(), made));
            let said = list.cursor.as_ref().and_then(|(column, _)| row.get(column));
            if let Some(said) = said.filter(|said| !said.is_null())
                && self.newest.as_ref().is_none_or(|newest| cell::is_later(said, newest))
            {
                self.newest = Some(said.clone());
            }
        }
        batch
    }
}

fn sample(tag: TagId, found: Result<(Value, Option<contract::Moment>), String>) -> Sample {
    match found {
        Ok((value, at)) => Sample { tag, value, quality: Quality::Good, at, origin: Origin::Live },
        Err(words) => {
            let quality = Quality::Bad(clean(&words, 300).into());
            Sample { tag, value: Value::Flag(false), quality, at: None, origin: Origin::Live }
        }
    }
}
