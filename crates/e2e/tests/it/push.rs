//! The push stub: what it takes, what it refuses, and Firefox behind it.

use crate::sender::Sender;
use crate::site;
use nod_e2e::bus::Bus;
use nod_e2e::chromium::{self, Chromium};
use nod_e2e::firefox::{Firefox, Settings};
use nod_e2e::process::{PATIENCE, until};
use nod_e2e::push_receiver::PushReceiver;
use nod_e2e::push_stub::{Fault, PushStub};
use nod_e2e::skip;
use nod_e2e::tools::{CHROMIUM, DBUS, FIREFOX, LIBNOTIFY};

type Change = fn(&mut Sender);

#[test]
fn the_stub_refuses_what_a_push_service_refuses() {
    let stub = PushStub::start();
    let receiver = PushReceiver::new();
    let good = Sender::new();
    let subscription = receiver.subscription(&stub.new_endpoint(Some(&good.public_key())));
    assert!(good.send(&subscription, "hello").starts_with("HTTP/1.1 201 "));
    let first = stub.wait_received(0, |message| message.status == 201);
    assert_eq!(receiver.decrypt(&first.body).unwrap(), b"hello");
    assert_eq!(first.terms.unwrap().ttl, 60);

    let another = Sender::new().send(&subscription, "hello");
    assert!(another.contains("not the one of the subscription"), "{another}");
    let changes: [(&str, Change); 6] = [
        ("the token for", |sender| sender.audience = Some("http://127.0.0.1".to_owned())),
        ("longer than 24 hours", |sender| sender.lifetime = 25 * 3600),
        ("cannot be reached", |sender| sender.subject = "mailto:root@localhost".to_owned()),
        ("not a number of seconds", |sender| sender.headers = vec![("ttl".to_owned(), "soon".to_owned())]),
        ("not aes128gcm", |sender| sender.headers = vec![("content-encoding".to_owned(), "gzip".to_owned())]),
        ("unknown Urgency", |sender| sender.headers = vec![("urgency".to_owned(), "extreme".to_owned())]),
    ];
    for (why, change) in changes {
        let mut sender = Sender::new();
        let subscription = receiver.subscription(&stub.new_endpoint(None));
        change(&mut sender);
        let answer = sender.send(&subscription, "hello");
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains(why), "{why}: {answer}");
    }
    let long = good.send(&subscription, &"x".repeat(4000));
    assert!(long.starts_with("HTTP/1.1 413 "), "{long}");
}

#[test]
fn the_stub_fails_as_told() {
    let stub = PushStub::start();
    let (receiver, sender) = (PushReceiver::new(), Sender::new());
    let endpoint = stub.new_endpoint(None);
    let subscription = receiver.subscription(&endpoint);
    stub.next([Fault::RetryAfter(429, 7), Fault::Status(500), Fault::Lose]);
    let limited = sender.send(&subscription, "1");
    assert!(limited.starts_with("HTTP/1.1 429 ") && limited.contains("retry-after: 7"), "{limited}");
    assert!(sender.send(&subscription, "2").starts_with("HTTP/1.1 500 "));
    assert!(sender.send(&subscription, "3").starts_with("HTTP/1.1 201 "));
    stub.end(&endpoint);
    assert!(sender.send(&subscription, "4").starts_with("HTTP/1.1 410 "));
    assert_eq!(stub.received().len(), 4);
}

#[test]
fn firefox_receives_decrypts_and_is_clicked() {
    if !skip::have(&[FIREFOX, DBUS, LIBNOTIFY]) {
        return;
    }
    let (site, bus, stub) = (site::start(), Bus::start(), PushStub::start());
    let sender = Sender::new();
    let settings = Settings {
        bus_address: Some(bus.address().to_owned()),
        push_server: Some(stub.websocket_address()),
        ..Settings::default()
    };
    let mut browser = Firefox::start(settings);
    browser.add_authenticator();
    browser.navigate(&site.origin("nod.localhost"));
    browser.evaluate("await makePasskey()");
    let subscription = browser.evaluate(&format!("return await subscribe('{}')", sender.public_key()));
    assert!(sender.send(&subscription, "Sign-in to Wiki").starts_with("HTTP/1.1 201 "));
    let shown = bus.wait_shown(0, |shown| shown.summary == "Sign-in to Wiki");
    assert_eq!(shown.body, "Sign-in waiting");
    until("the acknowledgement", PATIENCE, || (stub.acknowledgements() == [100]).then_some(()));
    let deny = shown.key_of("Deny").unwrap().to_owned();
    bus.click(shown.id, &deny, || browser.shows("#clicked") && browser.text("#clicked") == "clicked deny");

    sender.send(&subscription, "Again");
    let again = bus.wait_shown(1, |shown| shown.summary == "Again");
    let known = browser.windows();
    bus.click(again.id, "default", || browser.windows().len() > known.len());
    browser.wait_new_window(&known);
    browser.wait_address("/opened");
    browser.wait_for("#greet");
    assert_eq!(browser.evaluate("return (await usePasskey()).verified"), true);

    // The power goes; the push waits and comes by itself after the start.
    browser.stop(true);
    sender.send(&subscription, "While away");
    browser.start_again();
    bus.wait_shown(2, |shown| shown.summary == "While away");
    browser.quit();
}

#[test]
fn chromium_receives_through_the_receiver() {
    if !skip::have(&[CHROMIUM, DBUS]) {
        return;
    }
    let (site, bus, stub) = (site::start(), Bus::start(), PushStub::start());
    let (sender, receiver) = (Sender::new(), PushReceiver::new());
    let settings = chromium::Settings { bus_address: Some(bus.address().to_owned()), ..chromium::Settings::default() };
    let browser = Chromium::start(settings);
    let origin = site.origin("nod.localhost");
    let page = browser.open("about:blank");
    page.before_each_document(&receiver.script(&stub.new_endpoint(None)));
    page.navigate(&origin);
    let subscription = page.evaluate(&format!("subscribe('{}')", sender.public_key()));
    page.reload();
    let kept = page.evaluate("ready().then(r => r.pushManager.getSubscription()).then(s => s.toJSON())");
    assert_eq!(kept, subscription);
    sender.send(&subscription, "Sign-in to Wiki");
    let message = stub.wait_received(0, |message| message.status == 201);
    let text = String::from_utf8(receiver.decrypt(&message.body).unwrap()).unwrap();
    page.deliver_push(&origin, &text);
    bus.wait_shown(0, |shown| shown.summary == "Sign-in to Wiki");
}
