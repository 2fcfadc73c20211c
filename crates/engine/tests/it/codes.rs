//! One-time codes: INV-07, INV-12 to INV-14, INV-21; C01 to C07.

use std::sync::Arc;

use nod_core::oath::{Algorithm, Moving, code, step_of};
use nod_core::people::User;
use nod_core::sign_in::SignIn;
use nod_core::{Millis, OathId, limits};
use nod_engine::ports::Store as _;
use nod_engine::{NewToken, Outcome};
use nod_protocol::answer::Decision;
use nod_protocol::pages::SignInPhase;
use nod_testkit::folk;

use crate::{Scene, kind};

const SECRET: &[u8] = b"12345678901234567890";
const STEP: Millis = Millis::seconds(30);

/// A token that is active without a first code.
pub(crate) fn held(secret: &[u8]) -> NewToken {
    NewToken {
        name: "App".to_owned(),
        moving: Moving::Time { step: 30 },
        algorithm: Algorithm::Sha1,
        digits: 6,
        secret: Some(secret.to_vec().into()),
        count: 0,
        active: true,
    }
}

impl Scene {
    async fn user(&self) -> User {
        self.engine.user_named("anna").await.unwrap()
    }

    /// Anna has a token; gives its id.
    async fn token(&self) -> OathId {
        self.engine.add_token(&self.user().await, held(SECRET)).await.unwrap().0.id
    }

    /// The code of so many steps from now.
    fn code(&self, steps: i64) -> String {
        let step = step_of(self.clock.now().after(Millis(steps * STEP.0)), 30);
        code(Algorithm::Sha1, SECRET, step, 6)
    }

    /// A sign-in from the bound browser, whether its phone is asked or was asked too often.
    async fn at_home(&self) -> SignIn {
        let cookie = self.anna.cookie.borrow().clone();
        let (token, cookie) = self.begin(cookie).await;
        self.anna.cookie.replace(cookie);
        self.engine.sign_in_of(&token).await.unwrap()
    }

    /// A sign-in from the bound browser, of which none is pending beside it.
    async fn again_at_home(&self, before: &SignIn) -> SignIn {
        let _ = self.engine.cancel(before).await;
        self.clock.advance(limits::BROWSER_ROTATION_GRACE);
        self.at_home().await
    }

    async fn signs_in(&self, sign_in: &SignIn, typed: &str) -> Outcome<()> {
        self.engine.prove_code(sign_in, typed).await?;
        let proved = self.store.sign_in(sign_in.id).await.unwrap().unwrap();
        self.engine.finish(&proved, None).await.map(|_| ())
    }
}

#[tokio::test]
async fn a_right_code_signs_in_and_withdraws_the_request() {
    let scene = Scene::new().await;
    scene.token().await;
    let (sign_in, request) = scene.asked().await;
    let status = scene.engine.status(&sign_in).await.unwrap();
    assert!(status.can_type_code && status.phase == SignInPhase::Waiting);
    scene.engine.prove_code(&sign_in, &scene.code(0)).await.unwrap();
    assert_eq!(scene.state(&request).await, "superseded");
    let proved = scene.store.sign_in(sign_in.id).await.unwrap().unwrap();
    assert_eq!(scene.engine.status(&proved).await.unwrap().phase, SignInPhase::Ready);
    let late = scene.give(&request, &scene.signed(&request, Decision::Approve)).await;
    assert_eq!(kind(late), "conflict", "the phone comes too late");
    let session = scene.engine.finish(&proved, None).await.unwrap().session;
    assert_eq!(kind(scene.engine.finish(&proved, None).await), "conflict", "once");
    let (session, _) = scene.engine.session(&session).await.unwrap();
    assert_eq!(kind(scene.engine.open_own_enrolment(&session).await), "forbidden", "INV-15: a code changes no factor");
    assert_eq!(kind(scene.engine.check_fresh(&session).await), "forbidden", "INV-15");
    assert_eq!(scene.events().await[0], "signed_in");
}

