//! Codes for other sites on the phone: made as `oathtool` makes them, kept encrypted, shown to a verified person only.

use super::desk::Desk;
use super::film::{camera, write_film, write_picture};
use super::handset::Handset;
use super::look;
use super::oath::Oath;
use super::screen::Screen;
use super::stage::Person;
use nod_e2e::chromium::{self, Chromium};
use nod_e2e::firefox::{self, Firefox};
use nod_e2e::folder::Folder;
use nod_e2e::page::Page;
use nod_e2e::process::{PATIENCE, until};
use nod_e2e::product::Product;
use nod_e2e::skip;
use nod_e2e::tools::{CHROMIUM, FIREFOX, OATHTOOL};
use serde_json::{Value, json};

/// The secrets of RFC 6238, appendix B, in base32: 20, 32 and 64 bytes.
const SECRETS: [(&str, &str); 3] = [
    ("SHA-1", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
    ("SHA-256", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA"),
    (
        "SHA-512",
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA",
    ),
];
/// Times of RFC 6238, appendix B, and both sides of the end of a step.
const TIMES: [u64; 8] = [59, 60, 89, 1_111_111_109, 1_111_111_111, 1_234_567_890, 2_000_000_000, 20_000_000_000];
/// What a site gives that names nothing: SHA-1, six digits, half a minute.
pub(crate) const USUAL: Oath = Oath { secret: SECRETS[0].1, algorithm: "SHA-1", digits: 6, period: 30 };
pub(crate) const RARE: Oath = Oath { secret: SECRETS[1].1, algorithm: "SHA-256", digits: 8, period: 60 };
const FILMED: Oath = Oath { secret: "JBSWY3DPEHPK3PXP", algorithm: "SHA-1", digits: 6, period: 30 };
/// When the person looks, in seconds of Unix time.
const NOW: u64 = 1_700_000_000;
/// Longer than codes stay visible without a touch, milliseconds.
const LONG_AFTER_MS: u32 = 61_000;

/// The page's own clock stands still, so that the code can be known.
fn stop_clock(page: &Page, at: u64) {
    page.evaluate(&format!("(Date.now = () => {at}000, null)"));
}

/// Computer, phone and server of one person; the phone is enrolled.
struct Pocket<P> {
    product: Product,
    phone: P,
}

/// Sets the phone up for a new person; gives their computer, which is not introduced yet.
pub(crate) fn enrolled(product: &Product, computer: &Chromium, phone: &impl Screen, name: &str) -> (Desk, Person) {
    let display_name = format!("{name} Berg");
    let link = product.invite(name, &display_name);
    let password = format!("{name} likes ripe plums in June");
    let person = Person { name: name.into(), display_name, password, link };
    let desk = Desk::new(computer);
    let handset = Handset { screen: phone };
    let code = desk.open_link(&person);
    desk.confirm(&handset.join_silently(&code, "a phone"));
    handset.finish();
    (desk, person)
}

#[test]
fn codes_are_those_of_oathtool() {
    if !skip::have(&[CHROMIUM, OATHTOOL]) {
        return;
    }
    let product = Product::start();
    let browser = Chromium::start(chromium::Settings::default());
    let page = browser.open(&product.page("/authenticator"));
    page.wait_phase("welcome");
    page.evaluate(
        "(async () => {
          const own = performance.getEntriesByType('resource').map(entry => entry.name);
          window.otp = await import(own.find(address => address.endsWith('/authenticator/otp.js')));
          window.codeAt = async (link, at) => {
            const code = window.otp.readLink(link);
            return window.otp.digitsAt(await window.otp.codeKey(code), code, at * 1000);
          };
        })()",
    );
    for (algorithm, secret) in SECRETS {
        for (digits, period) in [(6, 30), (7, 30), (8, 30), (6, 60), (8, 60)] {
            let oath = Oath { secret, algorithm, digits, period };
            let links = oath.link("Example", "mia");
            let found =
                page.evaluate(&format!("Promise.all({}.map(at => codeAt({}, at)))", json!(TIMES), json!(links)));
            let wanted: Vec<String> = TIMES.iter().map(|at| oath.code(*at)).collect();
            assert_eq!(found, json!(wanted), "{oath:?}");
        }
    }
    refused_links(&page);
}

