//! Rows that carry checksums (INV-21): listed while they grant something, and made anew from what they were.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::challenge::ChallengeState;
use nod_core::people::UserState;
use nod_core::{Checksum, SessionId, UserId};
use nod_engine::ports::{SealedRow, Store, Table, Write};

use super::Bed;
use super::rows::*;

/// One row of each kind, numbered, and the writes that add them.
fn rows(n: u8) -> (Vec<SealedRow>, [Write; 18]) {
    let user = user(n);
    let (phone, browser) = (device(n, user.id), browser(n, user.id));
    let (passkey, secret) = (passkey(n, &phone), secret(n, browser.id));
    let (session, enrolment) = (session(n, user.id), enrolment(n, user.id));
    let (group, app) = (group(n), app(n));
    let (member, device_session) = (member(group.id, user.id), device_session(n, phone.id, at(90_000)));
    let sign_in = sign_in(n, user.id);
    let challenge = challenge(n, &sign_in);
    let (code, entry) = (app_code(n, session.id, app.id), app_session(n, session.id, app.id));
    let link = link(n, user.id);
    let (token, recovery, key) = (oath_token(n, user.id), recovery_code(n, user.id), security_key(n + 100, user.id));
    let writes = [
        Write::AddUser(user.clone()),
        Write::AddDevice(phone.clone()),
        Write::AddPasskey(passkey.clone()),
        Write::BindBrowser(browser.clone(), secret.clone()),
        Write::AddSession(session.clone()),
        Write::AddEnrolment(enrolment.clone()),
        Write::AddGroup(group.clone()),
        Write::AddMember(member.clone()),
        Write::AddApp(app.clone()),
        Write::AddDeviceSession(device_session.clone()),
        Write::AddSignIn(sign_in.clone()),
        Write::OpenChallenge(challenge.clone()),
        Write::AddAppCode(code.clone()),
        Write::AddAppSession(entry.clone()),
        Write::AddIntroductionLink(link.clone()),
        Write::AddOathToken(token.clone()),
        Write::AddRecoveryCode(recovery.clone()),
        Write::AddSecurityKey(key.clone()),
    ];
    let rows: Vec<SealedRow> = vec![
        user.into(),
        phone.into(),
        passkey.into(),
        browser.into(),
        secret.into(),
        session.into(),
        enrolment.into(),
        member.into(),
        app.into(),
        device_session.into(),
        sign_in.into(),
        challenge.into(),
        code.into(),
        entry.into(),
        link.into(),
        token.into(),
        recovery.into(),
        key.into(),
    ];
    (rows, writes)
}

fn checksum(row: &mut SealedRow) -> &mut Checksum {
    match row {
        SealedRow::User(row) => &mut row.checksum,
        SealedRow::Device(row) => &mut row.checksum,
        SealedRow::Passkey(row) => &mut row.checksum,
        SealedRow::Browser(row) => &mut row.checksum,
        SealedRow::BrowserSecret(row) => &mut row.checksum,
        SealedRow::Session(row) => &mut row.checksum,
        SealedRow::Member(row) => &mut row.checksum,
        SealedRow::App(row) => &mut row.checksum,
        SealedRow::DeviceSession(row) => &mut row.checksum,
        SealedRow::SignIn(row) => &mut row.checksum,
        SealedRow::Challenge(row) => &mut row.checksum,
        SealedRow::AppCode(row) => &mut row.checksum,
        SealedRow::AppSession(row) => &mut row.checksum,
        SealedRow::IntroductionLink(row) => &mut row.checksum,
        SealedRow::OathToken(row) => &mut row.checksum,
        SealedRow::RecoveryCode(row) => &mut row.checksum,
        SealedRow::SecurityKey(row) => &mut row.checksum,
        SealedRow::Enrolment(row) => &mut row.checksum,
    }
}

pub async fn checksums_are_changed_from_what_they_were<S: Store + 'static>(bed: &Bed<S>) {
    let (ours, writes) = rows(1);
    let (theirs, more) = rows(2);
    bed.accepts(writes).await;
    bed.accepts(more).await;
    assert_eq!(ours.len(), Table::ALL.len(), "one of each kind");
    for ((table, row), other) in Table::ALL.iter().zip(ours).zip(theirs) {
        let name = table.name();
        let mut found = bed.store.sealed_rows(*table).await.unwrap_or_default();
        found.sort_by_key(|found| *found != row);
        assert_eq!(found, [row.clone(), other.clone()], "{name}");
        let mut edited = row.clone();
        *checksum(&mut edited) = [99; 32];
        let change = |row: &SealedRow, to| Write::ChangeChecksum { row: row.clone(), to };
        bed.refuses(change(&edited, CHANGED)).await;
        bed.accepts([change(&row, CHANGED)]).await;
        bed.refuses(change(&row, [98; 32])).await;
        *checksum(&mut edited) = CHANGED;
        let mut found = bed.store.sealed_rows(*table).await.unwrap_or_default();
        found.sort_by_key(|found| *found != edited);
        assert_eq!(found, [edited, other], "{name}");
    }
}

/// What is over grants nothing and carries nothing: a state set back by SQL would stand without its checksum.
pub async fn what_ended_carries_no_checksum<S: Store + 'static>(bed: &Bed<S>) {
    let ended: [fn(UserId) -> Write; 13] = [
        |_| Write::UseAppCode { code: hash(1) },
        |_| Write::UseIntroductionLink { secret: hash(1) },
        |_| Write::RemoveApp(app(1).id),
        |user| Write::RemoveMember { group: group(1).id, user },
        |user| {
            let of = challenge(1, &sign_in(1, user));
            Write::EndChallenge { challenge: of.id, to: ChallengeState::Withdrawn, sign_in: of.sign_in, user }
        },
        |user| Write::RevokeDevice { device: device(1, user).id, user },
        |user| Write::UnbindBrowser { browser: browser(1, user).id, user },
        |user| Write::EndSession { session: SessionId([1; 16]), user },
        |user| Write::EndEnrolmentsOf { user },
        |user| Write::RemoveOathToken { token: oath_token(1, user).id, user },
        |user| Write::EndRecoveryCodes { user, kind: nod_core::recovery::RecoveryKind::Code },
        |user| Write::RemoveSecurityKey { key: security_key(101, user).id, user },
        |_| Write::CancelSignIn { sign_in: sign_in(1, ANNA).id },
    ];
    bed.accepts(rows(1).1).await;
    bed.accepts(ended.map(|end| end(ANNA))).await;
    for table in Table::ALL {
        let left = bed.store.sealed_rows(*table).await.map(|rows| rows.len());
        assert_eq!(left, Ok(usize::from(*table == Table::Users)), "{}", table.name());
    }
    let carried = bed.store.sign_in(sign_in(1, ANNA).id).await.map(|row| row.map(|row| row.checksum));
    assert_eq!(carried, Ok(Some(nod_core::UNSEALED)));
    let carried = bed.store.device(device(1, ANNA).id).await.map(|row| row.map(|row| row.checksum));
    assert_eq!(carried, Ok(Some(nod_core::UNSEALED)));
    let carried = bed.store.session(SessionId([1; 16])).await.map(|row| row.map(|row| row.checksum));
    assert_eq!(carried, Ok(Some(nod_core::UNSEALED)));
    bed.set_anna(UserState::Disabled).await;
    assert_eq!(bed.store.sealed_rows(Table::Users).await.map(|rows| rows.len()), Ok(1));
}
