//! Request bodies: JSON and forms, with limits on type, size, time, nesting and members (INV-28, A02).

use axum::body::Body;
use axum::extract::{FromRequest, Path, Query, Request};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use nod_core::text;
use nod_protocol::device_api::ErrorCode;
use serde::de::DeserializeOwned;

use crate::fault::Refusal;
use crate::limits::{BODY_BYTES, BODY_TIME};

/// A JSON body. The type must refuse unknown members (`deny_unknown_fields`).
#[derive(Debug, Clone)]
pub struct JsonBody<T>(pub T);

/// A form body (`application/x-www-form-urlencoded`).
#[derive(Debug, Clone)]
pub struct FormBody<T>(pub T);

/// No body, or an empty JSON object, where nothing is to be said.
#[derive(Debug, Clone, Copy)]
pub struct NoBody;

/// The parameters in the path; what does not fit is `not_found`, as no such thing exists.
#[derive(Debug, Clone, Copy)]
pub struct InPath<T>(pub T);

/// The query; what does not fit is `bad_request`.
#[derive(Debug, Clone)]
pub struct InQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        if !is_type(request.headers(), "application/json") {
            return Err(Refusal::bad_request("send the body as JSON, with content-type: application/json"));
        }
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return Err(Refusal::bad_request("the body is empty: send a JSON object"));
        }
        // serde would take the members' values in a row as well.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(Refusal::bad_request("the body is an array: send a JSON object"));
        }
        json(&bytes).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for FormBody<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        const FORM: &str = "application/x-www-form-urlencoded";
        if !is_type(request.headers(), FORM) {
            return Err(Refusal::bad_request("send the form with content-type: application/x-www-form-urlencoded"));
        }
        let bytes = read(request).await?;
        let bad = || Refusal::bad_request("the form is not complete or has unknown fields: reload the page");
        if !bytes.is_ascii() {
            return Err(bad());
        }
        let again = http::Request::post("/").header(CONTENT_TYPE, FORM).body(Body::from(bytes)).map_err(|_| bad())?;
        let form = axum::Form::<T>::from_request(again, state).await.map_err(|_| bad())?;
        Ok(Self(form.0))
    }
}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Refusal;
    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let is_json = is_type(request.headers(), "application/json");
        let bytes = read(request).await?;
        if bytes.is_empty() || (is_json && bytes.trim_ascii() == b"{}") {
            Ok(Self)
        } else {
            Err(Refusal::bad_request("nothing is expected here: send no body or {}"))
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> axum::extract::FromRequestParts<S> for InPath<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::<T>::from_request_parts(parts, state).await.map_err(|_| Refusal::not_found())?;
        Ok(Self(path.0))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> axum::extract::FromRequestParts<S> for InQuery<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let bad = |_| Refusal::bad_request("the address is not complete: follow the link again");
        let query = Query::<T>::from_request_parts(parts, state).await.map_err(bad)?;
        Ok(Self(query.0))
    }
}

fn is_type(headers: &HeaderMap, wanted: &str) -> bool {
    let mut given = headers.get_all(CONTENT_TYPE).iter();
    let (Some(first), None) = (given.next(), given.next()) else { return false };
    let Ok(first) = first.to_str() else { return false };
    let essence = first.split(';').next().unwrap_or("").trim_matches([' ', '\t']);
    essence.eq_ignore_ascii_case(wanted)
}

/// The whole body within [`BODY_BYTES`] and [`BODY_TIME`].
///
/// # Errors
/// `too_large`, or `bad_request` when it is slow or breaks off.
pub(crate) async fn read(request: Request) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::new(ErrorCode::TooLarge, "the body is too long: at most 16 KiB are taken");
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_BYTES as u64) {
        return Err(too_large());
    }
    let body = Limited::new(request.into_body(), BODY_BYTES);
    match tokio::time::timeout(BODY_TIME, body.collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refusal::bad_request("the body broke off: send it again")),
        Err(_) => Err(Refusal::bad_request("the body came too slowly: send it again")),
    }
}

