//! Addresses of the web that may hold a password or a token: no complaint repeats them (INV-24).

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};
use url::Url;

/// Reads one.
pub(super) fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let address = Url::parse(&text).ok().filter(Url::has_host);
    let wrong = "that is no address: write http://host:port, and percent-encode what stands in a password";
    address.map(Some).ok_or_else(|| D::Error::custom(wrong))
}
