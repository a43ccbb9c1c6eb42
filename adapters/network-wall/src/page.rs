//! The page, written on the server: whole pages for the first paint, and the same cards and machines alone for
//! the living page and for older posts. One template for each, so that both can never differ.

use contract::{Moment, Post, Site};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;

use crate::card::{Card, Reader, Seat};
use crate::clock::Clock;
use crate::settings::Settings;
use crate::store::{Kept, Place, Rows};
use crate::words::{Words, fill};

/// Posts on one page of the feed. A reader scrolls about three of them at a time.
pub(crate) const PAGE: usize = 30;

/// Replies shown under a post in the feed; the whole thread is one click away.
pub(crate) const REPLIES_SHOWN: usize = 4;

/// Machines listed at the side. Those with an alarm come first, so none of these is ever left out before the
/// others.
const SEATS_MAX: usize = 80;

/// The style sheet, the script and the icon, with a name that changes with their content.
pub(crate) const STYLE: &str = include_str!("../page/wall.css");
pub(crate) const SCRIPT: &str = include_str!("../page/wall.js");
pub(crate) const ICON: &str = include_str!("../page/icon.svg");

/// Which posts a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum View {
    /// All of them.
    Feed,
    /// Those of one machine.
    Machine(String),
    /// One of them, with its whole thread.
    Post(String),
}

/// What the store holds for one page.
#[derive(Debug)]
pub(crate) struct Holding {
    posts: Vec<Kept>,
    latest: Vec<Option<Kept>>,
    open: usize,
    position: String,
    /// Not the first page.
    paged: bool,
}

/// Writes pages. Knows the site, the words and the clock; asks nobody.
#[derive(Debug)]
pub(crate) struct Page {
    env: Environment<'static>,
    words: Words,
    language: &'static str,
    clock: Clock,
    site: Site,
    title: String,
    /// Grows with each build of the assets, so that a browser may keep them for ever.
    pub build: String,
}

/// News for the living page.
#[derive(Debug, Serialize)]
pub(crate) struct News {
    posts: Vec<Item>,
    seats: Vec<SeatItem>,
    open: usize,
}

#[derive(Debug, Serialize)]
struct Item {
    key: String,
    machine: String,
    open: bool,
    moved: i64,
    line: String,
    html: String,
}

#[derive(Debug, Serialize)]
struct SeatItem {
    machine: String,
    rank: u8,
    order: usize,
    html: String,
}

/// Older posts, for programs and for the button at the end of the feed.
#[derive(Debug, Serialize)]
pub(crate) struct Older {
    posts: Vec<OlderItem>,
    /// What to ask `before` for the next page; absent at the end.
    before: Option<String>,
}

#[derive(Debug, Serialize)]
struct OlderItem {
    #[serde(flatten)]
    item: Item,
    post: Post,
}

impl Page {
    /// Reads the templates and the words.
    ///
    /// # Errors
    /// What is wrong with the site, or with a file that was built in.
    pub fn new(site: &Site, settings: &Settings) -> Result<Page, String> {
        let (words, language) = Words::of(&site.language)?;
        let mut env = Environment::new();
        env.set_auto_escape_callback(|_| AutoEscape::Html);
        let templates = [
            ("page", include_str!("../page/page.html")),
            ("card", include_str!("../page/card.html")),
            ("seat", include_str!("../page/seat.html")),
        ];
        for (name, source) in templates {
            env.add_template(name, source).map_err(|error| format!("{name}.html: {error:#}"))?;
        }
        let plural: Words = words.clone();
        env.add_global("words", Value::from(Serde(&words)));
        env.add_filter("count", move |words: String, n: usize| fill(&words, &[("n", &n.to_string())]));
        env.add_filter("at", |words: String, time: String| fill(&words, &[("time", &time)]));
        env.add_filter("to", |words: String, from: String, to: String| {
            fill(&words, &[("from", &from), ("to", &to)])
        });
        env.add_filter("open", move |n: usize| plural.open(n));
        let clock = Clock::of(&site.timezone)?;
        let title = settings.title.clone().unwrap_or_else(|| site.name.clone());
        Ok(Page { env, words, language, clock, site: site.clone(), title, build: build_name() })
    }

