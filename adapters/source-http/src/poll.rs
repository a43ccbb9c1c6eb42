//! Rounds of questions, in a task of their own, so that a wait for a server is never given up half-way. What is read
//! goes through a queue of one batch: a slow middle slows the questions down.

use std::sync::Arc;
use std::time::Duration;

use contract::{Batch, Cause, Event, Origin, Sample, SourceError, TagId, Value};
use http_client::{Client, FetchError, brief};
use reqwest::header::{ACCEPT, HeaderMap};
use rows::{Given, LeftOut, Maker, Out, Style, Told};
use serde_json::Value as Json;
use tokio::time::Instant;
use tracing::debug;

use crate::answer;
use crate::ask::{Ask, Places, Sent, follow};
use crate::auth::{Credentials, Identity};
use crate::settings::{Next, Since};

/// A batch holds at most so many records: what the middle takes in one go.
const RECORDS_MAX: usize = 250;
/// A server that is overloaded and does not say for how long is left alone so long.
const PAUSE: Duration = Duration::from_secs(30);
/// A server may ask for a pause, not for a day off.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// So often in one reading of a list a page is asked for again after a pause. A server that lets through one page a
/// pause and has more of them is one for a longer `every`.
const PAUSES_MAX: u32 = 20;

/// What is asked, and what is looked for in the answers. Does not change.
#[derive(Debug)]
pub struct Plan {
    /// The client.
    pub client: Client,
    /// Headers of every request.
    pub headers: HeaderMap,
    /// Who we are.
    pub credentials: Credentials,
    /// How numbers and times are written.
    pub style: Style,
    /// The place of an error in an answer that came well.
    pub fails_if: Option<String>,
    /// The largest answer, in bytes.
    pub answer_max: usize,
    /// The most pages of a list.
    pub pages_max: u32,
    /// From one round to the next.
    pub every: Duration,
    /// Pages with values of tags.
    pub pages: Vec<TagPage>,
    /// Lists.
    pub lists: Vec<ListPages>,
}

/// A page with the tags that lie on it.
#[derive(Debug)]
pub struct TagPage {
    /// What is asked.
    pub ask: Ask,
    /// What people know it by.
    pub name: String,
    /// What lies there.
    pub tags: Vec<TagPlace>,
}

/// Where a tag lies in a page or message.
#[derive(Debug, Clone)]
pub struct TagPlace {
    /// Of which tag.
    pub id: TagId,
    /// The pointer to its value.
    pub value: String,
    /// The pointer to its time.
    pub time: Option<String>,
}

/// A list of which pages are asked.
#[derive(Debug)]
pub struct ListPages {
    /// What is asked.
    pub ask: Ask,
    /// Its name in the configuration.
    pub name: String,
    /// Makes its records.
    pub maker: Maker,
    /// The pointer to its rows.
    pub rows: String,
    /// How the next page is found.
    pub next: Option<Next>,
    /// What has changed alone.
    pub since: Option<Since>,
    /// All rows come in each round.
    pub whole: bool,
}

/// Why a question has no answer.
enum Failure {
    /// The source as a whole is lost.
    Source(SourceError),
    /// This question alone.
    Question(Cause),
    /// The program has stopped listening.
    Nobody,
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Failure {
        Failure::Source(error)
    }
}

/// The task.
pub struct Poller {
    plan: Arc<Plan>,
    identity: Identity,
    /// How far each list was read.
    since: Vec<Option<Json>>,
    told: Told,
    /// The server asked to be left alone until then.
    quiet_until: Option<Instant>,
    /// A mutant: asks on as if it had not been asked to wait.
    #[cfg(test)]
    pub(crate) is_careless: bool,
    out: Out,
}

