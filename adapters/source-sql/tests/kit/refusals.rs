//! What databases refuse, and what is refused to a query. One server for all of a database's tests.

use contract::{Cause, Notice, Quality, SourceError, Thing, Trouble};
use peers::foreign::Folder;
use peers::sql::{Database, Kind as Which, OWNER};
use serde_json::{Value as Json, json};

use crate::bench::{make, notice, read_until, soon, table, table_as, try_make};

fn ones() -> Json {
    json!({"query": "select 1 as number", "column": "number"})
}

/// All tests of refusals, in turn, on one server.
pub async fn all(which: Which) {
    let database = Database::start(which).await;
    people(&database).await;
    lines(&database).await;
    queries(&database, which).await;
    writes(&database, which).await;
}

/// Who is not let in: a person must look.
async fn people(database: &Database) {
    let folder = Folder::new("sql");
    let refused = |settings: Json| {
        let mut source = make(folder.path(), settings, &[ones()], &[]);
        async move { soon(source.connect()).await.expect_err("refused") }
    };
    for who in [("reader", "wr0ng"), ("nobody", "r3ader")] {
        let error = refused(table_as(database, &folder, who)).await;
        let SourceError::LockedOut(words) = &error else { panic!("{error:?}") };
        assert!(!words.contains("wr0ng") && !words.contains("r3ader"), "{words}");
    }
    let mut nameless = table(database, &folder);
    nameless["url"] = json!(database.url().replace("/erp", "/nowhere"));
    let error = refused(nameless).await;
    assert!(matches!(error, SourceError::Refused(_) | SourceError::LockedOut(_)), "{error:?}");
    let mut elsewhere = table(database, &folder);
    elsewhere["url"] = json!(database.url().replace(&database.port().to_string(), "1"));
    assert!(matches!(refused(elsewhere).await, SourceError::Lost(_)));
}

/// TLS: with the right authority, and with another.
async fn lines(database: &Database) {
    let folder = Folder::new("sql");
    let mut settings = table(database, &folder);
    settings["tls"] = json!("require");
    settings["ca"] = json!(database.certificate());
    let mut source = make(folder.path(), settings.clone(), &[ones()], &[]);
    soon(source.connect()).await.expect("connected with TLS");
    assert_eq!(
        read_until(&mut *source, |all| !all.samples.is_empty()).await.samples[0].quality,
        Quality::Good
    );
    // An authority that did not sign: a certificate of the same name and another key.
    let other = folder.path().join("other.pem");
    let key = folder.path().join("other.key");
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:TRUE", "-keyout"])
        .args([&key])
        .arg("-out")
        .args([&other])
        .output()
        .expect("openssl");
    assert!(made.status.success());
    settings["ca"] = json!(other);
    let refused = soon(make(folder.path(), settings.clone(), &[ones()], &[]).connect()).await;
    assert!(matches!(&refused, Err(SourceError::LockedOut(_))), "{refused:?}");
    settings["ca"] = json!("/nowhere.pem");
    let faults = try_make(folder.path(), settings, &[ones()], &[]).err().expect("a fault");
    assert_eq!(faults[0].key, "ca");
}

#[track_caller]
fn cause(notice: Notice) -> Cause {
    match notice {
        Notice::Trouble(Trouble { thing: Thing::Query, name, cause }) if name == "orders-0" => cause,
        other => panic!("expected a trouble of `orders-0`, found: {other:?}"),
    }
}

/// A wrong query spoils itself alone and is mended.
async fn queries(database: &Database, which: Which) {
    let folder = Folder::new("sql");
    let slow = match which {
        Which::Postgres => "select pg_sleep(10)::text as number",
        Which::Mariadb => "select sum(sin(seq)) as number from seq_1_to_1000000000",
    };
    for (query, want) in
        [("select number from later", "Missing("), ("select number from", "Refused("), (slow, "NoAnswer")]
    {
        let mut settings = table(database, &folder);
        settings["query_timeout"] = json!("300ms");
        let mut source = make(folder.path(), settings, &[ones()], &[json!({"query": query})]);
        soon(source.connect()).await.expect("connected");
        let found = format!("{:?}", cause(notice(&mut *source).await));
        assert!(found.starts_with(want), "{query}: {found}");
        let all = read_until(&mut *source, |all| !all.samples.is_empty()).await;
        assert_eq!(all.samples[0].quality, Quality::Good, "{query}");
        if want == "Missing(" {
            database.run("create table later (number int)");
            assert_eq!(notice(&mut *source).await, Notice::Mended(Thing::Query, "orders-0".into()));
        }
    }
}

/// Nothing is written, even as the owner and with a query that the check would not let pass.
async fn writes(database: &Database, which: Which) {
    let folder = Folder::new("sql");
    database.run("create table precious (number int); insert into precious values (1), (2), (3)");
    let statements: &[&str] = match which {
        Which::Postgres => {
            database.run(
                "create function wipe() returns int language plpgsql as \
                 $$ begin delete from precious; return 1; end $$; create sequence counter",
            );
            &[
                "select wipe() as number",
                "select nextval('counter') as number",
                "with gone as (delete from precious returning number) select number from gone",
                "delete from precious",
                "select 1) as x; delete from precious; select 2 as number from (select 1",
            ]
        }
        Which::Mariadb => {
            database.run("delimiter //\ncreate function wipe() returns int begin delete from precious; return 1; end//");
            &[
                "select wipe() as number",
                "delete from precious",
                "insert into precious values (4)",
                "drop table precious",
                "select 1; delete from precious",
            ]
        }
    };
    for statement in statements {
        let mut source =
            make(folder.path(), table_as(database, &folder, OWNER), &[], &[json!({"query": statement})]);
        soon(source.connect()).await.expect("connected");
        let found = cause(notice(&mut *source).await);
        assert!(matches!(found, Cause::Refused(_)), "{statement}: {found:?}");
        assert_eq!(database.run("select count(*) from precious"), "3", "{statement}");
    }
    // What the test notices: the same words outside of a read-only transaction.
    database.run("select wipe()");
    assert_eq!(database.run("select count(*) from precious"), "0");
}
