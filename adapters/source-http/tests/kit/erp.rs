//! A business system that speaks as several do: OData V4 and V2, plain REST, OAuth. It keeps their published rules;
//! Tryton is the real one.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Rows on a page.
const PAGE: usize = 2;

/// Status, headers, body.
type Told = (u16, Vec<(String, String)>, String);

/// What the system holds, and what it was asked.
#[derive(Default)]
pub struct Books {
    /// The value of the one tag.
    pub oil: f64,
    /// Orders: number, quantity, changed (in ms).
    pub orders: Vec<(String, f64, i64)>,
    /// The requests, as path and query.
    pub asked: Vec<String>,
    /// Answers to give instead, by path: status, headers, body.
    pub instead: HashMap<String, Told>,
    /// The token that is taken; `None` takes anybody.
    pub token: Option<String>,
    /// How many tokens were given.
    pub tokens: usize,
}

/// The system on a port of loopback.
pub struct Erp {
    /// Where.
    pub address: SocketAddr,
    books: Arc<Mutex<Books>>,
    running: Option<(oneshot::Sender<()>, std::thread::JoinHandle<()>)>,
}

impl Erp {
    /// Listens.
    pub fn start() -> Erp {
        let mut erp = Erp {
            address: SocketAddr::from(([127, 0, 0, 1], peers::foreign::free_port())),
            books: Arc::new(Mutex::new(Books { oil: -1.0, ..Books::default() })),
            running: None,
        };
        erp.come_back();
        erp
    }

    /// Its books.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("a whole book")
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Closes the port and every connection.
    pub fn go_down(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            let _ = stop.send(());
            thread.join().expect("a clean end");
        }
    }

    /// Listens again where it listened.
    pub fn come_back(&mut self) {
        let (stop, stopped) = oneshot::channel();
        let (is_up, up) = std::sync::mpsc::channel();
        let (address, books) = (self.address, Arc::clone(&self.books));
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind(address).await.expect("a port");
                is_up.send(()).expect("somebody waits");
                let app = Router::new().fallback(answer).with_state(books);
                tokio::select! {
                    _ = axum::serve(listener, app) => {}
                    _ = stopped => {}
                }
            });
        });
        up.recv().expect("it listens");
        self.running = Some((stop, thread));
    }
}

impl Drop for Erp {
    fn drop(&mut self) {
        self.go_down();
    }
}

type Asked = HashMap<String, String>;

async fn answer(
    State(books): State<Arc<Mutex<Books>>>,
    uri: Uri,
    Query(query): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut books = books.lock().expect("a whole book");
    let path = uri.path();
    books.asked.push(uri.to_string());
    if path == "/token" {
        return token(&mut books, &body);
    }
    let shown = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if books.token.as_ref().is_some_and(|token| shown != format!("Bearer {token}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some((status, headers, body)) = books.instead.get(path) {
        let mut answer = (StatusCode::from_u16(*status).expect("a status"), body.clone()).into_response();
        for (name, value) in headers {
            let name: axum::http::HeaderName = name.parse().expect("a name");
            answer.headers_mut().insert(name, value.parse().expect("a value"));
        }
        return answer;
    }
    match path {
        "/oil" => json!({"oil": {"t": books.oil}}).to_string().into_response(),
        "/v4/Orders" => v4(&books, &query, |changed, since| changed >= since),
        // Asked for *greater than*, as a careless integrator does.
        "/v4/OrdersAfter" => v4(&books, &query, |changed, since| changed > since),
        "/v2/Orders" => v2(&books, &query),
        "/linked" | "/paged" | "/skipped" => plain(&books, path, &query),
        _ => (StatusCode::NOT_FOUND, "there is no such page").into_response(),
    }
}

fn token(books: &mut Books, body: &[u8]) -> Response {
    let form = String::from_utf8_lossy(body);
    if form != "grant_type=client_credentials&client_id=portevoix&client_secret=s3%26cret&scope=read" {
        return (StatusCode::BAD_REQUEST, json!({"error": "invalid_client"}).to_string()).into_response();
    }
    books.tokens += 1;
    let token = format!("token-{}", books.tokens);
    books.token = Some(token.clone());
    json!({"access_token": token, "expires_in": 3600}).to_string().into_response()
}

fn skip(query: &Asked, name: &str) -> usize {
    query.get(name).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).expect("a time").to_string()
}

fn v4(books: &Books, query: &Asked, takes: fn(i64, i64) -> bool) -> Response {
    let filter = query.get("$filter").map_or("", String::as_str);
    let since = filter.rsplit(' ').next().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let since = since.map_or(i64::MIN, |at| at.as_millisecond());
    let mut orders: Vec<_> = books.orders.iter().filter(|order| takes(order.2, since)).collect();
    orders.sort_by_key(|order| order.2);
    let from = skip(query, "$skiptoken");
    let row = |order: &&(String, f64, i64)| json!({"Number": order.0, "Quantity": order.1, "Changed": iso(order.2)});
    let rows: Vec<Value> = orders.iter().skip(from).take(PAGE).map(row).collect();
    let mut page = json!({"@odata.context": "$metadata#Orders", "value": rows});
    if from + PAGE < orders.len() {
        let filter = filter.replace(' ', "%20").replace('+', "%2B");
        page["@odata.nextLink"] = json!(format!("Orders?$filter={filter}&$skiptoken={}", from + PAGE));
    }
    page.to_string().into_response()
}

fn v2(books: &Books, query: &Asked) -> Response {
    let from = skip(query, "$skiptoken");
    let row = |order: &(String, f64, i64)| {
        json!({
            "__metadata": {"type": "Order"},
            "Number": order.0,
            "Quantity": format!("{:.3}", order.1),
            "Changed": format!("/Date({}+0000)/", order.2),
            "Operations": {"__deferred": {"uri": "…"}},
        })
    };
    let rows: Vec<Value> = books.orders.iter().skip(from).take(PAGE).map(row).collect();
    let mut page = json!({"d": {"results": rows}});
    if from + PAGE < books.orders.len() {
        page["d"]["__next"] = json!(format!("/v2/Orders?$skiptoken={}", from + PAGE));
    }
    page.to_string().into_response()
}

fn plain(books: &Books, path: &str, query: &Asked) -> Response {
    let from = match path {
        "/linked" => skip(query, "from"),
        "/paged" => (skip(query, "page").max(1) - 1) * PAGE,
        _ => skip(query, "skip"),
    };
    let row = |order: &(String, f64, i64)| json!({"Number": order.0, "Quantity": order.1});
    let rows: Vec<Value> = books.orders.iter().skip(from).take(PAGE).map(row).collect();
    let mut answer = Value::from(rows).to_string().into_response();
    if path == "/linked" && from + PAGE < books.orders.len() {
        let link = format!("</linked?from={}>; rel=\"next\"", from + PAGE);
        answer.headers_mut().insert("link", link.parse().expect("a link"));
    }
    answer
}
