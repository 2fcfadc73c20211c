//! The golden vectors, checked by the authenticator's own JavaScript as the server hands it out.

use super::screen::Screen;
use nod_e2e::chromium::{Chromium, Settings};
use nod_e2e::product::Product;
use nod_e2e::skip;
use nod_e2e::tools::CHROMIUM;
use serde_json::{Value, json};

const CHECK: &str = include_str!("vectors.js");

fn vectors(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_authenticators_own_script_agrees_with_the_golden_vectors() {
    if !skip::have(&[CHROMIUM]) {
        return;
    }
    let product = Product::start();
    let browser = Chromium::start(Settings::default());
    let page = browser.open(&product.page("/authenticator"));
    page.wait_phase("welcome");
    let given = json!({
        "answer": vectors(include_str!("../../../../protocol/vectors/answer.json")),
        "device_sign_in": vectors(include_str!("../../../../protocol/vectors/device_sign_in.json")),
        "webauthn_challenge": vectors(include_str!("../../../../protocol/vectors/webauthn_challenge.json")),
    });
    let result = page.evaluate(&format!("{CHECK}({given})"));
    assert_eq!(result["wrong"], json!([]));
    for count in result["checked"].as_array().unwrap() {
        assert!(count.as_u64() > Some(0), "no vector was checked: {result}");
    }
}
