//! Reads business systems out of their databases: PostgreSQL, MariaDB and MySQL.
//!
//! From the edge inwards: `postgres` and `maria` (one connection), `session` (either of them), `poll` (rounds of
//! queries, in a task), `cell` (what a column holds), `source` (connect, next, settle). How far a list is safe,
//! `rows` keeps.
//!
//! Deliberately absent: any transaction that is not read-only.

mod cell;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod maria;
mod poll;
mod postgres;
pub mod probe;
mod session;
mod settings;
mod source;
mod tls;
mod url;

use contract::{Fault, Field, Reads, Setup, Source, SourceKind, TagAddress};
use jiff::tz::TimeZone;
use rows::{Decimal, Maker, Memory, Style};

pub use settings::{Address, List, Settings, Tls};

use crate::poll::Values;
use crate::url::Endpoint;

/// `[source.sql.<name>]`.
pub struct Kind;

impl SourceKind for Kind {
    const NAME: &'static str = "sql";
    type Settings = Settings;
    type Address = Address;
    type List = List;

    fn check_list(_settings: &Settings, fields: &[Field], _list: &List) -> Vec<Fault> {
        rows::faults(fields)
    }

    fn build(
        setup: &Setup<'_>,
        settings: Settings,
        reads: Reads<Address, List>,
    ) -> Result<Box<dyn Source>, Vec<Fault>> {
        build(setup, &settings, reads).map(|source| Box::new(source) as Box<dyn Source>)
    }
}

fn build(
    setup: &Setup<'_>,
    settings: &Settings,
    reads: Reads<Address, List>,
) -> Result<source::Sql, Vec<Fault>> {
    let zone = TimeZone::get(&setup.site.timezone)
        .map_err(|error| vec![Fault::at("", format!("time zone of the site: {error}"))])?;
    let style = Style::new(Decimal::Point, zone);
    let wrong: Vec<Fault> =
        reads.lists.iter().flat_map(|list| rows::of_list(&list.name, rows::faults(&list.fields))).collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let lists = reads.lists.iter().map(|list| poll::List {
        query: list.address.query.clone(),
        name: list.name.clone(),
        maker: Maker::new(list, style.clone()),
        cursor: list.address.cursor.clone().zip(list.address.start.clone()),
        whole: list.address.whole,
    });
    let plan = poll::Plan {
        line: line(settings).map_err(|fault| vec![fault])?,
        lists: lists.collect(),
        values: values(&reads.tags),
        style,
        rows_max: settings.rows_max,
        every: settings.every.0,
    };
    Ok(source::Sql::new(plan, Memory::open(setup.state, &format!("sql-{}", setup.name))))
}

fn line(settings: &Settings) -> Result<session::Plan, Fault> {
    let password = settings.password.as_ref().map(contract::settings::Secret::read).transpose();
    let tls = match settings.tls {
        Tls::Disable => None,
        Tls::Require => Some(tls::config(settings.ca.as_deref())?),
    };
    Ok(session::Plan {
        endpoint: Endpoint::parse(&settings.url).map_err(|wrong| Fault::at("url", wrong))?,
        user: settings.user.clone(),
        password: password.map_err(|wrong| Fault::at("password", wrong))?,
        tls,
        ca: settings.ca.clone(),
        query_timeout: settings.query_timeout.0,
    })
}

/// Tags of one query share it.
fn values(tags: &[TagAddress<Address>]) -> Vec<Values> {
    let mut all: Vec<Values> = Vec::new();
    for TagAddress { id, machine, address } in tags {
        // A key of the configuration holds no quote; doubled, it could not end a text of the query either way.
        let query = address.query.replace("{machine}", &machine.replace('\'', "''"));
        let tag = (*id, address.column.clone(), address.time.clone());
        match all.iter_mut().find(|values| values.query == query) {
            Some(values) => values.tags.push(tag),
            None => {
                all.push(Values { name: format!("{machine}: {}", address.column), query, tags: vec![tag] })
            }
        }
    }
    all
}
