//! A certificate authority of one test, and connections that trust it.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::harness::Nod;

/// The public host of every test.
pub(crate) const HOST: &str = "nod.localhost";

/// It signs certificates for a server.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    roots: RootCertStore,
    files: [PathBuf; 2],
    pub(crate) port: u16,
}

impl Authority {
    /// Gives the server a first certificate, and its commands and visitors trust in it.
    pub(crate) fn new(nod: &mut Nod, more: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        std::fs::write(nod.folder.root(), root.pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).unwrap();
        nod.set(&nod.origin, &nod.origin.replace("http://", "https://"));
        nod.append(&format!("[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n{more}"));
        nod.origin = nod.origin.replace("http://", "https://");
        nod.link = nod.link.replace("http://", "https://");
        let files = ["cert.pem", "key.pem"].map(|name| nod.folder.path().join(name));
        let port = nod.origin.rsplit(':').next().unwrap().parse().unwrap();
        let authority = Self { issuer: Issuer::new(params, key), roots, files, port };
        authority.put(&authority.pair(HOST));
        authority
    }

    /// Another certificate and its key, as PEM.
    pub(crate) fn pair(&self, host: &str) -> [String; 2] {
        let key = KeyPair::generate().unwrap();
        let made = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        [made.pem(), key.serialize_pem()]
    }

    /// Writes a pair into the server's files.
    pub(crate) fn put(&self, pair: &[String; 2]) {
        for (file, text) in self.files.iter().zip(pair) {
            std::fs::write(file, text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(file, mode).unwrap();
        }
    }

    /// A TLS connection, before which `head` is sent in the clear.
    pub(crate) fn connect(&self, protocols: &[&str], head: &[u8]) -> io::Result<Secure> {
        connect(HOST, self.port, self.roots.clone(), protocols, head)
    }
}

/// A TLS connection to a server of this name on this machine, before which `head` is sent in the clear.
pub(crate) fn connect(
    host: &'static str,
    port: u16,
    roots: RootCertStore,
    protocols: &[&str],
    head: &[u8],
) -> io::Result<Secure> {
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.write_all(head)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config.resumption = rustls::client::Resumption::disabled();
    let session = ClientConnection::new(Arc::new(config), ServerName::try_from(host).unwrap()).unwrap();
    let mut stream = StreamOwned::new(session, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(Secure(stream))
}

/// A TLS connection.
pub(crate) struct Secure(pub(crate) StreamOwned<ClientConnection, TcpStream>);

impl Secure {
    /// The server's own certificate.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.0.conn.peer_certificates().unwrap()[0].to_vec()
    }

    /// Asks for `/healthz` over HTTP/1.1, and whether all is well.
    pub(crate) fn is_well(&mut self) -> bool {
        write!(self.0, "GET /healthz HTTP/1.1\r\nhost: {HOST}\r\n\r\n").unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\nok") {
            let mut bytes = [0; 1024];
            match self.0.read(&mut bytes).unwrap() {
                0 => return false,
                count => seen.extend_from_slice(&bytes[..count]),
            }
        }
        seen.starts_with(b"HTTP/1.1 200 OK\r\n")
    }
}
