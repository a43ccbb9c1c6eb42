//! JSON lines: our own recordings, stories of plants, or `{"time": …, "tag": …, "value": …}` of anybody.

use std::io;

use super::files::{Lines, Reader, Row, Said};
use super::line::Line;
use super::names::Names;
use super::troubles::Troubles;

/// A file of JSON lines.
pub(super) struct Json {
    lines: Lines,
}

impl Json {
    pub fn new(lines: Lines) -> Json {
        Json { lines }
    }
}

impl Reader for Json {
    fn more(&mut self, names: &Names, rows: &mut Vec<Row>, troubles: &mut Troubles) -> io::Result<bool> {
        let file = self.lines.name().to_owned();
        let Some((number, text)) = self.lines.next(troubles)? else { return Ok(false) };
        let line: Line = match serde_json::from_str(text) {
            Ok(line) => line,
            Err(error) => {
                troubles.wrong(&file, number, &error.to_string());
                return Ok(true);
            }
        };
        if let Some(Err(why)) = line.tag.as_deref().map(|tag| names.tag(tag)) {
            troubles.unknown(line.tag.as_deref().unwrap_or_default(), || why);
            return Ok(true);
        }
        if let Err(what) = read(&line, names, rows) {
            troubles.wrong(&file, number, &what);
        }
        Ok(true)
    }
}

fn read(line: &Line, names: &Names, rows: &mut Vec<Row>) -> Result<(), String> {
    let now = names.moment(&line.now)?;
    if line.down.is_some() || line.restart || line.reload.is_some() {
        let what = "`down`, `restart` and `reload` are of stories; a replay has no network, no store and one configuration";
        return Err(what.to_owned());
    }
    let (source, mut batch) = line.batch(names)?;
    if let Some(is_up) = line.connected {
        rows.push(Row { now, source, said: Said::Link(is_up) });
    }
    let samples = std::mem::take(&mut batch.samples);
    rows.extend(samples.into_iter().map(|sample| Row { now, source, said: Said::Sample(sample) }));
    let is_empty = batch.events.is_empty() && batch.notices.is_empty() && batch.ticket.is_none();
    if !is_empty {
        rows.push(Row { now, source, said: Said::Batch(Box::new(batch)) });
    }
    Ok(())
}
