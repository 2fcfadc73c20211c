//! The word that the server is to stop: one sender, many listeners.

use tokio::sync::watch;

/// Says stop. Dropping it says stop as well.
#[derive(Debug)]
pub struct StopHandle(watch::Sender<bool>);

/// Hears it.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl StopHandle {
    /// Both ends.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }
    /// Says it: event streams end, `serve` takes no more connections.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether it was said.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
    /// Returns once it was said.
    pub async fn requested(mut self) {
        // An error means that the sender is gone: nobody could say it any more.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