    /// What a page must be told of the store.
    pub fn hold(
        machines: &[String],
        view: &View,
        before: Option<Place>,
        rows: &Rows,
    ) -> rusqlite::Result<Holding> {
        let posts = match view {
            View::Feed => rows.page(None, before, PAGE + 1)?,
            View::Machine(key) => rows.page(Some(key), before, PAGE + 1)?,
            View::Post(key) => rows.one(key)?.into_iter().collect(),
        };
        let latest = machines.iter().map(|key| rows.latest_of(key)).collect::<Result<_, _>>()?;
        Ok(Holding {
            posts,
            latest,
            open: rows.open_count()?,
            position: position(rows),
            paged: before.is_some(),
        })
    }

    /// The keys of the machines, in the order of the configuration.
    pub fn machines(&self) -> Vec<String> {
        self.site.machines.iter().map(|machine| machine.key.clone()).collect()
    }

    /// A whole page. `None` when there is no such machine or post.
    pub fn whole(&self, view: &View, held: Holding, now: Moment) -> Result<Option<String>, minijinja::Error> {
        let reader = self.reader(now);
        let (posts, before) = cut(held.posts);
        let author = match view {
            View::Feed => None,
            View::Machine(key) => {
                let known = self.site.machines.iter().find(|machine| machine.key == *key);
                known.or(posts.first().map(|kept| &kept.post.author))
            }
            View::Post(_) => posts.first().map(|kept| &kept.post.author),
        };
        if *view != View::Feed && author.is_none() {
            return Ok(None);
        }
        let (mut open, mut past) = (Vec::new(), Vec::new());
        for kept in &posts {
            let card = self.card(&reader.card(kept))?;
            if kept.place.open { open.push(card) } else { past.push(card) }
        }
        let current = author.map(|author| author.key.as_str());
        let (seats, seats_more) = self.seats(&reader, &held.latest, current)?;
        let kind = match view {
            View::Feed => "feed",
            View::Machine(_) => "machine",
            View::Post(_) => "post",
        };
        let living = Living {
            kind,
            machine: author.map(|author| author.key.clone()),
            position: held.position,
            timezone: self.site.timezone.clone(),
            title: self.title.clone(),
            loaded: now.as_ms(),
            words: &self.words,
        };
        let html = self.env.get_template("page")?.render(context! {
            language => self.language, title => &self.title, site => &self.site.name, build => &self.build,
            kind, author => Serde(author.map(|author| reader.face(author))), open_count => held.open,
            clock => Serde(self.clock.when(now, now, &self.words)),
            open, past, seats, seats_more, before, living => Serde(living), paged => held.paged,
        })?;
        Ok(Some(html))
    }

    /// What changed, for a page that is open.
    pub fn news(
        &self,
        changed: &[Kept],
        latest: &[(usize, Option<Kept>)],
        open: usize,
        now: Moment,
    ) -> Result<News, minijinja::Error> {
        let reader = self.reader(now);
        let posts = changed.iter().map(|kept| self.item(&reader, kept)).collect::<Result<_, _>>()?;
        let seat = |(order, kept): &(usize, Option<Kept>)| {
            let seat = reader.seat(&self.site.machines[*order], *order, kept.as_ref());
            let html = self.seat(&seat, false)?;
            Ok::<_, minijinja::Error>(SeatItem {
                machine: seat.face.key,
                rank: seat.rank,
                order: *order,
                html,
            })
        };
        Ok(News { posts, seats: latest.iter().map(seat).collect::<Result<_, _>>()?, open })
    }

