//! Machines: each with its own tags and rules, and those of its class. A machine's key stands over the same key
//! of its class; each value keeps its own place.

use std::collections::HashMap;

use contract::{Author, TagId};

use super::files::Files;
use super::leaf::{self, Leaf};
use super::plan::{MachinePlan, RulePlan, StatesPlan, TagPlan};
use super::problem::{Problems, Span};
use super::reader::{Member, Reader, in_order, split};
use super::section::{Language, MachineSection};
use super::tree::{Key, Table, Value};
use super::wording;

/// `[class.<name>]`, or the same part of a machine.
#[derive(Clone, Copy, Default)]
pub(super) struct Part<'t> {
    pub name: &'t str,
    pub tags: Option<&'t Table<'t>>,
    pub rules: Option<&'t Table<'t>>,
    /// With the name in its header.
    pub production: Option<(&'t Key<'t>, &'t Table<'t>)>,
    /// With the name in its header.
    pub states: Option<(&'t Key<'t>, &'t Table<'t>)>,
}

/// What a machine says itself and what its class says, of one table.
pub(super) struct Layers<'t> {
    pub name: &'t str,
    own: Option<(&'t Key<'t>, &'t Table<'t>)>,
    class: Option<(&'t Key<'t>, &'t Table<'t>)>,
}

/// What the tags and rules of a machine are read against.
pub(super) struct Around<'a> {
    pub sources: &'a [Member],
    /// Each language that somebody reads, with a network that uses it.
    pub needed: &'a [(Language, String)],
    pub own: Part<'a>,
    pub class: Option<Part<'a>>,
}

impl<'t> Layers<'t> {
    /// Of one table that has no name of its own; `None` where nobody writes it.
    pub fn of_one(
        name: &'t str,
        class: Option<(&'t Key<'t>, &'t Table<'t>)>,
        own: Option<(&'t Key<'t>, &'t Table<'t>)>,
    ) -> Option<Layers<'t>> {
        (class.is_some() || own.is_some()).then_some(Layers { name, own, class })
    }

    /// By name, in the order of the files; what stands in the class first.
    pub fn of(
        reader: &mut Reader<'_>,
        class: Option<&'t Table<'t>>,
        own: Option<&'t Table<'t>>,
        form: &str,
    ) -> Vec<Layers<'t>> {
        let mut layers: Vec<Layers<'t>> = Vec::new();
        for (key, table) in class.map(|table| reader.tables(table, form)).unwrap_or_default() {
            layers.push(Layers { name: key.get_ref(), own: None, class: Some((key, table)) });
        }
        for (key, table) in own.map(|table| reader.tables(table, form)).unwrap_or_default() {
            match layers.iter_mut().find(|layer| layer.name == key.get_ref().as_ref()) {
                Some(layer) => layer.own = Some((key, table)),
                None => layers.push(Layers { name: key.get_ref(), own: Some((key, table)), class: None }),
            }
        }
        layers
    }

    /// Where it is written: in the machine's own table if it has one.
    pub fn header(&self) -> Span {
        self.own.or(self.class).map_or(0..0, |(key, _)| key.span())
    }

    /// Both as one table. Of a class, only the keys that `keep` lets through.
    pub fn joined(&self, keep: impl Fn(&str) -> bool) -> Table<'t> {
        let mut joined = Table::new();
        for (key, value) in self.class.iter().flat_map(|(_, table)| table.iter()) {
            if keep(key.get_ref()) {
                joined.insert(key.clone(), value.clone());
            }
        }
        for (key, value) in self.own.iter().flat_map(|(_, table)| table.iter()) {
            // Taken out first: a map keeps the key it has, with its place.
            joined.remove(key.get_ref().as_ref());
            joined.insert(key.clone(), value.clone());
        }
        joined
    }

    /// The table of the class and that of the machine.
    pub fn tables(&self) -> (Option<&'t Table<'t>>, Option<&'t Table<'t>>) {
        (self.class.map(|(_, table)| table), self.own.map(|(_, table)| table))
    }

    /// The class that writes it, if one does, and the keys that the machine lays over it.
    pub fn told_by(&self, around: &Around<'_>) -> (Option<String>, Vec<String>) {
        let Some(class) = around.class.filter(|_| self.class.is_some()) else { return (None, Vec::new()) };
        let own = self.own.into_iter().flat_map(|(_, table)| table.keys());
        (Some(class.name.to_owned()), own.map(|key| key.get_ref().to_string()).collect())
    }

    /// The text that the class gives for a key.
    pub fn class_text(&self, key: &str) -> Option<&'t str> {
        self.class.and_then(|(_, table)| table.get(key)?.get_ref().as_str())
    }

    /// What is said of a fault in a key of the class that the machine's own keys made one.
    pub fn overlay(&self, files: &Files, around: &Around<'_>) -> Option<(Vec<String>, String)> {
        let ((key, own), _) = (self.own?, self.class?);
        let keys = own.keys().map(|key| key.get_ref().to_string()).collect();
        let place = files.place(key.span().start);
        let help = format!("machine `{}` lays its own keys over this, at {place}", around.own.name);
        Some((keys, help))
    }

    /// What is said when a key is missing: the name was perhaps meant to be that of the class.
    pub fn hint(&self, what: &str, around: &Around<'_>, siblings: &[&str]) -> Option<String> {
        let (Some(class), None, Some(_)) = (around.class, self.class, self.own) else { return None };
        let guess =
            wording::did_you_mean(self.name, siblings.iter().copied().filter(|name| *name != self.name))
                .map_or(String::new(), |guess| format!("; {guess}"));
        Some(format!(
            "class `{}` has no {what} `{}`, so all of it must stand here{guess}",
            class.name, self.name
        ))
    }
}

