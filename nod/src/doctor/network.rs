//! The listener, the proxies in front, and the public host as seen from here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use nod_protocol::device_api::{ServerInfo, paths};
use reqwest::redirect;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::Findings;
use super::certificate::{Seen, Watching};
use crate::config::Config;
use crate::failure::Outcome;
use crate::installation::Installation;

/// Longest wait for a name look-up or for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Longest wait for a whole answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Most of an answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The listener and who may speak for visitors (INV-25).
pub(super) async fn listeners(config: &Config, findings: &mut Findings) {
    let listen = config.listen;
    let named = || config.trusted_proxies.iter().chain(&config.proxy_protocol);
    let trusts = |address: IpAddr| named().any(|proxy| proxy.0.contains(address));
    let everybody =
        [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];
    if everybody.into_iter().any(trusts) {
        let what = "trusted_proxies or proxy_protocol holds addresses of the whole internet: anybody can choose the address that Nod sees";
        findings.problem("proxies", what, "name only the addresses of your own proxies there");
    } else if named().next().is_none() && config.tls.is_some() {
        findings.ok("proxies", "none: TLS ends here, and the address is the connection's");
    } else if named().next().is_none() {
        let what = "trusted_proxies is empty: behind a proxy all visitors count as one, and apps cannot ask";
        findings.warning("proxies", what, "name the proxy's address in trusted_proxies");
    } else if listen.ip().is_loopback() && !trusts(listen.ip()) {
        let what =
            format!("only a proxy on this machine reaches {}, and trusted_proxies does not hold it", listen.ip());
        findings.problem("proxies", what, "add the loopback to trusted_proxies");
    } else {
        findings.ok("proxies", "only the proxies that nod.toml names may tell a visitor's address");
    }
    let address = if listen.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], listen.port())) } else { listen };
    match timeout(CONNECT_WITHIN, TcpStream::connect(address)).await {
        Ok(Ok(_)) => findings.ok("server", format!("something listens on {listen}")),
        _ => findings.warning("server", format!("nothing listens on {listen}"), "start it with: nod serve"),
    }
}

/// The public host: its name, its certificate, and whether this installation answers there.
pub(super) async fn public_host(config: &Config, installation: Option<&Installation>, findings: &mut Findings) {
    let Ok(url) = Url::parse(config.address.origin()) else { return };
    let host = config.address.host();
    let local = host.ends_with(".localhost");
    if local {
        let what = format!("{host} is this machine only: no phone can reach it");
        findings.warning("host", what, "for real use set origin to a name of your own domain, with https");
    } else if !resolves(host, &url, findings).await {
        return;
    }
    let watching = match Watching::new() {
        Ok(watching) => watching,
        Err(error) => {
            let advice = "install the ca-certificates package";
            return findings.problem(
                "certificate",
                format!("the system's authorities cannot be read: {error}"),
                advice,
            );
        }
    };
    let asked = ask(&url, local.then_some(host), &watching).await;
    certificate(watching.seen(), findings);
    let origin = config.address.origin();
    match (asked, installation) {
        (Ok(info), Some(installation)) => {
            let own = &installation.engine.settings().vapid_public_key;
            if info.vapid_public_key.0 == *own && info.origin == origin {
                findings.ok("host", format!("this installation answers at {origin}"));
            } else {
                let what = format!("another installation of Nod answers at {origin}");
                findings.problem("host", what, "lead the name and the proxy to this one");
            }
        }
        (Ok(_), None) => findings.ok("host", format!("Nod answers at {origin}")),
        (Err(why), _) => {
            let what = format!("Nod does not answer at {origin} from here: {why}");
            let advice = format!(
                "start nod serve, and see that the proxy passes {host} on to {}; if only this machine is kept out, ask from \
                 elsewhere: curl {origin}/healthz",
                config.listen
            );
            findings.problem("host", what, advice);
        }
    }
}

async fn resolves(host: &str, url: &Url, findings: &mut Findings) -> bool {
    let port = url.port_or_known_default().unwrap_or(443);
    match timeout(CONNECT_WITHIN, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(addresses)) => {
            let shown: Vec<String> = addresses.map(|address| address.ip().to_string()).collect();
            findings.ok("host", format!("{host} is {}", shown.join(", ")));
            true
        }
        Ok(Err(error)) => {
            let advice = "enter the name with your provider of names, or set origin in nod.toml";
            findings.problem("host", format!("the name {host} is not found: {error}"), advice);
            false
        }
        Err(_) => {
            let what = format!("no answer about the name {host} within {} s", CONNECT_WITHIN.as_secs());
            findings.problem("host", what, "see whether this machine's resolver works");
            false
        }
    }
}

fn certificate(seen: Option<Seen>, findings: &mut Findings) {
    let renew = "renew the certificate, and see why that did not happen by itself";
    match seen {
        // Plain http, or no connection.
        None => {}
        Some(Seen::Holds(Some(days @ 14..))) => {
            findings.ok("certificate", format!("it holds, and for at least {days} days more"));
        }
        Some(Seen::Holds(Some(days))) => {
            let what = format!("it holds for at least {days} days more, but not for 14");
            findings.warning("certificate", what, renew);
        }
        Some(Seen::Holds(None)) => findings.problem("certificate", "it ends within 2 days", renew),
        Some(Seen::Refused(why)) => {
            let advice = "use one for this name from an authority that phones know, with the whole chain";
            findings.problem("certificate", format!("it does not hold: {why}"), advice);
        }
    }
}

/// What the server at this address says of itself.
async fn ask(url: &Url, loopback: Option<&str>, watching: &std::sync::Arc<Watching>) -> Result<ServerInfo, String> {
    let client = || -> Outcome<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .tls_backend_preconfigured(watching.config()?);
        if let Some(host) = loopback {
            builder = builder.resolve(host, SocketAddr::from(([127, 0, 0, 1], 0)));
        }
        Ok(builder.build()?)
    };
    let client = client().map_err(|failure| failure.words())?;
    let asked = url.join(paths::SERVER).map_err(|error| error.to_string())?;
    let mut response = client.get(asked).send().await.map_err(|error| super::services::cause(&error))?;
    if !response.status().is_success() {
        return Err(format!("the answer has status {}", response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| super::services::cause(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            return Err("the answer is too long for Nod's".to_owned());
        }
    }
    serde_json::from_slice(&body).map_err(|_| "what answers is not Nod".to_owned())
}
