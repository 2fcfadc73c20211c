//! Each endpoint that takes a body × each way of spoiling it: a 4xx with a sentence, and nothing changes (INV-28, A02).

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use nod_protocol::device_api::paths;
use serde_json::{Value, json};

use crate::people::{Person, enrolled, with};
use crate::world::World;

/// Method, path and a body of the right form.
fn endpoints(anna: &Person) -> Vec<(Method, String, Value)> {
    let device = anna.phone.device;
    let key = serde_json::to_value(anna.phone.key.jwk()).unwrap();
    let registration = json!({"id": "AA", "rawId": "AA", "type": "public-key",
        "response": {"clientDataJSON": "AA", "attestationObject": "AA"}});
    vec![
        (Method::POST, paths::ENROL.into(), json!({"code": "ABCD2345", "name": "P", "platform": "ios", "key": key})),
        (Method::POST, paths::SESSION.into(), json!({"devices": ["a.b.c"]})),
        (Method::POST, paths::ENROL_PASSKEY.into(), json!({"device": device, "credential": registration})),
        (Method::PUT, paths::SUBSCRIPTION.into(), json!({"subscription": null, "notifications": "unavailable"})),
        (Method::POST, paths::answer(&device), json!({"answer": "a.b.c", "assertion": null})),
        (Method::POST, paths::SELF_TEST.into(), json!({"device": device})),
    ]
}

/// Ways to spoil a body, with the status that they get.
fn spoilt(good: &Value) -> Vec<(String, Vec<u8>, u16)> {
    let members = good.as_object().unwrap();
    let text = good.to_string();
    let mut bodies = vec![
        ("empty".to_owned(), Vec::new(), 400),
        ("cut".to_owned(), text.as_bytes()[..text.len() - 1].to_vec(), 400),
        ("twice".to_owned(), format!("{text}{text}").into_bytes(), 400),
        ("not an object".to_owned(), b"7".to_vec(), 400),
        ("values without names".to_owned(), json!(members.values().collect::<Vec<_>>()).to_string().into_bytes(), 400),
        ("a string with bad UTF-8".to_owned(), b"\"\xff\xfe\"".to_vec(), 400),
        ("huge".to_owned(), format!("{}{text}", " ".repeat(17 * 1024)).into_bytes(), 413),
        ("deep".to_owned(), b"[".repeat(10_000), 400),
        ("a byte order mark".to_owned(), format!("\u{feff}{text}").into_bytes(), 400),
        ("a comment".to_owned(), format!("{text}// fine").into_bytes(), 400),
    ];
    let mut more = members.clone();
    more.insert("admin".to_owned(), json!(true));
    bodies.push(("unknown member".to_owned(), Value::Object(more).to_string().into_bytes(), 400));
    for name in members.keys() {
        let mut without = members.clone();
        without.remove(name);
        bodies.push((format!("without {name}"), Value::Object(without).to_string().into_bytes(), 400));
        for wrong in [json!(-1), json!({"a": []}), json!([[[]]]), json!(true), json!("\u{0}"), json!(1e308)] {
            let mut with = members.clone();
            with.insert(name.clone(), wrong.clone());
            // A name may be any text.
            if !(name == "name" && wrong.is_string()) {
                bodies.push((format!("{name} = {wrong}"), Value::Object(with).to_string().into_bytes(), 400));
            }
        }
        let doubled = format!("{},\"{name}\":{}}}", text.strip_suffix('}').unwrap(), members[name]);
        bodies.push((format!("{name} twice"), doubled.into_bytes(), 400));
    }
    bodies
}

fn request(token: &str, method: &Method, path: &str, kind: &str, body: Vec<u8>) -> Request<Body> {
    with(token, method.clone(), path).header(CONTENT_TYPE, kind).body(body.into()).unwrap()
}

#[tokio::test]
async fn spoilt_bodies_change_nothing() {
    let world = World::new();
    let anna = enrolled(&world, "anna").await;
    let rows = world.rows();
    let mut tried = 0;
    for (method, path, good) in endpoints(&anna) {
        for (how, body, status) in spoilt(&good) {
            let answer = world.send(request(&anna.phone.token, &method, &path, "application/json", body)).await;
            let code = if status == 413 { "too_large" } else { "bad_request" };
            let words = answer.text();
            // Texts that are of the right type but no JWS are refused one step later.
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (status, code), "{path} {how}: {words}");
            assert!(words.len() < 400, "{words}");
            tried += 1;
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"] {
            let body = good.to_string().into_bytes();
            let answer = world.send(request(&anna.phone.token, &method, &path, kind, body)).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "bad_request"), "{path} {kind}");
        }
    }
    assert!(tried > 150, "{tried}");
    assert_eq!(world.rows(), rows);
}

#[tokio::test]
async fn a_nonce_takes_no_body() {
    let world = World::new();
    let rows = world.rows();
    for (body, status) in [(&b""[..], 200), (b" {} ", 200), (b"{\"a\":1}", 400), (b"[]", 400), (&[b' '; 17_000], 413)] {
        let request = crate::world::to("nod.example.com", Method::POST, paths::NONCE)
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_vec().into())
            .unwrap();
        assert_eq!(world.send(request).await.status.as_u16(), status, "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(world.rows(), rows, "a nonce costs no row");
}
