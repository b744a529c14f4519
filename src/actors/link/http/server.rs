//! A server that is reached over HTTP: its address, and whose certificates count.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use crate::protocol::ids::AppId;
use crate::protocol::wire::read_client_id_answer;

/// A CRSocket server. Cheap to clone.
#[derive(Clone)]
pub struct HttpServer {
    /// Up to the path, without a slash at its end.
    base: Arc<str>,
    tls: Arc<ClientConfig>,
    client: Client,
}

/// Why a server is not one for these clients.
#[derive(Debug, Error)]
pub enum NotThere {
    /// There is no connection to it.
    #[error("{server} does not answer: {why}")]
    NoConnection {
        /// Its address.
        server: Box<str>,
        /// What went wrong.
        why: String,
    },
    /// It answers something else than a clientId.
    #[error("{server} is no CRSocket server: its clientid resource answers {status} without a clientId")]
    NoClientId {
        /// Its address.
        server: Box<str>,
        /// The status of the answer.
        status: u16,
    },
    /// It does not know the app, or is no CRSocket server.
    #[error("{server} knows no app {app} (404 for its clientid resource), or is no CRSocket server")]
    NoApp {
        /// Its address.
        server: Box<str>,
        /// Which app.
        app: AppId,
    },
}

/// How long a connection is kept for the next sendevent: a little shorter than servers keep it, so that none is used that
/// is just being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// How long a connection may take, unless something else is said.
const CONNECT_DT: Duration = Duration::from_secs(10);

/// A server that cannot be reached as it was given.
#[derive(Debug, Error)]
pub enum BadServer {
    /// Its address.
    #[error(
        "{seen:?} is no address of a server; accepted: http:// or https://, a host, and maybe a port and a path, without a \
         user or password"
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
    /// The HTTP client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
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
        let is_server = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        };
        if !base.parse::<Url>().is_ok_and(|url| is_server(&url)) {
            // A password in front of the host must not be shown.
            let shown = address.rsplit('@').next().unwrap_or_default();
            return Err(BadServer::Address { seen: shown.chars().take(100).collect() });
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(store)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let client = client(&tls, CONNECT_DT)?;
        Ok(HttpServer { base: base.into(), tls: Arc::new(tls), client })
    }

    /// Whether it is there and knows this app: it is asked for a clientId, as by a client.
    ///
    /// # Errors
    /// [`NotThere`].
    pub async fn look(&self, app: &AppId) -> Result<(), NotThere> {
        let server = || Box::from(&*self.base);
        let answer = self.client.get(self.url(app, "clientid", "")).timeout(CONNECT_DT).send().await;
        let answer = answer
            .map_err(|error| NotThere::NoConnection { server: server(), why: super::described(&error) })?;
        match answer.status() {
            StatusCode::NOT_FOUND => Err(NotThere::NoApp { server: server(), app: app.clone() }),
            // It has none to give now, and says so.
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Ok(()),
            status => {
                let body = super::body(answer).await.unwrap_or_default();
                let is_client_id = read_client_id_answer(&String::from_utf8_lossy(&body)).is_some();
                let wrong = NotThere::NoClientId { server: server(), status: status.as_u16() };
                if status == StatusCode::OK && is_client_id { Ok(()) } else { Err(wrong) }
            }
        }
    }

    /// A client with connections of its own: those of one thread are best used there.
    pub(super) fn client(&self, connect_within: Duration) -> Client {
        client(&self.tls, connect_within).unwrap_or_else(|_| self.client.clone())
    }

    /// The address of a resource, with the slash that every server understands.
    pub(super) fn url(&self, app: &AppId, resource: &str, query: &str) -> String {
        format!("{}/crsocket/{app}/{resource}/?{query}", self.base)
    }
}

/// Without redirections and proxies of the environment: an accessToken goes to nobody but the server. Without repetitions:
/// each event is sent at most once.
fn client(tls: &ClientConfig, connect_within: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(connect_within)
        .pool_idle_timeout(KEEP_ALIVE)
        .user_agent(concat!("crsocket/", env!("CARGO_PKG_VERSION")))
        .build()
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
        for wrong in [
            "",
            "example.org",
            "ftp://example.org",
            "http://",
            "http://a.org/?x=1",
            "http://a b",
            "http://me:pw@a.org",
        ] {
            assert_eq!(url(wrong), None, "{wrong:?}");
        }
    }
}
