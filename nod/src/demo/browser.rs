//! The browser of `demo --walk`: keeps cookies by host, follows redirects, posts forms and JSON as Nod's pages do.

use std::collections::BTreeMap;

use nod_protocol::device_api::ErrorBody;
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE, USER_AGENT};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::failure::{Failure, Outcome};

/// Redirects that are followed in a row.
const MAX_REDIRECTS: usize = 10;

/// A page that was loaded.
pub(super) struct Page {
    pub(super) url: Url,
    pub(super) status: StatusCode,
    pub(super) body: String,
}

impl Page {
    /// Values of the form's hidden fields, which go back as they came.
    pub(super) fn hidden_fields(&self) -> Vec<(String, String)> {
        let inputs = self.body.split("<input type=\"hidden\" ").skip(1);
        inputs.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?))).collect()
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&#38;", "&").replace("&amp;", "&"))
}

/// A browser profile.
pub(super) struct Browser {
    http: reqwest::Client,
    agent: &'static str,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

impl Browser {
    /// A fresh profile that calls itself `agent`.
    pub(super) const fn new(http: reqwest::Client, agent: &'static str) -> Self {
        Self { http, agent, cookies: BTreeMap::new() }
    }

    /// Opens an address and follows where it leads.
    pub(super) async fn open(&mut self, address: &str) -> Outcome<Page> {
        let response = self.send(&Method::GET, &address.parse()?, |request| request).await?;
        self.follow(response).await
    }

    /// Posts a form from a page of the same origin and follows where it leads.
    pub(super) async fn post_form(&mut self, url: &Url, fields: &[(String, String)]) -> Outcome<Page> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let response = self
            .send(&Method::POST, url, |request| {
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.clone())
            })
            .await?;
        self.follow(response).await
    }

    /// Calls an endpoint as a page's script does.
    pub(super) async fn call<T: DeserializeOwned>(
        &mut self,
        method: Method,
        address: &str,
        body: Option<&impl Serialize>,
    ) -> Outcome<T> {
        let response = self
            .send(&method, &address.parse()?, |request| {
                let request = request.header("x-nod", "1");
                match body {
                    Some(body) => request.json(body),
                    None => request,
                }
            })
            .await?;
        let status = response.status();
        let bytes = response.bytes().await?;
        if status.is_success() {
            return Ok(serde_json::from_slice(&bytes)?);
        }
        match serde_json::from_slice::<ErrorBody>(&bytes) {
            Ok(error) => Err(Failure::new(format!("{status}: {}", error.message))),
            Err(_) => Err(Failure::new(format!("{status} from {address}"))),
        }
    }

    async fn follow(&mut self, mut response: Response) -> Outcome<Page> {
        for _ in 0..MAX_REDIRECTS {
            let url = response.url().clone();
            let Some(location) = response.headers().get(LOCATION).filter(|_| response.status().is_redirection()) else {
                let status = response.status();
                return Ok(Page { url, status, body: response.text().await? });
            };
            let next = url.join(location.to_str()?)?;
            response = self.send(&Method::GET, &next, |request| request).await?;
        }
        Err(Failure::new("the browser was redirected in a circle"))
    }

    async fn send(
        &mut self,
        method: &Method,
        url: &Url,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Outcome<Response> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut request = fill(self.http.request(method.clone(), url.clone()))
            .header(USER_AGENT, self.agent)
            .header(ACCEPT, "text/html,application/json");
        if method != Method::GET {
            request =
                request.header(ORIGIN, url.origin().ascii_serialization()).header("sec-fetch-site", "same-origin");
        }
        let jar = self.cookies.entry(host).or_default();
        if !jar.is_empty() {
            let pairs: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        let response = request.send().await?;
        for line in response.headers().get_all(SET_COOKIE) {
            keep(jar, line.to_str()?);
        }
        Ok(response)
    }
}

fn keep(jar: &mut BTreeMap<String, String>, line: &str) {
    let mut parts = line.split(';').map(str::trim);
    let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
    if value.is_empty() || parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
        jar.remove(name);
    } else {
        jar.insert(name.to_owned(), value.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_fields_are_read() {
        let body = "<input type=\"hidden\" name=\"return\" value=\"/a?b=1&#38;c=2\"><input name=\"user\" value=\"x\">";
        let page = Page { url: "http://a.localhost/".parse().unwrap(), status: StatusCode::OK, body: body.to_owned() };
        assert_eq!(page.hidden_fields(), [("return".to_owned(), "/a?b=1&c=2".to_owned())]);
    }

    #[test]
    fn cookies_come_and_go() {
        let mut jar = BTreeMap::new();
        keep(&mut jar, "a=1; Path=/; Max-Age=60");
        keep(&mut jar, "b=2; Path=/");
        keep(&mut jar, "a=; Path=/; Max-Age=0");
        assert_eq!(jar.into_iter().collect::<Vec<_>>(), [("b".to_owned(), "2".to_owned())]);
    }
}
