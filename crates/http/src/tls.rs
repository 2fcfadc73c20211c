//! TLS 1.2 and 1.3 at the public listener, with a certificate that can be renewed while connections go on.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// Protocols above TLS, by preference (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a certificate or key cannot be used. No text repeats what the files hold (INV-24).
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate's file.
    #[error("the certificate file holds no certificate: it must be PEM, the server's own certificate first")]
    NoCertificate,
    /// The key's file.
    #[error("the key file holds no private key: it must be PEM, without a passphrase")]
    NoKey,
    /// They are of different pairs.
    #[error("key and certificate do not belong together")]
    Mismatch,
    /// Another name.
    #[error("the certificate is not for {0}")]
    WrongHost(String),
    /// Anything else.
    #[error("the certificate cannot be used: {0}")]
    Unusable(String),
}

/// The certificate in use.
struct Current(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current(..)")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// TLS for one host. Clones share the certificate.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    provider: Arc<CryptoProvider>,
    host: String,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Tls {
    /// From the contents of two PEM files; `host` is whom the certificate must be for.
    ///
    /// # Errors
    /// [`TlsError`] says what is wrong with them.
    pub fn new(certificate: &[u8], key: &[u8], host: &str) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let pair = certified(&provider, certificate, key, host)?;
        let current = Arc::new(Current(RwLock::new(Arc::new(pair))));
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&current) as _;
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), current, provider, host: host.to_owned() })
    }

    /// Takes another pair for connections from now on. Those that are open keep theirs.
    ///
    /// # Errors
    /// [`TlsError`]; then the one before stays in use.
    pub fn renew(&self, certificate: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let pair = certified(&self.provider, certificate, key, &self.host)?;
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
        Ok(())
    }

    pub(crate) const fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

fn certified(provider: &CryptoProvider, certificate: &[u8], key: &[u8], host: &str) -> Result<CertifiedKey, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::NoCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
    let unusable = |error: rustls::Error| TlsError::Unusable(error.to_string());
    let own = chain.first().ok_or(TlsError::NoCertificate)?;
    let parsed = ParsedCertificate::try_from(own).map_err(unusable)?;
    let name = ServerName::try_from(host).map_err(|_| TlsError::WrongHost(host.to_owned()))?;
    verify_server_name(&parsed, &name).map_err(|_| TlsError::WrongHost(host.to_owned()))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
        error => unusable(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(host: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn pairs_that_do_not_fit_are_named_and_the_one_before_stays() {
        let (certificate, key) = pair("nod.example.com");
        let (other, other_key) = pair("nod.example.com");
        let (wildcard, wildcard_key) = pair("*.example.com");
        let (stranger, stranger_key) = pair("nod.example.org");
        let tls = Tls::new(certificate.as_bytes(), key.as_bytes(), "nod.example.com").unwrap();
        let now = || Arc::clone(&tls.current.0.read().unwrap());
        let before = now();
        for (certificate, key, expected) in [
            ("", &*key, "holds no certificate"),
            (certificate.split_at(certificate.len() / 2).0, &key, "holds no certificate"),
            (&*key, &key, "holds no certificate"),
            (&certificate, "", "holds no private key"),
            (&certificate, &certificate, "holds no private key"),
            (&certificate, &other_key, "do not belong together"),
            (&stranger, &stranger_key, "not for nod.example.com"),
        ] {
            let error = tls.renew(certificate.as_bytes(), key.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(Arc::ptr_eq(&before, &now()));
        for (certificate, key) in [(other, other_key), (wildcard, wildcard_key)] {
            tls.renew(certificate.as_bytes(), key.as_bytes()).unwrap();
            let expected = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            assert_eq!(now().cert, [expected]);
        }
    }
}
