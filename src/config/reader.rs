//! From the tree to the plan: the site, the sources, the networks. Machines have a file of their own.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use contract::Site;
use toml::de::DeValue;

use super::claims::Claimed;
use super::files::Files;
use super::kinds::{Boxed, Kinds, Shapes};
use super::leaf::{self, Leaf};
use super::plan::{ListPlan, MachinePlan, NetworkPlan, Plan, Settings, SourcePlan};
use super::print::{self, Outside, Print};
use super::problem::{Problems, Span};
use super::section::{Language, NetworkCommon, SiteSection};
use super::together::Listens;
use super::tree::{Key, Table, Value};
use super::wording;

/// The longest name of a source, network, class, machine, tag or rule.
const NAME_CHARS_MAX: usize = 64;

/// The tables of the first level.
const ROOMS: &[&str] =
    &["site", "source", "network", "class", "machine", "list", "shift", "calendar", "summary"];

/// What is being read, with all that was found wrong so far.
pub(super) struct Reader<'a> {
    pub files: &'a Files,
    pub kinds: Kinds,
    pub shapes: Shapes,
    pub problems: Problems,
    /// True when a table of the sources could not be read as a source: what names it may be right.
    pub is_source_lost: bool,
    /// Class and tag of an address that does not name its machine, once a machine has it.
    pub for_one: HashSet<(String, String)>,
    /// Expressions that wait until all machines and lists are known.
    pub claims: Vec<Claimed>,
}

/// A source or a network whose table may still be wrong.
pub(super) struct Member {
    pub name: String,
    /// The index of its kind.
    pub kind: usize,
    pub span: Span,
    pub settings: Option<Boxed>,
    /// Of a network: its own language.
    pub common: Option<NetworkCommon>,
    pub listens: Listens,
    /// Of its table.
    pub print: Print,
    pub outside: Vec<Outside>,
}

/// `[<room>.<kind>.<name>]`
struct Found<'t> {
    kind: usize,
    key: &'t Key<'t>,
    table: &'t Table<'t>,
}

/// The entries of a table in the order of the files.
pub(super) fn in_order<'t>(table: &'t Table<'t>) -> Vec<(&'t Key<'t>, &'t Value<'t>)> {
    let mut entries: Vec<(&Key<'_>, &Value<'_>)> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

impl<'a> Reader<'a> {
    /// Has read nothing yet.
    pub fn new(files: &'a Files, kinds: Kinds, problems: Problems) -> Reader<'a> {
        let shapes = Shapes::of(&kinds);
        Reader {
            files,
            kinds,
            shapes,
            problems,
            is_source_lost: false,
            for_one: HashSet::new(),
            claims: Vec::new(),
        }
    }
}

impl Reader<'_> {
    /// The plan; `None` when something is wrong, all of which was told.
    pub fn plan(&mut self, root: &Table<'_>) -> Option<Plan> {
        self.check_rooms(root);
        let site = self.site(root);
        let sources = self.sources(root);
        let networks = self.networks(root);
        self.check_ports(&sources, &networks);
        let needed = site.as_ref().map(|site| languages(site, &networks)).unwrap_or_default();
        let mut machines = self.machines(root, &sources, &needed);
        let lists = self.lists(root, &sources, &needed);
        self.compile_claims(&mut machines, &lists, &sources);
        let hours = self.hours(root, &needed);
        let summaries = self.summaries(root, &machines);
        if self.problems.has_error() {
            return None;
        }
        self.warn_of_idle_sources(&sources, &machines, &lists);
        let section = site?;
        let site = Site {
            name: section.name.clone(),
            language: section.language.code().to_owned(),
            timezone: section.timezone.clone(),
            machines: machines.iter().map(|machine| machine.author.clone()).collect(),
        };
        let settings = Settings { state: section.state.clone(), stories_per_day: section.stories_per_day };
        let networks =
            networks.into_iter().filter_map(|member| self.network_plan(member, &section)).collect();
        let sources = sources.into_iter().filter_map(|member| self.source_plan(member)).collect();
        Some(Plan {
            site,
            settings,
            sources,
            networks,
            machines,
            lists,
            hours,
            summaries,
            warnings: Vec::new(),
        })
    }

    fn warn_of_idle_sources(&mut self, sources: &[Member], machines: &[MachinePlan], lists: &[ListPlan]) {
        let is_used = |at: usize| {
            machines.iter().flat_map(|machine| &machine.tags).any(|tag| tag.source == at)
                || lists.iter().any(|list| list.source == at)
        };
        for (_, source) in sources.iter().enumerate().filter(|(at, _)| !is_used(*at)) {
            let message = format!("no tag and no list reads from source `{}`", source.name);
            self.problems.warning(source.span.clone(), message);
        }
    }

    fn source_plan(&self, member: Member) -> Option<SourcePlan> {
        let kind = *self.kinds.sources.get(member.kind)?;
        let place = self.files.place(member.span.start);
        let (print, outside) = (member.print, member.outside);
        Some(SourcePlan { name: member.name, kind, settings: member.settings?, print, outside, place })
    }

