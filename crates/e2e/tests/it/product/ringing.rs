//! Chromium as a phone that the push stub rings.

use super::handset::Handset;
use super::screen::Screen;
use super::stage::Stage;
use nod_e2e::bus::Notification;
use nod_e2e::page::Page;
use nod_e2e::push_receiver::PushReceiver;

/// A phone without a push service of its own: what reaches the stub is decrypted here and handed to the worker.
pub(crate) struct Ringing<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) page: Page,
    receiver: PushReceiver,
    endpoint: String,
}

impl<'a> Ringing<'a> {
    pub(crate) fn new(stage: &'a Stage) -> Self {
        let (receiver, endpoint) = (PushReceiver::new(), stage.stub.new_endpoint(None));
        // In the profile itself: Chromium forgets whose notification was clicked when it came from another context.
        let page = stage.chromium.open("about:blank");
        page.before_each_document(&receiver.script(&endpoint));
        page.open(&stage.product.page("/authenticator"));
        page.wait_phase("welcome");
        Self { stage, page, receiver, endpoint }
    }

    pub(crate) fn handset(&self) -> Handset<'_, Page> {
        Handset { screen: &self.page }
    }

    /// Pushes that reached the endpoint so far.
    pub(crate) fn pushed(&self) -> usize {
        self.stage.stub.received().len()
    }

    /// Waits for the next push beyond the first `after`, and hands it to the worker; gives the notification.
    #[track_caller]
    pub(crate) fn ring(&self, after: usize) -> Notification {
        let shown = self.stage.bus.shown().len();
        let message = self.stage.stub.wait_received(after, |message| message.endpoint == self.endpoint);
        assert_eq!(message.status, 201, "{:?}", message.refusal);
        let text = String::from_utf8(self.receiver.decrypt(&message.body).unwrap()).unwrap();
        self.page.deliver_push(&self.stage.product.origin(), &text);
        self.stage.bus.wait_shown(shown, |_| true)
    }
}
