//! TLS to a PostgreSQL server on the network.

use nod_testkit::postgres::Cluster;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::harness::Nod;

/// An address of this machine that no other server of the tests has.
const ADDRESS: &str = "127.0.83.5";
/// The name in the certificate; it leads to the loopback everywhere (RFC 6761, section 6.3).
const HOST: &str = "localhost";
const PASSWORD: &str = "a password for the role";
/// The socket as before; over the network TLS and a password that is never sent.
const WHO_MAY: &str = "local all all trust\nhostssl all nod 127.0.0.0/8 scram-sha-256";

/// A certificate authority; gives its own certificate, and a server's certificate and key.
fn certificates() -> [String; 3] {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let root = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new([HOST.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    [root, made.pem(), key.serialize_pem()]
}

/// A server that speaks TLS, and the part of its URL behind the host.
fn serving(certificate: &str, key: &str) -> Option<(Cluster, String, String)> {
    let cluster = Cluster::start_with(&[&format!("listen_addresses={ADDRESS}"), "password_encryption=scram-sha-256"])?;
    let socket = cluster.database();
    let folder = cluster.psql(&socket, "SHOW data_directory");
    let folder = folder.trim();
    // The server writes them itself, so they are its own, and nobody else's.
    for (name, text) in [("server.crt", certificate), ("server.key", key), ("pg_hba.conf", WHO_MAY)] {
        let lines = text.trim_end().replace('\n', "','");
        let write = format!("COPY (SELECT unnest(ARRAY['{lines}'])) TO PROGRAM 'umask 077; cat > {folder}/{name}'");
        assert_eq!(cluster.psql(&socket, &write), "");
    }
    for sql in
        ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()", &format!("ALTER ROLE nod PASSWORD '{PASSWORD}'")]
    {
        let _ = cluster.psql(&socket, sql);
    }
    // It takes its new settings when it comes to it.
    while cluster.psql(&socket, "SHOW ssl").trim() != "on" {}
    let name = socket.rsplit('/').next().unwrap().to_owned();
    Some((cluster, socket, name))
}

#[test]
fn the_database_is_reached_over_tls_and_only_with_the_right_certificate() {
    let [root, certificate, key] = certificates();
    let Some((cluster, socket, name)) = serving(&certificate, &key) else { return };
    let nod = Nod::init_with(&["--database", &socket]);
    let file = |name: &str, text: &str| {
        let path = nod.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    file("password", PASSWORD);
    file("ca.pem", &root);
    file("other-ca.pem", &certificates()[0]);
    let original = std::fs::read_to_string(nod.config()).unwrap();
    let reached = |host: &str, query: &str, more: &str| {
        let url = format!("postgres://nod@{host}/{name}{query}");
        let table = format!("url = \"{url}\"\npassword_file = \"password\"\n{more}");
        assert!(original.contains(&format!("url = \"{socket}\"\n")), "{original}");
        let text = original.replace(&format!("url = \"{socket}\"\n"), &table);
        std::fs::write(nod.config(), text).unwrap();
        nod.run(&["user", "list"])
    };
    let ca = "ca = \"ca.pem\"\n";
    // Without TLS the server refuses; with TLS and without an authority this side does.
    reached(ADDRESS, "", "").fails(1, &["no pg_hba.conf entry"]);
    for query in ["?sslmode=require", "?sslmode=verify-full"] {
        let at = format!("{query}&hostaddr={ADDRESS}");
        reached(HOST, &at, ca).ok();
        reached(HOST, &at, "ca = \"other-ca.pem\"\n").fails(1, &["invalid peer certificate"]);
        reached(HOST, &at, "").fails(1, &["invalid peer certificate"]);
        // The right authority vouches for another name.
        reached(ADDRESS, query, ca).fails(1, &["invalid peer certificate", "not valid for"]);
    }

    // A running server: pool and listener.
    reached(HOST, &format!("?sslmode=require&hostaddr={ADDRESS}"), ca).ok();
    let serving = nod.serve();
    // The listener connects when it comes to it.
    let secure = "SELECT count(*) > 1, bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'nod'";
    while cluster.psql(&socket, secure).trim() == "f|t" {}
    assert_eq!(cluster.psql(&socket, secure).trim(), "t|t");
    drop(serving);

    // What the system trusts is trusted without a file.
    std::fs::write(nod.folder.root(), &root).unwrap();
    reached(HOST, &format!("?sslmode=require&hostaddr={ADDRESS}"), "").ok();
}
