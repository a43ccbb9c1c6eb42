//! A wall that is served while a test looks at it, and a plain question over HTTP.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use contract::{
    Delivery, DeliveryError, DeliveryKey, Network, NetworkKind, Post, Receipt, Setup, Site, Step,
};
use network_wall::{Settings, Wall};
use peers::browser::free_port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::plant::site;

/// A folder that goes with its owner.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("portevoix-wall-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A network on a folder.
pub fn wall(site: &Site, state: &Path, port: u16) -> Box<dyn Network> {
    titled(site, state, port, None)
}

fn titled(site: &Site, state: &Path, port: u16, title: Option<String>) -> Box<dyn Network> {
    let settings = Settings { listen: ([127, 0, 0, 1], port).into(), title, ..Settings::default() };
    Wall::build(&Setup { name: "local", site, state }, settings).unwrap()
}

/// A wall and its server.
pub struct Hall {
    pub network: Arc<dyn Network>,
    pub port: u16,
    _folder: Folder,
    server: Option<JoinHandle<Result<(), DeliveryError>>>,
    keys: AtomicU32,
}

impl Hall {
    /// An empty wall of the small plant, served.
    pub async fn open() -> Hall {
        Hall::of(&site()).await
    }

    pub async fn of(site: &Site) -> Hall {
        Hall::with(site, None).await
    }

    /// A wall with a title of its own.
    pub async fn titled(title: &str) -> Hall {
        Hall::with(&site(), Some(title.to_owned())).await
    }

    async fn with(site: &Site, title: Option<String>) -> Hall {
        let (folder, port) = (Folder::new(), free_port());
        let network: Arc<dyn Network> = Arc::from(titled(site, &folder.0, port, title));
        let mut hall = Hall { network, port, _folder: folder, server: None, keys: AtomicU32::new(0) };
        hall.start().await;
        hall
    }

    /// Serves until stopped.
    pub async fn start(&mut self) {
        let network = Arc::clone(&self.network);
        self.server = Some(tokio::spawn(async move { network.serve().await }));
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            tokio::task::yield_now().await;
            assert!(!self.server.as_ref().unwrap().is_finished(), "the server ended");
        }
    }

    /// Drops the server, as the room does.
    pub async fn stop(&mut self) {
        let server = self.server.take().unwrap();
        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Hands a post over under a key of its own.
    pub async fn say(&self, step: Step, post: &Post) -> Receipt {
        let key = DeliveryKey(format!("{:032x}", self.keys.fetch_add(1, Ordering::Relaxed) + 1));
        self.deliver(&key, step, post).await
    }

    pub async fn deliver(&self, key: &DeliveryKey, step: Step, post: &Post) -> Receipt {
        publish(&*self.network, key, step, post).await
    }

    /// The answer to a GET, head and body.
    pub async fn get(&self, path: &str) -> String {
        self.ask(path, &format!("127.0.0.1:{}", self.port)).await
    }

    pub async fn ask(&self, path: &str, host: &str) -> String {
        let mut line = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let question = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        line.write_all(question.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }
}

pub async fn publish(network: &dyn Network, key: &DeliveryKey, step: Step, post: &Post) -> Receipt {
    network.publish(&Delivery { key, step: &step, post, is_repeat: false }).await.unwrap()
}
