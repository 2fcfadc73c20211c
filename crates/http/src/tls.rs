//! TLS 1.2 and 1.3 at the public listener, with a certificate that can be renewed while connections go on.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Protocols above TLS, by preference (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// The protocol by which an ACME server looks for the answer to its challenge (RFC 8737).
const ACME: &[u8] = b"acme-tls/1";

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
#[derive(Default)]
struct Current {
    /// None where it is yet to be obtained.
    pair: RwLock<Option<Arc<CertifiedKey>>>,
    /// What an ACME server that asks is shown.
    challenge: RwLock<Option<Arc<CertifiedKey>>>,
    /// When the pair ends, in seconds since 1970; 0 where there is none.
    ends: Gauge,
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current(..)")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // An ACME server offers this protocol alone (RFC 8737 section 3): nobody else is shown that certificate.
        let asks = hello.alpn().is_some_and(|offered| offered.eq([ACME]));
        let kept = if asks { &self.challenge } else { &self.pair };
        kept.read().unwrap_or_else(PoisonError::into_inner).clone()
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
        let tls = Self::over(provider, host, &PROTOCOLS)?;
        tls.renew(certificate, key)?;
        Ok(tls)
    }

    /// Without a certificate yet, for one that an ACME server will issue. Until then every handshake but that server's fails.
    ///
    /// # Errors
    /// Only when TLS itself cannot be set up.
    pub fn awaiting(host: &str) -> Result<Self, TlsError> {
        let [first, second] = PROTOCOLS;
        Self::over(Arc::new(rustls::crypto::aws_lc_rs::default_provider()), host, &[first, second, ACME])
    }

    fn over(provider: Arc<CryptoProvider>, host: &str, protocols: &[&[u8]]) -> Result<Self, TlsError> {
        let current = Arc::new(Current::default());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&current) as _;
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), current, provider, host: host.to_owned() })
    }

    /// Takes another pair for connections from now on. Those that are open keep theirs.
    ///
    /// # Errors
    /// [`TlsError`]; then the one before stays in use.
    pub fn renew(&self, certificate: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let pair = self.judged(certificate, key)?;
        self.current.ends.set(pair.cert.first().and_then(validity).map_or(0, |(_, ends)| ends));
        *self.current.pair.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(pair));
        Ok(())
    }

    /// Whether [`Tls::renew`] would take it.
    ///
    /// # Errors
    /// [`TlsError`], as that.
    pub fn check(&self, certificate: &[u8], key: &[u8]) -> Result<(), TlsError> {
        self.judged(certificate, key).map(|_| ())
    }

    fn judged(&self, certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, TlsError> {
        let pair = loaded(&self.provider, certificate, key)?;
        let own = pair.cert.first().ok_or(TlsError::NoCertificate)?;
        let parsed = ParsedCertificate::try_from(own).map_err(|error| TlsError::Unusable(error.to_string()))?;
        let wrong = || TlsError::WrongHost(self.host.clone());
        let name = ServerName::try_from(self.host.as_str()).map_err(|_| wrong())?;
        verify_server_name(&parsed, &name).map_err(|_| wrong())?;
        Ok(pair)
    }

    /// What an ACME server that asks is shown from now on: certificate and key as PEM, or nothing.
    ///
    /// # Errors
    /// [`TlsError`]; then it is shown nothing.
    pub fn challenge(&self, shown: Option<(&str, &str)>) -> Result<(), TlsError> {
        // Not compared with its key: the parser knows no certificate whose critical extension is ACME's.
        let shown = shown.map(|(certificate, key)| read(&self.provider, certificate.as_bytes(), key.as_bytes()));
        let (shown, failed) = match shown {
            Some(Ok(pair)) => (Some(Arc::new(pair)), Ok(())),
            Some(Err(error)) => (None, Err(error)),
            None => (None, Ok(())),
        };
        *self.current.challenge.write().unwrap_or_else(PoisonError::into_inner) = shown;
        failed
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let ends = self.current.ends.clone();
        registry.register(
            "nod_certificate_end_seconds",
            "When the certificate ends, in Unix time; 0 without one",
            ends,
        );
    }

    /// Whether this connection was an ACME server's look at the challenge, and is over.
    pub(crate) fn is_challenge<S>(stream: &TlsStream<S>) -> bool {
        stream.get_ref().1.alpn_protocol() == Some(ACME)
    }

    pub(crate) const fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

/// From when and until when the first certificate of a PEM text holds, in seconds since 1970.
#[must_use]
pub fn certificate_validity(pem: &str) -> Option<(i64, i64)> {
    validity(&CertificateDer::from_pem_slice(pem.as_bytes()).ok()?)
}

fn validity(certificate: &CertificateDer<'_>) -> Option<(i64, i64)> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let validity = parsed.validity();
    Some((validity.not_before.timestamp(), validity.not_after.timestamp()))
}

/// A pair whose halves belong together.
fn loaded(provider: &CryptoProvider, certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, TlsError> {
    let pair = read(provider, certificate, key)?;
    match pair.keys_match() {
        Ok(()) => Ok(pair),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(TlsError::Mismatch),
        Err(error) => Err(TlsError::Unusable(error.to_string())),
    }
}

fn read(provider: &CryptoProvider, certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::NoCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
    let key = provider.key_provider.load_private_key(key);
    Ok(CertifiedKey::new(chain, key.map_err(|error| TlsError::Unusable(error.to_string()))?))
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
        let now = || Arc::clone(tls.current.pair.read().unwrap().as_ref().unwrap());
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
