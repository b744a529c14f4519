//! What can be wrong with an answer: what was tried, what was seen, and what to do about it.

use std::error::Error as _;
use std::time::Duration;

use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

use super::text::printable;

/// After this long it is tried again where the server guards itself against guesses.
const GUARDED: Duration = Duration::from_secs(10);

/// No longer than this, whatever the server says.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why there was no answer, or none that could be used. Addresses have no secrets in them.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Problem {
    /// There is no connection.
    #[error(
        "cannot reach {url}: {why}. Does `crsocket serve` run there, with its admin listener at this address? Elsewhere: --url"
    )]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// There was a connection, but no answer in time.
    #[error(
        "{url} has not answered within {} s. Something listens there: is it overloaded, or not this server?",
        after.as_secs()
    )]
    Silent {
        /// What was asked for.
        url: String,
        /// How long was waited.
        after: Duration,
    },
    /// The connection broke.
    #[error("the connection to {url} broke: {why}")]
    Broken {
        /// What was asked for.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// 401 without a token.
    #[error(
        "{url} asks for a token (401). Give that of [admin] token of the server: --token-file FILE, or the variable \
         CRSOCKET_ADMIN_TOKEN"
    )]
    TokenNeeded {
        /// What was asked for.
        url: String,
    },
    /// 401 with a token.
    #[error(
        "{url} does not accept the token of {from} (401). It must be that of [admin] token of the server"
    )]
    TokenRefused {
        /// What was asked for.
        url: String,
        /// Where the token came from.
        from: String,
    },
    /// 429.
    #[error(
        "{url} lets nobody in for {} s (429): there were too many attempts with wrong tokens, or too many requests",
        pause.as_secs()
    )]
    TooMany {
        /// What was asked for.
        url: String,
        /// How long.
        pause: Duration,
    },
    /// Another answer that is none.
    #[error("{url} answered {status}: {detail}")]
    Refused {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
        /// What the server says of it.
        detail: String,
    },
    /// Whatever it is, it is not this API.
    #[error(
        "{url} is not the admin interface of a CRSocket server: it answered {seen}. Its address is that of [admin] bind, \
         http://127.0.0.1:8081 by default, not where apps are served"
    )]
    NotAdmin {
        /// What was asked for.
        url: String,
        /// What came.
        seen: String,
    },
    /// The API of another version.
    #[error(
        "{url} answers with other fields than this crsocket, {own}, knows{}: {what}. Use the crsocket of the server's version",
        version.as_ref().map(|version| format!("; the server is {version}")).unwrap_or_default()
    )]
    OtherVersion {
        /// What was asked for.
        url: String,
        /// The version of this program.
        own: &'static str,
        /// The version of the server, where it says so.
        version: Option<String>,
        /// Which field, and what is wrong with it.
        what: String,
    },
    /// An answer without an end.
    #[error(
        "{url} answered with more than {limit} bytes: it is not the admin interface of a CRSocket server"
    )]
    TooLong {
        /// What was asked for.
        url: String,
        /// What is read at most.
        limit: usize,
    },
}

impl Problem {
    /// A request that failed before there was a whole answer.
    pub(super) fn of(error: &reqwest::Error, url: &str, after: Duration) -> Problem {
        let url = url.to_owned();
        if error.is_timeout() && !error.is_connect() {
            return Problem::Silent { url, after };
        }
        let mut why: String = "no connection in time".to_owned();
        let mut source = error.source();
        while let Some(error) = source {
            why = printable(&error.to_string());
            source = error.source();
        }
        if error.is_connect() { Problem::Unreachable { url, why } } else { Problem::Broken { url, why } }
    }

    /// How long it is not tried again, at least.
    pub(super) fn pause(&self) -> Duration {
        match self {
            Problem::TooMany { pause, .. } => (*pause).min(LONGEST_PAUSE),
            Problem::TokenNeeded { .. } | Problem::TokenRefused { .. } => GUARDED,
            Problem::Unreachable { .. }
            | Problem::Silent { .. }
            | Problem::Broken { .. }
            | Problem::Refused { .. }
            | Problem::NotAdmin { .. }
            | Problem::OtherVersion { .. }
            | Problem::TooLong { .. } => Duration::ZERO,
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) url: &'a str,
    /// Where the token came from that it was asked with.
    pub(super) token_from: Option<&'a str>,
    pub(super) status: StatusCode,
    pub(super) content_type: Option<&'a str>,
    pub(super) retry_after: Option<&'a str>,
    pub(super) body: &'a [u8],
}

impl Answer<'_> {
    /// What it says.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if self.status != StatusCode::OK {
            return Err(self.refusal());
        }
        serde_json::from_slice(self.body).map_err(|error| self.misread(&error))
    }

    /// Both resources have fields that nobody else's have by chance: an object with them is this API, of whatever version.
    fn misread(&self, error: &serde_json::Error) -> Problem {
        let url = self.url.to_owned();
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(fields)) if fields.contains_key("sockets") => {
                let version = fields.get("version").and_then(Value::as_str).map(printable);
                let own = env!("CARGO_PKG_VERSION");
                Problem::OtherVersion { url, own, version, what: printable(&error.to_string()) }
            }
            _ => Problem::NotAdmin { url, seen: self.seen() },
        }
    }

    fn refusal(&self) -> Problem {
        let (url, status) = (self.url.to_owned(), self.status);
        let problem = self.problem_detail();
        match (status, self.token_from) {
            (StatusCode::UNAUTHORIZED, None) => Problem::TokenNeeded { url },
            (StatusCode::UNAUTHORIZED, Some(from)) => Problem::TokenRefused { url, from: from.to_owned() },
            (StatusCode::TOO_MANY_REQUESTS, _) => {
                let seconds = self.retry_after.and_then(|seconds| seconds.trim().parse().ok());
                let pause = seconds.map_or(GUARDED, Duration::from_secs);
                Problem::TooMany { url, pause }
            }
            // What is there but does not know the resource is another server, or another part of it.
            (StatusCode::NOT_FOUND, _) => Problem::NotAdmin { url, seen: self.seen() },
            _ => match problem {
                Some(detail) => Problem::Refused { url, status, detail },
                None => Problem::NotAdmin { url, seen: self.seen() },
            },
        }
    }

    /// What the server says is wrong, in the form of RFC 9457.
    fn problem_detail(&self) -> Option<String> {
        if !self.content_type?.starts_with("application/problem+json") {
            return None;
        }
        let problem: Value = serde_json::from_slice(self.body).ok()?;
        let said = |field| problem.get(field).and_then(Value::as_str);
        Some(printable(said("detail").or(said("title")).unwrap_or("it does not say why")))
    }

    fn seen(&self) -> String {
        let what = self.content_type.map_or_else(|| "something without a type".to_owned(), printable);
        format!("{} with {what} of {} bytes", self.status, self.body.len())
    }
}

#[cfg(test)]
mod tests;