/// What is no link for codes by time is refused with a sentence; a sloppy one that says enough is taken, without the
/// characters that turn the direction of text (INV-30).
fn refused_links(page: &Page) {
    let read = |link: &str| {
        page.evaluate(&format!(
            "(() => {{ try {{ return otp.readLink({}) }} catch (e) {{ return e.message }} }})()",
            json!(link)
        ))
    };
    for (link, part) in [
        ("https://example.com", "not for codes"),
        ("otpauth://totp/", "not for codes"),
        ("otpauth://hotp/A:b?secret=JBSWY3DPEHPK3PXP&counter=1", "by count"),
        ("otpauth://totp/A:b", "not for codes"),
        ("otpauth://totp/A:b?issuer=A", "not complete"),
        ("otpauth://totp/A:b?secret=JBSWY3DPEHPK3PX1", "not complete"),
        ("otpauth://totp/A:b?secret=JBSWY3", "not complete"),
        ("otpauth://totp/A:b?secret=JBSWY3DPEHPK3PXP&algorithm=MD5", "does not know"),
        ("otpauth://totp/A:b?secret=JBSWY3DPEHPK3PXP&digits=10", "does not know"),
        ("otpauth://totp/A:b?secret=JBSWY3DPEHPK3PXP&period=0", "whole number"),
        ("otpauth://totp/A:b?secret=JBSWY3DPEHPK3PXP&period=1.5", "whole number"),
        ("otpauth://totp/%20?secret=JBSWY3DPEHPK3PXP", "name"),
    ] {
        let said = read(link);
        assert!(said.as_str().is_some_and(|said| said.contains(part)), "{link}: {said}");
    }
    let taken =
        read("OTPAUTH://TOTP/Caf%C3%A9%3A%20mia%40example.com?secret=jbsw%20y3dp-ehpk3pxp==&algorithm=sha256\u{202e}");
    assert!(taken.as_str().is_some(), "a direction character is not part of an algorithm: {taken}");
    let taken =
        read("OTPAUTH://TOTP/Caf%C3%A9%E2%80%AE%3A%20mia%40example.com?secret=jbsw%20y3dp-ehpk3pxp==&algorithm=sha256");
    assert_eq!(
        (&taken["issuer"], &taken["account"], &taken["secret"], &taken["algorithm"]),
        (&json!("Café"), &json!("mia@example.com"), &json!("JBSWY3DPEHPK3PXP"), &json!("SHA-256"))
    );
}

#[test]
fn chromium_keeps_codes() {
    if !skip::have(&[CHROMIUM, OATHTOOL]) {
        return;
    }
    let folder = Folder::new();
    let film = folder.path().join("code.y4m");
    write_film(&film, &[FILMED.link("Filmed", "mia")]);
    let product = Product::start();
    let browser = Chromium::start(chromium::Settings { switches: camera(&film), ..Default::default() });
    let phone = browser.open(&product.page("/authenticator"));
    phone.wait_phase("welcome");
    let (desk, mia) = enrolled(&product, &browser, &phone, "mia");
    desk.introduce(&phone.credentials()[0]);
    let mut pocket = Pocket { product, phone };

    adds_in_three_ways(&pocket.phone);
    kept_encrypted(&pocket.phone);
    hides_by_itself(&pocket.phone);
    needs_a_finger(&browser, &pocket.phone);
    a_sign_in_waits_meanwhile(&pocket, &desk, &mia);
    works_without_a_server(&mut pocket);
    removes_a_code(&pocket.phone);
}

/// Waits until the code on the screen is the one of `oathtool` at the page's own time.
#[track_caller]
pub(crate) fn shows(screen: &impl Screen, site: &str, oath: Oath) {
    let css = format!("[data-code={site}] .otp");
    screen.wait_for(&css);
    let both = format!("[document.querySelector('{css}').dataset.value, Math.floor(Date.now() / 1000)]");
    until(&format!("the right code of {site}"), PATIENCE, || {
        let found = screen.look(&both);
        (found[0] == oath.code(found[1].as_u64()?)).then_some(())
    });
}

