//! INV-26, P21: nothing that a phone names makes this server contact what it must not.

use std::sync::Arc;
use std::time::Duration;

use nod_delivery::Limits;
use nod_delivery::gate::AddressClass::{LinkLocal, Loopback, Metadata, Private};
use nod_delivery::gate::{Gate, GateError};
use nod_delivery::web_push::{Outcome, RetryCause, Subscription, WebPushConfig};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use url::Url;

use crate::stub::{Reply, Stub};
use crate::support::{Browser, NOW_MS, Script, Sink, config, insecure_sender, message, sender};

fn to(endpoint: &str) -> Subscription {
    Browser::new(1).subscription(endpoint)
}

/// The control for the tests below: with the switch on, the same kind of name does reach the sink.
#[tokio::test]
#[should_panic(expected = "the sink was contacted")]
async fn the_sink_notices_a_connection() {
    let sink = Sink::new();
    // The sink never answers the TLS hello: the limit on connecting covers that.
    let limits = Limits { connect: Duration::from_millis(200), ..Limits::default() };
    let resolver = Script::of(&[("loop.corp-site.net", &[&["127.0.0.1"]])]);
    let push = sender(WebPushConfig { allow_insecure: true, limits, ..config() }, resolver);
    let endpoint = format!("https://loop.corp-site.net:{}/x", sink.port());
    let outcome = push.send(&to(&endpoint), &message(), NOW_MS).await;
    assert_eq!(outcome, Outcome::Retry { after: None, cause: RetryCause::Timeout });
    sink.assert_untouched();
}

#[tokio::test]
async fn literal_and_inner_addresses_see_no_connection() {
    let sink = Sink::new();
    let port = sink.port();
    let resolver = Script::of(&[("localhost", &[&["127.0.0.1"]]), ("router", &[&["127.0.0.1"]])]);
    let push = sender(config(), Arc::<Script>::clone(&resolver));
    let loopback = GateError::Address(Loopback);
    for (host, why) in [
        ("127.0.0.1", loopback.clone()),
        ("127.1", loopback.clone()),
        ("127.0.0.1.", loopback.clone()),
        ("2130706433", loopback.clone()),
        ("0x7f000001", loopback.clone()),
        ("0177.0.0.1", loopback.clone()),
        ("１２７.0.0.1", loopback.clone()),
        ("[::1]", loopback.clone()),
        ("[::ffff:127.0.0.1]", loopback.clone()),
        ("[::ffff:7f00:1]", loopback.clone()),
        ("[64:ff9b::7f00:1]", loopback),
        ("10.0.0.1", GateError::Address(Private)),
        ("169.254.1.1", GateError::Address(LinkLocal)),
        ("169.254.169.254", GateError::Address(Metadata)),
        ("[fd00:ec2::254]", GateError::Address(Metadata)),
        ("localhost", GateError::InternalName),
        ("LOCALHOST.", GateError::InternalName),
        ("a.localhost", GateError::InternalName),
        ("router", GateError::InternalName),
        ("printer.local", GateError::InternalName),
        ("metadata.google.internal", GateError::InternalName),
        ("nas.home.arpa", GateError::InternalName),
    ] {
        let outcome = push.send(&to(&format!("https://{host}:{port}/x")), &message(), NOW_MS).await;
        assert_eq!(outcome, Outcome::Blocked(why), "{host}");
    }
    let plain = push.send(&to(&format!("http://push.corp-site.net:{port}/x")), &message(), NOW_MS).await;
    assert_eq!(plain, Outcome::Blocked(GateError::Scheme));
    sink.assert_untouched();
    assert_eq!(resolver.asked(), [""; 0], "not even a look-up");
}

#[tokio::test]
async fn names_that_lead_inside_see_no_connection() {
    let sink = Sink::new();
    let resolver = Script::of(&[
        ("loop.corp-site.net", &[&["127.0.0.1"]]),
        ("mapped.corp-site.net", &[&["::ffff:127.0.0.1"]]),
        ("mixed.corp-site.net", &[&["93.184.215.14", "127.0.0.1"]]),
        ("mixed6.corp-site.net", &[&["2606:4700::1111", "::1"]]),
        ("metadata.corp-site.net", &[&["169.254.169.254"]]),
        ("lan.corp-site.net", &[&["192.168.1.1"]]),
        ("empty.corp-site.net", &[&[]]),
    ]);
    let push = sender(config(), resolver);
    for (name, why) in [
        ("loop", GateError::Address(Loopback)),
        ("mapped", GateError::Address(Loopback)),
        ("mixed", GateError::Address(Loopback)),
        ("mixed6", GateError::Address(Loopback)),
        ("metadata", GateError::Address(Metadata)),
        ("lan", GateError::Address(Private)),
        ("empty", GateError::NoAddress),
    ] {
        let endpoint = format!("https://{name}.corp-site.net:{}/x", sink.port());
        assert_eq!(push.send(&to(&endpoint), &message(), NOW_MS).await, Outcome::Blocked(why), "{name}");
    }
    let unknown = push.send(&to("https://nowhere.corp-site.net/x"), &message(), NOW_MS).await;
    assert_eq!(unknown, Outcome::Retry { after: None, cause: RetryCause::Network });
    sink.assert_untouched();
}

