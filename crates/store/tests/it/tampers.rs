//! Rows edited by SQL, through the real engine (D02, INV-21): what decides access is refused, told to the audit and listed.

use std::sync::Arc;

use nod_core::people::UserState;
use nod_core::possession::DeviceState;
use nod_core::sign_in::SignInState;
use nod_core::{ChallengeId, DeviceId};
use nod_engine::{Asking, Begun, Engine};
use nod_testkit::folk::{self, Person};
use nod_testkit::{SeededEntropy, TestClock};
use rusqlite::Connection;
use tempfile::TempDir;

use super::open;

/// What is tried with a row that was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Anna's session cookie.
    Session,
    /// Anna's browser is a bound one.
    Browser,
    /// Anna's phone may answer.
    Phone,
    /// Anna's phone is an active one.
    Device,
    /// Anna's passkey is hers to use.
    Passkey,
    Key,
    /// A sign-in with Anna's password.
    Password,
    /// Ben's browser is one of Anna's.
    Bens,
    /// Anna's cookie at an app for a group.
    App,
    /// Anna's way to that app.
    Code,
    /// Anna's link that binds a browser.
    Link,
    /// Anna's sign-in that waits for her phone.
    SignIn,
    /// What her phone is asked.
    Asked,
    /// Anna's own window for one more phone.
    Enrolment,
}

/// What happened in Nod before the edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Revoked,
    Unbound,
    SignedOut,
    Disabled,
    WindowClosed,
    CodeUsed,
    Cancelled,
}

use Before::{Cancelled, CodeUsed, Disabled, Nothing, Revoked, SignedOut, Unbound, WindowClosed};
use Door::{App, Asked, Bens, Browser, Code, Device, Enrolment, Key, Link, Passkey, Password, Phone, Session, SignIn};

