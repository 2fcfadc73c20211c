//! Which certificates of other servers are believed, where this binary speaks TLS itself.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::failure::{Failure, Outcome};

/// TLS towards a server whose certificate the authorities in `file` vouch for, without a file those of the system.
///
/// # Errors
/// When the file cannot be read or holds no certificate, or the system knows no authorities.
pub(crate) fn client(file: Option<&Path>) -> Outcome<Arc<ClientConfig>> {
    let provider = Arc::new(default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let config = match file {
        Some(file) => config.with_root_certificates(authorities(file)?),
        None => config.dangerous().with_custom_certificate_verifier(Arc::new(Verifier::new(provider)?)),
    };
    Ok(Arc::new(config.with_no_client_auth()))
}

fn authorities(file: &Path) -> Outcome<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(file)? {
        roots.add(authority).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    }
    Ok(roots)
}

/// The certificates in a PEM file: at least one.
///
/// # Errors
/// When the file cannot be read or holds none.
pub(crate) fn certificates(file: &Path) -> Outcome<Vec<CertificateDer<'static>>> {
    let shown = file.display();
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    if found.is_empty() {
        return Err(Failure::new(format!("{shown} holds no certificate: put the authority's there as PEM")));
    }
    Ok(found)
}
