//! Errors as `application/problem+json` (RFC 9457).

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};

/// What is wrong with a request: what was seen, and what is accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl Problem {
    /// A problem with this status, told in a sentence.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), members: Map::new(), headers: Vec::new() }
    }

    /// And something for programs to read.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Problem {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// And a header; one that cannot be a header is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Problem {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// `404`: this server has no such app.
    pub fn unknown_app(app: &str) -> Problem {
        let shown: String = app.chars().take(64).collect();
        Problem::new(StatusCode::NOT_FOUND, format!("this server has no app {shown:?}")).with("app", shown)
    }

    /// `404`: nothing is served at this path.
    pub fn nothing_here() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "nothing is served at this path; everything is below /crsocket/")
    }

    /// `405`, with the methods that are accepted.
    pub fn method_not_allowed(seen: &str, allowed: &str) -> Problem {
        let seen: String = seen.chars().take(20).collect();
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("{seen} is not accepted here; accepted: {allowed}"),
        )
        .with_header(header::ALLOW, allowed)
    }

    /// `400`: what was asked cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    /// `503`: whoever asks again later may be served.
    pub fn not_now(detail: impl Into<String>, retry_after_seconds: i64) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .with_header(header::RETRY_AFTER, &retry_after_seconds.max(1).to_string())
    }

    /// The answer.
    pub fn response(&self) -> HttpResponse {
        let body = Body {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            members: &self.members,
        };
        let mut response = HttpResponseBuilder::new(self.status);
        response
            .insert_header((header::CONTENT_TYPE, "application/problem+json"))
            .insert_header((header::CACHE_CONTROL, "no-store"));
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response.body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}
