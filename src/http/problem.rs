//! Errors as `application/problem+json` (RFC 9457).

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde_json::{Map, Value};

/// An error answer: what went wrong, and what would be right.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// The kind of problem in a few words, the same for all of its kind.
    pub title: &'static str,
    /// What was seen, and what is accepted.
    pub detail: String,
    /// Further members.
    pub extra: Map<String, Value>,
}

impl Problem {
    /// A problem without further members.
    pub fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, title, detail: detail.into(), extra: Map::new() }
    }

    /// The answer.
    pub fn response(&self) -> HttpResponse {
        let mut members = self.extra.clone();
        members.insert("status".to_owned(), self.status.as_u16().into());
        members.insert("title".to_owned(), self.title.into());
        members.insert("detail".to_owned(), self.detail.as_str().into());
        HttpResponse::build(self.status)
            .insert_header((header::CONTENT_TYPE, "application/problem+json"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(Value::Object(members).to_string())
    }
}
