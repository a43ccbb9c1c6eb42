//! Reads machines over Modbus TCP, RTU on a serial line, and RTU over TCP.
//!
//! From the edge inwards: `line` (one exchange; a line that failed is gone), `wire` (opens it again, asks again where
//! that is safe), `poll` (all units in each period, the silent ones last), `harvest` (answers become samples), `source`
//! (connect, next). Pure beside them: `pdu` and `frame` (bytes), `form` (what registers mean), `plan` (which requests),
//! `counter`, `unit` (the breaker), `device` and `sunspec` (maps), `address` and `settings` (what an integrator writes).
//!
//! Deliberately absent: every function that writes. A request holds one of four tables, and each is read.

mod address;
mod build;
#[cfg(test)]
mod campaign;
mod counter;
mod device;
mod discover;
mod form;
mod frame;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod harvest;
mod line;
mod memory;
mod pdu;
mod place;
mod plan;
mod poll;
pub mod probe;
mod settings;
mod source;
mod sunspec;
mod unit;
mod wire;

use contract::{Fault, NoLists, Reads, Setup, Source, SourceKind};

pub use address::Address;
pub use form::{As, Order};
pub use pdu::Table;
pub use settings::{Parity, Serial, Settings};

/// `[source.modbus.<name>]`.
pub struct Modbus;

impl SourceKind for Modbus {
    const NAME: &'static str = "modbus";
    type Settings = Settings;
    type Address = Address;
    type List = NoLists;

    fn check_tag(settings: &Settings, _machine: &str, address: &Address) -> Vec<Fault> {
        match settings.library() {
            Ok(library) => address.target(library).err().unwrap_or_default(),
            // Told once, at `devices`.
            Err(_) => Vec::new(),
        }
    }

    fn build(
        setup: &Setup<'_>,
        settings: Settings,
        reads: Reads<Address, NoLists>,
    ) -> Result<Box<dyn Source>, Vec<Fault>> {
        build::build(setup, &settings, &reads.tags).map(|source| Box::new(source) as Box<dyn Source>)
    }
}
