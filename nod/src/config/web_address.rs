//! Addresses of the web that may hold a password or a token: no complaint repeats them (INV-24).

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};
use url::Url;

/// Reads one that may be left out.
pub(super) fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    one(deserializer).map(Some)
}

/// Reads one.
pub(super) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    let address = Url::parse(&text).ok().filter(Url::has_host);
    let wrong =
        "that is no address: write http://host:port or https://host/path, and percent-encode what stands in a password";
    address.ok_or_else(|| D::Error::custom(wrong))
}
