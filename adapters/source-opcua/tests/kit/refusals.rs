//! What a server refuses, and what we refuse: each with its own words and its own next step.

use contract::SourceError;
use peers::foreign::Folder;
use peers::opcua::OpcUa;
use serde_json::{Value, json};
use source_opcua::trust::{self, Standing};

use crate::bench::{connect, make, node, numbers, read_until, soon};

/// A secured server, and the table of a user that it knows.
pub async fn secured(options: &[&str], state: &Folder) -> (OpcUa, Value) {
    let all = [&["security=secure"], options].concat();
    let server = OpcUa::asyncua(&all).await;
    let password = state.path().join("password");
    std::fs::write(&password, "s3cret").expect("a password file");
    let table = json!({
        "url": server.url(), "user": "bridge", "password": {"file": password}, "publishing": "50ms",
        "keep_alive": "1s", "policy": "Basic256Sha256",
    });
    (server, table)
}

/// Tries to connect and accepts the server's certificate, as a person does.
pub async fn accept(state: &Folder, table: &Value) {
    let mut source = make(state, table.clone(), &[node("oil")]);
    let Err(SourceError::LockedOut(words)) = soon(source.connect()).await else {
        panic!("expected a stranger")
    };
    let waiting = trust::list(state.path(), "hall-b").expect("a list");
    let waiting = waiting.iter().find(|one| one.standing == Standing::Rejected).expect("one that waits");
    assert!(words.contains(&format!("portevoix trust accept hall-b {}", waiting.thumbprint)), "{words}");
    trust::accept(state.path(), "hall-b", &waiting.thumbprint).expect("accepted");
}

async fn refused(state: &Folder, table: &Value, change: Value) -> SourceError {
    let mut table = table.clone();
    for (key, value) in change.as_object().expect("a table") {
        table[key] = value.clone();
    }
    let mut source = make(state, table, &[node("oil")]);
    soon(source.connect()).await.expect_err("a refusal")
}

#[track_caller]
fn locked(found: &SourceError, words: &str) {
    let SourceError::LockedOut(said) = found else { panic!("expected LockedOut: {found:?}") };
    assert!(said.contains(words), "{said}");
}

#[track_caller]
fn mend(found: &SourceError, words: &str) {
    let SourceError::Refused(said) = found else { panic!("expected Refused: {found:?}") };
    assert!(said.contains(words), "{said}");
}

#[tokio::test]
async fn each_mistake_has_its_own_words() {
    let state = Folder::new("opcua");
    let (mut server, table) = secured(&[], &state).await;
    accept(&state, &table).await;
    server.tell("set oil 84.2").await;
    let mut source = make(&state, table.clone(), &[node("oil")]);
    connect(&mut *source).await;
    let read = read_until(&mut *source, |batch| !batch.samples.is_empty()).await;
    assert_eq!(numbers(&read)[&0], 84.2);

    let wrong = state.path().join("wrong");
    std::fs::write(&wrong, "x").expect("a file");
    let found = refused(&state, &table, json!({"password": {"file": wrong}})).await;
    locked(&found, "does not let user `bridge` in (BadUserAccessDenied)");
    let found = refused(&state, &table, json!({"policy": "Aes256Sha256RsaPss"})).await;
    mend(
        &found,
        "does not offer SignAndEncrypt with Aes256Sha256RsaPss; it offers: SignAndEncrypt with Basic256Sha256",
    );
    let found = refused(&state, &table, json!({"user": null, "password": null})).await;
    mend(&found, "does not take nobody in particular; it takes: `user` and `password`");
    let found = refused(&state, &table, json!({"security": "None", "policy": null})).await;
    mend(&found, "does not offer None; it offers: SignAndEncrypt with Basic256Sha256");
    let found = refused(&state, &table, json!({"url": server.url().replace("127.0.0.1", "localhost")})).await;
    mend(&found, "does not name the host `localhost`");
    let mut source = make(&state, json!({"url": "opc.tcp://portevoix.invalid"}), &[node("oil")]);
    let found = soon(source.connect()).await.expect_err("nobody there");
    assert!(matches!(&found, SourceError::Lost(words) if words.contains("cannot be reached")), "{found:?}");
    server.assert_only_read().await;
}

/// The server takes the certificate of its restart for another server, until a person has looked; an expired one is
/// not taken even then.
#[tokio::test]
async fn a_new_certificate_waits_for_a_person_and_an_old_one_for_a_new() {
    let state = Folder::new("opcua");
    let (mut server, table) = secured(&[], &state).await;
    accept(&state, &table).await;
    let mut source = make(&state, table.clone(), &[node("oil")]);
    connect(&mut *source).await;
    server.kill();
    server.reconfigure(&["certificate=other"]);
    server.restart().await;
    let found = loop {
        match soon(source.connect()).await {
            Err(SourceError::Lost(_)) => {}
            other => break other.expect_err("a stranger"),
        }
    };
    locked(&found, "nobody here has accepted");
    accept(&state, &table).await;
    connect(&mut *source).await;
    read_until(&mut *source, |batch| !batch.samples.is_empty()).await;
    server.kill();
    server.reconfigure(&["certificate=expired", "days=-2"]);
    server.restart().await;
    accept(&state, &table).await;
    let found = soon(source.connect()).await.expect_err("an expired certificate");
    locked(&found, "expired on ");
}
