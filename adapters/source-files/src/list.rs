//! What an integrator writes for a list: which files, and how they are written.

use contract::{Check, Fault};
use rows::{Decimal, Encoding, Repeated};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::format::xml;

/// Which files of a folder hold the rows of a list, and how they are written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The names of the files: `suivi-of*.csv`. `*` stands for any characters, `?` for one. Files whose names
    /// begin with `.` or end in `~`, `.tmp`, `.part`, `.filepart`, `.partial`, `.swp` or `.lock` are being written
    /// and never read.
    pub files: String,
    /// Each file holds the whole list: what is not in it is gone. Else a file holds rows that are new or changed.
    /// A row that cannot be read stays as it was, if its key can; if not even that, nothing is gone.
    #[serde(default)]
    pub whole: bool,
    /// What becomes of a file in which a row cannot be read: `"leave-out"` takes the other rows, `"refuse-file"`
    /// takes none. Either way it is told and the file put aside.
    #[serde(default)]
    pub bad_rows: BadRows,
    /// What to do with a local time in the hour that the end of summer time repeats: `"tell"` leaves its row out
    /// and tells it, `"first"` and `"second"` choose.
    #[serde(default)]
    pub repeated_hour: Repeated,
    /// How the files are written: exactly one of `csv`, `fixed`, `json`, `jsonl`, `xml`, `xlsx`.
    pub format: Format,
}

/// What becomes of a file with a bad row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BadRows {
    /// The other rows are taken.
    #[default]
    LeaveOut,
    /// None is taken.
    RefuseFile,
}

/// How files are written. Exactly one is set.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// Cells with a delimiter between them. `from` of a field is the header of its column or, with `header = false`,
    /// its number from 1.
    pub csv: Option<Csv>,
    /// Lines with a place for each cell. `from` of a field is its first and last character, from 1: `2-12`, or
    /// `65-` to the end of the line.
    pub fixed: Option<Fixed>,
    /// One JSON document. `from` of a field is a JSON pointer inside a row (`/product/code`), or a key.
    pub json: Option<Json>,
    /// A JSON value on each line. `from` as for `json`.
    pub jsonl: Option<Jsonl>,
    /// XML, without a DOCTYPE. `from` of a field is a path from the element of the row: `AUFNR`,
    /// `Quantity/QuantityString`, `MaterialUse/@OtherValue`; `../EDI_DC40/DOCNUM` for what stands around and before
    /// the row. If an element comes several times, a text has them all with `, ` between; anything else cannot be
    /// read. Namespaces mean nothing.
    pub xml: Option<Xml>,
    /// A sheet of a workbook. `from` as for `csv`.
    pub xlsx: Option<Xlsx>,
}

/// Cells with a delimiter between them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Csv {
    /// What stands between cells: one character; `"\t"` is a tab.
    pub delimiter: char,
    /// What stands around a cell that holds a delimiter or a line end; doubled, it means itself. `""` for none.
    pub quote: String,
    /// `"utf-8"`, `"windows-1252"`, `"iso-8859-15"`, `"utf-16le"` or `"utf-16be"`. A mark at the start of a file
    /// goes before it.
    pub encoding: Encoding,
    /// What stands before the decimals of a number: `","` or `"."`.
    pub decimal: Decimal,
    /// There is a line with the names of the columns: the first of the first 20 that has all the names of the
    /// fields, so that titles above it need no option.
    pub header: bool,
    /// How many lines at the start are never looked at.
    pub skip: u32,
    /// How many lines at the end are no rows: totals, a line of the printer.
    pub skip_last: u32,
    /// Lines whose first cell is one of these are no rows: `["TOTAL"]`.
    pub skip_rows: Vec<String>,
    /// Only lines whose first cell is one of these are rows: `["L"]` of a file with H and L lines. A field of the
    /// H line above is `from = "H:3"`.
    pub lines: Vec<String>,
}

impl Default for Csv {
    fn default() -> Csv {
        Csv {
            delimiter: ';',
            quote: "\"".to_owned(),
            encoding: Encoding::Utf8,
            decimal: Decimal::Comma,
            header: true,
            skip: 0,
            skip_last: 0,
            skip_rows: Vec::new(),
            lines: Vec::new(),
        }
    }
}