#[tokio::test]
async fn c02_c04_a_code_works_once_and_no_older_one_after_it() {
    let scene = Scene::new().await;
    scene.token().await;
    let first = scene.at_home().await;
    scene.signs_in(&first, &scene.code(0)).await.unwrap();
    let second = scene.again_at_home(&first).await;
    for steps in [0, -1] {
        assert_eq!(kind(scene.signs_in(&second, &scene.code(steps)).await), "wrong code", "C02, C04: {steps}");
    }
    scene.signs_in(&second, &scene.code(1)).await.unwrap();
}

/// Two engines over one store, as two nodes have; 64 sign-ins with one code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c03_64_uses_of_one_code_on_two_nodes_have_one_success() {
    let scene = Scene::new().await;
    let other = folk::engine(scene.store.clone(), 77);
    scene.token().await;
    let mut sign_ins = Vec::new();
    for _ in 0..4 {
        sign_ins.push(scene.at_home().await);
        scene.clock.advance(limits::BROWSER_ROTATION_GRACE);
    }
    let typed = Arc::new(scene.code(0));
    let mut race = tokio::task::JoinSet::new();
    for n in 0..64 {
        let engine = if n % 2 == 0 { scene.engine.clone() } else { other.clone() };
        let (sign_in, typed) = (sign_ins[n % sign_ins.len()].clone(), Arc::clone(&typed));
        race.spawn(async move { engine.prove_code(&sign_in, &typed).await.is_ok() });
    }
    assert_eq!(race.join_all().await.into_iter().filter(|won| *won).count(), 1, "C03");
}

#[tokio::test]
async fn c05_a_clock_that_is_off_by_a_step_is_forgiven_and_by_more_is_not() {
    for (steps, opens) in [(-2, false), (-1, true), (1, true), (2, false), (-120, false), (120, false)] {
        let scene = Scene::new().await;
        scene.token().await;
        let sign_in = scene.at_home().await;
        assert_eq!(scene.signs_in(&sign_in, &scene.code(steps)).await.is_ok(), opens, "{steps}");
    }
}

#[tokio::test]
async fn c07_a_code_of_somebody_else_opens_nothing() {
    let scene = Scene::new().await;
    scene.engine.add_token(&scene.user().await, held(b"another secret of anna")).await.unwrap();
    let ben = folk::enrolled(&scene.engine, &scene.dice, "ben", 1).await;
    let bens = scene.store.user(ben.user).await.unwrap().unwrap();
    scene.engine.add_token(&bens, held(SECRET)).await.unwrap();
    let sign_in = scene.at_home().await;
    assert_eq!(kind(scene.signs_in(&sign_in, &scene.code(0)).await), "wrong code", "C07");
}

#[tokio::test]
async fn an_unbound_browser_is_offered_no_code_and_takes_none() {
    let scene = Scene::new().await;
    scene.token().await;
    let (token, _) = scene.begin(None).await;
    let sign_in = scene.engine.sign_in_of(&token).await.unwrap();
    let status = scene.engine.status(&sign_in).await.unwrap();
    assert!(!status.can_type_code && status.phase == SignInPhase::Introduce, "INV-13, INV-14, F03");
    assert_eq!(kind(scene.engine.prove_code(&sign_in, &scene.code(0)).await), "forbidden", "INV-13");
    // Nor one that was bound when the code was typed, and is not when the session is asked for.
    let home = scene.at_home().await;
    scene.engine.prove_code(&home, &scene.code(0)).await.unwrap();
    let browser = scene.store.browsers_of(scene.anna.user).await.unwrap().remove(0);
    scene.engine.unbind_browser(scene.anna.user, browser.id).await.unwrap();
    let proved = scene.store.sign_in(home.id).await.unwrap().unwrap();
    assert!(scene.engine.finish(&proved, None).await.is_err(), "INV-12");
}

