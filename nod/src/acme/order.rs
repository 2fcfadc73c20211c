//! One order at an ACME server (RFC 8555).

use instant_acme::{
    Account, AccountBuilder, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, KeyAuthorization,
    NewAccount, NewOrder, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};

use super::client::Client;
use super::state::{Challenge, Pair};
use crate::config;
use crate::failure::{Failure, Outcome};

/// Longest token, in bytes: servers send some 43.
const MOST_TOKEN_BYTES: usize = 256;

/// How the challenge is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// At the listener for plain HTTP.
    Http,
    /// In the handshake of the public listener.
    Tls,
}

/// The account at the configured server, kept or made now.
pub(super) async fn account(settings: &config::Acme, kept: Option<&str>) -> Outcome<(Account, String)> {
    if let Some(kept) = kept {
        let credentials: AccountCredentials = serde_json::from_str(kept)?;
        return Ok((builder(settings)?.from_credentials(credentials).await?, kept.to_owned()));
    }
    let contact: Vec<&str> = settings.contact.as_deref().into_iter().collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder(settings)?.create(&new, settings.directory.to_string(), None).await?;
    Ok((account, serde_json::to_string(&credentials)?))
}

fn builder(settings: &config::Acme) -> Outcome<AccountBuilder> {
    Ok(Account::builder_with_http(Box::new(Client::new(settings.ca.as_deref())?)))
}

/// Orders a certificate for this host. `publish` makes every node answer the challenge.
pub(super) async fn order(
    account: &Account,
    host: &str,
    way: Way,
    publish: impl AsyncFnOnce(Challenge) -> Outcome,
) -> Outcome<Pair> {
    let mut order = account.new_order(&NewOrder::new(&[Identifier::Dns(host.to_owned())])).await?;
    let mut authorizations = order.authorizations();
    // One name has one authorization.
    if let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status != AuthorizationStatus::Valid {
            let (kind, named) = match way {
                Way::Http => (ChallengeType::Http01, "HTTP-01"),
                Way::Tls => (ChallengeType::TlsAlpn01, "TLS-ALPN-01"),
            };
            let offered = authorization.challenge(kind);
            let mut challenge =
                offered.ok_or_else(|| Failure::new(format!("the ACME server offers no {named} for {host}")))?;
            // RFC 8555 section 8.3: base64url. Anything else would be shown at our own address in the ACME server's words.
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if challenge.token.len() > MOST_TOKEN_BYTES || !challenge.token.bytes().all(plain) {
                return Err(Failure::new("the ACME server's token is none"));
            }
            let answer = challenge.key_authorization();
            publish(match way {
                Way::Http => Challenge::Http { token: challenge.token.clone(), answer: answer.as_str().to_owned() },
                Way::Tls => Challenge::Tls(challenge_pair(host, &answer)?),
            })
            .await?;
            challenge.set_ready().await?;
        }
    }
    if order.poll_ready(&RetryPolicy::default()).await? != OrderStatus::Ready {
        return Err(Failure::new(refusal(&mut order).await));
    }
    let key = KeyPair::generate()?;
    let mut request = CertificateParams::new([host.to_owned()])?;
    request.distinguished_name = DistinguishedName::new();
    order.finalize_csr(request.serialize_request(&key)?.der()).await?;
    let certificate = order.poll_certificate(&RetryPolicy::default()).await?;
    Ok(Pair { certificate, key: key.serialize_pem() })
}

/// What the server says was wrong with our answer.
async fn refusal(order: &mut instant_acme::Order) -> String {
    let mut authorizations = order.authorizations();
    let mut said = Vec::new();
    while let Some(Ok(authorization)) = authorizations.next().await {
        said.extend(
            authorization.challenges.iter().filter_map(|challenge| Some(challenge.error.as_ref()?.to_string())),
        );
    }
    let said = if said.is_empty() { "it did not say why".to_owned() } else { said.join("; ") };
    format!("the ACME server did not accept the answer to its challenge: {said}")
}

/// The certificate that answers TLS-ALPN-01 (RFC 8737 section 3).
fn challenge_pair(host: &str, answer: &KeyAuthorization) -> Outcome<Pair> {
    let mut params = CertificateParams::new([host.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(answer.digest().as_ref())];
    let key = KeyPair::generate()?;
    Ok(Pair { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() })
}