/// Parses JSON. The sentence names the place or the member, never a value: it may be a secret (INV-24).
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Refusal::bad_request(format!("the body is not UTF-8: see byte {}", error.valid_up_to())))?;
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        if !error.is_data() {
            return Refusal::bad_request(format!("the body is not JSON, or is nested too deeply: see {place}"));
        }
        let words = error.to_string();
        let member = ["missing field", "unknown field", "duplicate field"]
            .into_iter()
            .find_map(|kind| Some((kind, words.strip_prefix(kind)?.split('`').nth(1)?)));
        Refusal::bad_request(match member {
            Some((kind, name)) => format!("{} {:?}: see {place}", kind.replace("field", "member"), text::shown(name)),
            None => format!("a value has the wrong type or form: see {place}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Given {
        code: u32,
    }

    async fn parsed(kind: &str, body: impl Into<Body>) -> Result<u32, Refusal> {
        let request = http::Request::post("/").header(CONTENT_TYPE, kind).body(body.into()).unwrap();
        JsonBody::<Given>::from_request(request, &()).await.map(|body| body.0.code)
    }

    #[tokio::test]
    async fn json_bodies_are_judged() {
        assert_eq!(parsed("application/json; charset=utf-8", "{\"code\":1}").await, Ok(1));
        let deep = "[".repeat(limits_plus_one());
        for (kind, body, says) in [
            ("text/plain", b"{\"code\":1}".to_vec(), "content-type"),
            ("application/json, text/plain", b"{\"code\":1}".to_vec(), "content-type"),
            ("application/json", b"".to_vec(), "empty"),
            ("application/json", b"{\"code\":".to_vec(), "line 1 column 8"),
            ("application/json", b"{\"code\":\"hunter2\"}".to_vec(), "wrong type or form: see line 1 column 17"),
            ("application/json", b"{}".to_vec(), "missing member \"code\""),
            ("application/json", b"{\"code\":1,\"more\":2}".to_vec(), "unknown member \"more\""),
            ("application/json", b"{\"code\":1,\"code\":2}".to_vec(), "duplicate member \"code\""),
            ("application/json", b"{\"code\":1}{}".to_vec(), "not JSON"),
            ("application/json", b"\"\xff\"".to_vec(), "not UTF-8: see byte 1"),
            ("application/json", format!("{{\"code\":{deep}").into_bytes(), "wrong type or form"),
            ("application/json", b" [1]".to_vec(), "is an array"),
        ] {
            let refusal = parsed(kind, body.clone()).await.unwrap_err();
            assert_eq!(refusal.code, ErrorCode::BadRequest);
            assert!(refusal.message.contains(says), "{}: {}", String::from_utf8_lossy(&body), refusal.message);
            assert!(!refusal.message.contains("hunter2"));
        }
        let long = parsed("application/json", " ".repeat(BODY_BYTES + 1)).await.unwrap_err();
        assert_eq!(long.code, ErrorCode::TooLarge);
        let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1024])));
        let endless = parsed("application/json", Body::from_stream(chunks)).await.unwrap_err();
        assert_eq!(endless.code, ErrorCode::TooLarge, "without content-length too");
    }

    fn limits_plus_one() -> usize {
        crate::limits::JSON_NESTING + 1
    }

    #[test]
    fn nesting_ends_where_the_limit_says() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let read = |levels| json::<serde_json::Value>(nested(levels).as_bytes());
        assert!(read(crate::limits::JSON_NESTING - 1).is_ok());
        assert!(read(crate::limits::JSON_NESTING + 1).unwrap_err().message.contains("nested too deeply"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_given_up() {
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let refusal = parsed("application/json", Body::from_stream(never)).await.unwrap_err();
        assert!(refusal.message.contains("too slowly"), "{}", refusal.message);
    }

    #[tokio::test]
    async fn forms_are_judged() {
        let parsed = async |kind: &str, body: &'static [u8]| {
            let request = http::Request::post("/").header(CONTENT_TYPE, kind).body(Body::from(body)).unwrap();
            FormBody::<Given>::from_request(request, &()).await.map(|body| body.0.code)
        };
        const FORM: &str = "application/x-www-form-urlencoded";
        assert_eq!(parsed(FORM, b"code=7").await, Ok(7));
        for (kind, body) in [
            ("text/plain", &b"code=7"[..]),
            (FORM, b""),
            (FORM, b"code=x"),
            (FORM, b"code=7&more=1"),
            (FORM, b"code=\xff"),
        ] {
            assert_eq!(parsed(kind, body).await.unwrap_err().code, ErrorCode::BadRequest, "{body:?}");
        }
    }
}
