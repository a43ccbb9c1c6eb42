use std::time::Duration;

use opcua::crypto::{PrivateKey, X509Data};

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("portevoix-opcua-trust-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn shown(name: &str, host: &str) -> Vec<u8> {
    let mut names = X509Data::alt_host_names(&format!("urn:{name}"), None, false, false, false);
    names.add_address(host);
    let data = X509Data {
        key_size: 2048,
        common_name: name.to_owned(),
        organization: String::new(),
        organizational_unit: String::new(),
        country: String::new(),
        state: String::new(),
        alt_host_names: names,
        certificate_duration_days: 10,
    };
    let key = PrivateKey::new(2048).unwrap();
    X509::from_pkey(&key, &data).unwrap().to_der().unwrap()
}

fn now() -> Moment {
    Moment::from_system(std::time::SystemTime::now())
}

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_stranger_waits_until_a_person_accepts_it() {
    let state = Folder::new("accept");
    let folder = folder(&state.0, "hall-b");
    let server = shown("press", "press.local");
    let Err(Doubt::Unknown { thumbprint, subject }) = judge(&folder, &server, None, now()) else {
        panic!("expected a stranger")
    };
    assert_eq!(subject, "press");
    let standing = || list(&state.0, "hall-b").unwrap().iter().map(|one| one.standing).collect::<Vec<_>>();
    assert_eq!(standing(), [Standing::Rejected]);
    assert!(matches!(accept(&state.0, "hall-b", "../../x"), Err(TrustError::NoThumbprint(_))));
    assert!(matches!(accept(&state.0, "hall-b", &"a".repeat(40)), Err(TrustError::Unknown(_))));
    // As tools show it: in capitals, with colons.
    let capitals = thumbprint.to_uppercase();
    let pairs: Vec<String> =
        capitals.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two).into()).collect();
    accept(&state.0, "hall-b", &pairs.join(":")).unwrap();
    assert_eq!(standing(), [Standing::Trusted]);
    assert!(judge(&folder, &server, None, now()).is_ok());
    accept(&state.0, "hall-b", &thumbprint).unwrap();
    reject(&state.0, "hall-b", &thumbprint).unwrap();
    assert!(matches!(judge(&folder, &server, None, now()), Err(Doubt::Unknown { .. })));
}

#[test]
fn an_accepted_certificate_must_be_of_today_and_of_the_typed_host() {
    let state = Folder::new("host");
    let folder = folder(&state.0, "hall-b");
    let server = shown("press", "press.local");
    let Err(Doubt::Unknown { thumbprint, .. }) = judge(&folder, &server, None, now()) else {
        panic!("expected a stranger")
    };
    accept(&state.0, "hall-b", &thumbprint).unwrap();
    assert!(judge(&folder, &server, Some("press.local"), now()).is_ok());
    assert_eq!(judge(&folder, &server, Some("other.local"), now()), Err(Doubt::WrongHost));
    let late = judge(&folder, &server, None, now().plus(11 * DAY));
    assert!(matches!(late, Err(Doubt::Untimely(words)) if words.starts_with("expired on ")));
    let early = judge(&folder, &server, None, Moment::from_ms(now().as_ms() - 86_400_000));
    assert!(matches!(early, Err(Doubt::Untimely(words)) if words.starts_with("is valid only from ")));
}

#[test]
fn the_signature_of_an_issuer_is_enough() {
    let state = Folder::new("issuer");
    let folder = folder(&state.0, "hall-b");
    // Self-signed: it is its own issuer.
    let (server, stranger) = (shown("press", "press.local"), shown("other", "press.local"));
    fs::create_dir_all(folder.join("issuers")).unwrap();
    fs::write(folder.join("issuers/plant.der"), &server).unwrap();
    assert!(judge(&folder, &server, None, now()).is_ok());
    assert!(matches!(judge(&folder, &stranger, None, now()), Err(Doubt::Unknown { .. })));
    let mut forged = server.clone();
    let at = forged.windows(5).position(|five| five == b"press").unwrap();
    forged[at] = b'P';
    assert!(matches!(judge(&folder, &forged, None, now()), Err(Doubt::Unknown { .. })));
}

#[test]
fn what_is_no_certificate_is_told_and_not_kept() {
    let state = Folder::new("odd");
    let folder = folder(&state.0, "hall-b");
    let mut chain = shown("press", "press.local");
    chain.extend(chain.clone());
    for odd in [&[][..], b"nonsense", &[0x30; 100_000], &chain] {
        assert!(matches!(judge(&folder, odd, None, now()), Err(Doubt::Unusable(_))));
    }
    assert_eq!(list(&state.0, "hall-b").unwrap(), []);
}

#[test]
fn a_server_that_changes_its_face_does_not_fill_the_disk() {
    let state = Folder::new("faces");
    let server = shown("press", "press.local");
    for face in 0..2 * REJECTED_MAX {
        remember(&state.0, &format!("{face:040}"), &server);
    }
    let kept = fs::read_dir(state.0.join("rejected")).unwrap().count();
    assert_eq!(kept, REJECTED_MAX);
}
