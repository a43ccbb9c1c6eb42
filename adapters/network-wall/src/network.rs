//! The wall as a network: takes posts into its store, wakes the living pages, serves the page.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use contract::{
    Capabilities, Delivery, DeliveryError, Fault, Length, Network, Pace, Receipt, Repeat, Setup, async_trait,
};
use http_client::{Bounds, Door};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::now;
use crate::fit::{CHARS_MAX, fit};
use crate::page::Page;
use crate::server::{Hall, Hosts, routes};
use crate::settings::Settings;
use crate::store::{Store, StoreError};

/// Our own disk is the only limit: a post costs one synced write.
const PACE: Pace = Pace { burst: 200, refill: Duration::from_millis(20) };

/// The living pages and as many connections again for their loading. A living page is spoken to every 15 s; 90 s is
/// longer than any browser needs for its next question. It may stay open for weeks.
const BOUNDS: Bounds = Bounds { connections_max: 256, silence_max: Duration::from_secs(90), life_max: None };

/// How often old posts are forgotten, in deliveries. At the fastest pace that is every few seconds.
const PRUNE_EVERY: u64 = 256;

/// The wait before a busy port is tried again: long enough for a predecessor to end.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// One wall.
#[derive(Debug)]
pub(crate) struct WallNetwork {
    settings: Settings,
    store: Store,
    page: Arc<Page>,
    /// Counts the deliveries that changed something.
    changes: watch::Sender<u64>,
}

impl WallNetwork {
    /// Opens the store and reads the templates.
    pub fn new(setup: &Setup<'_>, settings: Settings) -> Result<WallNetwork, Vec<Fault>> {
        let fault = |message: String| vec![Fault::at("", message)];
        let page = Page::new(setup.site, &settings).map_err(fault)?;
        let path = setup.state.join(format!("wall-{}.sqlite", setup.name));
        let store = Store::open(&path).map_err(|error| fault(error.to_string()))?;
        Ok(WallNetwork { settings, store, page: Arc::new(page), changes: watch::Sender::new(0) })
    }

    async fn prune(&self) {
        let before = now().minus(self.settings.keep.0);
        match self.store.run(move |rows| rows.prune(before)).await {
            Ok(0) => {}
            Ok(count) => info!(count, "forgot old posts of the wall"),
            Err(reason) => warn!(%reason, "cannot forget old posts of the wall"),
        }
    }
}

#[async_trait]
impl Network for WallNetwork {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            repeat: Repeat::Key,
            edit: true,
            thread: true,
            mention: false,
            length: Length::Chars(CHARS_MAX),
            pace: PACE,
        }
    }

    async fn publish(&self, delivery: &Delivery<'_>) -> Result<Receipt, DeliveryError> {
        let (key, step, post) = (delivery.key.clone(), delivery.step.clone(), fit(delivery.post));
        let taken = self.store.run(move |rows| rows.take(&key, &step, &post, now())).await.map_err(later)?;
        if taken.is_change {
            self.changes.send_modify(|count| *count += 1);
            if self.changes.borrow().is_multiple_of(PRUNE_EVERY) {
                self.prune().await;
            }
        }
        Ok(taken.receipt)
    }

    async fn serve(&self) -> Result<(), DeliveryError> {
        self.prune().await;
        let listen = self.settings.listen;
        let listener = TcpListener::bind(listen).await.map_err(|error| not_bound(listen, &error))?;
        // Both end with this call, however it ends: the connections are asked to close, the living pages stop.
        let stop = CancellationToken::new();
        let _guard = stop.clone().drop_guard();
        let (wake, woken) = watch::channel(0);
        let hosts = Hosts::new(listen, &self.settings.names);
        let hall = Arc::new(Hall::new(self.store.clone(), Arc::clone(&self.page), woken, hosts));
        let server = axum::serve(Door::new(listener, BOUNDS), routes(hall))
            .with_graceful_shutdown(stop.cancelled_owned());
        tokio::select! {
            served = server => served.map_err(|error| retry(format!("the page of the wall stopped: {error}"))),
            () = forward(self.changes.subscribe(), wake) => Ok(()),
        }
    }
}

/// Passes the changes on while the server runs.
async fn forward(mut from: watch::Receiver<u64>, to: watch::Sender<u64>) {
    while from.changed().await.is_ok() {
        let count = *from.borrow_and_update();
        to.send_replace(count);
    }
}

fn not_bound(listen: SocketAddr, error: &std::io::Error) -> DeliveryError {
    match error.kind() {
        ErrorKind::AddrInUse => retry(format!("port {} of {} is already in use", listen.port(), listen.ip())),
        ErrorKind::PermissionDenied => {
            DeliveryError::LockedOut(format!("{listen} may not be listened on: {error}"))
        }
        ErrorKind::AddrNotAvailable => {
            DeliveryError::LockedOut(format!("{} is no address of this machine", listen.ip()))
        }
        _ => retry(format!("cannot listen on {listen}: {error}")),
    }
}

fn retry(reason: String) -> DeliveryError {
    DeliveryError::Later { reason, after: Some(BUSY_WAIT) }
}

/// The transaction was not committed, or its repeat will be recognised: in both cases it may be sent again.
fn later(error: StoreError) -> DeliveryError {
    DeliveryError::Later { reason: error.to_string(), after: None }
}