#[tokio::test]
async fn c01_c06_guesses_are_counted_per_account_over_sign_ins_nodes_and_resends() {
    let scene = Scene::new().await;
    let other = folk::engine(scene.store.clone(), 77);
    scene.token().await;
    let [short, long] = limits::code_tries(3);
    let mut sign_in = scene.at_home().await;
    let mut taken = 0;
    // A whole day of guesses, with a new sign-in and a resend between, on both nodes in turn.
    for n in 0..200_u32 {
        if n % 5 == 0 || n > 30 {
            sign_in = scene.again_at_home(&sign_in).await;
        }
        let _ = scene.engine.resend(&sign_in).await;
        let engine = if n % 2 == 0 { &scene.engine } else { &other };
        match kind(engine.prove_code(&sign_in, "000000").await) {
            "wrong code" => taken += 1,
            "too many" => {}
            other => panic!("{other}"),
        }
        if n == 30 {
            assert_eq!(taken, short.count, "no more within the hour");
            assert_eq!(kind(scene.engine.prove_code(&sign_in, &scene.code(0)).await), "too many", "nor a right one");
        }
        scene.clock.advance(limits::CODE_PAUSE.window);
        if n > 30 {
            scene.clock.advance(Millis::minutes(7));
        }
    }
    assert_eq!(taken, long.count, "C01, C06");
    let events = scene.store.audit(None, 1_000).await.unwrap();
    let told = events.iter().filter(|(_, event)| event.kind.name() == "code_throttled").count();
    assert!((1..=30).contains(&told), "told, and at most once an hour: {told}");
}

#[tokio::test]
async fn wrong_codes_make_the_next_wait_and_a_right_one_forgets_them() {
    let scene = Scene::new().await;
    scene.token().await;
    let sign_in = scene.at_home().await;
    for _ in 0..=limits::CODES_WITHOUT_PAUSE {
        assert_eq!(kind(scene.engine.prove_code(&sign_in, "000000").await), "wrong code");
    }
    assert_eq!(kind(scene.engine.prove_code(&sign_in, &scene.code(0)).await), "too many", "INV-07: the pause");
    scene.clock.advance(limits::CODE_PAUSE.window);
    scene.signs_in(&sign_in, &scene.code(0)).await.unwrap();
    let again = scene.again_at_home(&sign_in).await;
    for _ in 0..=limits::CODES_WITHOUT_PAUSE {
        assert_eq!(kind(scene.engine.prove_code(&again, "000000").await), "wrong code", "forgotten");
    }
}

#[tokio::test]
async fn a_denied_sign_in_takes_no_code() {
    let scene = Scene::new().await;
    scene.token().await;
    let (sign_in, request) = scene.asked().await;
    scene.give(&request, &scene.signed(&request, Decision::Deny)).await.unwrap();
    assert!(!scene.engine.status(&sign_in).await.unwrap().can_type_code);
    assert_eq!(kind(scene.engine.prove_code(&sign_in, &scene.code(0)).await), "conflict", "INV-02");
    // Nor after the phone was asked again.
    scene.engine.again(&sign_in).await.unwrap();
    assert!(!scene.engine.status(&sign_in).await.unwrap().can_type_code);
    assert_eq!(kind(scene.engine.prove_code(&sign_in, &scene.code(0)).await), "conflict", "INV-02");
}

/// C02: the same secret in a second row would make each code good twice.
#[tokio::test]
async fn a_secret_is_held_once() {
    let scene = Scene::new().await;
    scene.token().await;
    let again = NewToken { name: "Again".to_owned(), active: false, ..held(SECRET) };
    assert_eq!(kind(scene.engine.add_token(&scene.user().await, again).await), "conflict");
}

/// INV-07: whoever guesses gets no new tries when an administrator adds another token.
#[tokio::test]
async fn a_token_that_somebody_vouches_for_forgets_no_wrong_code() {
    let scene = Scene::new().await;
    scene.token().await;
    let sign_in = scene.at_home().await;
    for _ in 0..=limits::CODES_WITHOUT_PAUSE {
        assert_eq!(kind(scene.engine.prove_code(&sign_in, "000000").await), "wrong code");
    }
    scene.engine.add_token(&scene.user().await, held(b"another secret of anna")).await.unwrap();
    assert_eq!(kind(scene.engine.prove_code(&sign_in, "000000").await), "too many");
}

