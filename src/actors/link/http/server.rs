//! A server that is reached over HTTP: its address, and whose certificates count.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use awc::http::Uri;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use crate::protocol::ids::AppId;

/// A CRSocket server. Cheap to clone.
#[derive(Clone)]
pub struct HttpServer {
    /// Up to the path, without a slash at its end.
    base: Arc<str>,
    tls: Arc<ClientConfig>,
}

/// A server that cannot be reached as it was given.
#[derive(Debug, Error)]
pub enum BadServer {
    /// Its address.
    #[error(
        "{seen:?} is no address of a server; accepted: http:// or https://, a host, and maybe a port and a path"
    )]
    Address {
        /// What was given.
        seen: String,
    },
    /// No certificate of the file could be read.
    #[error("the root certificates in {}: {error}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: String,
    },
    /// TLS itself.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl HttpServer {
    /// The server at this address, such as `https://example.org`: below it lies `/crsocket/`. What the system trusts counts.
    ///
    /// # Errors
    /// [`BadServer`]: it is no such address.
    pub fn new(address: &str) -> Result<HttpServer, BadServer> {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            log::debug!("a root certificate of the system: {error}");
        }
        HttpServer::trusting(address, found.certs)
    }

    /// The same, with the root certificates of a PEM file instead of the system's.
    ///
    /// # Errors
    /// [`BadServer`]: it is no such address, or the file cannot be read.
    pub fn with_root_certificates(address: &str, path: &Path) -> Result<HttpServer, BadServer> {
        let wrong = |error: String| BadServer::Certificates { path: path.to_owned(), error };
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(error.to_string()))?;
        if certificates.is_empty() {
            return Err(wrong("there is none".to_owned()));
        }
        HttpServer::trusting(address, certificates)
    }

    fn trusting(address: &str, roots: Vec<CertificateDer<'static>>) -> Result<HttpServer, BadServer> {
        let base = address.trim_end_matches('/');
        let is_server = |uri: &Uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && uri.query().is_none()
        };
        if !base.parse::<Uri>().is_ok_and(|uri| is_server(&uri)) {
            return Err(BadServer::Address { seen: address.chars().take(100).collect() });
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(store)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(HttpServer { base: base.into(), tls: Arc::new(tls) })
    }

    pub(super) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }

    /// The address of a resource, with the slash that every server understands.
    pub(super) fn url(&self, app: &AppId, resource: &str, query: &str) -> String {
        format!("{}/crsocket/{app}/{resource}/?{query}", self.base)
    }
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpServer({})", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_a_host_and_maybe_a_path() {
        let app = AppId::parse("demo").unwrap();
        let url =
            |address| HttpServer::trusting(address, Vec::new()).map(|s| s.url(&app, "clientid", "")).ok();
        assert_eq!(url("http://[::1]:8080").as_deref(), Some("http://[::1]:8080/crsocket/demo/clientid/?"));
        assert_eq!(url("https://a.org/lab/").as_deref(), Some("https://a.org/lab/crsocket/demo/clientid/?"));
        for wrong in ["", "example.org", "ftp://example.org", "http://", "http://a.org/?x=1", "http://a b"] {
            assert_eq!(url(wrong), None, "{wrong:?}");
        }
    }
}
