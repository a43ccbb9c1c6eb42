//! A pause that the server asks for is kept, within a round and within a list.

use super::*;

use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use contract::{Field, FieldKind, ListAddress, ListId};
use http_client::Connection;
use jiff::tz::TimeZone;
use rows::Decimal;
use tokio::sync::mpsc;

use crate::settings::Verb;

/// What the server was asked, and when.
type Log = Arc<Mutex<Vec<(String, std::time::Instant)>>>;
type Told = (StatusCode, [(&'static str, &'static str); 1], String);

/// The first question for the second page is refused for a second; then all is well.
async fn serve(log: Log) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    async fn answer(State(log): State<Log>, uri: Uri) -> Told {
        let mut log = log.lock().unwrap();
        log.push((uri.to_string(), std::time::Instant::now()));
        let is_again = log.iter().filter(|(asked, _)| *asked == uri.to_string()).count() > 1;
        let told = |status, body: &str| (status, [("retry-after", "1")], body.to_owned());
        match uri.query().unwrap_or_default() {
            "page=2" if !is_again => told(StatusCode::TOO_MANY_REQUESTS, ""),
            "page=3" => told(StatusCode::OK, "[]"),
            page => told(StatusCode::OK, &format!(r#"[{{"n": "{page}"}}]"#)),
        }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(answer).with_state(log);
    (address, tokio::spawn(async move { drop(axum::serve(listener, app).await) }))
}

fn plan(base: &str) -> Plan {
    let style = Style::new(Decimal::Point, TimeZone::UTC);
    let field = Field { name: "n".into(), from: "n".into(), kind: FieldKind::Text, format: None };
    let list =
        ListAddress { id: ListId(0), name: "l".into(), fields: vec![field], key: vec![0], address: () };
    let query = [("page".to_owned(), "{page}".to_owned())].into();
    Plan {
        client: Client::new(&Connection::default(), "connection", false).unwrap(),
        headers: HeaderMap::new(),
        credentials: Credentials::Nobody,
        style: style.clone(),
        fails_if: None,
        answer_max: 4096,
        pages_max: 10,
        every: Duration::from_secs(60),
        pages: Vec::new(),
        lists: vec![ListPages {
            ask: Ask::new(base, "rows", Verb::Get, &query, None).unwrap(),
            name: "l".into(),
            maker: Maker::new(&list, style),
            rows: String::new(),
            next: Some(Next::Page),
            since: None,
            whole: true,
        }],
    }
}

/// One round. What is wrong with it, if anything is.
async fn round(is_careless: bool) -> Result<(), String> {
    let log = Log::default();
    let (address, server) = serve(Arc::clone(&log)).await;
    let (out, mut given) = mpsc::channel(8);
    let mut poller = Poller::new(Arc::new(plan(&format!("http://{address}/"))), vec![None], out);
    poller.is_careless = is_careless;
    assert!(poller.round().await.is_ok());
    server.abort();
    let given = given.recv().await.unwrap().unwrap();
    let log = log.lock().unwrap();
    let asked: Vec<&str> = log.iter().map(|(asked, _)| asked.as_str()).collect();
    if asked != ["/rows?page=1", "/rows?page=2", "/rows?page=2", "/rows?page=3"] {
        return Err(format!("asked {asked:?}"));
    }
    if !matches!(given.batch.events.last(), Some(Event::Whole(_))) || !given.batch.notices.is_empty() {
        return Err(format!("gave {:?}", given.batch));
    }
    // A server counts whole seconds.
    let pause = log[2].1 - log[1].1;
    if pause < Duration::from_millis(990) { Err(format!("asked again after {pause:?}")) } else { Ok(()) }
}

#[tokio::test]
async fn a_pause_within_a_list_is_kept_and_the_list_goes_on() {
    assert_eq!(round(false).await, Ok(()));
}

/// The mutant of the test above.
#[tokio::test]
async fn who_does_not_wait_is_noticed() {
    let wrong = round(true).await.expect_err("a mutant went unnoticed");
    assert!(wrong.contains("asked again after"), "{wrong}");
}