/// Every deciding column of every kind, states that are set back, and rows that change places. `anna` and `ben` are ids.
const TAMPERS: &[(Before, &str, Door)] = &[
    (Nothing, "UPDATE users SET name = 'anna2' WHERE id = anna; UPDATE users SET name = 'anna' WHERE id = ben", Password),
    (Nothing, "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = ben) || 'x' WHERE id = anna", Session),
    (Nothing, "UPDATE users SET number_always = 1 - number_always WHERE id = anna", Password),
    (Nothing, "UPDATE users SET terminal_phone = 1 - terminal_phone WHERE id = anna", Password),
    (Nothing, "UPDATE users SET mail = 'eve@example.com' WHERE id = anna", Session),
    (Nothing, "UPDATE users SET created_at = created_at + 1 WHERE id = anna", Session),
    (Nothing, "UPDATE users SET checksum = NULL WHERE id = anna", Session),
    (Disabled, "UPDATE users SET state = 'active' WHERE id = anna", Password),
    (Nothing, "UPDATE devices SET device_key = (SELECT device_key FROM devices WHERE user_id = ben) WHERE user_id = anna", Phone),
    (Nothing, "UPDATE devices SET platform = 'desktop' WHERE user_id = anna", Phone),
    (Nothing, "UPDATE devices SET created_at = created_at + 1 WHERE user_id = anna", Phone),
    (Nothing, "UPDATE devices SET user_id = ben WHERE user_id = anna", Phone),
    (Nothing, "UPDATE devices SET checksum = (SELECT checksum FROM devices WHERE user_id = ben) WHERE user_id = anna", Phone),
    (Revoked, "UPDATE devices SET state = 'active' WHERE user_id = anna", Device),
    (Nothing, "UPDATE passkeys SET public_key = (SELECT public_key FROM passkeys WHERE user_id = ben) WHERE user_id = anna", Passkey),
    (Nothing, "UPDATE passkeys SET credential_id = x'0102' WHERE user_id = anna", Passkey),
    (Nothing, "UPDATE passkeys SET backup_eligible = 1 - backup_eligible WHERE user_id = anna", Passkey),
    (Nothing, "UPDATE passkeys SET created_at = created_at + 1 WHERE user_id = anna", Passkey),
    (Nothing, "UPDATE passkeys SET id = x'00112233445566778899aabbccddeeff' WHERE user_id = anna", Passkey),
    (Nothing, "UPDATE security_keys SET public_key = (SELECT public_key FROM security_keys WHERE user_id = ben) WHERE user_id = anna", Key),
    (Nothing, "UPDATE security_keys SET credential_id = x'0102' WHERE user_id = anna", Key),
    (Nothing, "UPDATE security_keys SET counter = counter + 1 WHERE user_id = anna", Key),
    (Nothing, "UPDATE security_keys SET aaguid = x'00112233445566778899aabbccddeeff' WHERE user_id = anna", Key),
    (Nothing, "UPDATE security_keys SET backup_eligible = 1 - backup_eligible WHERE user_id = anna", Key),
    (Nothing, "UPDATE security_keys SET created_at = created_at + 1 WHERE user_id = anna", Key),
    (Nothing, "UPDATE security_keys SET id = x'00112233445566778899aabbccddeeff' WHERE user_id = anna", Key),
    (Nothing, "UPDATE browsers SET last_used_at = last_used_at + 1 WHERE user_id = anna", Browser),
    (Nothing, "UPDATE browsers SET created_at = created_at + 1 WHERE user_id = anna", Browser),
    (Nothing, "UPDATE browsers SET bound_by = 'link' WHERE user_id = anna", Browser),
    (Nothing, "UPDATE browser_secrets SET browser_id = (SELECT id FROM browsers WHERE user_id = anna)
        WHERE browser_id <> (SELECT id FROM browsers WHERE user_id = anna)", Bens),
    (Unbound, "UPDATE browsers SET bound = 1 WHERE user_id = anna;
        UPDATE browser_secrets SET retired = 0", Browser),
    (Nothing, "UPDATE browser_secrets SET issued_at = issued_at + 1", Browser),
    (Nothing, "UPDATE browser_secrets SET checksum = x'00'", Browser),
    (Nothing, "UPDATE sessions SET user_id = ben WHERE user_id = anna", Session),
    (Nothing, "UPDATE sessions SET id = x'00112233445566778899aabbccddeeff' WHERE user_id = anna", Session),
    (Nothing, "UPDATE sessions SET browser_id = ben WHERE user_id = anna", Session),
    (Nothing, "UPDATE sessions SET method = 'push' WHERE user_id = anna", Session),
    (Nothing, "UPDATE sessions SET created_at = created_at + 1 WHERE user_id = anna", Session),
    (Nothing, "UPDATE sessions SET last_seen_at = last_seen_at + 1 WHERE user_id = anna", Session),
    (SignedOut, "UPDATE sessions SET ended = 0 WHERE user_id = anna", Session),
    (Nothing, "UPDATE device_sessions SET expires_at = expires_at + 1", Phone),
    (Nothing, "UPDATE device_sessions SET device_id = (SELECT id FROM devices WHERE user_id = ben)
        WHERE device_id = (SELECT id FROM devices WHERE user_id = anna)", Phone),
    (Nothing, "UPDATE members SET checksum = zeroblob(32)", App),
    (Nothing, "UPDATE apps SET group_id = NULL", App),
    (Nothing, "UPDATE apps SET name = 'other'", App),
    (Nothing, "UPDATE apps SET created_at = created_at + 1", Code),
    (Nothing, "UPDATE app_sessions SET session_id = (SELECT id FROM sessions WHERE user_id = ben)", App),
    (Nothing, "UPDATE app_codes SET expires_at = expires_at + 1", Code),
    (Nothing, "UPDATE app_codes SET session_id = (SELECT id FROM sessions WHERE user_id = ben)", Code),
    (Nothing, "UPDATE app_codes SET return_to = '/elsewhere'", Code),
    (Nothing, "UPDATE app_codes SET binding = zeroblob(32)", Code),
    (CodeUsed, "UPDATE app_codes SET used = 0", Code),
    (Nothing, "UPDATE introduction_links SET expires_at = expires_at + 1", Link),
    (Nothing, "UPDATE introduction_links SET user_id = ben", Link),
    (Nothing, "UPDATE sign_ins SET state = 'proved', keep_browser = 0, passkey_id = (SELECT id FROM passkeys WHERE user_id = anna)
        WHERE state = 'open'", SignIn),
    (Nothing, "UPDATE sign_ins SET user_id = ben WHERE state = 'open'", SignIn),
    (Nothing, "UPDATE sign_ins SET app_id = (SELECT id FROM apps) WHERE state = 'open'", SignIn),
    (Nothing, "UPDATE sign_ins SET binding = zeroblob(32) WHERE state = 'open'", SignIn),
    (Nothing, "UPDATE sign_ins SET browser_id = NULL WHERE state = 'open'", SignIn),
    (Nothing, "UPDATE sign_ins SET return_to = '/elsewhere' WHERE state = 'open'", SignIn),
    (Nothing, "UPDATE sign_ins SET created_at = created_at + 1 WHERE state = 'open'", SignIn),
    (Nothing, "UPDATE sign_ins SET expires_at = expires_at + 1 WHERE state = 'open'", SignIn),
    (Cancelled, "UPDATE sign_ins SET state = 'open' WHERE state = 'cancelled'", SignIn),
    (Nothing, "UPDATE challenges SET version = version + 1", Asked),
    (Nothing, "UPDATE challenges SET number = '000000'", Asked),
    (Nothing, "UPDATE challenges SET nonce = zeroblob(32)", Asked),
    (Nothing, "UPDATE challenges SET context = x'7b7d'", Asked),
    (Nothing, "UPDATE challenges SET sign_in_id = (SELECT id FROM sign_ins WHERE state = 'finished' LIMIT 1)", Asked),
    (Nothing, "UPDATE challenges SET created_at = created_at + 1", Asked),
    (Nothing, "UPDATE challenges SET expires_at = expires_at + 1", Asked),
    (Cancelled, "UPDATE challenges SET state = 'pending'", Asked),
    (Nothing, "UPDATE enrolments SET user_id = ben WHERE user_id = anna AND state = 'proved'", Enrolment),
    (Nothing, "UPDATE enrolments SET opened_by_session = NULL WHERE state = 'proved'", Enrolment),
    (Nothing, "UPDATE enrolments SET link = zeroblob(32) WHERE state = 'proved'", Enrolment),
    (Nothing, "UPDATE enrolments SET state = 'opened' WHERE state = 'proved'", Enrolment),
    (Nothing, "UPDATE enrolments SET expires_at = expires_at + 1 WHERE state = 'proved'", Enrolment),
    (Nothing, "UPDATE enrolments SET created_at = created_at + 1 WHERE state = 'proved'", Enrolment),
    (WindowClosed, "UPDATE enrolments SET state = 'proved' WHERE opened_by_session IS NOT NULL", Enrolment),
];

struct Scene {
    engine: Engine,
    anna: Person,
    ben: Person,
    session: String,
    window: String,
    app: nod_core::access::App,
    app_cookie: String,
    code: String,
    link: String,
    token: String,
    asked: ChallengeId,
    database: Connection,
    _folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("nod.db");
        let store = open(&path, &TestClock::default()).unwrap();
        let (engine, dice) = (folk::engine(Arc::new(store), 1), SeededEntropy::new(2));
        let anna = folk::enrolled(&engine, &dice, "anna", 1).await;
        let ben = folk::enrolled(&engine, &dice, "ben", 1).await;
        for person in [&anna, &ben] {
            folk::key(&engine, &dice, person.user).await.unwrap();
        }
        let session = signs_in(&engine, &anna).await;
        let (row, _) = engine.session(&session).await.unwrap();
        let window = engine.open_own_enrolment(&row).await.unwrap();
        let group = engine.add_group("staff").await.unwrap();
        engine.set_member(&group, &engine.user_named("anna").await.unwrap(), true).await.unwrap();
        signs_in(&engine, &ben).await;
        let app = engine.add_app("wiki", None, "https://wiki.example.com", Some(&group)).await.unwrap();
        let app_cookie = engine.redeem_app_code(&app, &way(&engine, &row, &app).await, PRE_LOGIN).await.unwrap().cookie;
        let code = way(&engine, &row, &app).await;
        let link = engine.make_introduction_link(anna.user).await.unwrap();
        let cookie = anna.cookie.borrow().clone();
        let Begun::Started { token, .. } = engine.begin(anna.request(cookie)).await.unwrap() else { unreachable!() };
        let sign_in = engine.sign_in_of(&token).await.unwrap();
        let asked = engine.store().challenges_of(sign_in.id).await.unwrap().remove(0).id;
        let database = Connection::open(path).unwrap();
        Self {
            engine,
            anna,
            ben,
            session,
            window,
            app,
            app_cookie,
            code,
            link,
            token,
            asked,
            database,
            _folder: folder,
        }
    }

    async fn before(&self, before: Before) {
        let (user, engine) = (self.anna.user, &self.engine);
        let row = engine.store().user(user).await.unwrap().unwrap();
        match before {
            Nothing => {}
            Revoked => engine.revoke_device(user, DeviceId(self.anna.phones[0].device.0)).await.unwrap(),
            Unbound => {
                let browser = engine.store().browsers_of(user).await.unwrap().remove(0);
                engine.unbind_browser(user, browser.id).await.unwrap();
            }
            SignedOut => {
                let (session, _) = engine.session(&self.session).await.unwrap();
                engine.end_session(user, session.id, "a test").await.unwrap();
            }
            Disabled => engine.set_user_state(&row, UserState::Disabled).await.unwrap(),
            CodeUsed => {
                engine.redeem_app_code(&self.app, &self.code, PRE_LOGIN).await.unwrap();
            }
            Cancelled => engine.cancel(&engine.sign_in_of(&self.token).await.unwrap()).await.unwrap(),
            WindowClosed => {
                engine.open_enrolment(user).await.unwrap();
            }
        }
    }

    fn sql(&self, edit: &str) {
        let id = |name: &str| -> String {
            let find = "SELECT 'x''' || hex(id) || '''' FROM users WHERE name = ?1";
            self.database.query_row(find, [name], |row| row.get(0)).unwrap()
        };
        let (anna, ben) = (id("anna"), id("ben"));
        let edit = edit.replace("= anna", &format!("= {anna}")).replace("= ben", &format!("= {ben}"));
        self.database.execute_batch(&format!("PRAGMA foreign_keys = OFF; {edit}")).unwrap();
        assert!(self.database.changes() > 0, "{edit}");
    }

    async fn opens(&self, door: Door) -> bool {
        let (engine, user) = (&self.engine, self.anna.user);
        match door {
            Session => engine.session(&self.session).await.is_ok_and(|(_, found)| found.id == user),
            Browser => {
                let cookie = self.anna.cookie.borrow().clone();
                engine.this_browser(cookie.as_deref(), user).await.unwrap().is_some()
            }
            Bens => {
                let cookie = self.ben.cookie.borrow().clone();
                engine.this_browser(cookie.as_deref(), user).await.unwrap().is_some()
            }
            Device => {
                let device = engine.store().device(DeviceId(self.anna.phones[0].device.0)).await.unwrap();
                device.is_some_and(|device| device.state == DeviceState::Active)
            }
            Phone => engine.phone(&self.anna.phones[0].token).await.is_ok(),
            Key => !engine.store().security_keys_of(user).await.unwrap().is_empty(),
            Passkey => !engine.store().passkeys_of(user).await.unwrap().is_empty(),
            Password => matches!(engine.begin(self.anna.request(None)).await.unwrap(), Begun::Started { .. }),
            App => match engine.app_at(&self.app.origin).await.unwrap() {
                Some(app) => engine.admit(&app, &self.app_cookie).await.is_ok(),
                None => false,
            },
            Code => match engine.app_at(&self.app.origin).await.unwrap() {
                Some(app) => engine.redeem_app_code(&app, &self.code, PRE_LOGIN).await.is_ok(),
                None => false,
            },
            Link => {
                let asking = Asking { cookie: None, agent: "Firefox on Linux", address: "192.0.2.1" };
                let password = folk::PASSWORD.to_owned().into();
                engine.introduce_by_link(&self.link, "anna", password, &asking).await.is_ok()
            }
            SignIn => engine.sign_in_of(&self.token).await.is_ok_and(|found| found.state == SignInState::Open),
            Asked => match engine.phone(&self.anna.phones[0].token).await {
                Ok(phone) => engine.request(&phone, self.asked).await.is_ok(),
                Err(_) => false,
            },
            Enrolment => engine.enrolment_of(&self.window).await.is_ok(),
        }
    }

    async fn events(&self) -> Vec<String> {
        let events = self.engine.store().audit(None, 100).await.unwrap();
        events
            .into_iter()
            .filter(|(_, event)| event.kind.name() == "tampered")
            .map(|(_, event)| event.sentence())
            .collect()
    }
}

/// The app host's own cookie.
const PRE_LOGIN: &str = "before";

/// A one-time code for the app.
async fn way(engine: &Engine, session: &nod_core::access::Session, app: &nod_core::access::App) -> String {
    let to = engine.carry_on(session, app, nod_engine::hash_secret(PRE_LOGIN), "/").await.unwrap();
    to.rsplit_once('=').unwrap().1.to_owned()
}

/// With the passkey, in a browser that nobody knows.
async fn signs_in(engine: &Engine, person: &Person) -> String {
    let Begun::Started { token, .. } = engine.begin(person.request(None)).await.unwrap() else { unreachable!() };
    let sign_in = engine.sign_in_of(&token).await.unwrap();
    let challenge = engine.passkey_options(&sign_in).await.unwrap().challenge;
    let assertion = person.phones[0].passkey.assert(challenge.as_bytes(), &folk::origin()).unwrap();
    engine.prove_passkey(&sign_in, &assertion, false).await.unwrap();
    let sign_in = engine.sign_in_of(&token).await.unwrap();
    engine.finish(&sign_in, None).await.unwrap().session
}

#[tokio::test]
async fn an_edited_row_is_refused_told_and_listed() {
    for (before, edit, door) in TAMPERS {
        let scene = Scene::new().await;
        scene.before(*before).await;
        scene.sql(edit);
        assert!(!scene.opens(*door).await, "{door:?} opened after {before:?} and {edit}");
        let table = scene.engine.foreign_rows().await.unwrap();
        let told = scene.events().await;
        let named = |foreign: &nod_engine::Foreign| {
            let row = format!("{} {}", foreign.table, foreign.row);
            told.iter().any(|sentence| sentence.contains(&row) && sentence.contains("nod doctor"))
        };
        assert!(table.iter().any(named), "{edit}: {table:?} {told:?}");
        scene.opens(*door).await;
        assert_eq!(scene.events().await, told, "once an hour");
    }
}

#[tokio::test]
async fn what_nobody_edited_opens() {
    let scene = Scene::new().await;
    for door in [App, Code, Link, SignIn, Asked, Session, Browser, Device, Phone, Passkey, Key, Password, Enrolment] {
        assert!(scene.opens(door).await, "{door:?}");
    }
    assert_eq!(scene.engine.foreign_rows().await.unwrap(), []);
    // What is only shown decides nothing.
    scene.sql("UPDATE users SET display_name = 'Somebody' WHERE id = anna; UPDATE devices SET name = 'Phone'");
    assert!(scene.opens(Phone).await && scene.opens(Session).await);
    assert_eq!(scene.events().await, Vec::<String>::new());
}
