//! Recovery codes and passes (INV-19).
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::people::UserState;
use nod_core::recovery::{RecoveryCode, RecoveryKind};
use nod_core::{Millis, UserId, limits};
use nod_engine::ports::{Store, Write};

use super::Bed;
use super::rows::*;

const BEN: UserId = UserId([2; 16]);

fn using(code: &RecoveryCode) -> Write {
    Write::UseRecoveryCode { code: code.id, user: code.user, checksum: code.checksum }
}

pub async fn codes_are_added_and_listed<S: Store + 'static>(bed: &Bed<S>) {
    bed.refuses(Write::AddRecoveryCode(recovery_code(1, ANNA))).await;
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    let end = Some(bed.store.now().await.unwrap_or(at(0)).after(Millis::minutes(5)));
    let pass = RecoveryCode { kind: RecoveryKind::Pass, expires_at: end, created_at: at(1), ..recovery_code(2, ANNA) };
    bed.accepts([Write::AddRecoveryCode(recovery_code(1, ANNA)), Write::AddRecoveryCode(pass.clone())]).await;
    bed.refuses(Write::AddRecoveryCode(recovery_code(1, BEN))).await;
    bed.accepts([Write::AddRecoveryCode(recovery_code(3, BEN))]).await;
    assert_eq!(bed.store.recovery_codes_of(ANNA).await, Ok(vec![pass.clone(), recovery_code(1, ANNA)]));
    for n in 10..28 {
        bed.accepts([Write::AddRecoveryCode(recovery_code(n, ANNA))]).await;
    }
    assert_eq!(bed.store.recovery_codes_of(ANNA).await.map(|all| all.len()), Ok(limits::RECOVERY_ROWS_PER_USER));
    bed.refuses(Write::AddRecoveryCode(recovery_code(28, ANNA))).await;
    bed.accepts([Write::EndRecoveryCodes { user: ANNA, kind: RecoveryKind::Code }]).await;
    assert_eq!(bed.store.recovery_codes_of(ANNA).await, Ok(vec![pass]));
    assert_eq!(bed.store.recovery_codes_of(BEN).await.map(|all| all.len()), Ok(1));
    bed.accepts([Write::EndRecoveryCodes { user: ANNA, kind: RecoveryKind::Pass }]).await;
    assert_eq!(bed.store.recovery_codes_of(ANNA).await, Ok(Vec::new()));
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(Write::AddRecoveryCode(recovery_code(1, ANNA))).await;
}

/// E13.
pub async fn codes_are_used_once<S: Store + 'static>(bed: &Bed<S>) {
    let (one, two) = (recovery_code(1, ANNA), recovery_code(2, ANNA));
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    bed.refuses(using(&one)).await;
    bed.accepts([Write::AddRecoveryCode(one.clone()), Write::AddRecoveryCode(two.clone())]).await;
    bed.refuses(Write::UseRecoveryCode { code: one.id, user: BEN, checksum: one.checksum }).await;
    bed.refuses(Write::UseRecoveryCode { code: one.id, user: ANNA, checksum: [99; 32] }).await;
    assert_eq!(bed.winners(|_| vec![using(&one)]).await, 1);
    bed.refuses(using(&one)).await;
    assert_eq!(bed.store.recovery_codes_of(ANNA).await, Ok(vec![two.clone()]));
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(using(&two)).await;
}

pub async fn passes_end_by_the_clock<S: Store + 'static>(bed: &Bed<S>) {
    let now = bed.store.now().await.unwrap_or(at(0));
    let ended = RecoveryCode { kind: RecoveryKind::Pass, expires_at: Some(now), ..recovery_code(1, ANNA) };
    let later = RecoveryCode { expires_at: Some(now.after(Millis::minutes(60))), ..recovery_code(2, ANNA) };
    let long_ago = RecoveryCode { expires_at: Some(now.before(Millis::days(1))), ..recovery_code(3, ANNA) };
    bed.accepts([Write::AddUser(user(1))]).await;
    bed.accepts([&ended, &later, &long_ago].map(|code| Write::AddRecoveryCode(code.clone()))).await;
    bed.refuses(using(&ended)).await;
    bed.accepts([using(&later)]).await;
    assert_eq!(bed.store.sweep().await, Ok(1));
    assert_eq!(bed.store.recovery_codes_of(ANNA).await, Ok(vec![ended]));
}

/// A key that is replaced takes nothing from somebody who is disabled for a while.
pub async fn hashes_are_sealed_anew_whoever_is_disabled<S: Store + 'static>(bed: &Bed<S>) {
    let code = recovery_code(1, ANNA);
    bed.accepts([Write::AddUser(user(1)), Write::AddRecoveryCode(code.clone())]).await;
    bed.set_anna(UserState::Disabled).await;
    let anew = RecoveryCode { hash: vec![7; 9], checksum: CHANGED, ..code.clone() };
    let more = RecoveryCode { kind: RecoveryKind::Pass, prefix: "XXXX".into(), ..anew.clone() };
    bed.refuses(Write::ResealRecoveryCode { from: [99; 32], to: more.clone() }).await;
    bed.accepts([Write::ResealRecoveryCode { from: code.checksum, to: more }]).await;
    assert_eq!(bed.store.recovery_codes_of(ANNA).await, Ok(vec![anew]), "nothing else changes");
}
