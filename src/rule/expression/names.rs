//! What a name in an expression means: given by whoever knows the machines.

use std::time::Duration;

use super::lexer::RESERVED;

/// What a name holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A number, in the unit of the name.
    Number,
    /// True or false.
    Flag,
    /// Words: a state, a field of an order.
    Text,
}

/// Where its value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// A tag of the machine.
    Tag,
    /// The state of the machine.
    State,
    /// A field of the order that the machine is making now.
    Order,
}

/// One name that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// As it is configured: `oil-temp`, `quantity`.
    pub name: String,
    /// Where its value comes from.
    pub kind: NameKind,
    /// What it holds.
    pub holds: Holds,
    /// The unit people read: `°C`.
    pub unit: Option<String>,
    /// Its value may be trusted for so long after it was read; always, without it.
    pub fresh_for: Option<Duration>,
}

impl Name {
    /// A tag that holds numbers.
    pub fn tag(name: &str, unit: Option<&str>) -> Name {
        Name {
            name: name.to_owned(),
            kind: NameKind::Tag,
            holds: Holds::Number,
            unit: unit.map(str::to_owned),
            fresh_for: None,
        }
    }

    /// The state of the machine.
    pub fn state() -> Name {
        Name { kind: NameKind::State, holds: Holds::Text, ..Name::tag("state", None) }
    }

    /// A field of the current order.
    pub fn order(field: &str, holds: Holds, unit: Option<&str>) -> Name {
        Name { kind: NameKind::Order, holds, ..Name::tag(field, unit) }
    }

    /// As it is written in an expression: `oil_temp`, `state`, `order.quantity`.
    pub fn spelling(&self) -> String {
        match self.kind {
            NameKind::Tag => spelling(&self.name),
            NameKind::State => "state".to_owned(),
            NameKind::Order => format!("order.{}", spelling(&self.name)),
        }
    }
}

/// A configured name as CEL can spell it: `_` for each letter that it does not know, so that `oil-temp` is
/// `oil_temp`; `_` before a digit and after a word that CEL keeps for itself.
pub fn spelling(name: &str) -> String {
    let mut out: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, '_');
    }
    if RESERVED.contains(&out.as_str()) {
        out.push('_');
    }
    out
}

/// A machine of a place, with the names it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its key.
    pub key: String,
    /// Where it stands: `Vitré/Atelier B/Ligne 2`.
    pub place: String,
    /// What it has.
    pub names: Vec<Name>,
}

/// All names that an expression may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Those of the machine of the rule.
    pub own: Vec<Name>,
    /// The machines that a place may hold, the one of the rule among them.
    pub machines: Vec<Machine>,
}

impl Names {
    /// The names of one of the machines, or of the machine of the rule.
    pub(super) fn of(&self, machine: Option<usize>) -> &[Name] {
        match machine {
            Some(machine) => self.machines.get(machine).map_or(&[], |machine| &machine.names),
            None => &self.own,
        }
    }

    /// The machines at a place or below it.
    pub(super) fn at(&self, place: &str) -> Vec<usize> {
        let is_in =
            |of: &str| of.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let machines = self.machines.iter().enumerate();
        machines.filter(|(_, machine)| is_in(&machine.place)).map(|(index, _)| index).collect()
    }

    /// Every place, from the largest to the smallest.
    pub(super) fn places(&self) -> Vec<&str> {
        let mut places = Vec::new();
        for machine in &self.machines {
            let ends = machine.place.match_indices('/').map(|(at, _)| at).chain([machine.place.len()]);
            places.extend(ends.map(|end| &machine.place[..end]));
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}

/// The known word that is near enough to be what was meant.
pub(super) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = (1 + found.chars().count() / 4).min(found.chars().count().saturating_sub(1));
    let lower = found.to_lowercase();
    known
        .into_iter()
        .map(|word| (strsim::osa_distance(&lower, &word.to_lowercase()), word))
        .filter(|(distance, _)| *distance <= reach)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// `` did you mean `oil`? ``, or all that is known.
pub(super) fn help(found: &str, known: &[String]) -> String {
    match nearest(found, known.iter().map(String::as_str)) {
        Some(word) => format!("did you mean `{word}`?"),
        None if known.is_empty() => "there is none here".to_owned(),
        None => {
            let more = if known.len() > 12 { ", …" } else { "" };
            let some: Vec<String> = known.iter().take(12).map(|word| format!("`{word}`")).collect();
            format!("expected one of {}{more}", some.join(", "))
        }
    }
}
