//! Somebody signing in at Nod's own page, over HTTP.

use std::collections::BTreeMap;

use reqwest::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::harness::Nod;

/// A browser with its cookies.
#[derive(Clone)]
pub(crate) struct Visitor {
    http: reqwest::Client,
    origin: String,
    cookies: BTreeMap<String, String>,
}

/// The beginnings of a client that trusts the test's own authority, if there is one.
pub(crate) fn builder(nod: &Nod) -> reqwest::ClientBuilder {
    // Another test of this process may have been first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let builder = reqwest::Client::builder();
    match std::fs::read(nod.folder.root()) {
        Ok(root) => builder.tls_certs_only([reqwest::Certificate::from_pem(&root).unwrap()]),
        Err(_) => builder,
    }
}

/// A client for the public host; with an address, one that finds the host there.
pub(crate) fn client(nod: &Nod, address: Option<&str>) -> reqwest::Client {
    let mut builder = builder(nod);
    if let Some(address) = address {
        let host = nod.origin.split(['/', ':']).nth(3).unwrap();
        builder = builder.resolve(host, (address.parse::<std::net::IpAddr>().unwrap(), 0).into());
    }
    nod_phone::http_client(builder).unwrap()
}

impl Visitor {
    pub(crate) fn new(nod: &Nod) -> Self {
        Self { http: client(nod, None), origin: nod.origin.clone(), cookies: BTreeMap::new() }
    }

    /// The same browser, for which the public host has this address.
    pub(crate) fn through(&self, nod: &Nod, address: &str) -> Self {
        Self { http: client(nod, Some(address)), ..self.clone() }
    }

    /// The same browser, which now finds another server at the same host.
    pub(crate) fn at(&self, nod: &Nod) -> Self {
        Self { http: self.http.clone(), origin: nod.origin.clone(), cookies: self.cookies.clone() }
    }

    pub(crate) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Shows each cookie.
    pub(crate) fn keep_cookies(&self, mut keep: impl FnMut(&str, &str)) {
        self.cookies.iter().filter(|(_, value)| !value.is_empty()).for_each(|(name, value)| keep(name, value));
    }

    /// The same browser, which from now on reaches its host with this client.
    pub(crate) fn by(&mut self, http: &reqwest::Client) -> &mut Self {
        self.http = http.clone();
        self
    }

    async fn try_send(&mut self, request: RequestBuilder) -> reqwest::Result<Response> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header(COOKIE, cookies.join("; ")).header(ORIGIN, &self.origin);
        let response = request.send().await?;
        for line in response.headers().get_all(SET_COOKIE) {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        Ok(response)
    }

    /// As [`Visitor::get`], where nobody may answer.
    pub(crate) async fn try_get(&mut self, path: &str) -> reqwest::Result<Response> {
        let request = self.http.get(format!("{}{path}", self.origin));
        self.try_send(request).await
    }

    /// As [`Visitor::post`], where nobody may answer.
    pub(crate) async fn try_post(&mut self, path: &str, body: &Value) -> reqwest::Result<Response> {
        let request = self.http.post(format!("{}{path}", self.origin)).json(body);
        self.try_send(request).await
    }

    /// As [`Visitor::give`], where nobody may answer.
    pub(crate) async fn try_give(&mut self, user: &str, password: &str) -> reqwest::Result<Response> {
        self.try_give_with(user, password, &[]).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response {
        self.try_get(path).await.unwrap()
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Response {
        self.try_post(path, body).await.unwrap()
    }

    /// Binds this browser by an administrator's link.
    pub(crate) async fn introduce(&mut self, link: &str, user: &str, password: &str) {
        let token = link.split_once('#').unwrap().1;
        let body = json!({"token": token, "user": user, "password": password});
        let response = self.post("/introduce", &body).await;
        assert!(response.status().is_success(), "{response:?}");
    }

    /// Gives name and password; gives the status that the next page shows.
    pub(crate) async fn sign_in(&mut self, user: &str, password: &str) -> Value {
        let response = self.give(user, password).await;
        assert_eq!(response.headers()["location"], "/sign-in/continue");
        self.status().await
    }

    /// Gives name and password, and is turned away.
    pub(crate) async fn refused(&mut self, user: &str, password: &str) {
        let response = self.give(user, password).await;
        assert!(!response.status().is_redirection(), "{response:?}");
    }

    /// Gives name and password with what an app's door added.
    pub(crate) async fn sign_in_with(&mut self, user: &str, password: &str, more: &[(&str, &String)]) {
        let response = self.give_with(user, password, more).await;
        assert_eq!(response.headers()["location"], "/sign-in/continue");
    }

    /// Gives name and password.
    pub(crate) async fn give(&mut self, user: &str, password: &str) -> Response {
        self.give_with(user, password, &[]).await
    }

    async fn give_with(&mut self, user: &str, password: &str, more: &[(&str, &String)]) -> Response {
        self.try_give_with(user, password, more).await.unwrap()
    }

    async fn try_give_with(
        &mut self,
        user: &str,
        password: &str,
        more: &[(&str, &String)],
    ) -> reqwest::Result<Response> {
        let fields = [("user", user), ("password", password)];
        // Gone before the request is sent: it may not go from thread to thread.
        let body = {
            let mut body = url::form_urlencoded::Serializer::new(String::new());
            body.extend_pairs(fields).extend_pairs(more).finish()
        };
        let request = self.http.post(format!("{}/sign-in", self.origin));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        self.try_send(request).await
    }

    pub(crate) async fn status(&mut self) -> Value {
        self.get("/sign-in/status").await.json().await.unwrap()
    }
}

/// The fields of a query.
pub(crate) fn pairs(query: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
