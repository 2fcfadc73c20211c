//! Sessions, app codes, app sessions.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::access::{Method, Session};
use nod_core::people::UserState;
use nod_core::{AppId, BrowserId, SessionId, UserId, limits};
use nod_engine::ports::{Store, Write};

use super::Bed;
use super::rows::*;

const BEN: UserId = UserId([2; 16]);

async fn is_new<S: Store>(bed: &Bed<S>, user: UserId, address: &str) -> bool {
    let prompts = [("none", limits::PROMPTS_SHORT), ("none", limits::PROMPTS_LONG)];
    bed.store.lately(user, at(0), address, prompts).await.is_ok_and(|lately| lately.new_address)
}

pub async fn sessions_are_added_and_found<S: Store + 'static>(bed: &Bed<S>) {
    bed.refuses(Write::AddSession(session(1, ANNA))).await;
    bed.anna().await;
    let newer = Session {
        browser: Some(BrowserId([4; 16])),
        method: Method::Passkey,
        created_at: at(500),
        last_seen_at: at(501),
        ..session(1, ANNA)
    };
    let tied = Session { method: Method::Push, ..session(3, ANNA) };
    let rows = [newer.clone(), session(2, ANNA), tied.clone()];
    for row in &rows {
        bed.accepts([Write::AddSession(row.clone())]).await;
    }
    bed.refuses(Write::AddSession(session(2, ANNA))).await;
    bed.refuses(Write::AddSession(Session { secret: hash(2), ..session(9, ANNA) })).await;
    bed.refuses(Write::AddSession(Session { secret: hash(9), ..session(2, ANNA) })).await;
    assert_eq!(bed.store.session(newer.id).await, Ok(Some(newer.clone())));
    assert_eq!(bed.store.session(SessionId([99; 16])).await, Ok(None));
    assert_eq!(bed.store.session_by_secret(hash(3)).await, Ok(Some(tied.clone())));
    assert_eq!(bed.store.session_by_secret(hash(99)).await, Ok(None));
    let known = tied.address.clone();
    assert_eq!(bed.store.sessions_of(ANNA).await, Ok(vec![newer, tied, session(2, ANNA)]));
    for (who, from, new) in [(ANNA, known.as_str(), false), (ANNA, "203.0.113.99", true), (BEN, "203.0.113.99", false)]
    {
        assert_eq!(is_new(bed, who, from).await, new, "{who} {from}");
    }
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(Write::AddSession(session(5, ANNA))).await;
}

pub async fn sessions_end<S: Store + 'static>(bed: &Bed<S>) {
    let row = session(1, ANNA);
    let end = |session, user| Write::EndSession { session, user };
    let see = |session| Write::SeeSession { session, at: at(99), checksum: CHANGED };
    bed.anna().await;
    bed.accepts([Write::AddSession(row.clone()), see(row.id)]).await;
    let seen = Session { last_seen_at: at(99), checksum: CHANGED, ..row.clone() };
    assert_eq!(bed.store.session(row.id).await, Ok(Some(seen.clone())));
    bed.refuses(see(SessionId([99; 16]))).await;
    bed.refuses(end(row.id, BEN)).await;
    bed.refuses(end(SessionId([99; 16]), ANNA)).await;
    bed.accepts([end(row.id, ANNA)]).await;
    bed.refuses(end(row.id, ANNA)).await;
    bed.refuses(see(row.id)).await;
    let ended = Session { ended: true, checksum: nod_core::UNSEALED, ..seen };
    assert!(!is_new(bed, ANNA, "203.0.113.99").await);
    assert_eq!(bed.store.session_by_secret(hash(1)).await, Ok(Some(ended)));
    assert_eq!(bed.store.sessions_of(ANNA).await, Ok(vec![]));
}

pub async fn sessions_end_by_the_clock<S: Store + 'static>(bed: &Bed<S>) {
    let row = session(1, ANNA);
    let idle = row.last_seen_at.after(limits::SESSION_IDLE);
    let life = row.created_at.after(limits::SESSION_LIFE);
    let see = |at| Write::SeeSession { session: row.id, at, checksum: CHANGED };
    let code = |n| Write::AddAppCode(app_code(n, row.id, app(1).id));
    let entry = |n| Write::AddAppSession(app_session(n, row.id, app(1).id));
    bed.anna().await;
    bed.accepts([Write::AddSession(row.clone()), Write::AddApp(app(1))]).await;
    bed.clock.set(idle);
    for write in [see(idle), code(1), entry(1)] {
        bed.refuses(write).await;
    }
    assert_eq!(bed.store.sessions_of(ANNA).await, Ok(vec![]));
    assert!(!is_new(bed, ANNA, "203.0.113.99").await, "ended ones say nothing");
    bed.just_before(idle);
    assert!(is_new(bed, ANNA, "203.0.113.99").await);
    assert_eq!(bed.store.sessions_of(ANNA).await, Ok(vec![row.clone()]));
    bed.accepts([code(1), entry(1), see(life)]).await;
    bed.clock.set(life);
    for write in [see(life), code(2), entry(2)] {
        bed.refuses(write).await;
    }
    bed.just_before(life);
    bed.accepts([code(2), entry(2), see(life)]).await;
    bed.clock.set(life);
    bed.accepts([Write::EndSession { session: row.id, user: ANNA }]).await;
}

