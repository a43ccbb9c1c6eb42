//! Lists: pages in five ways, what has changed alone, and all rows.

use contract::{Cause, Event, Moment, Notice, Value};
use peers::foreign::Folder;
use serde_json::{Value as Json, json};

use crate::bench::{keys, make, read_until, soon};
use crate::erp::Erp;

/// 2026-11-24T09:00:00Z.
const NINE: i64 = 1_795_510_800_000;

fn erp(count: usize) -> Erp {
    let erp = Erp::start();
    let order = |at: usize| (format!("OF-{at}"), at as f64 + 0.5, NINE + at as i64 * 1000);
    erp.books().orders = (1..=count).map(order).collect();
    erp
}

fn table(erp: &Erp) -> Json {
    json!({"url": erp.url(), "every": "1s"})
}

fn changed(path: &str) -> Json {
    json!({
        "path": path,
        "rows": "/value",
        "next": {"pointer": "/@odata.nextLink"},
        "query": {"$filter": "Changed ge {since}", "$orderby": "Changed"},
        "since": {"field": "Changed", "start": "1970-01-01T00:00:00Z"},
    })
}

#[tokio::test]
async fn pages_are_found_in_five_ways() {
    let erp = erp(5);
    let folder = Folder::new("http");
    for list in [
        changed("v4/Orders"),
        json!({"path": "v2/Orders", "rows": "/d/results", "next": {"pointer": "/d/__next"}}),
        json!({"path": "linked", "next": "link"}),
        json!({"path": "paged", "next": "page", "query": {"page": "{page}"}}),
        json!({"path": "skipped", "next": "offset", "query": {"skip": "{offset}"}}),
    ] {
        let mut source = make(folder.path(), table(&erp), &[], std::slice::from_ref(&list));
        soon(source.connect()).await.expect("connected");
        let all = read_until(&mut *source, |all| all.events.len() >= 5).await;
        assert_eq!(keys(&all)[..5], ["OF-1", "OF-2", "OF-3", "OF-4", "OF-5"], "{list}");
        let Event::Record(record) = &all.events[4] else { panic!("{all:?}") };
        assert_eq!(record.fields[1], Some(Value::Number(5.5)), "{list}");
        if list["path"].as_str().is_some_and(|path| path.starts_with('v')) {
            assert_eq!(record.fields[2], Some(Value::Time(Moment::from_ms(NINE + 5000))), "{list}");
        }
    }
}

/// Reads five orders, settles, and looks what comes once an order of the newest time is added: what shares the
/// time of the newest row must not be lost.
async fn tie(path: &str) -> bool {
    let erp = erp(5);
    let folder = Folder::new("http");
    let mut source = make(folder.path(), table(&erp), &[], &[changed(path)]);
    soon(source.connect()).await.expect("connected");
    let all = read_until(&mut *source, |all| all.ticket.is_some()).await;
    soon(source.settle(all.ticket.expect("a ticket"))).await.expect("settled");
    erp.books().orders.push(("OF-6".into(), 6.0, NINE + 5000));
    erp.books().asked.clear();
    // The next round, and one more to be sure that it would have come.
    let asked = |erp: &Erp| erp.books().asked.len();
    let mut came = Vec::new();
    while asked(&erp) < 2 {
        came.extend(keys(&soon(source.next()).await.expect("a batch")));
    }
    assert!(!came.contains(&"OF-1".to_owned()), "{came:?}");
    came.contains(&"OF-6".to_owned())
}

#[tokio::test]
async fn rows_that_share_the_time_of_the_newest_are_not_lost() {
    assert!(tie("v4/Orders").await, "the order of the same time is lost");
    // What the test notices: a system that is asked for later rows alone.
    assert!(!tie("v4/OrdersAfter").await, "a row was lost and nothing noticed it");
}

