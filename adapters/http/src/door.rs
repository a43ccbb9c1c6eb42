//! The door of whatever listens: so many connections at a time, and none that stays without a word.
//!
//! Who lost the network never says goodbye, and who means ill says one letter a minute. Without this, each would hold
//! a place and a file of the process for ever.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// How many may come in, and how long they may stay. Each has its own reasons for its numbers.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections at a time. Further ones wait.
    pub connections_max: usize,
    /// The longest time without a word in either direction.
    pub silence_max: Duration,
    /// The longest life of a connection, however much is said; `None` where it may stay.
    pub life_max: Option<Duration>,
}

/// A listener with a bound.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    bounds: Bounds,
    places: Arc<Semaphore>,
}

impl Door {
    /// A door in front of a listener.
    pub fn new(listener: TcpListener, bounds: Bounds) -> Door {
        Door { listener, bounds, places: Arc::new(Semaphore::new(bounds.connections_max)) }
    }
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        // The semaphore is never closed, so there is always a place in the end.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (line, address) = Listener::accept(&mut self.listener).await;
        let end = self.bounds.life_max.map(|life| Instant::now() + life);
        let patience = Box::pin(sleep(self.bounds.silence_max));
        (Guest { line, patience, silence_max: self.bounds.silence_max, end, _place: place }, address)
    }

    fn local_addr(&self) -> Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection.
#[derive(Debug)]
pub struct Guest {
    line: TcpStream,
    patience: Pin<Box<Sleep>>,
    silence_max: Duration,
    end: Option<Instant>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Guest {
    /// A word was said: the wait begins anew. Without one, an error once the wait is over.
    fn heard<T>(&mut self, context: &mut Context<'_>, said: Poll<Result<T>>) -> Poll<Result<T>> {
        let now = Instant::now();
        if said.is_ready() && self.end.is_none_or(|end| now < end) {
            let due = now + self.silence_max;
            self.patience.as_mut().reset(self.end.map_or(due, |end| due.min(end)));
            return said;
        }
        ready!(self.patience.as_mut().poll(context));
        Poll::Ready(Err(Error::from(ErrorKind::TimedOut)))
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let said = Pin::new(&mut self.line).poll_read(context, buffer);
        self.heard(context, said)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let said = Pin::new(&mut self.line).poll_write(context, bytes);
        self.heard(context, said)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.line).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const BOUNDS: Bounds = Bounds {
        connections_max: 1,
        silence_max: Duration::from_secs(90),
        life_max: Some(Duration::from_secs(200)),
    };

    async fn open() -> (Guest, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut door = Door::new(listener, BOUNDS);
        let (caller, guest) = tokio::join!(TcpStream::connect(address), door.accept());
        (guest.0, caller.unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_let_go() {
        let (mut guest, _caller) = open().await;
        let begun = Instant::now();
        let error = guest.read_u8().await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::TimedOut, 90));
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_a_letter_now_and_then_is_let_go_too() {
        let (mut guest, mut caller) = open().await;
        let begun = Instant::now();
        let error = loop {
            caller.write_all(b"x").await.unwrap();
            match guest.read_u8().await {
                Ok(_) => tokio::time::advance(Duration::from_secs(40)).await,
                Err(error) => break error,
            }
        };
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::TimedOut, 200));
    }

    #[tokio::test]
    async fn there_are_so_many_places() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut door = Door::new(listener, BOUNDS);
        let _callers =
            (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
        let first = door.accept().await;
        let mut second = Box::pin(door.accept());
        assert!(is_waiting(&mut second), "a second one came in");
        drop(first);
        second.await;
    }

    fn is_waiting<T>(work: &mut Pin<Box<impl Future<Output = T>>>) -> bool {
        work.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending()
    }

    #[tokio::test]
    async fn who_speaks_is_heard() {
        let (mut guest, mut caller) = open().await;
        caller.write_all(b"GET").await.unwrap();
        guest.write_all(b"HTTP").await.unwrap();
        let (mut asked, mut told) = ([0; 3], [0; 4]);
        guest.read_exact(&mut asked).await.unwrap();
        caller.read_exact(&mut told).await.unwrap();
        assert_eq!((&asked, &told), (b"GET", b"HTTP"));
    }
}
