//! A fingerprint of a table as it was read: two tables that say the same have the same one, wherever they stand and
//! in whatever order their keys are written. So a reload knows what did not change.

use std::path::PathBuf;

use contract::settings::Secret;
use sha2::{Digest, Sha256};
use toml::de::DeValue;

use super::plan::Plan;
use super::tree::Table;

/// Half a SHA-256: enough that no two tables of one plant share one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Print([u8; 16]);

/// Something outside of the files of a configuration that a table names: it may change while the table stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside {
    /// `{ credential = "…" }`, `{ file = "…" }` or `{ env = "…" }`.
    Secret(Secret),
    /// What looks like the path of a file: a certificate, the description of a device.
    File(PathBuf),
}

impl Print {
    /// Of a whole table.
    pub(super) fn of(table: &Table<'_>) -> Print {
        Print::without(table, &[])
    }

    /// Of a table without these keys.
    pub(super) fn without(table: &Table<'_>, keys: &[&str]) -> Print {
        let mut hash = Sha256::new();
        write_table(table, keys, &mut hash);
        Print::end(hash)
    }

    /// Together with something else.
    pub fn and(self, more: &[u8]) -> Print {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(more);
        Print::end(hash)
    }

    /// Together with another one.
    pub fn with(self, other: Print) -> Print {
        self.and(&other.0)
    }

    fn end(hash: Sha256) -> Print {
        let mut print = [0; 16];
        print.iter_mut().zip(hash.finalize()).for_each(|(to, byte)| *to = byte);
        Print(print)
    }
}

impl Plan {
    /// Of all that the source of this number is built from, but for what lies outside of the configuration: its table,
    /// the addresses of its tags, its lists.
    pub fn print_of_source(&self, at: usize) -> Print {
        let Some(source) = self.sources.get(at) else { return Print::default() };
        let mut parts: Vec<(&str, &str, Print)> = Vec::new();
        for machine in &self.machines {
            let tags = machine.tags.iter().filter(|tag| tag.source == at);
            parts.extend(tags.map(|tag| (machine.author.key.as_str(), tag.name.as_str(), tag.wire)));
        }
        let lists = self.lists.iter().filter(|list| list.source == at);
        parts.extend(lists.map(|list| ("", list.name.as_str(), list.print)));
        parts.sort_unstable_by_key(|(machine, name, _)| (*machine, *name));
        // Times without a zone are in that of the site.
        let own = source.print.and(source.kind.name().as_bytes()).and(self.site.timezone.as_bytes());
        let name =
            |print: Print, name: &str| print.and(&(name.len() as u64).to_le_bytes()).and(name.as_bytes());
        parts.into_iter().fold(own, |all, (machine, tag, print)| name(name(all, machine), tag).with(print))
    }

    /// Of all that the network of this number is built from, but for what lies outside of the configuration.
    pub fn print_of_network(&self, at: usize) -> Print {
        let Some(network) = self.networks.get(at) else { return Print::default() };
        let own = network.print.and(network.kind.name().as_bytes());
        if network.kind.shows_site() { own.and(format!("{:?}", self.site).as_bytes()) } else { own }
    }
}

/// Each piece with its kind and its length, so that no two tables run into the same bytes.
fn write(kind: u8, piece: &str, hash: &mut Sha256) {
    hash.update([kind]);
    hash.update((piece.len() as u64).to_le_bytes());
    hash.update(piece);
}

fn write_table(table: &Table<'_>, without: &[&str], hash: &mut Sha256) {
    let mut entries: Vec<_> =
        table.iter().filter(|(key, _)| !without.contains(&key.get_ref().as_ref())).collect();
    entries.sort_by(|(one, _), (other, _)| one.get_ref().cmp(other.get_ref()));
    write(b'{', &entries.len().to_string(), hash);
    for (key, value) in entries {
        write(b'k', key.get_ref(), hash);
        write_value(value.get_ref(), hash);
    }
}

