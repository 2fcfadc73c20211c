//! A TLS client that remembers what it saw of the server's certificate: whether it holds now, and for how long.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// It is asked whether the certificate will still hold after so many days, the longest first.
const DAYS: [u64; 3] = [14, 7, 2];
/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// It holds, and will after so many days; none where it does not even for the least of them.
    Holds(Option<u64>),
    /// It does not hold.
    Refused(String),
}

/// The system's judgement, and a note of it.
#[derive(Debug)]
pub(super) struct Watching {
    system: Verifier,
    seen: Mutex<Option<Seen>>,
}

impl Watching {
    /// With the system's certificate authorities.
    pub(super) fn new() -> Result<Arc<Self>, Error> {
        let system = Verifier::new(Arc::new(default_provider()))?;
        Ok(Arc::new(Self { system, seen: Mutex::new(None) }))
    }

    /// What was last seen.
    pub(super) fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// TLS that is judged by this.
    pub(super) fn config(self: &Arc<Self>) -> Result<ClientConfig, Error> {
        let provider: Arc<CryptoProvider> = Arc::new(default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(self) as Arc<dyn ServerCertVerifier>);
        Ok(config.with_no_client_auth())
    }
}

impl ServerCertVerifier for Watching {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let holds = |at| self.system.verify_server_cert(certificate, chain, name, ocsp, at);
        let judged = holds(now);
        let after = |days: &u64| UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs() + days * DAY));
        let seen = match &judged {
            Ok(_) => Seen::Holds(DAYS.into_iter().find(|days| holds(after(days)).is_ok())),
            Err(error) => Seen::Refused(error.to_string()),
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        judged
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}
