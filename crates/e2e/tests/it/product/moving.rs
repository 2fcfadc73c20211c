//! Codes go from one phone to another: by QR codes and by file, encrypted; what goes wrong changes nothing.

use super::codes::{RARE, USUAL, enrolled, shows};
use super::film::{camera, write_film};
use super::look;
use super::oath::Oath;
use super::screen::Screen;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{digest, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nod_e2e::chromium::{self, Chromium};
use nod_e2e::folder::Folder;
use nod_e2e::page::Page;
use nod_e2e::process::{PATIENCE, until};
use nod_e2e::product::Product;
use nod_e2e::skip;
use nod_e2e::tools::{CHROMIUM, OATHTOOL};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::path::Path;

const PASSPHRASE: &str = "five ripe plums in June";
const THIRD: Oath = Oath { secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", algorithm: "SHA-512", digits: 7, period: 30 };
const KEPT: [(&str, Oath); 3] = [("Usual", USUAL), ("Rare", RARE), ("Third", THIRD)];

#[test]
fn codes_move_to_another_phone() {
    if !skip::have(&[CHROMIUM, OATHTOOL]) {
        return;
    }
    let folder = Folder::new();
    let film = folder.path().join("parts.y4m");
    let product = Product::start();
    let browser = Chromium::start(chromium::Settings::default());
    let old = browser.open(&product.page("/authenticator"));
    old.wait_phase("welcome");
    drop(enrolled(&product, &browser, &old, "mia"));
    for (site, oath) in KEPT {
        adds(&old, site, oath);
    }
    let parts = shown_as_qr(&old);
    assert!(parts.len() > 1, "one QR code is too small for three codes");
    let saved = saved_as_file(&old);
    as_written_down(&saved);
    asks_again_each_time(&browser, &old);

    // A browser of its own: in a further context of the first one Chromium complains that there is no push.
    write_film(&film, &parts);
    let other = Chromium::start(chromium::Settings { switches: camera(&film), ..Default::default() });
    let new = other.open(&product.page("/authenticator"));
    new.wait_phase("welcome");
    drop(enrolled(&product, &browser, &new, "ben"));
    scanned(&new);
    let file = folder.path().join("saved.nodcodes");
    refused(&new, &file, &saved);
    std::fs::write(&file, &saved).unwrap();
    choose(&new, &file);
    open_with(&new, PASSPHRASE);
    new.wait_text("#notice", "0 codes brought in. 3 were here already.");
    for (site, oath) in KEPT {
        shows(&new, site, oath);
    }
}

fn adds(phone: &Page, site: &str, oath: Oath) {
    phone.click("#nav-codes");
    phone.click("#add-code");
    phone.wait_phase("add-code");
    phone.type_text("#secret", &oath.link(site, "someone@example.com"));
    phone.click("#submit");
    shows(phone, site, oath);
}

/// The old phone shows one QR code after the other.
fn shown_as_qr(phone: &Page) -> Vec<String> {
    phone.click("#save-codes");
    phone.wait_phase("save-codes");
    look::at(phone, "codes-save");
    phone.type_text("#passphrase", "plums");
    phone.click("#show-qr");
    phone.wait_text("#error", "too short");
    phone.clear("#passphrase");
    phone.type_text("#passphrase", PASSPHRASE);
    phone.click("#show-qr");
    phone.wait_for("#album");
    look::at(phone, "codes-save-qr");
    let said = || phone.look("document.querySelector('#album').dataset.part").as_str().unwrap().to_owned();
    let mut parts = vec![said()];
    loop {
        phone.click("#next-part");
        let next = said();
        if parts.contains(&next) {
            return parts;
        }
        parts.push(next);
    }
}

/// What the browser is given to save, byte by byte.
fn saved_as_file(phone: &Page) -> Vec<u8> {
    phone.evaluate(
        "(() => {
          const make = URL.createObjectURL.bind(URL);
          URL.createObjectURL = (file) => {
            window.savedName = file.name;
            file.bytes().then((bytes) => { window.saved = btoa(String.fromCharCode(...bytes)); });
            return make(file);
          };
        })()",
    );
    phone.click("#save-file");
    phone.wait_for("#saved");
    look::at(phone, "codes-saved");
    let saved = until("the saved bytes", PATIENCE, || phone.look("window.saved ?? null").as_str().map(str::to_owned));
    assert!(phone.evaluate("window.savedName").as_str().unwrap().ends_with(".nodcodes"));
    STANDARD.decode(saved).unwrap()
}

