//! The rows that carry a keyed checksum (INV-21).

use nod_core::access::{App, AppCode, AppSession, Session};
use nod_core::challenge::Challenge;
use nod_core::enrolment::{Enrolment, IntroductionLink};
use nod_core::keys::SecurityKey;
use nod_core::oath::OathToken;
use nod_core::people::{Member, User};
use nod_core::possession::{Browser, BrowserSecret, Device, DeviceSession, Passkey};
use nod_core::recovery::RecoveryCode;
use nod_core::sign_in::SignIn;

/// Names each table once: its variant here, the row's, and its name in the store.
macro_rules! sealed {
    ($($table:ident $row:ident $name:literal,)*) => {
        /// A table whose rows carry a keyed checksum.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "named like the tables")]
        pub enum Table {
            $($table,)*
        }

        /// A row that carries a keyed checksum.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(missing_docs, reason = "named like the rows")]
        pub enum SealedRow {
            $($row($row),)*
        }

        impl Table {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$table),*];

            /// Its name in the store.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$table => $name,)*
                }
            }
        }
        $(impl From<$row> for SealedRow {
            fn from(row: $row) -> Self {
                Self::$row(row)
            }
        })*
    };
}

sealed! {
    Users User "users",
    Devices Device "devices",
    Passkeys Passkey "passkeys",
    Browsers Browser "browsers",
    BrowserSecrets BrowserSecret "browser_secrets",
    Sessions Session "sessions",
    Enrolments Enrolment "enrolments",
    Members Member "members",
    Apps App "apps",
    DeviceSessions DeviceSession "device_sessions",
    SignIns SignIn "sign_ins",
    Challenges Challenge "challenges",
    AppCodes AppCode "app_codes",
    AppSessions AppSession "app_sessions",
    Links IntroductionLink "introduction_links",
    OathTokens OathToken "oath_tokens",
    RecoveryCodes RecoveryCode "recovery_codes",
    SecurityKeys SecurityKey "security_keys",
}
