//! Farewells that are being said: a session that is dropped half-way says its own, and the source waits for it when it
//! closes. Dropped with the source, they end.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

/// Shared by a source and its sessions.
#[derive(Clone, Default)]
pub struct Goodbyes(Arc<Mutex<JoinSet<()>>>);

impl Goodbyes {
    /// Says one beside everything else. False where there is no runtime.
    pub fn say(&self, farewell: impl Future<Output = ()> + Send + 'static) -> bool {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return false };
        let mut saying = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that were said: a source that connects for years holds none of them.
        while saying.try_join_next().is_some() {}
        saying.spawn_on(farewell, &runtime);
        true
    }

    /// Waits until all were said. Each has its own bound.
    pub async fn said(&self) {
        let mut saying = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        while saying.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn they_are_waited_for_and_end_with_their_owner() {
        let goodbyes = Goodbyes::default();
        let (said, mut heard) = oneshot::channel();
        assert!(goodbyes.say(async move {
            tokio::task::yield_now().await;
            said.send(()).unwrap();
        }));
        goodbyes.said().await;
        heard.try_recv().unwrap();
        // One that never ends is gone with its owner: its end of the line is closed.
        let (never, heard) = oneshot::channel::<()>();
        goodbyes.say(async move {
            let _never = never;
            std::future::pending().await
        });
        drop(goodbyes);
        assert!(heard.await.is_err());
    }
}