fn write_value(value: &DeValue<'_>, hash: &mut Sha256) {
    match value {
        DeValue::String(text) => write(b's', text, hash),
        DeValue::Integer(number) => write(b'i', &format!("{} {}", number.radix(), number.as_str()), hash),
        DeValue::Float(number) => write(b'f', number.as_str(), hash),
        DeValue::Boolean(is) => write(b'b', if *is { "1" } else { "0" }, hash),
        DeValue::Datetime(time) => write(b't', &time.to_string(), hash),
        DeValue::Array(items) => {
            write(b'[', &items.len().to_string(), hash);
            items.iter().for_each(|item| write_value(item.get_ref(), hash));
        }
        DeValue::Table(table) => write_table(table, &[], hash),
    }
}

/// All that a table names outside of the configuration.
pub(super) fn outside(table: &Table<'_>) -> Vec<Outside> {
    let mut found = Vec::new();
    look_into(table, &mut found);
    found
}

fn look_into(table: &Table<'_>, found: &mut Vec<Outside>) {
    if let Some(secret) = secret(table) {
        found.push(Outside::Secret(secret));
        return;
    }
    table.values().for_each(|value| look_at(value.get_ref(), found));
}

fn look_at(value: &DeValue<'_>, found: &mut Vec<Outside>) {
    match value {
        DeValue::Table(table) => look_into(table, found),
        DeValue::Array(items) => items.iter().for_each(|item| look_at(item.get_ref(), found)),
        DeValue::String(text) if is_path(text) => found.push(Outside::File(PathBuf::from(text.as_ref()))),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {}
    }
}

fn is_path(text: &str) -> bool {
    let is_named = ["/", "./", "../"].iter().any(|start| text.starts_with(start));
    is_named && text.len() > 1 && !text.contains('\n')
}

fn secret(table: &Table<'_>) -> Option<Secret> {
    let (key, value) = table.iter().next().filter(|_| table.len() == 1)?;
    let words = Some(value.get_ref().as_str()?.to_owned());
    let none = Secret { credential: None, file: None, env: None };
    match key.get_ref().as_ref() {
        "credential" => Some(Secret { credential: words, ..none }),
        "file" => Some(Secret { file: words.map(PathBuf::from), ..none }),
        "env" => Some(Secret { env: words, ..none }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::de::DeTable;

    fn print(text: &str) -> Print {
        Print::of(DeTable::parse(text).unwrap().get_ref())
    }

    #[test]
    fn what_is_said_counts_and_not_how_it_is_written() {
        let one = print("a = 1\nb = { c = [\"x\", 2.5], d = true }");
        assert_eq!(
            one,
            print("# Another day.\n\n[b]\nd = true\nc = ['x', 2.5]".replace("[b]", "a = 1\n[b]").as_str())
        );
        for other in
            ["a = 2\nb = { c = [\"x\", 2.5], d = true }", "a = 1", "a = 1\nb = { c = [\"x2.5\"], d = true }"]
        {
            assert_ne!(one, print(other), "{other}");
        }
        // Neither where one text ends and the next begins, nor the kind of a value, is lost.
        assert_ne!(print("a = [\"bc\", \"d\"]"), print("a = [\"b\", \"cd\"]"));
        assert_ne!(print("a = \"1\""), print("a = 1"));
    }

    #[test]
    fn keys_can_be_left_out() {
        let table = DeTable::parse("above = 75\ndo = \"look\"").unwrap();
        assert_eq!(Print::without(table.get_ref(), &["do"]), print("above = 75"));
    }

    #[test]
    fn secrets_and_files_are_found() {
        let text = "url = \"https://a/b\"\nca = \"/etc/ca.pem\"\ntopic = \"a/b\"\npassword = { credential = \"mqtt\" }\n\
                    [deep]\nkeys = [{ env = \"KEY\" }, \"./device.toml\"]";
        let table = DeTable::parse(text).unwrap();
        let none = Secret { credential: None, file: None, env: None };
        let mut found = outside(table.get_ref());
        found.sort_by_key(|one| format!("{one:?}"));
        let expected = [
            Outside::File("./device.toml".into()),
            Outside::File("/etc/ca.pem".into()),
            Outside::Secret(Secret { env: Some("KEY".into()), ..none.clone() }),
            Outside::Secret(Secret { credential: Some("mqtt".into()), ..none }),
        ];
        assert_eq!(found, expected);
    }
}