/// Whoever finds the phone on this screen, with the codes shown a moment ago, takes nothing along (E11).
fn asks_again_each_time(browser: &Chromium, phone: &Page) {
    browser.set_user_verified(false);
    phone.click("#show-qr");
    phone.wait_text("#error", "passkey");
    assert!(!phone.shows("#album") && !phone.shows("#saved"));
    browser.set_user_verified(true);
    phone.click("#show-qr");
    phone.wait_for("#album");
    let left = phone.evaluate(
        "(() => {
          Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
          const left = [document.querySelectorAll('#album').length, document.querySelector('#passphrase').value];
          delete document.visibilityState;
          return left;
        })()",
    );
    assert_eq!(left, json!([0, ""]), "nothing is left for the picture in the list of apps");
}

/// Read by docs/codes-export.md alone.
fn as_written_down(saved: &[u8]) {
    let (body, checksum) = saved.split_at(saved.len() - 8);
    assert_eq!(&digest::digest(&digest::SHA256, body).as_ref()[..8], checksum);
    let (header, sealed) = body.split_at(41);
    assert_eq!((&header[..8], header[8]), (&b"NODCODES"[..], 1));
    let rounds = u32::from_be_bytes(header[9..13].try_into().unwrap());
    assert_eq!(rounds, 600_000);
    let mut key = [0; 32];
    let way = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(way, NonZeroU32::new(rounds).unwrap(), &header[13..29], PASSPHRASE.as_bytes(), &mut key);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&header[29..41]).unwrap();
    let mut text = sealed.to_vec();
    let plain = key.open_in_place(nonce, Aad::from(header), &mut text).unwrap();
    let plain: Value = serde_json::from_slice(plain).unwrap();
    assert_eq!(plain["codes"].as_array().unwrap().len(), KEPT.len());
    let rare = &plain["codes"][0];
    let wanted = json!({
        "issuer": "Rare", "account": "someone@example.com", "secret": RARE.secret, "algorithm": RARE.algorithm,
        "digits": RARE.digits, "period": RARE.period});
    assert_eq!(*rare, wanted);
}

fn scanned(phone: &Page) {
    phone.click("#nav-codes");
    phone.click("#bring-codes");
    phone.wait_phase("bring-codes");
    look::at(phone, "codes-bring");
    phone.click("#scan");
    phone.wait_for("#submit");
    assert!(!phone.shows("#camera"), "the camera is let go");
    look::at(phone, "codes-bring-read");
    open_with(phone, "five ripe plums in july");
    phone.wait_text("#error", "passphrase is not right");
    look::at(phone, "codes-bring-refused");
    open_with(phone, PASSPHRASE);
    phone.wait_phase("codes");
    phone.wait_text("#notice", "3 codes brought in.");
    for (site, oath) in KEPT {
        shows(phone, site, oath);
    }
}

fn open_with(phone: &Page, passphrase: &str) {
    phone.wait_for("#submit");
    phone.clear("#passphrase");
    phone.type_text("#passphrase", passphrase);
    phone.click("#submit");
}

/// Damage and a wrong passphrase are told apart; a file of something else is neither.
fn refused(phone: &Page, file: &Path, saved: &[u8]) {
    phone.click("#bring-codes");
    phone.wait_phase("bring-codes");
    let flipped = |at: usize| {
        let mut bytes = saved.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    for (bytes, said) in [
        (b"a picture of plums".to_vec(), "holds no codes of Nod"),
        (Vec::new(), "holds no codes of Nod"),
        (saved[..saved.len() / 2].to_vec(), "damaged"),
        (b"NODCODES".to_vec(), "damaged"),
        (flipped(60), "damaged"),
        (flipped(10), "damaged"),
    ] {
        std::fs::write(file, &bytes).unwrap();
        choose(phone, file);
        phone.wait_text("#error", said);
        assert!(!phone.shows("#passphrase"), "nobody is asked for a passphrase in vain: {said}");
        phone.evaluate("document.querySelector('#error').textContent = ''");
    }
}

/// Chooses a file in the field that is reached through its label.
fn choose(phone: &Page, file: &Path) {
    let found = phone.call("Runtime.evaluate", &json!({"expression": "document.querySelector('#file')"}));
    let field = &found["result"]["objectId"];
    phone.call("DOM.setFileInputFiles", &json!({"files": [file.to_str().unwrap()], "objectId": field}));
}
