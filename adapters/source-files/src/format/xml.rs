//! XML by paths, an element at a time: B2MML, IDocs, whatever a business system invents.
//!
//! Deliberately absent: DOCTYPE, and with it entities of a document's own, external or not. A document that has one is
//! refused. Namespaces mean nothing: names are compared without their prefix.

use std::io::{BufRead, BufReader};

use contract::{Cause, Fault, Field, FieldKind, Flaw};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use rows::{Encoding, TEXT_MAX};

use super::{At, Bytes, Ending, Own, Sink, Spoilt, each, give, text};

/// How deep elements may lie in each other.
const DEPTH_MAX: usize = 128;
/// Between several elements of one name; never in a text of XML, where it is not allowed.
const AGAIN: char = '\u{1f}';

/// XML, made ready for the fields of a list.
#[derive(Debug, Clone)]
pub struct Plan {
    fields: Vec<Field>,
    rows: Vec<String>,
    paths: Vec<Path>,
}

/// Where a field stands, from the root.
#[derive(Debug, Clone)]
struct Path {
    /// The depth of the element that it belongs to: what was found in one before is forgotten when it begins.
    base: usize,
    steps: Vec<String>,
    attribute: Option<String>,
}

/// Whether the path of the rows is one.
///
/// # Errors
/// What was found, what is expected.
pub fn check_rows(rows: &str) -> Result<Vec<String>, String> {
    let steps: Vec<String> = rows.trim_start_matches('/').split('/').map(local).collect();
    let is_path = steps.iter().all(|step| !step.is_empty() && step != ".." && !step.starts_with('@'));
    if is_path && steps.len() <= DEPTH_MAX {
        Ok(steps)
    } else {
        Err(format!("found `{rows}`, expected a path from the root such as `LOIPRO01/IDOC/E1AFKOL`"))
    }
}

/// A name without its prefix.
fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or_default().trim().to_owned()
}

fn path(rows: &[String], field: &Field) -> Result<Path, String> {
    let wrong = || {
        format!(
            "found `{}`, expected a path from the row such as `AUFNR`, `Quantity/@unit` or `../ID`",
            field.from
        )
    };
    let mut rest = field.from.trim();
    let mut base = rows.len();
    while let Some(up) = rest.strip_prefix("../") {
        base = base.checked_sub(1).filter(|base| *base > 0).ok_or_else(wrong)?;
        rest = up;
    }
    let (elements, attribute) = match rest.rsplit_once('@') {
        Some((elements, name)) if !name.is_empty() && !name.contains('/') => {
            (elements.strip_suffix('/').unwrap_or(elements), Some(local(name)))
        }
        Some(_) => return Err(wrong()),
        None => (rest, None),
    };
    let mut steps = rows[..base].to_vec();
    if !elements.is_empty() && elements != "." {
        steps.extend(elements.split('/').map(local));
    }
    let is_path = !rest.is_empty() && steps.iter().all(|step| !step.is_empty() && step != "..");
    if is_path && steps.len() <= DEPTH_MAX { Ok(Path { base, steps, attribute }) } else { Err(wrong()) }
}

impl Plan {
    /// For these fields.
    ///
    /// # Errors
    /// A path that is none.
    pub fn new(rows: &str, fields: Vec<Field>) -> Result<Plan, Vec<Fault>> {
        let rows = check_rows(rows).map_err(|wrong| vec![Fault::at("format.xml.rows", wrong)])?;
        let paths = each(&fields, |field| path(&rows, field))?;
        Ok(Plan { fields, rows, paths })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What spoils it as a whole.
    pub fn read(&self, bytes: &mut dyn Bytes, sink: &mut Sink<'_>) -> Result<Ending, Spoilt> {
        let mut reader = BufReader::new(bytes);
        let encoding = declared(&mut reader)?;
        let mut reader = quick_xml::Reader::from_reader(text::utf8(reader, encoding));
        let mut walk = Walk {
            plan: self,
            stack: Vec::new(),
            found: vec![None; self.fields.len()],
            count: 0,
            has_root: false,
        };
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let event = reader.read_event_into(&mut buffer);
            let at = reader.buffer_position();
            match event.map_err(|error| walk.wrong(&error, at))? {
                Event::Start(start) => walk.start(&start)?,
                Event::Empty(start) => {
                    walk.start(&start)?;
                    walk.end(sink)?;
                }
                Event::End(_) => walk.end(sink)?,
                Event::Text(text) => walk.text(&text.xml10_content()),
                Event::CData(text) => walk.text(&text.xml10_content()),
                Event::GeneralRef(entity) => walk.entity(&entity)?,
                Event::DocType(_) => return Err(Spoilt::Cause(Cause::Forbidden("DOCTYPE".to_owned()))),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => return walk.over(),
            }
        }
    }
}

