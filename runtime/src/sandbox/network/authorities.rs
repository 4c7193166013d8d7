//! Whom TLS trusts: the authorities of the system's store, and those that the operator adds.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use std::path::Path;
use thiserror::Error;

/// Certificates of authorities, each fit to be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorities(Vec<CertificateDer<'static>>);

/// A file of authorities that is of no use.
#[derive(Debug, Error)]
pub enum AuthoritiesError {
    #[error("cannot be read ({0}); name a file of certificates in PEM")]
    Read(pem::Error),
    #[error("holds no certificate in PEM; name a file that does")]
    Empty,
    #[error("holds a certificate that is no authority's ({0}); name a file of authorities")]
    Unfit(rustls::Error),
}

impl Authorities {
    /// All certificates of a file in PEM.
    pub fn read(file: &Path) -> Result<Self, AuthoritiesError> {
        let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
        let certificates: Vec<_> = certificates.map_err(AuthoritiesError::Read)?;
        if certificates.is_empty() {
            return Err(AuthoritiesError::Empty);
        }
        for certificate in &certificates {
            RootCertStore::empty().add(certificate.clone()).map_err(AuthoritiesError::Unfit)?;
        }
        Ok(Self(certificates))
    }

    /// Those of several files.
    pub fn join(several: impl IntoIterator<Item = Self>) -> Self {
        Self(several.into_iter().flat_map(|authorities| authorities.0).collect())
    }

    /// These and the system's.
    pub(super) fn with_the_systems(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!("network: an authority of the system's store is left out: {error}");
        }
        let (_, unfit) = roots.add_parsable_certificates(system.certs);
        if unfit > 0 {
            tracing::debug!("network: {unfit} certificates of the system's store are unfit");
        }
        roots.add_parsable_certificates(self.0.iter().cloned());
        if roots.is_empty() {
            tracing::warn!("network: the system's store has no authority, so TLS trusts nobody (--tls-ca FILE)");
        }
        roots
    }
}