/// Lines with a place for each cell.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fixed {
    /// As for `csv`.
    pub encoding: Encoding,
    /// As for `csv`.
    pub decimal: Decimal,
    /// How many lines at the start are never looked at.
    pub skip: u32,
    /// How many lines at the end are no rows.
    pub skip_last: u32,
    /// Lines that begin so are no rows.
    pub skip_rows: Vec<String>,
    /// Only lines that begin so are rows.
    pub lines: Vec<String>,
}

/// One JSON document.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Json {
    /// A JSON pointer to the array of rows: `/items`. Without it the document is the array, or the one row.
    pub rows: String,
    /// What stands before the decimals of a number that is written as text: `","`, or `"."` if it is not set.
    pub decimal: Option<Decimal>,
}

/// A JSON value on each line.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Jsonl {
    /// As for `json`.
    pub decimal: Option<Decimal>,
}

/// XML.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Xml {
    /// The path of the elements that are rows, from the root: `LOIPRO01/IDOC/E1AFKOL`. `*` stands for any name.
    pub rows: String,
    /// What stands before the decimals of a number: `","`, or `"."` if it is not set.
    pub decimal: Option<Decimal>,
}

/// A sheet of a workbook.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Xlsx {
    /// The name of the sheet. Without it, the first.
    pub sheet: Option<String>,
    /// What stands before the decimals of a number that is written as text.
    pub decimal: Decimal,
    /// As for `csv`.
    pub header: bool,
    /// How many rows at the start are never looked at.
    pub skip: u32,
    /// How many rows at the end are no rows of the list.
    pub skip_last: u32,
    /// Rows whose first cell is one of these are no rows of the list.
    pub skip_rows: Vec<String>,
}

impl Default for Xlsx {
    fn default() -> Xlsx {
        Xlsx {
            sheet: None,
            decimal: Decimal::Comma,
            header: true,
            skip: 0,
            skip_last: 0,
            skip_rows: Vec::new(),
        }
    }
}

/// The most lines that may be held back at the end of a file.
const SKIP_LAST_MAX: u32 = 100;

impl Check for List {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: String| faults.push(Fault::at(key, message));
        let Format { csv, fixed, json, jsonl, xml, xlsx } = &self.format;
        let set =
            [csv.is_some(), fixed.is_some(), json.is_some(), jsonl.is_some(), xml.is_some(), xlsx.is_some()];
        if set.iter().filter(|is| **is).count() != 1 {
            fault(
                "format",
                "expected exactly one of `csv`, `fixed`, `json`, `jsonl`, `xml`, `xlsx`".to_owned(),
            );
        }
        if self.files.is_empty() || self.files.contains('/') {
            let found = &self.files;
            fault(
                "files",
                format!("found `{found}`, expected the names of files in the folder: `suivi-of*.csv`"),
            );
        }
        if let Some(csv) = csv {
            csv.check(&mut fault);
        }
        let lasts = [
            ("format.csv.skip_last", csv.as_ref().map(|csv| csv.skip_last)),
            ("format.fixed.skip_last", fixed.as_ref().map(|fixed| fixed.skip_last)),
            ("format.xlsx.skip_last", xlsx.as_ref().map(|xlsx| xlsx.skip_last)),
        ];
        for (key, last) in lasts {
            if let Some(last) = last.filter(|last| *last > SKIP_LAST_MAX) {
                fault(key, format!("found {last}, expected at most {SKIP_LAST_MAX}"));
            }
        }
        if let Some(json) = json
            && !(json.rows.is_empty() || json.rows.starts_with('/'))
        {
            fault(
                "format.json.rows",
                format!("found `{}`, expected a JSON pointer such as `/items`", json.rows),
            );
        }
        if let Some(Err(message)) = xml.as_ref().map(|xml| xml::check_rows(&xml.rows)) {
            fault("format.xml.rows", message);
        }
        faults
    }
}

impl Csv {
    fn check(&self, fault: &mut impl FnMut(&str, String)) {
        if !self.delimiter.is_ascii() || matches!(self.delimiter, '\r' | '\n' | '\0') {
            fault(
                "format.csv.delimiter",
                format!("found `{}`, expected one ASCII character", self.delimiter),
            );
        }
        let quote = self.quote.as_bytes();
        if quote.len() > 1 || !self.quote.is_ascii() || quote.first() == Some(&(self.delimiter as u8)) {
            let found = &self.quote;
            fault(
                "format.csv.quote",
                format!("found `{found}`, expected one ASCII character that is not the delimiter, or \"\""),
            );
        }
    }
}
