//! Everything that takes part in a test of the whole product.

use super::desk::Desk;
use super::handset::Handset;
use super::screen::Screen;
use super::site::Site;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use nod_e2e::bus::Bus;
use nod_e2e::chromium::{self, Chromium};
use nod_e2e::firefox::{self, Firefox};
use nod_e2e::product::Product;
use nod_e2e::push_stub::PushStub;
use serde_json::{Value, json};

/// An account and who has it.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) password: String,
    pub(crate) link: String,
}

/// Server, protected site, message bus, push service, and the browser with the computers.
pub(crate) struct Stage {
    // Field order is drop order: browsers end before what they talk to.
    pub(crate) chromium: Chromium,
    pub(crate) site: Site,
    pub(crate) product: Product,
    pub(crate) stub: PushStub,
    pub(crate) bus: Bus,
}

impl Stage {
    pub(crate) fn set() -> Self {
        let product = Product::start();
        let ports = [product.port()];
        Self::set_for(product, &ports)
    }

    /// The same around an installation that has nodes on these ports.
    pub(crate) fn set_for(product: Product, ports: &[u16]) -> Self {
        let (bus, stub) = (Bus::start(), PushStub::start());
        let site = Site::start(&product, ports);
        let settings = chromium::Settings { bus_address: Some(bus.address().to_owned()), ..Default::default() };
        Self { chromium: Chromium::start(settings), site, product, stub, bus }
    }

    /// A Firefox with the app open, as the phone.
    pub(crate) fn firefox(&self) -> Firefox {
        let settings = firefox::Settings {
            bus_address: Some(self.bus.address().to_owned()),
            push_server: Some(self.stub.websocket_address()),
            ..Default::default()
        };
        let mut phone = Firefox::start(settings);
        phone.add_authenticator();
        phone.open(&self.product.page("/authenticator"));
        phone.wait_phase("welcome");
        phone
    }

    /// The administrator adds somebody and makes their link.
    pub(crate) fn invite(&self, name: &str) -> Person {
        let display_name = format!("{name} Berg");
        let link = self.product.invite(name, &display_name);
        Person { name: name.to_owned(), display_name, password: format!("{name} likes ripe plums in June"), link }
    }

    /// Enrols the phone for a new person, with this computer as the asking browser, up to the introduction.
    #[track_caller]
    pub(crate) fn enrol(&self, name: &str, desk: &Desk, phone: &Handset<'_, impl Screen>) -> Person {
        let person = self.invite(name);
        let code = desk.open_link(&person);
        let digits = phone.join(&code, &format!("{name}'s phone"));
        desk.confirm(&digits);
        phone.finish();
        person
    }
}

/// The passkey that Firefox's authenticator holds beyond those known, in the form that Chromium's takes.
#[track_caller]
pub(crate) fn new_passkey(phone: &Firefox, known: &[&Value]) -> Value {
    let mut held = phone.credentials().into_iter().map(|made| as_chromium_takes_it(&made));
    let is_new = |made: &Value| known.iter().all(|old| old["credentialId"] != made["credentialId"]);
    held.find(is_new).expect("the phone holds a new passkey")
}

fn as_chromium_takes_it(made: &Value) -> Value {
    let recoded = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(made[name].as_str().unwrap().trim_end_matches('=')).unwrap();
        STANDARD.encode(bytes)
    };
    json!({
        "credentialId": recoded("credentialId"), "privateKey": recoded("privateKey"), "userHandle": recoded("userHandle"),
        "rpId": made["rpId"], "isResidentCredential": true, "signCount": made["signCount"]})
}