impl Poller {
    /// Begins behind `since`.
    pub fn new(plan: Arc<Plan>, since: Vec<Option<Json>>, out: Out) -> Poller {
        let identity = Identity::new(plan.credentials.clone());
        Poller {
            plan,
            identity,
            since,
            told: Told::default(),
            quiet_until: None,
            #[cfg(test)]
            is_careless: false,
            out,
        }
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
                Err(Failure::Question(_) | Failure::Nobody) => return,
            }
            tokio::time::sleep(self.plan.every).await;
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let plan = Arc::clone(&self.plan);
        for page in &plan.pages {
            self.page(page).await?;
        }
        for (index, list) in plan.lists.iter().enumerate() {
            self.list(index, list).await?;
        }
        Ok(())
    }

    async fn give(&self, batch: Batch, mark: Option<(usize, Json)>) -> Result<(), Failure> {
        self.out.send(Ok(Given { batch, mark })).await.map_err(|_| Failure::Nobody)
    }

    async fn page(&mut self, page: &TagPage) -> Result<(), Failure> {
        let mut batch = Batch::default();
        match self.ask(&page.ask.send(&Places::default())).await {
            Ok((json, _)) => {
                batch.samples = page.tags.iter().map(|tag| sample(&json, tag, &self.plan.style)).collect();
                batch.notices.extend(self.told.say(&page.name, None));
            }
            Err(Failure::Question(cause)) => {
                let quality = answer::bad(&format!("{}: {cause}", page.name));
                batch.samples = page.tags.iter().map(|tag| bad_sample(tag.id, quality.clone())).collect();
                batch.notices.extend(self.told.say(&page.name, Some(cause)));
            }
            Err(other) => return Err(other),
        }
        self.give(batch, None).await
    }

    async fn list(&mut self, index: usize, list: &ListPages) -> Result<(), Failure> {
        let mut batch = Batch::default();
        if list.whole {
            batch.events.push(Event::Begin(list.maker.list()));
        }
        let newest = match self.pages(index, list, &mut batch).await {
            Ok(newest) => newest,
            // The list stays half, so it is not whole, and it is asked from where it was safe.
            Err(Failure::Question(cause)) => {
                batch.notices.extend(self.told.say(&list.name, Some(cause)));
                return self.give(batch, None).await;
            }
            Err(other) => return Err(other),
        };
        let mark = newest.filter(|newest| self.since[index].as_ref() != Some(newest));
        if let Some(newest) = &mark {
            self.since[index] = Some(newest.clone());
        }
        self.give(batch, mark.map(|newest| (index, newest))).await
    }

    /// All pages of a list. Gives what fills a batch; the rest stays in `batch`. Gives back the newest change.
    async fn pages(
        &mut self,
        index: usize,
        list: &ListPages,
        batch: &mut Batch,
    ) -> Result<Option<Json>, Failure> {
        let start = list.since.as_ref().map(|since| Json::from(since.start.as_str()));
        let mut places = Places { since: self.since[index].clone().or(start), offset: 0, page: 1 };
        let mut newest = self.since[index].clone().or_else(|| places.since.clone());
        let mut sent = list.ask.send(&places);
        let (mut left_out, mut pauses) = (LeftOut::default(), 0);
        for _ in 0..self.plan.pages_max {
            let (json, link) = self.page_of(&sent, places.page, &mut pauses).await?;
            let rows = answer::rows(&json, &list.rows).map_err(Failure::Question)?;
            for rows in rows.chunks(RECORDS_MAX) {
                answer::records(rows, &list.maker, places.offset, &mut left_out, batch);
                places.offset += rows.len() as u64;
                newest = later(list.since.as_ref(), rows, newest);
                if batch.events.len() >= RECORDS_MAX {
                    self.give(std::mem::take(batch), None).await?;
                }
            }
            places.page += 1;
            let Some(next) = next(list, &json, link, rows.is_empty(), &sent, &places)? else {
                return Ok(self.done(list, &left_out, newest, batch));
            };
            sent = next;
        }
        Err(Failure::Question(Cause::TooLarge { max: self.plan.pages_max.into() }))
    }

    /// All pages came.
    fn done(
        &mut self,
        list: &ListPages,
        left_out: &LeftOut,
        newest: Option<Json>,
        batch: &mut Batch,
    ) -> Option<Json> {
        batch.events.extend(list.whole.then(|| left_out.end(list.maker.list())));
        let wrong = left_out.cause();
        let is_understood = wrong.is_none();
        batch.notices.extend(self.told.say(&list.name, wrong));
        // What is left out is asked for again until it is mended, so the mark stays before it.
        newest.filter(|_| list.since.is_some() && is_understood)
    }

    /// A page of a list. One behind the first is asked for again after a pause that the server wants: else a list that
    /// is longer than what it gives in one go would be begun again and again.
    async fn page_of(
        &mut self,
        sent: &Sent,
        page: u64,
        pauses: &mut u32,
    ) -> Result<(Json, Option<String>), Failure> {
        loop {
            let failure = match self.ask(sent).await {
                Err(Failure::Question(cause)) => Failure::Question(cause),
                other => return other,
            };
            if self.quiet_until.is_none() || page <= 1 || *pauses >= PAUSES_MAX {
                return Err(failure);
            }
            *pauses += 1;
        }
    }

    /// All questions go to one server: who asked for a pause gets it from all of them.
    async fn keep_quiet(&mut self) {
        let until = self.quiet_until.take();
        #[cfg(test)]
        let until = until.filter(|_| !self.is_careless);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Asks once, and once more with a new token where the server does not take the one we have.
    async fn ask(&mut self, sent: &Sent) -> Result<(Json, Option<String>), Failure> {
        self.keep_quiet().await;
        let plan = Arc::clone(&self.plan);
        let mut is_second = false;
        loop {
            let mut request = plan.client.request(sent.method.clone(), sent.url.clone());
            request = request.header(ACCEPT, "application/json").headers(plan.headers.clone());
            if let Some((name, value)) = self.identity.header(&plan.client).await? {
                request = request.header(name, value);
            }
            if let Some(body) = &sent.body {
                request = request.json(body);
            }
            let page = plan.client.fetch(request, plan.answer_max).await.map_err(|error| match error {
                FetchError::Unreachable(words) => Failure::Source(SourceError::Lost(words)),
                FetchError::TooLarge => Failure::Question(Cause::TooLarge { max: plan.answer_max as u64 }),
                FetchError::Never(words) => Failure::Question(Cause::Refused(words)),
            })?;
            let words = || brief(page.status, &String::from_utf8_lossy(&page.body));
            match page.status {
                200..=299 => {
                    let json = answer::parse(&page.body).map_err(Failure::Question)?;
                    return match answer::failure(&json, plan.fails_if.as_deref()) {
                        Some(cause) => Err(Failure::Question(cause)),
                        None => Ok((json, page.next)),
                    };
                }
                401 if !is_second && self.identity.forget() => is_second = true,
                401 => return Err(Failure::Source(SourceError::LockedOut(words()))),
                429 | 503 => {
                    let pause = page.after.unwrap_or(PAUSE).min(PAUSE_MAX);
                    self.quiet_until = Some(Instant::now() + pause);
                    debug!(url = %sent.url, ?pause, "asked to wait");
                    return Err(Failure::Question(Cause::Refused(words())));
                }
                _ => return Err(Failure::Question(Cause::Refused(words()))),
            }
        }
    }
}

