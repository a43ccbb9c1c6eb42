//! What the probes of rows guess: which column tells a row from the others, and what each column holds. For a person to
//! go over, never used by a source.

use std::collections::BTreeSet;

use contract::suggest::{plain_name, quoted, unique};
use contract::{Field, FieldKind};

use crate::{Style, cell};

/// The longest name in a configuration.
const NAME_MAX: usize = 40;
/// The words by which people call what names a row.
const NAMING: [&str; 30] = [
    "id",
    "no",
    "n",
    "nr",
    "num",
    "numero",
    "number",
    "key",
    "cle",
    "code",
    "ref",
    "reference",
    "of",
    "ordre",
    "order",
    "cde",
    "commande",
    "lot",
    "batch",
    "serie",
    "serial",
    "docnum",
    "aufnr",
    "matricule",
    "barcode",
    "uuid",
    "article",
    "item",
    "sku",
    "doc",
];

/// A column: what it is called, and its cells in the first rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// The `from` of its field.
    pub from: String,
    /// The same cell of each row; empty where it holds nothing.
    pub cells: Vec<String>,
}

/// How rows come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Each row once: a file, the answer to a query.
    Once,
    /// A row may come again as it changes: what a program prints.
    Again,
}

/// What was guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// Names of the configuration, in the order of the columns.
    pub names: Vec<String>,
    /// What each column holds.
    pub kinds: Vec<FieldKind>,
    /// The columns that tell a row from the others, and why they were taken.
    pub key: Vec<usize>,
    /// In words of a comment.
    pub why: &'static str,
}

impl Guess {
    /// Guesses.
    pub fn of(columns: &[Column], rows: Rows, style: &Style) -> Guess {
        let mut taken = BTreeSet::new();
        let names = columns.iter().map(|column| unique(&mut taken, &field_name(&column.from))).collect();
        let kinds: Vec<FieldKind> = columns.iter().map(|column| kind(column, style)).collect();
        let (key, why) = key(columns, &kinds, rows);
        Guess { names, kinds, key, why }
    }

    /// The lines of a list: its key, flagged as a guess, and its fields.
    pub fn toml(&self, columns: &[Column]) -> String {
        let key: Vec<String> = self.key.iter().map(|at| quoted(&self.names[*at])).collect();
        let mut text = format!("# A guess: {}.\nkey = [{}]\n", self.why, key.join(", "));
        for (at, ((name, column), kind)) in self.names.iter().zip(columns).zip(&self.kinds).enumerate() {
            let kind = match kind {
                // A key is compared as it is written.
                _ if self.key.contains(&at) => "",
                FieldKind::Text => "",
                FieldKind::Number => ", type = \"number\"",
                FieldKind::Time => ", type = \"time\"",
                FieldKind::Flag => ", type = \"flag\"",
            };
            text += &format!("field.{name} = {{ from = {}{kind} }}\n", quoted(&column.from));
        }
        text
    }
}

/// The last step of a path, as a name.
pub fn field_name(from: &str) -> String {
    let last = from.rsplit(['/', ':']).next().unwrap_or(from);
    match plain_name(last, NAME_MAX) {
        name if name.is_empty() => "field".to_owned(),
        name if name.starts_with(|c: char| c.is_ascii_digit()) => format!("field-{name}"),
        name => name,
    }
}

/// What a column holds, by its cells.
fn kind(column: &Column, style: &Style) -> FieldKind {
    let filled: Vec<&str> =
        column.cells.iter().map(String::as_str).filter(|cell| !cell.trim().is_empty()).collect();
    let are = |kind: FieldKind| {
        let field = Field { name: String::new(), from: String::new(), kind, format: None };
        !filled.is_empty() && filled.iter().all(|text| cell(text, &field, style).is_ok())
    };
    // Eight digits may be a number, and a number of an order with zeros in front is none.
    let is_padded =
        filled.iter().any(|cell| cell.len() > 1 && cell.starts_with('0') && !cell.contains([',', '.']));
    let looks_like_day = filled.iter().all(|cell| cell.contains(['/', '-', ':', '.']) || cell.len() == 8);
    // One letter alone may be anything.
    let is_word = filled.iter().all(|cell| cell.len() > 1 && !cell.starts_with(|c: char| c.is_ascii_digit()));
    match () {
        () if looks_like_day && are(FieldKind::Time) && !are(FieldKind::Number) => FieldKind::Time,
        () if !is_padded && are(FieldKind::Number) => FieldKind::Number,
        () if is_word && are(FieldKind::Flag) => FieldKind::Flag,
        () => FieldKind::Text,
    }
}

