//! Lists: what has changed alone, all rows, many rows, every type. One server for all of a database's tests.

use contract::{Cause, Event, Notice, SourceError, Trouble, Value};
use peers::foreign::Folder;
use peers::sql::{Database, Kind as Which};
use serde_json::{Value as Json, json};

use crate::bench::{keys, make, notice, read_until, soon, table};

const CHANGED: &str =
    "select number, quantity, changed from orders where changed >= {since} order by changed";

fn changed(query: &str) -> Json {
    json!({"query": query, "cursor": "changed", "start": "1970-01-02 00:00:00"})
}

/// All tests of lists, in turn, on one server.
pub async fn all(which: Which) {
    let mut database = Database::start(which).await;
    let fresh = "drop table if exists orders; \
                 create table orders (number varchar(20) primary key, quantity decimal(10,3), changed timestamp(6)); \
                 insert into orders values ('OF-1', 1.5, '2026-11-24 09:00:01.000001'), \
                 ('OF-2', 2.5, '2026-11-24 09:00:02'), ('OF-3', 3.5, '2026-11-24 09:00:03.000003')";
    database.run(fresh);
    assert!(tie(&database, CHANGED).await, "the row of the same time is lost");
    database.run(fresh);
    // What the test notices: a query for later rows alone.
    assert!(!tie(&database, &CHANGED.replace(">=", ">")).await, "a row was lost and nothing noticed it");
    database.run(fresh);
    safe_and_not_safe(&mut database).await;
    whole(&database).await;
    many(&database).await;
    types(&database).await;
}

/// Whether a row that comes later, with the time of the newest, is given.
async fn tie(database: &Database, query: &str) -> bool {
    let folder = Folder::new("sql");
    let mut source = make(folder.path(), table(database, &folder), &[], &[changed(query)]);
    soon(source.connect()).await.expect("connected");
    let all = read_until(&mut *source, |all| all.ticket.is_some()).await;
    assert_eq!(keys(&all), ["OF-1", "OF-2", "OF-3"]);
    soon(source.settle(all.ticket.expect("a ticket"))).await.expect("settled");
    database.run("insert into orders values ('OF-4', 4, '2026-11-24 09:00:03.000003')");
    let mut came = Vec::new();
    for _ in 0..3 {
        came.extend(keys(&soon(source.next()).await.expect("a batch")));
    }
    assert!(!came.contains(&"OF-1".to_owned()), "{came:?}");
    came.contains(&"OF-4".to_owned())
}

async fn safe_and_not_safe(database: &mut Database) {
    let folder = Folder::new("sql");
    let settings = table(database, &folder);
    let fresh = || make(folder.path(), settings.clone(), &[], &[changed(CHANGED)]);
    let mut source = fresh();
    soon(source.connect()).await.expect("connected");
    assert_eq!(keys(&read_until(&mut *source, |all| all.ticket.is_some()).await).len(), 3);
    // Our process is killed before it was safe.
    drop(source);
    let mut source = fresh();
    soon(source.connect()).await.expect("connected");
    let all = read_until(&mut *source, |all| all.ticket.is_some()).await;
    assert_eq!(keys(&all).len(), 3, "expected all that was not safe");
    soon(source.settle(all.ticket.expect("a ticket"))).await.expect("settled");
    // The server is killed, and changed while we are away.
    database.kill();
    let lost = loop {
        if let Err(error) = soon(source.next()).await {
            break error;
        }
    };
    assert!(matches!(lost, SourceError::Lost(_)), "{lost:?}");
    assert!(matches!(soon(source.connect()).await, Err(SourceError::Lost(_))));
    database.restart().await;
    database.run("update orders set quantity = 20, changed = '2026-11-24 09:00:09' where number = 'OF-2'");
    soon(source.connect()).await.expect("connected again");
    let all = read_until(&mut *source, |all| all.ticket.is_some()).await;
    assert_eq!(keys(&all), ["OF-3", "OF-2"], "expected the newest and what has changed");
    // And again after a restart of ours.
    let mut source = fresh();
    soon(source.connect()).await.expect("connected");
    assert_eq!(keys(&read_until(&mut *source, |all| all.ticket.is_some()).await), ["OF-3", "OF-2"]);
}

