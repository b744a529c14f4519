//! Certificates from files, read again when the files change.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::error::ServerError;
use crate::config::TlsSettings;

/// The certificate in force, and where it comes from.
pub(super) struct Certificates {
    settings: TlsSettings,
    current: Current,
}

/// Shared with the TLS handshakes.
#[derive(Clone)]
struct Current(Arc<ArcSwap<CertifiedKey>>);

impl Certificates {
    /// Reads the certificate chain and its key.
    pub(super) fn read(settings: &TlsSettings) -> Result<Certificates, ServerError> {
        let current = Current(Arc::new(ArcSwap::from_pointee(certified_key(settings)?)));
        Ok(Certificates { settings: settings.clone(), current })
    }

    /// Reads the files again; handshakes from now on show what they hold. What was read before stays where they cannot be
    /// used.
    pub(super) fn read_again(&self) -> Result<(), ServerError> {
        self.current.0.store(Arc::new(certified_key(&self.settings)?));
        Ok(())
    }

    /// The files that are read.
    pub(super) fn files(&self) -> [&Path; 2] {
        [&self.settings.certificate_file, &self.settings.private_key_file]
    }

    /// What a listener needs: HTTP/2 or HTTP/1.1, as the client likes.
    pub(super) fn server_config(&self) -> Result<Arc<ServerConfig>, ServerError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(ServerError::Tls)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.current.clone()));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current(***)")
    }
}

fn certified_key(settings: &TlsSettings) -> Result<CertifiedKey, ServerError> {
    let chain = certificate_chain(&settings.certificate_file)?;
    let key = private_key(&settings.private_key_file)?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(ServerError::Tls)
}

fn certificate_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let problem = |problem: String| ServerError::TlsFile {
        key: "tls.certificate_file",
        path: path.to_owned(),
        problem,
    };
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| problem(error.to_string()))?;
    if chain.is_empty() {
        return Err(problem(
            "there is no certificate in it; accepted: a chain in PEM, the server's own first".into(),
        ));
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, ServerError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| ServerError::TlsFile {
        key: "tls.private_key_file",
        path: path.to_owned(),
        // It tells of the file and of PEM, never of the key.
        problem: error.to_string(),
    })
}
