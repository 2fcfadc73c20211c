//! HTTP with limits, and errors in the contract's form.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nod_protocol::device_api::{ErrorBody, ErrorCode};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::error::PhoneError;

/// Longest accepted answer, in bytes.
pub(crate) const ANSWER_MAX_BYTES: usize = 512 * 1024;
/// Longest wait for a whole answer.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Finishes a client for the phone: no redirects (a device API has none), `*.localhost` is loopback (RFC 6761
/// section 6.3; the system's resolver often does not know it), a limit on connecting.
///
/// The binary sets proxy and roots on `builder` and has installed rustls's crypto provider before.
pub fn http_client(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, PhoneError> {
    let client = builder
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("nod-phone/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Arc::new(LoopbackNames))
        .build()?;
    Ok(client)
}

#[derive(Debug)]
struct LoopbackNames;

impl Resolve for LoopbackNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str();
            if host == "localhost" || host.ends_with(".localhost") {
                let loopback = [SocketAddr::from(([127, 0, 0, 1], 0)), SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 0))];
                return Ok(Box::new(loopback.into_iter()) as Addrs);
            }
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Reads a body up to the limit.
async fn read_body(mut response: Response) -> Result<Vec<u8>, PhoneError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_MAX_BYTES {
            return Err(PhoneError::NotUnderstood("it is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Turns a refusal into an error and leaves a success alone.
pub(crate) async fn accepted(response: Response) -> Result<Response, PhoneError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers());
    let body = read_body(response).await?;
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| foreign(status));
    Err(PhoneError::Refused { status: status.as_u16(), body, retry_after })
}

/// Reads a JSON answer of a success.
pub(crate) async fn json<T: DeserializeOwned>(response: Response) -> Result<T, PhoneError> {
    serde_json::from_slice(&read_body(response).await?)
        .map_err(|_| PhoneError::NotUnderstood("its JSON is of another form"))
}

/// Reads a JSON answer of a success where there is one of this form.
pub(crate) async fn json_if_any<T: DeserializeOwned>(response: Response) -> Result<Option<T>, PhoneError> {
    Ok(serde_json::from_slice(&read_body(response).await?).ok())
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// A refusal that is not in our form comes from something between (a proxy).
fn foreign(status: StatusCode) -> ErrorBody {
    let error = match status.as_u16() {
        401 => ErrorCode::NotSignedIn,
        403 => ErrorCode::Forbidden,
        404 => ErrorCode::NotFound,
        409 => ErrorCode::Conflict,
        410 => ErrorCode::Gone,
        413 => ErrorCode::TooLarge,
        429 => ErrorCode::TooMany,
        500.. => ErrorCode::Unavailable,
        _ => ErrorCode::BadRequest,
    };
    ErrorBody { error, message: format!("The server answered with status {}.", status.as_u16()) }
}
