//! A real headless Chromium, driven over WebDriver.
//!
//! One [`Browser`] is one chromedriver with one session and a profile of its own in the temporary folder. Dropping
//! it ends the session, the browser and the driver by their process ids, and removes the profile. For tests: what
//! goes wrong with the browser itself is a panic that says what was asked.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

/// Where Debian puts the driver.
const DRIVER: &str = "/usr/bin/chromedriver";

/// A slow machine that builds at the same time needs this long to start a browser.
const START_MAX: Duration = Duration::from_secs(60);

/// How often a condition is asked again.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Headless, and silent towards the world.
const ARGUMENTS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A running browser with one page.
#[derive(Debug)]
pub struct Browser {
    http: reqwest::Client,
    driver: Child,
    port: u16,
    session: String,
    chromium: Option<u64>,
    profile: PathBuf,
}

impl Browser {
    /// True where a browser and its driver are installed.
    pub fn is_installed() -> bool {
        Path::new(DRIVER).exists()
    }

    /// Starts a driver on a free port and a browser with a fresh profile.
    pub async fn start() -> Browser {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = free_port();
        let profile = fresh_profile();
        let driver = Command::new(DRIVER)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {DRIVER}: {error}"));
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(START_MAX)
            .build()
            .unwrap_or_else(|error| panic!("cannot make an HTTP client: {error}"));
        let mut browser = Browser { http, driver, port, session: String::new(), chromium: None, profile };
        browser.open_session().await;
        browser
    }

    async fn open_session(&mut self) {
        self.wait_for_driver().await;
        let mut arguments: Vec<String> = ARGUMENTS.iter().map(|&argument| argument.to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", self.profile.display()));
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": { "args": arguments } } } });
        let answer = self.ask(Method::POST, "/session", Some(&wanted)).await;
        self.session = answer["sessionId"].as_str().unwrap_or_default().to_owned();
        self.chromium = answer["capabilities"]["goog:processID"].as_u64();
        assert!(!self.session.is_empty(), "the driver gave no session: {answer}");
    }

    async fn wait_for_driver(&self) {
        let deadline = Instant::now() + START_MAX;
        let url = format!("http://127.0.0.1:{}/status", self.port);
        while !self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(Instant::now() < deadline, "the driver did not answer on port {}", self.port);
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Opens a page and waits until it has loaded.
    pub async fn open(&self, url: &str) {
        self.command("url", json!({ "url": url })).await;
    }

    /// The value of a JavaScript expression in the page.
    pub async fn eval(&self, js: &str) -> Value {
        self.command("execute/sync", json!({ "script": format!("return ({js});"), "args": [] })).await
    }

    /// Waits until a JavaScript expression is true; says what the page held when it never was.
    pub async fn wait_for(&self, condition: &str, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        while self.eval(&format!("!!({condition})")).await != Value::Bool(true) {
            if Instant::now() > deadline {
                let text = self.eval("document.body.innerText").await;
                panic!("never true within {timeout:?}: {condition}\nThe page reads: {text}");
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Writes what is seen as a PNG file, making its folder if need be.
    pub async fn screenshot(&self, path: &Path) {
        let answer = self.ask(Method::GET, &format!("/session/{}/screenshot", self.session), None).await;
        let picture = from_base64(answer.as_str().unwrap_or_default());
        let written = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(path, picture));
        written.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    /// Sets the size of what a page sees, also below the smallest window.
    pub async fn set_window(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
        // As on a phone and a hall screen, where they take no room.
        self.cdp("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
    }

    /// Makes the page believe that its reader prefers dark.
    pub async fn set_dark(&self, is_dark: bool) {
        let scheme = if is_dark { "dark" } else { "light" };
        self.set_media("prefers-color-scheme", scheme).await;
    }

    /// Sets a media feature, such as `prefers-reduced-motion` to `reduce`.
    pub async fn set_media(&self, name: &str, value: &str) {
        let features = json!({ "features": [{ "name": name, "value": value }] });
        self.cdp("Emulation.setEmulatedMedia", features).await;
    }

    /// A command of the Chrome DevTools protocol.
    pub async fn cdp(&self, command: &str, parameters: Value) -> Value {
        self.command("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// Presses and releases keys, one after the other. Special keys are those of WebDriver, such as [`TAB`].
    pub async fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] });
        self.command("actions", actions).await;
    }

    async fn command(&self, name: &str, body: Value) -> Value {
        self.ask(Method::POST, &format!("/session/{}/{name}", self.session), Some(&body)).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let request = self.http.request(method, format!("http://127.0.0.1:{}{path}", self.port));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: no answer: {error}"));
        let is_fine = answer.status().is_success();
        let text = answer.text().await.unwrap_or_default();
        assert!(is_fine, "{path}: {text}\nasked with {body:?}");
        serde_json::from_str::<Value>(&text).map(|mut value| value["value"].take()).unwrap_or_default()
    }
}

/// The Tab key.
pub const TAB: &str = "\u{E004}";
/// The Enter key.
pub const ENTER: &str = "\u{E007}";
/// The Escape key.
pub const ESCAPE: &str = "\u{E00C}";
/// The arrow downwards.
pub const DOWN: &str = "\u{E015}";
/// The arrow upwards.
pub const UP: &str = "\u{E013}";

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // Politely first: the driver then ends the browser and all its children.
            let _ = end_session(self.port, &self.session);
        }
        if let Some(pid) = self.chromium {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn end_session(port: u16, session: &str) -> std::io::Result<()> {
    let mut line = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    line.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        line,
        "DELETE /session/{session} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    )?;
    line.read_to_end(&mut Vec::new()).map(|_| ())
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .unwrap_or_else(|error| panic!("no free port on loopback: {error}"))
        .port()
}

fn fresh_profile() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("portevoix-browser-{}-{number}", std::process::id()))
}

fn from_base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for sign in text.bytes() {
        let six = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_with_and_without_padding() {
        assert_eq!(from_base64("UG9ydGUtdm9peA=="), b"Porte-voix");
        assert_eq!(from_base64("/+8"), [0xff, 0xef]);
    }
}