    fn network_plan(&self, member: Member, site: &SiteSection) -> Option<NetworkPlan> {
        let kind = *self.kinds.networks.get(member.kind)?;
        let place = self.files.place(member.span.start);
        let language = member.common?.language.unwrap_or(site.language).code().to_owned();
        let (print, outside, settings) = (member.print, member.outside, member.settings?);
        Some(NetworkPlan { name: member.name, kind, settings, language, print, outside, place })
    }

    fn check_rooms(&mut self, root: &Table<'_>) {
        for (key, value) in in_order(root) {
            let name = key.get_ref().as_ref();
            if !ROOMS.contains(&name) {
                let (message, help) = wording::unknown_key(name, ROOMS.iter().copied());
                let is_table = value.get_ref().is_table();
                let message = if is_table {
                    message.replace("unknown key", "unknown table")
                } else {
                    format!("key `{name}` outside of a table, expected it under a header such as [site]")
                };
                self.problems.error(key.span(), message).help(help.filter(|_| is_table));
            }
        }
    }

    fn site(&mut self, root: &Table<'_>) -> Option<SiteSection> {
        let Some((key, value)) = root.get_key_value("site") else {
            self.problems
                .error(None, "missing table `[site]`")
                .path("site")
                .help("write [site] and under it name = \"…\", the name people use".to_owned());
            return None;
        };
        let table = self.table(key, value, "[site]")?.clone();
        let leaf = Leaf {
            table,
            header: key.span(),
            shape: &self.shapes.site,
            more: &[],
            hint: None,
            overlay: None,
        };
        leaf::read(leaf, leaf::whole::<SiteSection>, &mut self.problems)
    }

    fn sources(&mut self, root: &Table<'_>) -> Vec<Member> {
        let names: Vec<&str> = self.kinds.sources.iter().map(|kind| kind.name()).collect();
        let before = self.problems.errors();
        let found = self.room(root, "source", &names);
        self.is_source_lost = self.problems.errors() > before;
        let mut members = Vec::new();
        for Found { kind, key, table } in found {
            let (Some(of), Some(shape)) = (self.kinds.sources.get(kind), self.shapes.sources.get(kind))
            else {
                continue;
            };
            let leaf = Leaf {
                table: table.clone(),
                header: key.span(),
                shape,
                more: &[],
                hint: None,
                overlay: None,
            };
            let settings = leaf::read(leaf, |table| of.settings(table), &mut self.problems);
            let slips = settings.as_ref().map(|settings| of.warn(settings)).unwrap_or_default();
            self.warn(table, &key.span(), slips);
            let listens = settings.as_ref().and_then(|settings| of.listens(settings));
            members.push(Member {
                name: key.get_ref().to_string(),
                kind,
                span: key.span(),
                settings,
                common: None,
                listens: placed(listens, table, key),
                print: Print::of(table),
                outside: print::outside(table),
            });
        }
        members
    }

    fn networks(&mut self, root: &Table<'_>) -> Vec<Member> {
        let names: Vec<&str> = self.kinds.networks.iter().map(|kind| kind.name()).collect();
        if root.get("network").is_none() {
            self.problems
                .error(None, "no network, expected at least one: nobody would read the posts")
                .path("network")
                .help(names.first().map(|kind| format!("write [network.{kind}.local]")));
        }
        let found = self.room(root, "network", &names);
        let mut members = Vec::new();
        for Found { kind, key, table } in found {
            let (Some(of), Some(shape)) = (self.kinds.networks.get(kind), self.shapes.networks.get(kind))
            else {
                continue;
            };
            let (common, own) = split(table, NetworkCommon::KEYS);
            let header = key.span();
            let leaf = Leaf {
                table: common,
                header: header.clone(),
                shape: &self.shapes.network,
                more: &[],
                hint: None,
                overlay: None,
            };
            let common = leaf::read(leaf, leaf::whole::<NetworkCommon>, &mut self.problems);
            let leaf = Leaf {
                table: own,
                header: header.clone(),
                shape,
                more: NetworkCommon::KEYS,
                hint: None,
                overlay: None,
            };
            let settings = leaf::read(leaf, |table| of.settings(table), &mut self.problems);
            let slips = settings.as_ref().map(|settings| of.warn(settings)).unwrap_or_default();
            self.warn(table, &header, slips);
            let listens = settings.as_ref().and_then(|settings| of.listens(settings));
            members.push(Member {
                name: key.get_ref().to_string(),
                kind,
                span: header,
                settings,
                common,
                listens: placed(listens, table, key),
                print: Print::of(table),
                outside: print::outside(table),
            });
        }
        members
    }