/// The next page, if there is one.
fn next(
    list: &ListPages,
    json: &Json,
    link: Option<String>,
    is_empty: bool,
    sent: &Sent,
    places: &Places,
) -> Result<Option<Sent>, Failure> {
    let url = match &list.next {
        None => None,
        Some(Next::Offset | Next::Page) => return Ok((!is_empty).then(|| list.ask.send(places))),
        Some(Next::Link) => link,
        Some(Next::Pointer(pointer)) => json.pointer(pointer).and_then(Json::as_str).map(str::to_owned),
    };
    let Some(url) = url.filter(|url| !url.is_empty()) else { return Ok(None) };
    let next = follow(sent, &url).map_err(|words| Failure::Question(Cause::Forbidden(words)))?;
    if next == *sent {
        return Err(Failure::Question(Cause::Refused("the next page is this page".to_owned())));
    }
    Ok(Some(next))
}

fn later(since: Option<&Since>, page: &[Json], newest: Option<Json>) -> Option<Json> {
    let Some(since) = since else { return newest };
    let said = page.iter().filter_map(|row| rows::lookup(row, &since.field));
    said.fold(newest, |newest, said| match newest {
        Some(newest) if !answer::is_later(said, &newest) => Some(newest),
        _ if said.is_null() => newest,
        _ => Some(said.clone()),
    })
}

/// One tag of a page or message.
pub fn sample(json: &Json, tag: &TagPlace, style: &Style) -> Sample {
    match answer::measure(json, &tag.value, tag.time.as_deref(), style) {
        Ok((value, at)) => {
            Sample { tag: tag.id, value, quality: contract::Quality::Good, at, origin: Origin::Live }
        }
        Err(words) => bad_sample(tag.id, answer::bad(&words)),
    }
}

fn bad_sample(tag: TagId, quality: contract::Quality) -> Sample {
    Sample { tag, value: Value::Flag(false), quality, at: None, origin: Origin::Live }
}

#[cfg(test)]
mod tests;
