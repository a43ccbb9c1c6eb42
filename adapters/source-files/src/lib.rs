//! Reads exports of business systems from a folder, local or mounted, or over SFTP.
//!
//! A file that is through becomes the records of the lists that ask for its name. What was taken is known by its
//! content, so a file that is delivered again says nothing twice; it is moved once its rows are safe with us. From the
//! edge inwards: `folder` and `sftp` (a `place`), `watch` (when is a file through), `copy` (bytes that no longer
//! change), `format` (bytes become cells), `reading` (cells become records), `ledger` and `book` (what is known),
//! `worker` and `troubles` (the task that does it all), `source` (connect, next, settle).
//!
//! Deliberately absent: inotify, which says nothing on shares; folders in the folder; anything that follows a link.

mod book;
#[cfg(test)]
mod campaign;
mod copy;
mod folder;
mod format;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod glob;
mod guess;
mod ledger;
mod list;
mod place;
pub mod probe;
mod reading;
mod settings;
#[cfg(feature = "sftp")]
mod sftp;
mod source;
mod troubles;
mod watch;
mod worker;

use std::sync::Arc;

use contract::{Fault, Field, NoTags, Reads, Setup, Source, SourceKind};
use jiff::tz::TimeZone;
use tokio::sync::Semaphore;

pub use list::{BadRows, Csv, Fixed, Format, Json, Jsonl, List, Xlsx, Xml};
pub use settings::{After, Settings, Sftp};

use crate::book::Book;
use crate::ledger::Ledger;
use crate::reading::Reading;
use crate::source::{Files as Reader, Where};
use crate::worker::Rules;

/// `[source.files.<name>]`.
pub struct Files;

impl SourceKind for Files {
    const NAME: &'static str = "files";
    type Settings = Settings;
    type Address = NoTags;
    type List = List;

    fn check_list(_settings: &Settings, fields: &[Field], list: &List) -> Vec<Fault> {
        reading::misfits(fields, list)
    }

    fn build(
        setup: &Setup<'_>,
        settings: Settings,
        reads: Reads<NoTags, List>,
    ) -> Result<Box<dyn Source>, Vec<Fault>> {
        build(setup, settings, reads).map(|source| Box::new(source) as Box<dyn Source>)
    }
}

fn build(setup: &Setup<'_>, settings: Settings, reads: Reads<NoTags, List>) -> Result<Reader, Vec<Fault>> {
    let zone = TimeZone::get(&setup.site.timezone).map_err(|error| vec![Fault::at("", error.to_string())])?;
    let made = reads.lists.iter().map(|list| Reading::new(list, zone.clone()));
    let (lists, wrong): (Vec<_>, Vec<_>) = made.partition(Result::is_ok);
    let mut faults: Vec<Fault> = wrong.into_iter().filter_map(Result::err).flatten().collect();
    let at = place(&settings).map_err(|fault| faults.push(fault)).ok();
    let (Some(at), true) = (at, faults.is_empty()) else { return Err(faults) };
    Ok(Reader {
        at,
        book: Arc::new(Book::new(Ledger::open(setup.state, setup.name))),
        lists: lists.into_iter().filter_map(Result::ok).collect(),
        still: settings.still.0,
        unfinished: settings.unfinished.0,
        turn: Arc::new(Semaphore::new(1)),
        link: None,
        rules: Arc::new(Rules {
            every: settings.every.0,
            marker: settings.marker,
            after: settings.after,
            archive: settings.archive,
            quarantine: settings.quarantine,
            file_max: settings.file_max,
            spool: setup.state.to_owned(),
        }),
        #[cfg(test)]
        mutant: None,
    })
}

fn place(settings: &Settings) -> Result<Where, Fault> {
    match (&settings.folder, &settings.sftp) {
        (Some(folder), None) => Ok(Where::Folder(folder.clone())),
        #[cfg(feature = "sftp")]
        (None, Some(sftp)) => sftp::Account::read(sftp).map(|account| Where::Sftp(Box::new(account))),
        #[cfg(not(feature = "sftp"))]
        (None, Some(_)) => Err(Fault::at("sftp", "this portevoix was built without SFTP (feature `sftp`)")),
        _ => Err(Fault::at("folder", "expected exactly one of `folder` and `sftp`")),
    }
}
