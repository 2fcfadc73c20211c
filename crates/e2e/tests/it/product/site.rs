//! The protected app: a page that says who the proxy says it is, behind the real nginx.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use nod_e2e::nginx::{self, Nginx};
use nod_e2e::product::Product;
use nod_e2e::skip;
use nod_e2e::tools::NGINX;
use nod_e2e::web::{Request, Response, WebServer};

/// Host of the app; another site than Nod's to both browsers.
pub(crate) const HOST: &str = "site.localhost";

const GUIDE: &str = include_str!("../../../../../docs/guide/protect-an-app.md");

pub(crate) struct Site {
    nginx: Nginx,
}

impl Site {
    /// Starts app and nginx, and tells Nod of the app. Nod listens on the ports `nodes`.
    pub(crate) fn start(product: &Product, nodes: &[u16]) -> Self {
        let app = WebServer::start(answer);
        let nginx = Nginx::start(|port| configuration(port, nodes, app.port()));
        let site = Self { nginx };
        product.nod(&["app", "add", "wiki", "--display-name", "Wiki", "--origin", &site.origin()]);
        site
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{HOST}:{}", self.nginx.port())
    }

    /// Waits until its proxy asks this node again, which it may have left out.
    pub(crate) fn wait_asks(&self, node: u16) {
        self.nginx.wait_passes_to(node, &format!("{HOST}:{}", self.nginx.port()), "/.nod/sign-out");
    }

    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }
}

/// What the app sees of its visitor.
fn answer(request: &Request) -> Response {
    let header = |name| request.header(name).unwrap_or("nobody");
    let text = format!(
        "<!doctype html><meta charset=utf-8><title>Wiki</title><link rel=icon href='data:,'>\
         <h1>Wiki</h1><p id=who>{} ({})</p><p id=path>{}</p><a id=out href=/.nod/sign-out>Sign out</a>",
        header("remote-name"),
        header("remote-user"),
        request.path
    );
    Response::body("text/html; charset=utf-8", text)
}

/// The snippet that the guide gives to administrators, with the names and addresses of this test.
fn configuration(port: u16, nodes: &[u16], app: u16) -> String {
    let (_, rest) = GUIDE.split_once("```nginx\n").expect("the guide has a snippet for nginx");
    let (snippet, _) = rest.split_once("```").expect("the snippet ends");
    let lines = snippet.lines().filter(|line| !line.trim_start().starts_with("ssl_certificate"));
    let mut text = lines.collect::<Vec<_>>().join("\n");
    for (theirs, ours) in [
        (
            "server 127.0.0.1:8080;",
            nodes.iter().map(|node| format!("server 127.0.0.1:{node} fail_timeout=2s;")).collect(),
        ),
        ("127.0.0.1:9000", format!("127.0.0.1:{app}")),
        ("listen 443 ssl", format!("listen 127.0.0.1:{port}")),
        ("Host payroll.example.com;", format!("Host {HOST}:{port};")),
        ("payroll.example.com", HOST.to_owned()),
    ] {
        assert!(text.contains(theirs), "the guide's snippet no longer holds {theirs}");
        text = text.replace(theirs, &ours);
    }
    nginx::with_upstream_told(&text)
}

/// W10: whatever host a visitor names, Nod is asked about this server block's own app. The Nod here admits everybody to the app
/// of another host and nobody to this one.
#[test]
fn the_guides_nginx_asks_about_its_own_app() {
    if !skip::have(&[NGINX]) {
        return;
    }
    let nod = WebServer::start(|request| {
        let other = request.header("host").is_some_and(|host| host.starts_with("wiki.localhost"));
        Response::status(if other { 204 } else { 403 })
    });
    let app = WebServer::start(|_| Response::body("text/plain", "SECRET"));
    let nginx = Nginx::start(|port| configuration(port, &[nod.port()], app.port()));
    let port = nginx.port();
    let own = format!("{HOST}:{port}");
    for (target, host) in [
        ("/x".to_owned(), own.clone()),
        ("/x".to_owned(), format!("wiki.localhost:{port}")),
        (format!("http://{own}/x"), format!("wiki.localhost:{port}")),
        (format!("http://wiki.localhost:{port}/x"), own),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("nginx listens");
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 403 ") && !answer.contains("SECRET"), "{target} {host}: {answer}");
    }
}