#[tokio::test]
async fn what_is_not_settled_is_asked_again_and_what_is_settled_is_not() {
    let erp = erp(5);
    let folder = Folder::new("http");
    let fresh = || make(folder.path(), table(&erp), &[], &[changed("v4/Orders")]);
    let mut source = fresh();
    soon(source.connect()).await.expect("connected");
    let all = read_until(&mut *source, |all| all.ticket.is_some()).await;
    assert_eq!(keys(&all).len(), 5);
    // Killed before it was safe.
    drop(source);
    let mut source = fresh();
    soon(source.connect()).await.expect("connected");
    let all = read_until(&mut *source, |all| all.ticket.is_some()).await;
    assert_eq!(keys(&all).len(), 5, "expected all that was not safe");
    soon(source.settle(all.ticket.expect("a ticket"))).await.expect("settled");
    drop(source);
    erp.books().orders[1].2 = NINE + 9000;
    erp.books().asked.clear();
    let mut source = fresh();
    soon(source.connect()).await.expect("connected");
    let all = read_until(&mut *source, |all| all.ticket.is_some()).await;
    assert_eq!(keys(&all), ["OF-5", "OF-2"], "expected the newest and what has changed");
    assert!(erp.books().asked[0].contains("2026-11-24T09%3A00%3A05Z"), "{:?}", erp.books().asked);
    // Another question is another list: nothing is known of it.
    let mut list = changed("v4/Orders");
    list["query"]["$expand"] = json!("Operations");
    let mut source = make(folder.path(), table(&erp), &[], &[list]);
    soon(source.connect()).await.expect("connected");
    assert_eq!(keys(&read_until(&mut *source, |all| all.ticket.is_some()).await).len(), 5);
}

#[tokio::test]
async fn a_whole_list_is_whole_and_a_half_one_is_not() {
    let erp = erp(3);
    let folder = Folder::new("http");
    let list = json!({"path": "linked", "next": "link", "whole": true});
    let mut source = make(folder.path(), table(&erp), &[], &[list]);
    soon(source.connect()).await.expect("connected");
    let is_whole = |all: &contract::Batch| keys(all).last().is_some_and(|last| last == ".");
    let all = read_until(&mut *source, is_whole).await;
    assert_eq!(keys(&all), ["+", "OF-1", "OF-2", "OF-3", "."]);
    // A row that cannot be understood is there; one of which not even the key is known may be any of them.
    erp.books().instead.insert(
        "/linked".into(),
        (
            200,
            Vec::new(),
            r#"[{"Number": "OF-1", "Quantity": "many"}, {"Number": "OF-2", "Quantity": 2}]"#.into(),
        ),
    );
    let all = read_until(&mut *source, |all| !all.notices.is_empty()).await;
    let with_one = keys(&all);
    assert_eq!(with_one[with_one.len() - 4..], ["+", "?OF-1", "OF-2", "."]);
    let cause = Cause::Unreadable { place: "row 1, Quantity".into(), found: "many".into() };
    assert!(matches!(&all.notices[0], Notice::Trouble(trouble) if trouble.cause == cause), "{all:?}");
    let keyless = r#"[{"Number": null, "Quantity": 1}, {"Number": "OF-2", "Quantity": 2}]"#;
    erp.books().instead.insert("/linked".into(), (200, Vec::new(), keyless.into()));
    let all = read_until(&mut *source, |all| !all.notices.is_empty()).await;
    let part = keys(&all);
    assert_eq!(part[part.len() - 3..], ["+", "OF-2", ","]);
    erp.books().instead.clear();
    let all = read_until(&mut *source, |all| !all.notices.is_empty()).await;
    assert!(matches!(&all.notices[0], contract::Notice::Mended(_, name) if name == "orders"), "{all:?}");
    assert!(is_whole(&all));
}

/// A list of many rows comes in bounded batches, as fast as they are taken.
#[tokio::test]
async fn a_large_page_comes_in_bounded_batches() {
    let erp = erp(0);
    let rows: Vec<Json> = (0..10_000).map(|at| json!({"Number": at, "Quantity": at})).collect();
    erp.books().instead.insert("/all".into(), (200, Vec::new(), Json::from(rows).to_string()));
    let folder = Folder::new("http");
    let mut source = make(folder.path(), table(&erp), &[], &[json!({"path": "all"})]);
    soon(source.connect()).await.expect("connected");
    let mut came = 0;
    while came < 10_000 {
        let batch = soon(source.next()).await.expect("a batch");
        assert!(batch.events.len() <= 500, "{}", batch.events.len());
        came += batch.events.len();
    }
}