async fn whole(database: &Database) {
    let folder = Folder::new("sql");
    let list =
        json!({"query": "select number, quantity, changed from orders order by number; ", "whole": true});
    let mut source = make(folder.path(), table(database, &folder), &[], &[list]);
    soon(source.connect()).await.expect("connected");
    let is_whole = |all: &contract::Batch| keys(all).last().is_some_and(|last| last == ".");
    assert_eq!(keys(&read_until(&mut *source, is_whole).await), ["+", "OF-1", "OF-2", "OF-3", "."]);
    database.run("delete from orders where number = 'OF-1'");
    let until = |all: &contract::Batch| is_whole(all) && !keys(all).contains(&"OF-1".to_owned());
    let came = soon(async {
        loop {
            let all = read_until(&mut *source, is_whole).await;
            if until(&all) {
                return keys(&all);
            }
        }
    });
    assert_eq!(came.await, ["+", "OF-2", "OF-3", "."]);
    // Rows that cannot be understood are there, and hold nothing up.
    let query = "select number, 'x' as quantity, changed from orders order by number";
    let list = json!({"query": query, "whole": true});
    let mut source = make(folder.path(), table(database, &folder), &[], &[list]);
    soon(source.connect()).await.expect("connected");
    assert_eq!(keys(&read_until(&mut *source, is_whole).await), ["+", "?OF-2", "?OF-3", "."]);
}

async fn many(database: &Database) {
    database.run("create table many (number int, quantity int, changed timestamp null)");
    let folder = Folder::new("sql");
    let rows: Vec<String> = (0..5_000).map(|at| format!("({at}, {at}, null)")).collect();
    database.run(&format!("insert into many values {}", rows.join(",")));
    let query = json!({"query": "select * from many order by number", "whole": true});
    let mut source = make(folder.path(), table(database, &folder), &[], std::slice::from_ref(&query));
    soon(source.connect()).await.expect("connected");
    let mut came = 0;
    while came < 5_002 {
        let batch = soon(source.next()).await.expect("a batch");
        assert!(batch.events.len() <= 252, "a batch of {}", batch.events.len());
        came += batch.events.len();
    }
    // More than may be: told, nothing is whole, and once there are fewer it is.
    let mut settings = table(database, &folder);
    settings["rows_max"] = json!(1_000);
    let mut source = make(folder.path(), settings, &[], &[query]);
    soon(source.connect()).await.expect("connected");
    let all = read_until(&mut *source, |all| !all.notices.is_empty()).await;
    let large = |notice: &Notice| {
        matches!(notice, Notice::Trouble(Trouble { cause: Cause::TooLarge { max: 1_000 }, .. }))
    };
    assert!(large(&all.notices[0]) && !keys(&all).contains(&".".to_owned()), "{:?}", all.notices);
    database.run("delete from many where number > 900");
    assert!(matches!(notice(&mut *source).await, Notice::Mended(..)));
}

async fn types(database: &Database) {
    database.run(
        "create table types (number varchar(20), quantity double precision, changed date, n bigint, f boolean, t varchar(9)); \
         insert into types values ('000012', 84.2, '2026-11-24', 42, true, 'auto'), ('x', null, null, null, null, null)",
    );
    let folder = Folder::new("sql");
    let tag = |column: &str| json!({"query": "select * from types where number = '000012' -- one row", "column": column, "time": "changed"});
    let tags = [tag("quantity"), tag("n"), tag("f"), tag("t"), tag("number"), tag("nothing")];
    let list = json!({"query": "select * from types order by number"});
    let mut source = make(folder.path(), table(database, &folder), &tags, &[list]);
    soon(source.connect()).await.expect("connected");
    let all = read_until(&mut *source, |all| all.events.len() >= 2).await;
    // A boolean of MariaDB is a number.
    let flag = [Value::Flag(true), Value::Number(1.0)];
    let values: Vec<&Value> = all.samples.iter().map(|sample| &sample.value).collect();
    assert_eq!(values[..2], [&Value::Number(84.2), &Value::Number(42.0)]);
    assert!(flag.contains(values[2]), "{values:?}");
    assert_eq!(values[3..5], [&Value::Text("auto".into()), &Value::Text("000012".into())]);
    // The day begins in the zone of the site.
    assert_eq!(all.samples[0].at.map(contract::Moment::as_ms), Some(1_795_474_800_000));
    assert!(matches!(&all.samples[5].quality, contract::Quality::Bad(words) if words.contains("nothing")));
    assert!(
        matches!(&all.notices[0], Notice::Trouble(Trouble { cause: Cause::Missing(what), .. }) if what == "column nothing")
    );
    let fields = |at: usize| match &all.events[at] {
        Event::Record(record) => record.fields.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(fields(0)[1], Some(Value::Number(84.2)));
    assert_eq!(*fields(1), [Some(Value::Text("x".into())), None, None]);
}
