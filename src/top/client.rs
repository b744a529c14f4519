//! Asks the admin interface.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use rustls::{ClientConfig, RootCertStore};
use serde::de::DeserializeOwned;

use super::api::Snapshot;
use super::error::TopError;
use super::problem::{Answer, Problem};
use super::text::printable;
use super::token::Token;

/// Counts, rates, latency, the process.
const STATS: &str = "/admin/api/stats";

/// The crSockets that have not been interacting for the longest time.
const WAITING: &str = "/admin/api/sockets?state=!interacting&sort=notInteractingSince&order=asc&limit=10";

/// How long a whole answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may take.
const CONNECT_DT: Duration = Duration::from_secs(5);

/// No answer is longer, in bytes: thousands of apps fit.
const LONGEST: usize = 4 << 20;

/// The admin interface of a server.
#[derive(Debug)]
pub(super) struct Admin {
    /// Up to the path, without a slash at its end.
    base: String,
    client: Client,
    token: Option<Token>,
}

impl Admin {
    /// At this address.
    ///
    /// # Errors
    /// [`TopError::Address`], [`TopError::Tls`], [`TopError::Client`].
    pub(super) fn new(address: &str, token: Option<Token>) -> Result<Admin, TopError> {
        let url = address.parse::<Url>().ok().filter(is_server);
        let Some(url) = url else {
            // A password in front of the host must not be shown.
            let shown = address.rsplit('@').next().unwrap_or_default();
            return Err(TopError::Address { seen: shown.chars().take(100).collect() });
        };
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Admin { base, client: client(url.scheme() == "https")?, token })
    }

    /// Where it is.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// How everything is.
    ///
    /// # Errors
    /// [`Problem`].
    pub(super) async fn snapshot(&self) -> Result<Snapshot, Problem> {
        Ok(Snapshot { stats: self.get(STATS).await?, waiting: self.get(WAITING).await? })
    }

    async fn get<T: DeserializeOwned>(&self, resource: &str) -> Result<T, Problem> {
        let url = format!("{}{resource}", self.base);
        let failed = |error: reqwest::Error| Problem::of(&error, &url, PATIENCE);
        let mut request = self.client.get(&url).header(ACCEPT, "application/json");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.header.clone());
        }
        let mut response = request.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(bytes) = response.chunk().await.map_err(failed)? {
            if body.len() + bytes.len() > LONGEST {
                return Err(Problem::TooLong { url, limit: LONGEST });
            }
            body.extend_from_slice(&bytes);
        }
        let answer = Answer {
            url: &url,
            token_from: self.token.as_ref().map(|token| token.from.as_str()),
            status: response.status(),
            content_type: header(&response, &CONTENT_TYPE),
            retry_after: header(&response, &RETRY_AFTER),
            body: &body,
        };
        answer.read()
    }
}

fn header<'a>(response: &'a Response, name: &HeaderName) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn is_server(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && printable(url.as_str()) == url.as_str()
}

/// Without redirections and proxies of the environment: a token goes to nobody but the server. What the system trusts counts.
fn client(over_tls: bool) -> Result<Client, TopError> {
    let mut roots = RootCertStore::empty();
    if over_tls {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let mut tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_DT)
        .timeout(PATIENCE)
        .user_agent(concat!("crsocket-top/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for (address, base) in [
            ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
            ("http://127.0.0.1:8081/", "http://127.0.0.1:8081"),
            ("https://example.org/lab/", "https://example.org/lab"),
            ("http://[::1]:8081", "http://[::1]:8081"),
        ] {
            assert_eq!(Admin::new(address, None).unwrap().base(), base);
        }
        for bad in
            ["", "127.0.0.1:8081", "ftp://a", "http://", "http://a/?b", "http://a/#b", "http://me:pw@a"]
        {
            let error = Admin::new(bad, None).unwrap_err();
            assert!(matches!(&error, TopError::Address { seen } if !seen.contains("pw")), "{bad}: {error}");
        }
    }
}
