//! A checksum made anew, on the row that carries the one it is made from (INV-21).

use nod_core::Checksum;
use nod_engine::ports::SealedRow;

use super::{Applied, Plan};
use crate::sql::sql;

/// The statement for a table whose rows are named by one column.
macro_rules! change {
    ($table:literal, $key:literal) => {
        sql!("UPDATE ", $table, " SET checksum = $3 WHERE ", $key, " = $1 AND checksum = $2")
    };
}

pub(super) fn apply<'w>(tx: &mut Plan<'w>, row: &'w SealedRow, to: Checksum) -> Applied {
    match row {
        SealedRow::User(row) => tx.one(change!("users", "id"), (row.id.0, row.checksum, to)),
        SealedRow::Device(row) => tx.one(change!("devices", "id"), (row.id.0, row.checksum, to)),
        SealedRow::Passkey(row) => tx.one(change!("passkeys", "id"), (row.id.0, row.checksum, to)),
        SealedRow::Browser(row) => tx.one(change!("browsers", "id"), (row.id.0, row.checksum, to)),
        SealedRow::BrowserSecret(row) => tx.one(change!("browser_secrets", "hash"), (row.hash.0, row.checksum, to)),
        SealedRow::Session(row) => tx.one(change!("sessions", "id"), (row.id.0, row.checksum, to)),
        SealedRow::Member(row) => tx.one(
            sql!("UPDATE members SET checksum = $4 WHERE group_id = $1 AND user_id = $2 AND checksum = $3"),
            (row.group.0, row.user.0, row.checksum, to),
        ),
        SealedRow::App(row) => tx.one(change!("apps", "id"), (row.id.0, row.checksum, to)),
        SealedRow::DeviceSession(row) => tx.one(
            sql!("UPDATE device_sessions SET checksum = $4 WHERE secret = $1 AND device_id = $2 AND checksum = $3"),
            (row.secret.0, row.device.0, row.checksum, to),
        ),
        SealedRow::SignIn(row) => tx.one(change!("sign_ins", "id"), (row.id.0, row.checksum, to)),
        SealedRow::Challenge(row) => tx.one(change!("challenges", "id"), (row.id.0, row.checksum, to)),
        SealedRow::AppCode(row) => tx.one(change!("app_codes", "code"), (row.code.0, row.checksum, to)),
        SealedRow::AppSession(row) => tx.one(change!("app_sessions", "secret"), (row.secret.0, row.checksum, to)),
        SealedRow::IntroductionLink(row) => {
            tx.one(change!("introduction_links", "secret"), (row.secret.0, row.checksum, to))
        }
        SealedRow::SecurityKey(row) => tx.one(change!("security_keys", "id"), (row.id.0, row.checksum, to)),
        SealedRow::OathToken(row) => tx.one(change!("oath_tokens", "id"), (row.id.0, row.checksum, to)),
        SealedRow::RecoveryCode(row) => tx.one(change!("recovery_codes", "id"), (row.id.0, row.checksum, to)),
        SealedRow::Enrolment(row) => tx.one(change!("enrolments", "id"), (row.id.0, row.checksum, to)),
    }
}