    /// Older posts.
    pub fn older(&self, held: Holding, now: Moment) -> Result<Older, minijinja::Error> {
        let reader = self.reader(now);
        let (posts, before) = cut(held.posts);
        let older = posts.into_iter().map(|kept| {
            let item = self.item(&reader, &kept)?;
            Ok(OlderItem { item, post: kept.post })
        });
        Ok(Older { posts: older.collect::<Result<_, minijinja::Error>>()?, before })
    }

    /// What a page says when there is nothing, in words.
    pub fn not_found(&self) -> &str {
        &self.words.not_found
    }

    /// What a page says when the store does not answer.
    pub fn unavailable(&self) -> &str {
        &self.words.unavailable
    }

    fn reader(&self, now: Moment) -> Reader<'_> {
        let machines = &self.site.machines;
        Reader { machines, words: &self.words, language: self.language, clock: &self.clock, now }
    }

    fn item(&self, reader: &Reader<'_>, kept: &Kept) -> Result<Item, minijinja::Error> {
        Ok(Item {
            key: kept.key.clone(),
            machine: kept.post.author.key.clone(),
            open: kept.place.open,
            moved: kept.place.moved,
            line: kept.post.first_line().plain(),
            html: self.card(&reader.card(kept))?.to_string(),
        })
    }

    fn card(&self, card: &Card) -> Result<Value, minijinja::Error> {
        let html = self.env.get_template("card")?.render(context! { card => Serde(card) })?;
        Ok(Value::from_safe_string(html))
    }

    fn seat(&self, seat: &Seat, is_current: bool) -> Result<String, minijinja::Error> {
        self.env.get_template("seat")?.render(context! { seat => Serde(seat), is_current })
    }

    /// The machines at the side, the worst first, and how many are left out.
    fn seats(
        &self,
        reader: &Reader<'_>,
        latest: &[Option<Kept>],
        current: Option<&str>,
    ) -> Result<(Vec<Value>, usize), minijinja::Error> {
        let machines = self.site.machines.iter().zip(latest).enumerate();
        let mut seats: Vec<Seat> =
            machines.map(|(order, (machine, kept))| reader.seat(machine, order, kept.as_ref())).collect();
        seats.sort_by_key(|seat| (seat.rank, seat.order));
        let more = seats.len().saturating_sub(SEATS_MAX);
        seats.truncate(SEATS_MAX);
        let html = seats.iter().map(|seat| {
            let is_current = current == Some(seat.face.key.as_str());
            Ok(Value::from_safe_string(self.seat(seat, is_current)?))
        });
        Ok((html.collect::<Result<_, minijinja::Error>>()?, more))
    }
}

/// What the script of a page must know.
#[derive(Debug, Serialize)]
struct Living<'a> {
    kind: &'static str,
    machine: Option<String>,
    position: String,
    timezone: String,
    title: String,
    loaded: i64,
    words: &'a Words,
}

/// The place of a reader in the changes of a store, as it travels in `Last-Event-ID`.
pub(crate) fn position(rows: &Rows) -> String {
    let (store, seq) = rows.position();
    format!("{store}-{seq}")
}

/// One page of posts, and what to ask for the next.
fn cut(mut posts: Vec<Kept>) -> (Vec<Kept>, Option<String>) {
    let has_more = posts.len() > PAGE;
    posts.truncate(PAGE);
    let before = posts.last().filter(|_| has_more).map(|kept| {
        let Place { open, moved, seq } = kept.place;
        format!("{}.{moved}.{seq}", u8::from(open))
    });
    (posts, before)
}

/// Reads what [`cut`] wrote.
pub(crate) fn read_before(text: &str) -> Option<Place> {
    let mut parts = text.split('.');
    let open = parts.next()? == "1";
    let (moved, seq) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(Place { open, moved, seq }).filter(|_| parts.next().is_none())
}

fn build_name() -> String {
    let bytes = [STYLE, SCRIPT, ICON].into_iter().flat_map(str::bytes);
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:x}")
}