/// Names of rows are seldom times, quantities or yes and no; they stand in the first columns and are called so.
fn key(columns: &[Column], kinds: &[FieldKind], rows: Rows) -> (Vec<usize>, &'static str) {
    let named = |at: &usize| is_naming(&columns[*at].from);
    let is_name = |at: &usize| {
        let cells = &columns[*at].cells;
        let is_broken = kinds[*at] == FieldKind::Number && cells.iter().any(|cell| cell.contains([',', '.']));
        let is_filled = cells.iter().all(|cell| !cell.trim().is_empty());
        is_filled && !is_broken && matches!(kinds[*at], FieldKind::Text | FieldKind::Number)
    };
    let mut fit: Vec<usize> = (0..columns.len()).filter(is_name).collect();
    fit.sort_by_key(|at| !named(at));
    let Some(first) = fit.first().copied() else { return (vec![0], NOTHING) };
    if columns[first].cells.len() < 2 {
        return (vec![first], "too few rows to tell; it is called as what names a row, or comes first");
    }
    if rows == Rows::Again && named(&first) {
        return (vec![first], "it is called as what names a row");
    }
    let alone = fit.iter().find(|at| are_different(columns, &[**at]));
    if let Some(at) = alone {
        return (vec![*at], "different in each row that was looked at");
    }
    let pair = fit.iter().enumerate().flat_map(|(at, one)| fit[at + 1..].iter().map(|other| [*one, *other]));
    match pair.into_iter().find(|pair| are_different(columns, pair)) {
        Some(mut pair) => {
            pair.sort_unstable();
            (pair.to_vec(), "no column alone is different in each row; these two together are")
        }
        None => (vec![first], "no column, and no two, are different in each row: find what names a row"),
    }
}

const NOTHING: &str = "no column looks like the name of a row: find what tells rows apart";

/// Rows that are alike in all columns are one row that came twice.
fn are_different(columns: &[Column], key: &[usize]) -> bool {
    let count = columns.first().map_or(0, |column| column.cells.len());
    let row = |at: usize| columns.iter().map(|column| column.cells[at].as_str()).collect::<Vec<&str>>();
    let keys =
        |at: usize| key.iter().map(|column| columns[*column].cells[at].as_str()).collect::<Vec<&str>>();
    let rows: BTreeSet<Vec<&str>> = (0..count).map(row).collect();
    let names: BTreeSet<Vec<&str>> = (0..count).map(keys).collect();
    rows.len() == names.len()
}

/// A word of the name is one by which people call what names a row: `N° OF`, `order_id`, `orderNo`.
fn is_naming(from: &str) -> bool {
    let last = from.rsplit(['/', ':']).next().unwrap_or(from);
    let mut spaced = String::new();
    for c in last.chars() {
        if c.is_uppercase() && spaced.ends_with(char::is_lowercase) {
            spaced.push(' ');
        }
        spaced.push(c);
    }
    plain_name(&spaced, NAME_MAX).split('-').any(|word| NAMING.contains(&word))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::Decimal;

    #[track_caller]
    fn check(rows: Rows, table: &[&str], key: &[&str]) -> String {
        let split = |line: &str| line.split('|').map(str::to_owned).collect::<Vec<String>>();
        let lines: Vec<Vec<String>> = table.iter().map(|line| split(line)).collect();
        let columns: Vec<Column> = lines[0]
            .iter()
            .enumerate()
            .map(|(at, from)| Column {
                from: from.clone(),
                cells: lines[1..].iter().map(|row| row[at].clone()).collect(),
            })
            .collect();
        let guess = Guess::of(&columns, rows, &Style::new(Decimal::Comma, TimeZone::UTC));
        let found: Vec<&str> = guess.key.iter().map(|at| guess.names[*at].as_str()).collect();
        assert_eq!(found, key, "{}", guess.why);
        guess.toml(&columns)
    }

    #[test]
    fn a_key_is_what_names_a_row_not_what_happens_to_differ() {
        let text = check(
            Rows::Once,
            &["Date|Qté|N° OF|Soldé", "23/11/2026|12,5|OF-1|oui", "24/11/2026|13,5|OF-2|non"],
            &["n-of"],
        );
        assert!(text.contains("# A guess: "), "{text}");
        for line in [
            "field.qte = { from = \"Qté\", type = \"number\" }",
            "field.date = { from = \"Date\", type = \"time\" }",
            "field.n-of = { from = \"N° OF\" }",
            "field.solde = { from = \"Soldé\", type = \"flag\" }",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        check(Rows::Once, &["OF|Op", "1|10", "1|20", "2|10"], &["of", "op"]);
        check(Rows::Once, &["état|machine", "run|p1", "run|p2"], &["machine"]);
        check(Rows::Once, &["a|b", "x|y", "x|z", "w|y", "w|z", "w|z"], &["a", "b"]);
    }

    #[test]
    fn a_row_that_comes_again_keeps_its_name() {
        check(
            Rows::Again,
            &["a|orderNo|status", "1|OF-1|open", "1|OF-1|closed", "1|OF-2|open"],
            &["orderno"],
        );
    }

    #[test]
    fn names_of_fields() {
        assert_eq!(field_name("3"), "field-3");
        assert_eq!(field_name("/product/code"), "code");
        assert_eq!(field_name("…"), "field");
    }
}
