//! A reader out of what an integrator wrote.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU16;
use std::sync::{Arc, Mutex};

use contract::{Fault, Setup, TagAddress, TagId};

use crate::address::{Address, Target};
use crate::counter::Counter;
use crate::harvest::{Counters, Refusals};
use crate::memory::Memory;
use crate::place::Place;
use crate::plan::{self, Field, Group, Limits};
use crate::poll::{Pace, Poller, Unit};
use crate::settings::Settings;
use crate::source::Reader;
use crate::unit::{Breaker, Patience};
use crate::wire::Wire;

/// What is read of one unit, as it is before anything was asked.
#[derive(Clone)]
struct Sketch {
    number: u8,
    fields: Vec<Field>,
    wanted: Vec<(usize, String)>,
    groups: Vec<Group>,
    limits: Limits,
}

/// Makes a reader.
///
/// # Errors
/// A folder of device files that cannot be read, an address that leads nowhere; with the key in the source's table.
pub fn build(
    setup: &Setup<'_>,
    settings: &Settings,
    tags: &[TagAddress<Address>],
) -> Result<Reader, Vec<Fault>> {
    let place = settings.place().map_err(|fault| vec![fault])?;
    let make = maker(setup, settings, tags, place)?;
    Ok(Reader::new(Box::new(make)))
}

/// What makes a poller that knows nothing yet, again and again.
pub(crate) fn maker(
    setup: &Setup<'_>,
    settings: &Settings,
    tags: &[TagAddress<Address>],
    place: Place,
) -> Result<impl Fn() -> Poller + Send + 'static, Vec<Fault>> {
    let sketches = sketch(settings, tags)?;
    let ids: Arc<[TagId]> = tags.iter().map(|tag| tag.id).collect();
    let (memory, counters) = counters(setup, tags);
    let transaction = Arc::new(AtomicU16::new(1));
    let pace = pace(settings);
    let (connect_delay, pause) = (settings.connect_delay.0, settings.pause.0);
    Ok(move || {
        let wire = Wire::new(place.clone(), Arc::clone(&transaction), connect_delay, pause);
        let units = sketches.iter().map(unit).collect();
        Poller::new(wire, units, Arc::clone(&ids), Arc::clone(&counters), memory.clone(), pace)
    })
}

fn unit(sketch: &Sketch) -> Unit {
    let Sketch { number, fields, wanted, groups, limits } = sketch.clone();
    let is_discovered = wanted.is_empty();
    let (breaker, refusals) = (Breaker::new(), Refusals::default());
    Unit { number, fields, wanted, limits, groups, breaker, refusals, is_discovered }
}

fn pace(settings: &Settings) -> Pace {
    let patience = Patience {
        silent_max: u32::from(settings.silent_max),
        every: settings.every.0,
        probe_every: settings.probe_every.0,
    };
    Pace {
        every: settings.every.0,
        timeout: settings.timeout.0,
        late_max: settings.late_max(),
        connect_each_poll: settings.connect_each_poll,
        patience,
    }
}

fn sketch(settings: &Settings, tags: &[TagAddress<Address>]) -> Result<Vec<Sketch>, Vec<Fault>> {
    let library = settings.library().map_err(|wrong| vec![Fault::at("devices", wrong)])?;
    let usual = Limits {
        request_max: settings.request_max,
        gap: settings.gap,
        is_one_per_request: settings.one_per_request,
    };
    let mut sketches: BTreeMap<u8, Sketch> = BTreeMap::new();
    for (tag, TagAddress { machine, address, .. }) in tags.iter().enumerate() {
        let target = address.target(library).map_err(|faults| of_machine(machine, faults))?;
        let empty = || Sketch {
            number: address.unit_id,
            fields: Vec::new(),
            wanted: Vec::new(),
            groups: Vec::new(),
            limits: usual,
        };
        let sketch = sketches.entry(address.unit_id).or_insert_with(empty);
        match target {
            Target::SunSpec(name) => sketch.wanted.push((tag, name)),
            Target::Known { table, start, form, request_max } => {
                let max = sketch.limits.request_max;
                sketch.limits.request_max = request_max.map_or(max, |own| own.min(max));
                sketch.fields.push(Field { tag, table, start, form, factor: None });
            }
        }
    }
    let planned = |mut sketch: Sketch| {
        sketch.groups =
            plan::plan(sketch.number, &sketch.fields, sketch.limits).map_err(|(place, words)| {
                of_machine(&tags[sketch.fields[place].tag].machine, vec![Fault::at("", words)])
            })?;
        Ok(sketch)
    };
    sketches.into_values().map(planned).collect()
}

/// The faults of an address, for those who see the table of the source alone. `check` told them at their place.
fn of_machine(machine: &str, faults: Vec<Fault>) -> Vec<Fault> {
    let told = |fault: Fault| {
        let key = if fault.key.is_empty() { "a tag" } else { &fault.key };
        Fault::at("", format!("machine {machine}, {key}: {}", fault.message))
    };
    faults.into_iter().map(told).collect()
}

fn counters(setup: &Setup<'_>, tags: &[TagAddress<Address>]) -> (Memory, Arc<Counters>) {
    let counter =
        |tag: &TagAddress<Address>| Some(Counter::new(tag.address.counter?, tag.address.counter_step_max));
    let name = |tag: &TagAddress<Address>| {
        let Address { unit_id, holding, input, register, device, point, counter, .. } = &tag.address;
        counter.as_ref()?;
        // A name that changes with whatever the tag reads, so that a sum is never given to another counter.
        Some(format!(
            "{} unit {unit_id} {holding:?} {input:?} {register:?} {device:?} {point:?}",
            tag.machine
        ))
    };
    let mut counters: Vec<Option<Counter>> = tags.iter().map(counter).collect();
    let memory = Memory::new(setup.state, setup.name, tags.iter().map(name).collect());
    memory.recall(&mut counters);
    (memory, Arc::new(Mutex::new(counters)))
}