/// By link, by typed key, by camera; with slips on the way.
fn adds_in_three_ways(phone: &Page) {
    phone.click("#nav-codes");
    phone.wait_phase("codes");
    phone.wait_for("#add-code");
    look::at(phone, "codes-empty");
    phone.click("#add-code");
    phone.wait_phase("add-code");
    stop_clock(phone, NOW);
    look::at(phone, "codes-add");
    phone.type_text("#secret", "JBSW Y3D");
    phone.click("#submit");
    phone.wait_text("#error", "not complete");
    look::at(phone, "codes-add-refused");
    phone.clear("#secret");
    phone.type_text("#secret", &RARE.link("Rare", "mia@example.com"));
    phone.click("#issuer");
    assert_eq!(phone.text("#secret"), RARE.secret);
    assert_eq!((phone.text("#digits"), phone.text("#period")), ("8".to_owned(), "60".to_owned()));
    phone.click("#submit");
    phone.wait_phase("codes");
    shows(phone, "Rare", RARE);
    let label = phone.look("document.querySelector('.otp').getAttribute('aria-label')");
    let spoken: Vec<String> = RARE.code(NOW).chars().map(String::from).collect();
    assert_eq!(label, format!("{}, {}", spoken[..4].join(" "), spoken[4..].join(" ")), "read digit by digit");

    phone.click("#add-code");
    phone.type_text("#secret", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq");
    phone.type_text("#issuer", "Typed");
    phone.click("#submit");
    shows(phone, "Typed", USUAL);
    phone.click("#add-code");
    phone.click("#scan");
    phone.wait_text("#issuer", "Filmed");
    assert_eq!(phone.text("#account"), "mia");
    assert!(!phone.shows("#camera"), "the camera is let go");
    look::at(phone, "codes-add-read");
    phone.click("#submit");
    shows(phone, "Filmed", FILMED);
    look::at(phone, "codes-open");

    phone.click("[data-code=Typed] button[id^=copy]");
    phone.wait_text("#live", "Code for Typed copied");
    // The next step begins: the code changes by itself.
    stop_clock(phone, NOW + 30);
    shows(phone, "Typed", USUAL);
    assert!(
        phone
            .look("document.querySelector('[data-code=Typed] .time-left').innerText")
            .as_str()
            .unwrap()
            .contains("s left")
    );
}

/// Nothing of a secret stands in the store, and the key cannot be taken out.
fn kept_encrypted(phone: &Page) {
    let found = phone.evaluate(
        "new Promise((resolve, reject) => {
          const opening = indexedDB.open('nod-codes');
          opening.onerror = () => reject(opening.error);
          opening.onsuccess = () => {
            const database = opening.result;
            const work = database.transaction(['vault', 'codes']);
            const all = ['vault', 'codes'].map(name => work.objectStore(name).getAll());
            work.oncomplete = async () => {
              database.close();
              const [[vault], codes] = all.map(request => request.result);
              const text = codes.map(code => [...new Uint8Array(code.sealed)].map(byte => String.fromCharCode(byte)).join('')).join();
              const taken = await crypto.subtle.exportKey('raw', vault.key).then(() => 'taken', error => error.name);
              resolve({ count: codes.length, fields: Object.keys(codes[0]).sort(), text, taken, extractable: vault.key.extractable });
            };
          };
        })",
    );
    assert_eq!(
        (&found["count"], &found["fields"], &found["extractable"], &found["taken"]),
        (&json!(3), &json!(["id", "iv", "sealed"]), &json!(false), &json!("InvalidAccessError"))
    );
    let text = found["text"].as_str().unwrap();
    for secret in [USUAL.secret, RARE.secret, FILMED.secret, "Typed", "Rare", "mia"] {
        assert!(!text.contains(secret), "{secret} is kept in the clear");
    }
}

fn hides_by_itself(phone: &Page) {
    phone.evaluate(&format!(
        "(() => {{ const clock = performance.now.bind(performance); performance.now = () => clock() + {LONG_AFTER_MS}; }})()"
    ));
    phone.wait_for("#show-codes");
    assert!(!phone.shows(".otp") && !phone.shows("[data-code]"));
    phone.wait_text("#live", "hidden again");
    look::at(phone, "codes-hidden");
    phone.click("#show-codes");
    phone.wait_for(".otp");
    // The page goes to the background: hidden at once, before the list of apps takes its picture.
    let left = phone.evaluate(
        "(() => {
          Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
          const left = document.querySelectorAll('.otp').length;
          delete document.visibilityState;
          return left;
        })()",
    );
    assert_eq!(left, 0);
    phone.wait_for("#show-codes");
}

/// Whoever holds the unlocked phone but is not its owner sees nothing (E11).
fn needs_a_finger(browser: &Chromium, phone: &Page) {
    browser.set_user_verified(false);
    phone.click("#show-codes");
    phone.wait_text("#error", "passkey");
    assert!(!phone.shows(".otp"));
    look::at(phone, "codes-refused");
    browser.set_user_verified(true);
    phone.click("#show-codes");
    phone.wait_for(".otp");
    phone.reload();
    phone.wait_phase("home");
    phone.click("#nav-codes");
    phone.wait_for("#show-codes");
    assert!(!phone.shows(".otp"), "a new page asks again");
}

