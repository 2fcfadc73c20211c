//! nginx through the harness.

use crate::site;
use nod_e2e::nginx::Nginx;
use nod_e2e::skip;
use nod_e2e::tools::NGINX;
use std::io::{Read, Write};
use std::net::TcpStream;

fn get(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /page.js HTTP/1.0\r\nhost: site.localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn nginx_serves_and_takes_another_configuration() {
    if !skip::have(&[NGINX]) {
        return;
    }
    let site = site::start();
    let behind = site.origin("127.0.0.1");
    let mut nginx = Nginx::start(|port| {
        format!(
            "server {{ listen 127.0.0.1:{port}; server_name site.localhost; location / {{ proxy_pass {behind}; }} }}"
        )
    });
    assert!(get(nginx.port()).contains("base64url"));
    nginx.restart(|port| format!("server {{ listen 127.0.0.1:{port}; return 403; }}"));
    assert!(get(nginx.port()).starts_with("HTTP/1.1 403 "));
}
