//! What is asked of a server for one item, and who asks.

use std::path::{Path, PathBuf};

use contract::{SourceError, Value as Said};
use peers::foreign::Folder;
use peers::opcua::OpcUa;
use serde_json::{Value, json};

use crate::bench::{connect, make, node, numbers, plain, read_until, soon};
use crate::refusals::{accept, secured};

/// The numbers that come of 10, 12 and 20.
async fn heard(server: &mut OpcUa, tag: Value) -> Vec<f64> {
    server.tell("set oil 0").await;
    let state = Folder::new("opcua");
    let mut source = make(&state, plain(server), &[tag]);
    connect(&mut *source).await;
    let mut all = Vec::new();
    for value in [10.0, 12.0, 20.0] {
        server.tell(&format!("set oil {value}")).await;
        // Each is published before the next is said, or will never be.
        if value != 12.0 {
            let came = read_until(&mut *source, |batch| numbers(batch).get(&0) == Some(&value)).await;
            all.extend(came.samples.iter().filter_map(|sample| match sample.value {
                Said::Number(number) => Some(number),
                _ => None,
            }));
        }
    }
    all.retain(|value| *value > 0.0);
    all
}

#[tokio::test]
async fn a_deadband_is_kept_by_the_server() {
    let mut server = OpcUa::asyncua(&[]).await;
    let with = |deadband: f64| json!({"node": "nsu=urn:plant;s=oil", "deadband": deadband, "queue": 10});
    assert_eq!(heard(&mut server, with(5.0)).await, [10.0, 20.0]);
    // The mutant: one that is not asked for is noticed.
    assert_eq!(heard(&mut server, node("oil")).await, [10.0, 12.0, 20.0]);
    server.assert_only_read().await;
}

/// A certificate of a user: its DER file and its key.
fn user(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join(format!("{name}.der")), folder.join(format!("{name}.key")));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10", "-outform", "DER"])
        .args(["-subj", &format!("/CN={name}")])
        .arg("-out")
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .output()
        .expect("openssl");
    assert!(made.status.success(), "{made:?}");
    (certificate, key)
}

#[tokio::test]
async fn a_user_may_be_known_by_a_certificate() {
    let state = Folder::new("opcua");
    let ((known, key), (other, other_key)) = (user(state.path(), "bridge"), user(state.path(), "stranger"));
    let (mut server, mut table) = secured(&[&format!("user={}", known.display())], &state).await;
    for field in ["user", "password"] {
        table.as_object_mut().expect("a table").remove(field);
    }
    let mut with = |certificate: &Path, key: &Path| {
        table["user_certificate"] = json!(certificate);
        table["user_key"] = json!(key);
        table.clone()
    };
    let good = with(&known, &key);
    accept(&state, &good).await;
    let mut source = make(&state, good, &[node("oil")]);
    connect(&mut *source).await;
    server.tell("set oil 7").await;
    read_until(&mut *source, |batch| numbers(batch).get(&0) == Some(&7.0)).await;
    soon(source.close()).await;
    // One that nobody knows, and one that is known and signed for with the key of another.
    for wrong in [with(&other, &other_key), with(&known, &other_key)] {
        let refused = soon(make(&state, wrong, &[node("oil")]).connect()).await;
        assert!(matches!(refused, Err(SourceError::LockedOut(_))), "{refused:?}");
    }
    server.assert_only_read().await;
}