    /// The tables of a room that have a known kind and a name.
    fn room<'t>(&mut self, root: &'t Table<'t>, room: &str, kinds: &[&str]) -> Vec<Found<'t>> {
        let form = format!("[{room}.<kind>.<name>]");
        let Some((key, value)) = root.get_key_value(room) else { return Vec::new() };
        let Some(table) = self.table(key, value, &form) else { return Vec::new() };
        let mut found = Vec::new();
        let mut first: HashMap<&'t str, Span> = HashMap::new();
        for (key, value) in in_order(table) {
            let name = key.get_ref().as_ref();
            let Some(kind) = kinds.iter().position(|kind| *kind == name) else {
                let help = wording::did_you_mean(name, kinds.iter().copied());
                let expected = wording::list(kinds.iter().copied());
                self.problems
                    .error(key.span(), format!("unknown kind of {room} `{name}`, expected {expected}"))
                    .help(help.or(Some(format!("a {room} is written {form}"))));
                continue;
            };
            let form = format!("[{room}.{name}.<name>]");
            let Some(named) = self.table(key, value, &form) else { continue };
            for (key, table) in self.tables(named, &form) {
                if let Some(first) = first.insert(key.get_ref(), key.span()) {
                    let place = self.files.place(first.start);
                    let message = format!("another {room} is called `{}`, at {place}", key.get_ref());
                    self.problems
                        .error(key.span(), message)
                        .help(format!("give each {room} a name of its own"));
                }
                found.push(Found { kind, key, table });
            }
        }
        found
    }

    /// The tables in a table, whose names are checked. Of the values that are no tables the first is told: the
    /// name was forgotten, and the others follow from that.
    pub fn tables<'t>(&mut self, table: &'t Table<'t>, form: &str) -> Vec<(&'t Key<'t>, &'t Table<'t>)> {
        let mut tables = Vec::new();
        let mut is_told = false;
        for (key, value) in in_order(table) {
            match value.get_ref() {
                DeValue::Table(table) => {
                    self.check_name(key);
                    tables.push((key, table));
                }
                _ if is_told => {}
                other => {
                    is_told = true;
                    let message = format!("{}, expected a table {form}", found(other));
                    self.problems
                        .error(key.span(), message)
                        .help("is the name missing in the header?".to_owned());
                }
            }
        }
        tables
    }

    /// The value as a table, or else an error.
    pub fn table<'t>(&mut self, key: &Key<'_>, value: &'t Value<'t>, form: &str) -> Option<&'t Table<'t>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.problems.error(key.span(), format!("{}, expected a table {form}", found(value.get_ref())));
        }
        table
    }

    fn check_name(&mut self, key: &Key<'_>) {
        let name = key.get_ref().as_ref();
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.chars().all(is_plain) && !name.starts_with('-') && (1..=NAME_CHARS_MAX).contains(&name.len())
        {
            return;
        }
        let length = name.chars().count();
        if length > NAME_CHARS_MAX {
            let message = format!("name of {length} characters, expected at most {NAME_CHARS_MAX}");
            self.problems.error(key.span(), message);
            return;
        }
        let plain = plain_name(name);
        self.problems
            .error(
                key.span(),
                format!("invalid name `{name}`, expected lower-case letters, digits and `-`, at most {NAME_CHARS_MAX}"),
            )
            .help((!plain.is_empty() && plain != name).then(|| format!("for example `{plain}`")));
    }
}

/// Where somebody listens, with the place that says so: the header where the address is the default.
fn placed(listens: Option<(&str, SocketAddr)>, table: &Table<'_>, key: &Key<'_>) -> Listens {
    listens.map(|(name, address)| (address, leaf::walk(table, name).unwrap_or(key.span())))
}

fn plain_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .take(NAME_CHARS_MAX)
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'à' | 'â' | 'ä' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'î' | 'ï' => 'i',
            'ô' | 'ö' => 'o',
            'ù' | 'û' | 'ü' => 'u',
            'ç' => 'c',
            c if c.is_ascii_lowercase() || c.is_ascii_digit() => c,
            _ => '-',
        })
        .collect();
    plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// What a value is that should have been a table.
fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(array) if array.iter().any(|item| item.get_ref().is_table()) => {
            "an array of tables `[[…]]`"
        }
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// The entries with these keys, and the others.
pub(super) fn split<'t>(table: &Table<'t>, keys: &[&str]) -> (Table<'t>, Table<'t>) {
    let entries = table.iter().map(|(key, value)| (key.clone(), value.clone()));
    let (mut own, mut others) = (Table::new(), Table::new());
    for (key, value) in entries {
        let side = if keys.contains(&key.get_ref().as_ref()) { &mut own } else { &mut others };
        side.insert(key, value);
    }
    (own, others)
}

/// Each language that somebody reads, with the first network that uses it.
fn languages(site: &SiteSection, networks: &[Member]) -> Vec<(Language, String)> {
    let mut needed: Vec<(Language, String)> = Vec::new();
    for network in networks {
        let Some(common) = &network.common else { continue };
        let language = common.language.unwrap_or(site.language);
        if !needed.iter().any(|(known, _)| *known == language) {
            needed.push((language, network.name.clone()));
        }
    }
    needed
}
