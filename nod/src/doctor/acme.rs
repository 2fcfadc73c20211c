//! The certificate from an ACME server, as the nodes share it.

use super::Findings;
use crate::acme;
use crate::config::{Config, Source};
use crate::installation::Installation;

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

pub(super) async fn examine(config: &Config, installation: Option<&Installation>, findings: &mut Findings) {
    let (Some(tls), Some(installation)) = (&config.tls, installation) else { return };
    let Source::Acme(settings) = &tls.source else { return };
    let (ends, failed) = match acme::examined(installation).await {
        Ok(examined) => examined,
        Err(failure) => {
            return findings.problem("certificate", failure.words(), "see what is said of the database");
        }
    };
    let left = ends.map(|ends| ends.saturating_sub(crate::system::now().0 / 1_000));
    let port = if tls.redirect.is_some() { 80 } else { 443 };
    let advice = format!(
        "it is tried again by itself; see that {} is reached from {} at port {port}",
        config.address.host(),
        settings.directory.host_str().unwrap_or_default()
    );
    match (left, failed) {
        (None | Some(..=0), Some(failed)) => {
            findings.problem("certificate", format!("there is none that holds: {failed}"), advice);
        }
        (Some(left), Some(failed)) => {
            let what = format!("the last order failed, and it ends in {} days: {failed}", left / DAY);
            findings.warning("certificate", what, advice);
        }
        (None | Some(..=0), None) => {
            findings.warning("certificate", "none was issued yet", "start nod serve: it orders one");
        }
        (Some(left), None) => findings.ok("certificate", format!("ACME: it holds for {} days more", left / DAY)),
    }
}
