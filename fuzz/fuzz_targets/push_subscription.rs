//! Push subscriptions and endpoints as a browser, or somebody else, sends them.
#![no_main]

use nod_delivery::gate::Gate;
use nod_delivery::web_push::{PublicOrigin, Subscription, VapidSubject};

libfuzzer_sys::fuzz_target!(|parts: (&str, &str, &str)| {
    let (endpoint, p256dh, auth) = parts;
    if let Ok(subscription) = Subscription::parse(endpoint, p256dh, auth) {
        let _ = Gate::new(false).check_url(subscription.endpoint().url());
    }
    let _ = VapidSubject::parse(endpoint);
    let _ = PublicOrigin::parse(endpoint);
});
