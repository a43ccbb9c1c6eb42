//! The door of the page: so many connections at a time, and none that stays without a word.
//!
//! A browser that lost its network never says goodbye. Without this, each would hold a place and a file of the
//! process for ever.

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

/// Connections at a time: the living pages and as many again for their loading. Further ones wait.
const CONNECTIONS_MAX: usize = 256;

/// A living page is spoken to every 15 s; this is longer than any browser needs for its next question.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// A listener with a bound.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Door {
    /// A door in front of a listener.
    pub fn new(listener: TcpListener) -> Door {
        Door { listener, places: Arc::new(Semaphore::new(CONNECTIONS_MAX)) }
    }
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        // The semaphore is never closed, so there is always a place in the end.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (line, address) = Listener::accept(&mut self.listener).await;
        (Guest { line, patience: Box::pin(sleep(SILENCE_MAX)), _place: place }, address)
    }

    fn local_addr(&self) -> Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Guest {
    line: TcpStream,
    patience: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Guest {
    /// A word was said: the wait begins anew. Without one, an error once the wait is over.
    fn heard<T>(&mut self, context: &mut Context<'_>, said: Poll<Result<T>>) -> Poll<Result<T>> {
        if said.is_ready() {
            self.patience.as_mut().reset(Instant::now() + SILENCE_MAX);
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

    async fn open() -> (Guest, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut door = Door::new(listener);
        let (caller, guest) = tokio::join!(TcpStream::connect(address), door.accept());
        (guest.0, caller.unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_let_go() {
        let (mut guest, _caller) = open().await;
        let begun = Instant::now();
        let error = guest.read_u8().await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::TimedOut, SILENCE_MAX.as_secs()));
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
