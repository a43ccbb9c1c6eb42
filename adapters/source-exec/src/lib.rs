//! Reads whatever a program prints as JSON lines, in any language.
//!
//! The program is started without a shell and restarted by the room when it ends. From the edge inwards: `child` (the
//! process and its group), `pipes` (its three streams), `lines` (bytes become bounded lines), `message` and `cell`
//! (a line is understood), `reader` (lines become a batch), `source` (connect, next, settle).
//!
//! Deliberately absent: any word to the program except which ticket is settled.

mod cell;
mod child;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod lines;
mod message;
mod pipes;
pub mod probe;
mod reader;
mod settings;
mod source;
mod stderr;

use contract::{Brings, Fault, Field, Reads, Setup, Source, SourceKind};
use jiff::tz::TimeZone;

pub use settings::{Address, List, Settings};

use crate::child::Command;
use crate::reader::Reader;
use crate::source::Exec;

/// The version of the line format that is spoken here.
pub const VERSION: u64 = 1;

/// `[source.exec.<name>]`.
pub struct Kind;

impl SourceKind for Kind {
    const NAME: &'static str = "exec";
    type Settings = Settings;
    type Address = Address;
    type List = List;

    fn check_list(_settings: &Settings, fields: &[Field], _list: &List) -> Vec<Fault> {
        rows::faults(fields)
    }

    /// A line of the program shows whether it is a value or an alarm.
    fn brings(_address: &Address) -> Brings {
        Brings::Either
    }

    fn build(
        setup: &Setup<'_>,
        settings: Settings,
        reads: Reads<Address, List>,
    ) -> Result<Box<dyn Source>, Vec<Fault>> {
        let zone = TimeZone::get(&setup.site.timezone)
            .map_err(|error| vec![Fault::at("", format!("time zone of the site: {error}"))])?;
        let state = setup.state.join(format!("exec-{}", setup.name));
        let command = Command::new(&settings, state).map_err(|fault| vec![fault])?;
        Ok(Box::new(Exec::new(setup.name, command, &settings, Reader::new(reads, zone))))
    }
}
