//! What is asked of a unit before its registers: whether it is there, and where its models of SunSpec are.

use std::time::Duration;

use crate::pdu::{Answer, Request, Table};
use crate::plan;
use crate::poll::Unit;
use crate::sunspec::{self, Found, Link};
use crate::wire::{Failed, Wire};

/// The smallest question to which a unit must answer if it is there.
pub fn greeting(unit: &Unit) -> Option<Request> {
    let known = unit.groups.first().map(|group| group.request);
    known.or_else(|| Request::new(unit.number, Table::Holding, sunspec::BASES[0], 2).ok())
}

/// Finds the points of SunSpec that are wanted of a unit, and plans its requests anew. Gives the places of the tags that
/// the device does not have, and why.
///
/// # Errors
/// The unit did not answer.
pub async fn points(
    wire: &mut Wire,
    unit: &mut Unit,
    wait: Duration,
) -> Result<Vec<(usize, String)>, Failed> {
    let found = models(wire, unit.number, wait).await?;
    let mut missing = Vec::new();
    for (tag, name) in &unit.wanted {
        match &found {
            Ok(found) => match sunspec::field(*tag, name, found) {
                Ok(field) => unit.fields.push(field),
                Err(words) => missing.push((*tag, words)),
            },
            Err(words) => missing.push((*tag, words.clone())),
        }
    }
    unit.is_discovered = true;
    match plan::plan(unit.number, &unit.fields, unit.limits) {
        Ok(groups) => unit.groups = groups,
        Err((place, words)) => missing.push((unit.fields[place].tag, words)),
    }
    Ok(missing)
}

/// The models of a unit, or why there are none.
///
/// # Errors
/// The unit did not answer.
pub async fn models(wire: &mut Wire, unit: u8, wait: Duration) -> Result<Result<Vec<Found>, String>, Failed> {
    for base in sunspec::BASES {
        if pair(wire, unit, base, wait).await? == Some(sunspec::MARK) {
            return chain(wire, unit, base + 2, wait).await;
        }
    }
    Ok(Err("no SunSpec map: `SunS` is not at 40000, 50000 or 0".to_owned()))
}

async fn chain(
    wire: &mut Wire,
    unit: u8,
    start: u16,
    wait: Duration,
) -> Result<Result<Vec<Found>, String>, Failed> {
    let (mut at, mut found) = (start, Vec::new());
    while found.len() < sunspec::MODELS_MAX {
        // Some devices end with what they do not answer for.
        let Some(bytes) = pair(wire, unit, at, wait).await? else { break };
        match sunspec::link(at, &bytes) {
            Ok(Link::Model(model, next)) => {
                found.push(model);
                at = next;
            }
            Ok(Link::End) => break,
            Err(words) if found.is_empty() => return Ok(Err(words)),
            Err(_) => break,
        }
    }
    Ok(Ok(found))
}

/// Two registers; `None` if the device refuses.
async fn pair(wire: &mut Wire, unit: u8, at: u16, wait: Duration) -> Result<Option<[u8; 4]>, Failed> {
    let request = Request::new(unit, Table::Holding, at, 2).map_err(Failed::Garbled)?;
    match wire.ask(&request, wait).await? {
        Answer::Data(data) => Ok(<[u8; 4]>::try_from(data).ok()),
        Answer::Exception(exception) if exception.is_silence() => Err(Failed::Silent),
        Answer::Exception(exception) if exception.passes() => Err(Failed::Garbled(exception.to_string())),
        Answer::Exception(_) => Ok(None),
    }
}