#[tokio::test]
async fn a_token_opens_nothing_before_its_first_right_code_and_after_its_removal() {
    let scene = Scene::new().await;
    let user = scene.user().await;
    let (token, secret) = scene.engine.add_token(&user, NewToken { active: false, ..held(SECRET) }).await.unwrap();
    assert_eq!(secret.as_slice(), SECRET);
    let sign_in = scene.at_home().await;
    assert!(!scene.engine.status(&sign_in).await.unwrap().can_type_code);
    assert_eq!(kind(scene.engine.prove_code(&sign_in, &scene.code(0)).await), "forbidden");
    assert_eq!(kind(scene.engine.activate_token(&user, token.id, "000000").await), "wrong code");
    let ben = folk::enrolled(&scene.engine, &scene.dice, "ben", 0).await;
    let ben = scene.store.user(ben.user).await.unwrap().unwrap();
    assert_eq!(kind(scene.engine.activate_token(&ben, token.id, &scene.code(0)).await), "not found");
    scene.engine.activate_token(&user, token.id, &scene.code(0)).await.unwrap();
    assert_eq!(kind(scene.engine.prove_code(&sign_in, &scene.code(0)).await), "wrong code", "the first is used up");
    scene.engine.rename_token(&user, token.id, "Token in the safe").await.unwrap();
    scene.engine.prove_code(&sign_in, &scene.code(1)).await.unwrap();
    assert_eq!(kind(scene.engine.remove_token(&ben, token.id).await), "not found");
    scene.engine.remove_token(&user, token.id).await.unwrap();
    let proved = scene.store.sign_in(sign_in.id).await.unwrap().unwrap();
    assert_eq!(kind(scene.engine.finish(&proved, None).await), "forbidden", "INV-10");
}

/// Without a phone: the code is what is asked for, in a bound browser only.
#[tokio::test]
async fn somebody_without_a_phone_is_asked_for_the_code() {
    let scene = Scene::new().await;
    scene.token().await;
    let device = nod_core::DeviceId(scene.anna.phones[0].device.0);
    scene.engine.revoke_device(scene.anna.user, device).await.unwrap();
    let cookie = scene.anna.cookie.borrow().clone();
    let (token, _) = scene.begin(cookie).await;
    let sign_in = scene.engine.sign_in_of(&token).await.unwrap();
    assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Code);
    scene.signs_in(&sign_in, &scene.code(0)).await.unwrap();
    let (token, _) = scene.begin(None).await;
    let sign_in = scene.engine.sign_in_of(&token).await.unwrap();
    assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Locked, "INV-13");
}

#[tokio::test]
async fn c10_a_token_with_a_button_is_found_again_by_two_codes_in_a_row() {
    let scene = Scene::new().await;
    let user = scene.user().await;
    let pressed = NewToken { moving: Moving::Press, count: 7, ..held(SECRET) };
    let token = scene.engine.add_token(&user, pressed).await.unwrap().0.id;
    let shown = |count: u64| code(Algorithm::Sha1, SECRET, count, 6);
    let sign_in = scene.at_home().await;
    for count in [6, 7 + u64::from(limits::HOTP_LOOK_AHEAD)] {
        assert_eq!(kind(scene.engine.prove_code(&sign_in, &shown(count)).await), "wrong code", "C10: {count}");
    }
    assert_eq!(
        kind(scene.engine.resync_token(&user, token, [&shown(50), "000000"]).await),
        "wrong code",
        "one is not enough"
    );
    scene.engine.resync_token(&user, token, [&shown(50), &shown(51)]).await.unwrap();
    assert_eq!(kind(scene.engine.prove_code(&sign_in, &shown(51)).await), "wrong code", "used up");
    scene.clock.advance(limits::CODE_PAUSE.window);
    scene.signs_in(&sign_in, &shown(53)).await.unwrap();
    let again = scene.again_at_home(&sign_in).await;
    assert_eq!(kind(scene.signs_in(&again, &shown(52)).await), "wrong code", "passed over");
    scene.signs_in(&again, &shown(54)).await.unwrap();
}
