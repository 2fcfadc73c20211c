//! Two nodes on one PostgreSQL database behind nginx, as the guide sets them up. Each is killed in turn while the phone is being
//! asked, and the sign-in completes through the other.

use super::desk::Desk;
use super::handset::Handset;
use super::screen::Screen as _;
use super::stage::{Stage, new_passkey};
use nod_e2e::nginx::{self, Nginx};
use nod_e2e::process::free_port;
use nod_e2e::product::{HOST, Product};
use nod_e2e::skip;
use nod_e2e::tools::{CHROMIUM, DBUS, FIREFOX, LIBNOTIFY, NGINX, POSTGRESQL};
use nod_testkit::postgres::Cluster;

const GUIDE: &str = include_str!("../../../../../docs/guide/several-nodes.md");
/// Where people land.
const NOTES: &str = "/notes?day=3";

/// The snippet that the guide gives to administrators, with the names and addresses of this test.
fn configuration(port: u16, nodes: [u16; 2]) -> String {
    let (_, rest) = GUIDE.split_once("```nginx\n").expect("the guide has a snippet for nginx");
    let (snippet, _) = rest.split_once("```").expect("the snippet ends");
    let lines = snippet.lines().filter(|line| !line.contains("ssl_certificate") && !line.contains("http2"));
    let mut text = lines.collect::<Vec<_>>().join("\n");
    for (theirs, ours) in [
        ("10.0.0.11:8080", format!("127.0.0.1:{}", nodes[0])),
        ("10.0.0.12:8080", format!("127.0.0.1:{}", nodes[1])),
        ("listen 443 ssl", format!("listen 127.0.0.1:{port}")),
        ("nod.your-domain", HOST.to_owned()),
    ] {
        assert!(text.contains(theirs), "the guide's snippet no longer holds {theirs}");
        text = text.replace(theirs, &ours);
    }
    nginx::with_upstream_told(&text)
}

#[test]
fn a_sign_in_outlives_either_node() {
    if !skip::have(&[FIREFOX, CHROMIUM, DBUS, LIBNOTIFY, NGINX, POSTGRESQL]) {
        return;
    }
    let Some(cluster) = Cluster::start() else { return };
    let ports = [free_port(), free_port()];
    let front = Nginx::start(|port| configuration(port, ports));
    let first = Product::first_of_several(ports[0], front.port(), &cluster.database());
    let mut second = first.one_more(ports[1]);
    let mut stage = Stage::set_for(first, &ports);
    for node in ports {
        front.wait_passes_to(node, &format!("{HOST}:{}", front.port()), "/healthz");
    }

    let firefox = stage.firefox();
    let phone = Handset { screen: &firefox };
    let desk = Desk::new(&stage.chromium);
    let anna = stage.enrol("anna", &desk, &phone);
    desk.introduce(&new_passkey(&firefox, &[]));
    desk.ask(&stage.site.page(NOTES), &anna);
    phone.answer("approve", "Approved");
    desk.wait_inside(NOTES, &anna);
    phone.done();

    for killed in [0, 1] {
        // The app is not open: the phone is rung by whichever node takes the push.
        firefox.open("about:blank");
        let shown = stage.bus.shown().len();
        desk.ask_again(&stage.site.page(NOTES), &anna);
        stage.bus.wait_shown(shown, |shown| shown.summary.contains("Sign-in"));
        let node = if killed == 0 { &mut stage.product } else { &mut second };
        node.crash();
        assert!(desk.page.shows("[data-phase=waiting]"), "the computer still waits");
        firefox.open(&format!("http://{HOST}:{}/authenticator", front.port()));
        assert!(phone.read().contains("Sign in to Wiki?"));
        phone.answer("approve", "Approved");
        desk.wait_inside(NOTES, &anna);
        phone.done();
        node.serve();
        front.wait_passes_to(ports[killed], &format!("{HOST}:{}", front.port()), "/healthz");
        stage.site.wait_asks(ports[killed]);
    }
    assert_eq!(stage.product.bound_browsers("anna"), 1);
}
