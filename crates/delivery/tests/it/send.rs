use std::sync::Arc;
use std::time::Duration;

use http::Version;
use nod_delivery::gate::{Lookup, Resolver};
use nod_delivery::web_push::{Message, Outcome, RetryCause, TOKEN_LIFETIME_S, WebPushConfig};
use nod_delivery::{Limits, MAX_RETRY_AFTER};

use crate::stub::{Reply, Stub};
use crate::support::{Browser, ID, NOW_MS, Script, Sink, config, insecure_sender, message, sender};

#[tokio::test]
async fn a_doorbell_arrives_whole() {
    let stub = Stub::http().await;
    let push = insecure_sender();
    assert_eq!(push.send(&stub.subscription(), &message(), NOW_MS).await, Outcome::Accepted { status: 201 });
    let received = stub.received().remove(0);
    assert_eq!(received.path, "/push/secret-capability");
    assert_eq!(received.headers["ttl"], "45", "whole seconds left, rounded down");
    assert_eq!(received.headers["topic"], ID);
    assert_eq!(received.content["nod"]["id"], ID);
    assert_eq!(received.claims["exp"], NOW_MS / 1000 + TOKEN_LIFETIME_S);
    assert_eq!(received.vapid_key, push.public_base64url());
    assert!(received.padding > 500);
    assert_eq!(received.version, Version::HTTP_11);
    assert!(received.headers.get("user-agent").is_none() && received.headers.get("cookie").is_none());
}

#[tokio::test]
async fn statuses_and_what_they_mean() {
    let stub = Stub::http().await;
    let push = insecure_sender();
    let retry = |status| Outcome::Retry { after: None, cause: RetryCause::Status(status) };
    for (status, outcome) in [
        (200, Outcome::Accepted { status: 200 }),
        (201, Outcome::Accepted { status: 201 }),
        (202, Outcome::Accepted { status: 202 }),
        (404, Outcome::Gone),
        (410, Outcome::Gone),
        (400, Outcome::Refused { status: 400 }),
        (401, Outcome::Refused { status: 401 }),
        (403, Outcome::Refused { status: 403 }),
        (413, Outcome::Refused { status: 413 }),
        (408, retry(408)),
        (429, retry(429)),
        (500, retry(500)),
        (503, retry(503)),
        (507, retry(507)),
    ] {
        stub.will(Reply::Status(status));
        assert_eq!(push.send(&stub.subscription(), &message(), NOW_MS).await, outcome, "{status}");
    }
    assert_eq!(stub.received().len(), 14);
    assert_eq!(stub.connections(), 1, "one pooled connection for all of them");
}

#[tokio::test]
async fn retry_after_in_both_forms() {
    let stub = Stub::http().await;
    let push = insecure_sender();
    for (text, after) in [
        ("7", Some(Duration::from_secs(7))),
        ("0", Some(Duration::ZERO)),
        ("99999999999", Some(MAX_RETRY_AFTER)),
        // Nine seconds after NOW_MS, and long before it.
        ("Thu, 15 Jan 2026 12:00:09 GMT", Some(Duration::from_secs(9))),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(Duration::ZERO)),
        ("soon", None),
        ("-5", None),
        ("", None),
    ] {
        for status in [429, 503] {
            stub.will(Reply::With(status, "retry-after", text.into()));
            let outcome = push.send(&stub.subscription(), &message(), NOW_MS).await;
            assert_eq!(outcome, Outcome::Retry { after, cause: RetryCause::Status(status) }, "{text}");
        }
    }
}

#[tokio::test]
async fn a_silent_service_and_a_broken_one_are_worth_a_retry() {
    let stub = Stub::http().await;
    let limits = Limits { total: Duration::from_millis(200), ..Limits::default() };
    let push = sender(WebPushConfig { allow_insecure: true, limits, ..config() }, Script::of(&[]));
    stub.will(Reply::Hang);
    let outcome = push.send(&stub.subscription(), &message(), NOW_MS).await;
    assert_eq!(outcome, Outcome::Retry { after: None, cause: RetryCause::Timeout });

    let push = insecure_sender();
    stub.will(Reply::Close);
    let outcome = push.send(&stub.subscription(), &message(), NOW_MS).await;
    assert_eq!(outcome, Outcome::Retry { after: None, cause: RetryCause::Network });

    let subscription = stub.subscription();
    assert_eq!(stub.received().len(), 2);
    drop(stub);
    let outcome = push.send(&subscription, &message(), NOW_MS).await;
    assert_eq!(outcome, Outcome::Retry { after: None, cause: RetryCause::Network }, "nobody listens");
}

#[tokio::test]
async fn a_look_up_that_hangs_is_cut_by_the_limit_on_connecting() {
    struct Hanging;
    impl Resolver for Hanging {
        fn lookup(&self, _: &str) -> Lookup {
            Box::pin(std::future::pending())
        }
    }
    let limits = Limits { connect: Duration::from_millis(200), ..Limits::default() };
    let push = sender(WebPushConfig { limits, ..config() }, Arc::new(Hanging));
    let subscription = Browser::new(1).subscription("https://push.corp-site.net/x");
    let outcome = push.send(&subscription, &message(), NOW_MS).await;
    assert_eq!(outcome, Outcome::Retry { after: None, cause: RetryCause::Timeout });
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let stub = Stub::http().await;
    stub.will(Reply::Endless);
    let outcome = insecure_sender().send(&stub.subscription(), &message(), NOW_MS).await;
    assert_eq!(outcome, Outcome::Accepted { status: 201 });
    assert!(stub.endless_bytes() < 32 * 1024 * 1024, "socket buffers at most, not a download");
}

#[tokio::test]
async fn a_dead_request_is_not_sent() {
    let sink = Sink::new();
    let push = insecure_sender();
    let subscription = Browser::new(1).subscription(&format!("http://127.0.0.1:{}/x", sink.port()));
    for expires_ms in [NOW_MS + 999, NOW_MS, NOW_MS - 1, i64::MIN] {
        let dead = Message { expires_ms, ..message() };
        assert_eq!(push.send(&subscription, &dead, NOW_MS).await, Outcome::TooLate);
    }
    sink.assert_untouched();
}

#[tokio::test]
async fn ttl_is_capped() {
    let stub = Stub::http().await;
    let far = Message { expires_ms: i64::MAX, ..message() };
    insecure_sender().send(&stub.subscription(), &far, NOW_MS).await;
    assert_eq!(stub.received()[0].headers["ttl"], "2592000");
}