/// Somebody who reads codes is told of a sign-in and not torn away from them.
fn a_sign_in_waits_meanwhile(pocket: &Pocket<Page>, desk: &Desk, mia: &Person) {
    let phone = &pocket.phone;
    phone.click("#show-codes");
    phone.wait_for(".otp");
    desk.ask(&pocket.product.page("/sign-in"), mia);
    phone.wait_text("#nav-home .count", "1");
    assert!(phone.shows(".otp"));
    look::at(phone, "codes-sign-in-waits");
    phone.click("#nav-home");
    let handset = Handset { screen: phone };
    assert!(handset.read().contains("mia Berg"));
    handset.answer("deny", "Denied");
    handset.done();
    phone.wait_phase("home");
}

fn works_without_a_server(pocket: &mut Pocket<Page>) {
    let phone = &pocket.phone;
    pocket.product.crash();
    phone.reload();
    phone.wait_text("h1", "Nod cannot look for sign-ins now");
    stop_clock(phone, NOW);
    phone.click("#nav-codes");
    phone.click("#show-codes");
    shows(phone, "Rare", RARE);
    look::at_outage(phone, "codes-offline");
    phone.click("#nav-home");
    phone.wait_text("h1", "Nod cannot look for sign-ins now");
    pocket.product.serve();
    phone.click("#again");
    phone.wait_text("h1", "Nothing is waiting");
    drop(phone.take_problems());
}

fn removes_a_code(phone: &Page) {
    phone.click("#nav-codes");
    phone.click("#show-codes");
    phone.click("[data-code=Filmed] summary");
    look::at(phone, "codes-remove");
    phone.click("[data-code=Filmed] button[id^=remove]");
    phone.wait_gone("[data-code=Filmed]");
    assert!(phone.shows("[data-code=Rare]") && phone.shows("[data-code=Typed]"));
}

#[test]
fn firefox_keeps_codes() {
    if !skip::have(&[FIREFOX, CHROMIUM, OATHTOOL]) {
        return;
    }
    let folder = Folder::new();
    let picture = folder.path().join("code.bmp");
    write_picture(&picture, &FILMED.link("Filmed", "mia"));
    let nothing = folder.path().join("nothing.txt");
    std::fs::write(&nothing, "no picture").unwrap();
    let product = Product::start();
    let computer = Chromium::start(chromium::Settings::default());
    let mut phone = Firefox::start(firefox::Settings::default());
    phone.add_authenticator();
    phone.open(&product.page("/authenticator"));
    phone.wait_phase("welcome");
    enrolled(&product, &computer, &phone, "mia");
    let mut pocket = Pocket { product, phone };
    adds_from_a_picture(&pocket.phone, &picture.display().to_string(), &nothing.display().to_string());
    hides_behind_another_tab(&pocket.phone);
    firefox_without_a_server(&mut pocket);
}

fn adds_from_a_picture(phone: &Firefox, picture: &str, nothing: &str) {
    phone.click("#nav-codes");
    phone.click("#add-code");
    phone.wait_phase("add-code");
    send_file(phone, nothing);
    phone.wait_text("#error", "not a picture");
    send_file(phone, picture);
    until("the read picture", PATIENCE, || {
        (phone.look("document.querySelector('#issuer').value") == "Filmed").then_some(())
    });
    phone.click("#submit");
    shows(phone, "Filmed", FILMED);
}

/// Chooses a file in the field that is reached through its label.
fn send_file(phone: &Firefox, file: &str) {
    let found = phone.call("WebDriver:FindElement", &json!({"using": "css selector", "value": "#picture"}));
    let element: Vec<&Value> = found["value"].as_object().unwrap().values().collect();
    phone.call("WebDriver:ElementSendKeys", &json!({"id": element[0], "text": file}));
}

fn hides_behind_another_tab(phone: &Firefox) {
    let own = phone.window();
    phone.open_tab();
    phone.close_window();
    phone.switch_to(&own);
    phone.wait_for("#show-codes");
    assert!(!phone.shows(".otp"), "another tab was in front");
    phone.set_user_verified(false);
    phone.click("#show-codes");
    phone.wait_text("#error", "passkey");
    assert!(!phone.shows(".otp"));
    phone.set_user_verified(true);
    phone.click("#show-codes");
    phone.wait_for(".otp");
}

fn firefox_without_a_server(pocket: &mut Pocket<Firefox>) {
    pocket.product.crash();
    let phone = &pocket.phone;
    // Marionette's own reload passes by the worker.
    phone.open(&pocket.product.page("/authenticator"));
    phone.wait_text("h1", "Nod cannot look for sign-ins now");
    phone.click("#nav-codes");
    phone.click("#show-codes");
    shows(phone, "Filmed", FILMED);
}