/// The name is public when it is registered and leads inside when it is used.
#[tokio::test]
async fn a_name_that_rebinds_between_check_and_use_gains_nothing() {
    let sink = Sink::new();
    let name = "rebind.corp-site.net";
    let resolver = Script::of(&[(name, &[&["93.184.215.14"], &["127.0.0.1"]])]);
    let registered = {
        use nod_delivery::gate::Resolver as _;
        Gate::new(false).check_answers(resolver.lookup(name).await.unwrap())
    };
    assert!(registered.is_ok(), "the first answer is public");
    let push = sender(config(), Arc::<Script>::clone(&resolver));
    let outcome = push.send(&to(&format!("https://{name}:{}/x", sink.port())), &message(), NOW_MS).await;
    assert_eq!(outcome, Outcome::Blocked(GateError::Address(Loopback)));
    sink.assert_untouched();
    assert_eq!(resolver.asked().len(), 2, "one look-up per connection, and its answer is the one that is checked");
}

/// The answer that was checked is the one that is connected to, and a pooled connection keeps it.
#[tokio::test]
async fn the_checked_address_is_pinned() {
    let name = "pinned.corp-site.net";
    let stub = Stub::start(None, &format!("http://{name}")).await;
    let resolver = Script::of(&[(name, &[&["127.0.0.1"], &["169.254.169.254"]])]);
    let push = sender(WebPushConfig { allow_insecure: true, ..config() }, Arc::<Script>::clone(&resolver));
    for _ in 0..2 {
        let outcome = push.send(&stub.subscription(), &message(), NOW_MS).await;
        assert_eq!(outcome, Outcome::Accepted { status: 201 });
    }
    assert_eq!((stub.received().len(), stub.connections(), resolver.asked().len()), (2, 1, 1));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let sink = Sink::new();
    let stub = Stub::http().await;
    let push = insecure_sender();
    for status in [301, 302, 303, 307, 308] {
        stub.will(Reply::With(status, "location", format!("http://127.0.0.1:{}/x", sink.port())));
        let outcome = push.send(&stub.subscription(), &message(), NOW_MS).await;
        assert_eq!(outcome, Outcome::Blocked(GateError::Redirect { status }));
    }
    assert_eq!(stub.received().len(), 5);
    sink.assert_untouched();
}

#[tokio::test]
async fn the_switch_does_not_admit_metadata() {
    let push = insecure_sender();
    for host in ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200"] {
        let outcome = push.send(&to(&format!("http://{host}/x")), &message(), NOW_MS).await;
        assert_eq!(outcome, Outcome::Blocked(GateError::Address(Metadata)), "{host}");
    }
    assert!(push.warning().unwrap().contains("push.allow_insecure_endpoints"));
    assert_eq!(sender(config(), Script::of(&[])).warning(), None);
}

#[tokio::test]
async fn behind_an_egress_proxy_names_go_to_it_and_inner_ones_are_still_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let resolver = Script::of(&[("proxy.lan", &[&["127.0.0.1"]])]);
    let proxy = Some(Url::parse(&format!("http://proxy.lan:{port}")).unwrap());
    let push = sender(WebPushConfig { egress_proxy: proxy, ..config() }, Arc::<Script>::clone(&resolver));
    for (endpoint, why) in [
        ("https://10.0.0.1/x", GateError::Address(Private)),
        ("https://169.254.169.254/x", GateError::Address(Metadata)),
        ("https://proxy.lan/x", GateError::InternalName),
        ("https://wiki.corp/x", GateError::InternalName),
    ] {
        assert_eq!(push.send(&to(endpoint), &message(), NOW_MS).await, Outcome::Blocked(why), "{endpoint}");
    }
    let proxy_side = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        line
    };
    let public = to("https://push.corp-site.net:8443/secret-capability");
    let message = message();
    let both = async { tokio::join!(proxy_side, push.send(&public, &message, NOW_MS)) };
    let (line, outcome) = tokio::time::timeout(Duration::from_secs(15), both).await.expect("the proxy was not asked");
    assert_eq!(line, "CONNECT push.corp-site.net:8443 HTTP/1.1\r\n", "the proxy sees host and port alone");
    assert_eq!(outcome, Outcome::Retry { after: None, cause: RetryCause::Network });
    assert_eq!(resolver.asked(), ["proxy.lan"], "the proxy resolves, we do not");
}