pub async fn all_sessions_of_a_user_end<S: Store + 'static>(bed: &Bed<S>) {
    let browser = Some(BrowserId([4; 16]));
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    bed.accepts([
        Write::AddSession(Session { browser, ..session(1, ANNA) }),
        Write::AddSession(session(2, ANNA)),
        Write::AddSession(Session { browser: Some(BrowserId([5; 16])), ..session(3, ANNA) }),
        Write::AddSession(Session { browser, ..session(4, BEN) }),
    ])
    .await;
    let left = async |user| {
        let rows = bed.store.sessions_of(user).await.unwrap_or_default();
        rows.iter().map(|row| row.id.0[0]).collect::<Vec<u8>>()
    };
    bed.accepts([Write::EndSessionsOf { user: ANNA, browser }]).await;
    assert_eq!((left(ANNA).await, left(BEN).await), (vec![3, 2], vec![4]));
    bed.accepts([Write::EndSessionsOf { user: ANNA, browser: None }]).await;
    assert_eq!((left(ANNA).await, left(BEN).await), (vec![], vec![4]));
    bed.accepts([Write::EndSessionsOf { user: ANNA, browser: None }]).await;
}

pub async fn app_codes_are_used_once<S: Store + 'static>(bed: &Bed<S>) {
    let (session, app) = (session(1, ANNA), app(1));
    let code = |n: u8| app_code(n, session.id, app.id);
    let use_code = |n: u8| Write::UseAppCode { code: hash(n) };
    let end = code(1).expires_at;
    bed.anna().await;
    bed.refuses(Write::AddAppCode(code(1))).await;
    bed.accepts([Write::AddSession(session.clone())]).await;
    bed.refuses(Write::AddAppCode(code(1))).await;
    bed.accepts([Write::AddApp(app.clone())]).await;
    for n in [1, 3, 5] {
        bed.accepts([Write::AddAppCode(code(n))]).await;
    }
    bed.refuses(Write::AddAppCode(code(1))).await;
    assert_eq!(bed.store.app_code(hash(1)).await, Ok(Some(code(1))));
    bed.refuses(use_code(99)).await;
    bed.accepts([use_code(1)]).await;
    bed.refuses(use_code(1)).await;
    bed.refuses(Write::AddAppCode(code(1))).await;
    assert_eq!(bed.store.app_code(hash(1)).await, Ok(None));
    bed.clock.set(end);
    bed.refuses(use_code(3)).await;
    assert_eq!(bed.store.app_code(hash(3)).await, Ok(None));
    bed.just_before(end);
    assert_eq!(bed.store.app_code(hash(3)).await, Ok(Some(code(3))));
    bed.accepts([use_code(3), Write::EndSession { session: session.id, user: ANNA }]).await;
    bed.refuses(Write::AddAppCode(code(7))).await;
}

pub async fn app_sessions_need_session_and_app<S: Store + 'static>(bed: &Bed<S>) {
    let (session, app) = (session(1, ANNA), app(1));
    let row = |n| app_session(n, session.id, app.id);
    bed.anna().await;
    bed.accepts([Write::AddApp(app.clone())]).await;
    bed.refuses(Write::AddAppSession(row(1))).await;
    bed.accepts([Write::AddSession(session.clone())]).await;
    bed.refuses(Write::AddAppSession(app_session(1, session.id, AppId([99; 16])))).await;
    bed.accepts([Write::AddAppSession(row(1))]).await;
    bed.refuses(Write::AddAppSession(row(1))).await;
    assert_eq!(bed.store.app_session(hash(1)).await, Ok(Some(row(1))));
    assert_eq!(bed.store.app_session(hash(99)).await, Ok(None));
    bed.accepts([Write::EndSession { session: session.id, user: ANNA }]).await;
    bed.refuses(Write::AddAppSession(row(2))).await;
}
