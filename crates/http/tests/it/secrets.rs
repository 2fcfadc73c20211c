//! What goes to the log at every level: nothing that opens anything (INV-24, C09).

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use http::Method;
use http::header::COOKIE;
use nod_core::{AppId, SecretHash};
use nod_protocol::b64;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::people::{PASSWORD, enrolled, with};
use crate::world::{APP, PROXY, WithJson as _, World, to};

/// Keeps every event and span as text.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        event.record(&mut Line(&mut text));
        text.push('\n');
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn nothing_secret_is_logged() {
    let log = Everything::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let world = World::new();
    world.engine.add_app("payroll", None, &format!("https://{APP}"), None).await.unwrap();
    let mut anna = enrolled(&world, "anna").await;
    let started = world.send_from(to(APP, Method::GET, "/.nod/start?return=%2Fsecret-path").empty(), PROXY).await;
    let pre = started.cookie("__Host-nod-pre").unwrap();
    let location = started.header("location").to_owned();
    let value = |name: &str| location.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)).unwrap().to_owned();
    let id: AppId = value("app=").parse().unwrap();
    let binding = value("binding=");
    let app = Some((id, SecretHash(b64::decode_array(&binding).unwrap())));
    let (session, back) = anna.sign_in(&world, app, "/secret-path").await;
    let (path, code) = back.strip_prefix("https://payroll.example.com").and_then(|it| it.split_once("code=")).unwrap();
    let arrival = to(APP, Method::GET, &format!("{path}code={code}")).header(COOKIE, format!("__Host-nod-pre={pre}"));
    let cookie = world.send_from(arrival.empty(), PROXY).await.cookie("__Host-nod-app").unwrap();
    // Spoilt requests carry secrets too.
    for path in ["/api/device/v1/session", "/api/device/v1/nothing", "/enrol/open", "/api/device/v1/stages"] {
        let body = serde_json::json!({ "hunter2": anna.phone.token });
        world.send(with(&anna.phone.token, Method::POST, &format!("{path}?q=hunter2")).json(&body)).await;
    }
    let text = log.0.lock().unwrap().clone();
    assert!(text.contains("path=\"/api/device/v1/requests/{id}/answer\"") && text.contains("status=200"), "{text}");
    let device = anna.phone.device.to_string();
    let secrets = [&session, &pre, &code.to_owned(), &cookie, &anna.phone.token, &binding, &device];
    for secret in secrets.into_iter().map(String::as_str).chain([PASSWORD, "hunter2", "secret-path"]) {
        assert!(!secret.is_empty() && !text.contains(secret), "{secret} in {text}");
    }
}