impl Reader<'_> {
    /// Every machine, in the order of the files.
    pub fn machines(
        &mut self,
        root: &Table<'_>,
        sources: &[Member],
        needed: &[(Language, String)],
    ) -> Vec<MachinePlan> {
        let classes = self.classes(root);
        let mut used: Vec<&str> = Vec::new();
        let mut read = Vec::new();
        let mut next = 0;
        let mut is_class_lost = false;
        let mut known: HashMap<String, Span> = HashMap::new();
        let mut parents = HashMap::new();
        for (key, table) in self.named(root, "machine") {
            let section = self.machine_section(key, table);
            if let Some(section) = &section {
                self.check_known_as(key, table, section, &mut known);
            }
            let class_name = table.get("class").and_then(|value| value.get_ref().as_str());
            let class = class_name.and_then(|name| classes.get(name));
            used.extend(class.map(|(_, class)| class.name));
            self.check_class(table, &classes);
            // Without its class, half of what it says would be missing.
            if table.contains_key("class") && class.is_none() {
                is_class_lost = true;
                continue;
            }
            let own = self.part(key, table, MachineSection::KEYS);
            let around = Around { sources, needed, own, class: class.map(|(_, class)| *class) };
            let tags = self.tags(&around, &mut next);
            let states = self.states(&around, &tags);
            let rules = self.rules(&around, &tags, states.as_ref());
            let production = self.production(&around, &tags);
            // A machine of which only records speak has none.
            let is_mute = !table.contains_key("tag") && root.get("list").is_none();
            if is_mute && around.class.is_none_or(|class| class.tags.is_none()) {
                self.problems
                    .warning(key.span(), "this machine has no tag: it will never speak")
                    .help("give it a class, or write [machine.<key>.tag.<name>]".to_owned());
            }
            if let Some(parent) = section.as_ref().and_then(|section| section.parent.clone()) {
                let span = table.get("parent").map_or(key.span(), |value| value.span());
                parents.insert(key.get_ref().to_string(), (parent, span));
            }
            read.extend(section.map(|section| MachinePlan {
                known_as: section.known_as.clone(),
                parent: None,
                states,
                author: author(key, section),
                tags,
                rules,
                production,
            }));
        }
        if is_class_lost {
            used.extend(classes.keys());
        }
        self.check_idle(root, &classes, &used, sources, needed);
        self.check_parents(&mut read, &parents);
        read
    }

    /// A record names one machine: no two may answer to one name.
    fn check_known_as(
        &mut self,
        key: &Key<'_>,
        table: &Table<'_>,
        section: &MachineSection,
        known: &mut HashMap<String, Span>,
    ) {
        let span = table.get("known_as").map_or(key.span(), |value| value.span());
        let own = std::iter::once(key.get_ref().to_string()).map(|name| (name, key.span()));
        let names = section.known_as.iter().map(|name| (name.trim().to_owned(), span.clone()));
        for (name, span) in own.chain(names) {
            if let Some(first) = known.insert(name.clone(), span.clone())
                && first != span
            {
                let place = self.files.place(first.start);
                let message = format!("another machine is known as `{name}`, at {place}");
                self.problems.error(span, message);
            }
        }
    }

    /// Classes that no machine has are read too, so that their mistakes are known before they are needed.
    fn check_idle<'t>(
        &mut self,
        root: &'t Table<'t>,
        classes: &HashMap<&'t str, (Span, Part<'t>)>,
        used: &[&str],
        sources: &[Member],
        needed: &[(Language, String)],
    ) {
        for (span, class) in classes.values().filter(|(_, class)| !used.contains(&class.name)) {
            self.problems.warning(span.clone(), "no machine has this class");
            let around = Around { sources, needed, own: Part::default(), class: Some(*class) };
            let tags = self.tags(&around, &mut 0);
            let states = self.states(&around, &tags);
            self.rules(&around, &tags, states.as_ref());
            self.production(&around, &tags);
        }
        if !self.problems.has_error() && root.get("machine").is_none() && root.get("list").is_none() {
            self.problems
                .warning(None, "no machine: nobody speaks")
                .path("machine")
                .help("write [machine.<key>] and under it class = \"…\"".to_owned());
        }
    }

    fn classes<'t>(&mut self, root: &'t Table<'t>) -> HashMap<&'t str, (Span, Part<'t>)> {
        let classes = self.named(root, "class");
        classes
            .into_iter()
            .map(|(key, table)| (key.get_ref().as_ref(), (key.span(), self.part(key, table, &[]))))
            .collect()
    }

    /// The tables `[<room>.<name>]`.
    pub(super) fn named<'t>(&mut self, root: &'t Table<'t>, room: &str) -> Vec<(&'t Key<'t>, &'t Table<'t>)> {
        let form = format!("[{room}.<name>]");
        let Some((key, value)) = root.get_key_value(room) else { return Vec::new() };
        self.table(key, value, &form).map(|table| self.tables(table, &form)).unwrap_or_default()
    }

    /// The tags and rules of a class or machine; `own` are the keys that may stand beside them.
    fn part<'t>(&mut self, key: &'t Key<'t>, table: &'t Table<'t>, own: &[&str]) -> Part<'t> {
        let mut part = Part { name: key.get_ref(), ..Part::default() };
        for (key, value) in in_order(table) {
            match key.get_ref().as_ref() {
                "tag" => part.tags = self.table(key, value, "[….tag.<name>]"),
                "rule" => part.rules = self.table(key, value, "[….rule.<kind>.<name>]"),
                "production" => {
                    part.production = self.table(key, value, "[….production]").map(|table| (key, table));
                }
                "states" => {
                    part.states = self.table(key, value, "[….states]").map(|table| (key, table));
                }
                name if own.contains(&name) || !own.is_empty() => {}
                name if MachineSection::KEYS.contains(&name) => {
                    let message =
                        format!("`{name}` in a class, expected `tag`, `rule`, `production` or `states`");
                    self.problems.error(key.span(), message).help("it belongs to each machine".to_owned());
                }
                name => {
                    let (message, help) = wording::unknown_key(name, ["tag", "rule", "production", "states"]);
                    self.problems.error(key.span(), message).help(help);
                }
            }
        }
        part
    }

    fn machine_section(&mut self, key: &Key<'_>, table: &Table<'_>) -> Option<MachineSection> {
        let (_, own) = split(table, &["tag", "rule", "production", "states"]);
        let leaf = Leaf {
            table: own,
            header: key.span(),
            shape: &self.shapes.machine,
            more: &["tag", "rule", "production", "states"],
            hint: None,
            overlay: None,
        };
        leaf::read(leaf, leaf::whole::<MachineSection>, &mut self.problems)
    }

    fn check_class(&mut self, table: &Table<'_>, classes: &HashMap<&str, (Span, Part<'_>)>) {
        let Some((value, name)) =
            table.get("class").and_then(|value| Some((value, value.get_ref().as_str()?)))
        else {
            return;
        };
        if !classes.contains_key(name) {
            let known: Vec<&str> = classes.keys().copied().collect();
            tell_unknown(&mut self.problems, value, "class", name, &known, &format!("[class.{name}]"));
        }
    }

    /// The tags of a machine. Each is read whole, so that all that is wrong in it is told.
    fn tags(&mut self, around: &Around<'_>, next: &mut u32) -> Vec<TagPlan> {
        let layers =
            Layers::of(self, around.class.and_then(|class| class.tags), around.own.tags, "[….tag.<name>]");
        let names: Vec<&str> = layers.iter().map(|layer| layer.name).collect();
        let mut tags: Vec<_> =
            layers.iter().filter_map(|layer| self.tag(layer, around, &names, next)).collect();
        tags.shrink_to_fit();
        tags
    }

    /// Every rule of a machine: by kind, then those that `stale_after` makes.
    fn rules(&mut self, around: &Around<'_>, tags: &[TagPlan], states: Option<&StatesPlan>) -> Vec<RulePlan> {
        let mut rules = self.written_rules(around, tags, states);
        rules.extend(self.stale_rules(around, tags, &rules));
        // They stay as long as the program runs, and there may be thousands of machines.
        rules.shrink_to_fit();
        rules
    }
}

fn author(key: &Key<'_>, section: MachineSection) -> Author {
    let key = key.get_ref().to_string();
    Author { name: section.name.unwrap_or_else(|| key.clone()), place: section.place, key }
}

/// Something is named that is not there.
pub(super) fn tell_unknown(
    problems: &mut Problems,
    value: &Value<'_>,
    what: &str,
    name: &str,
    known: &[&str],
    form: &str,
) {
    let mut known = known.to_vec();
    known.sort_unstable();
    let help = wording::did_you_mean(name, known.iter().copied());
    let message = match known.as_slice() {
        [] => format!("unknown {what} `{name}`: there is none"),
        known => format!("unknown {what} `{name}`, expected {}", wording::list(known.iter().copied())),
    };
    problems.error(value.span(), message).help(help.or(Some(format!("or write {form}"))));
}

/// The number of a tag, by name.
pub(super) fn id_of(tags: &[TagPlan], name: &str) -> Option<TagId> {
    tags.iter().find(|tag| tag.name == name).map(|tag| tag.id)
}