/// How the document says it is written; without a word, UTF-8. Takes the mark at the start.
fn declared(reader: &mut impl BufRead) -> Result<&'static encoding_rs::Encoding, Spoilt> {
    let start = text::start(reader).map_err(|error| Spoilt::io(&error))?;
    if let Some((encoding, mark)) = Encoding::by_mark(&start) {
        reader.consume(mark);
        return Ok(encoding.coder());
    }
    match start.as_slice() {
        [b'<', 0, ..] => return Ok(encoding_rs::UTF_16LE),
        [0, b'<', ..] => return Ok(encoding_rs::UTF_16BE),
        _ => {}
    }
    let head = String::from_utf8_lossy(&start);
    let head = head.split("?>").next().unwrap_or_default();
    let Some((_, label)) = head.split_once("encoding").filter(|_| head.starts_with("<?xml")) else {
        return Ok(encoding_rs::UTF_8);
    };
    let label = label.trim_start().trim_start_matches('=').trim_start();
    let quote = label.chars().next().unwrap_or('"');
    let label = label.trim_start_matches(quote).split(quote).next().unwrap_or_default();
    match encoding_rs::Encoding::for_label(label.as_bytes()) {
        // Bytes of two each would not have let us read the word.
        Some(found) if found == encoding_rs::UTF_16LE || found == encoding_rs::UTF_16BE => {
            Ok(encoding_rs::UTF_8)
        }
        Some(found) => Ok(found),
        None => Err(Spoilt::unreadable(Flaw::Encoding, "", label)),
    }
}

struct Walk<'a> {
    plan: &'a Plan,
    stack: Vec<String>,
    found: Vec<Option<String>>,
    count: u64,
    has_root: bool,
}

fn lies_on(stack: &[String], steps: &[String]) -> bool {
    stack.len() == steps.len() && stack.iter().zip(steps).all(|(name, step)| step == "*" || name == step)
}

impl Walk<'_> {
    fn at(&self) -> At {
        At { word: "row", number: self.count + 1 }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Spoilt> {
        if self.stack.len() >= DEPTH_MAX {
            return Err(Spoilt::unreadable(Flaw::TooDeep, self.at(), ""));
        }
        let name = start.local_name().as_ref().to_owned();
        if self.stack.is_empty() {
            let root = &self.plan.rows[0];
            if root != "*" && *root != name {
                return Err(Spoilt::Cause(Cause::Missing(self.plan.rows.join("/"))));
            }
            self.has_root = true;
        }
        self.stack.push(name);
        for (index, path) in self.plan.paths.iter().enumerate() {
            if self.stack.len() == path.base && lies_on(&self.stack, &path.steps[..path.base]) {
                self.found[index] = None;
            }
            if !lies_on(&self.stack, &path.steps) {
                continue;
            }
            let value = match &path.attribute {
                None => Some(String::new()),
                Some(wanted) => attribute(start, wanted)
                    .map_err(|words| Spoilt::unreadable(Flaw::Malformed, self.at(), words))?,
            };
            if let Some(value) = value {
                again(&mut self.found[index], &value);
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        for (path, found) in self.plan.paths.iter().zip(&mut self.found) {
            if path.attribute.is_none() && lies_on(&self.stack, &path.steps)
                && let Some(found) = found
                // One character more than is kept, so that a cut is told.
                && found.len() <= TEXT_MAX
            {
                let room = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= TEXT_MAX).last();
                let end = room.map_or(0, |at| if text.len() <= TEXT_MAX { text.len() } else { at });
                found.push_str(&text[..end]);
            }
        }
    }

    fn entity(&mut self, entity: &BytesRef<'_>) -> Result<(), Spoilt> {
        let name = entity.xml10_content();
        let unknown = || Spoilt::unreadable(Flaw::Malformed, self.at(), format!("&{name};"));
        let resolved = entity.resolve_char_ref().map_err(|_| unknown())?;
        let text = match (&*name, resolved) {
            (_, Some(c)) => c.to_string(),
            ("amp", None) => "&".to_owned(),
            ("lt", None) => "<".to_owned(),
            ("gt", None) => ">".to_owned(),
            ("quot", None) => "\"".to_owned(),
            ("apos", None) => "'".to_owned(),
            _ => return Err(unknown()),
        };
        self.text(&text);
        Ok(())
    }

    fn end(&mut self, sink: &mut Sink<'_>) -> Result<(), Spoilt> {
        if lies_on(&self.stack, &self.plan.rows) {
            let cell = |(found, field): (&Option<String>, &Field)| match found {
                None => Own::Absent,
                Some(text) if field.kind == FieldKind::Text => Own::Text(text.replace(AGAIN, ", ")),
                Some(text) => Own::Text(text.clone()),
            };
            let cells: Vec<Own> = self.found.iter().zip(&self.plan.fields).map(cell).collect();
            give(self.at(), &self.plan.fields, &cells, sink)?;
            self.count += 1;
        }
        self.stack.pop();
        Ok(())
    }

    fn over(&self) -> Result<Ending, Spoilt> {
        match self.stack.last() {
            Some(open) => Err(Spoilt::unfinished(Flaw::OpenElement, self.at(), open)),
            None if !self.has_root => Err(Spoilt::unfinished(Flaw::Empty, "", "")),
            None => Ok(Ending::Proper),
        }
    }

    fn wrong(&self, error: &quick_xml::Error, position: u64) -> Spoilt {
        match error {
            quick_xml::Error::Io(error) => Spoilt::io(error),
            // Markup that is open where the document ends.
            quick_xml::Error::Syntax(error) => {
                Spoilt::unfinished(Flaw::CutShort, format!("byte {position}"), error.to_string())
            }
            other => Spoilt::unreadable(Flaw::Malformed, format!("byte {position}"), other.to_string()),
        }
    }
}

/// A further element of the same name.
fn again(found: &mut Option<String>, value: &str) {
    match found {
        None => *found = Some(value.to_owned()),
        Some(found) if found.len() <= TEXT_MAX => {
            found.push(AGAIN);
            found.push_str(value);
        }
        Some(_) => {}
    }
}

fn attribute(start: &BytesStart<'_>, wanted: &str) -> Result<Option<String>, String> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.local_name().as_ref() == wanted {
            let value =
                attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}
