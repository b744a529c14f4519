//! What cannot be read from a request is told as a problem, like everything else.

use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};

use crate::problem::Problem;

/// The longest body that is read, in bytes.
const LONGEST_BODY: usize = 64 * 1024;

/// Of bodies.
pub(super) fn json() -> web::JsonConfig {
    web::JsonConfig::default().limit(LONGEST_BODY).error_handler(
        |error: JsonPayloadError, _: &HttpRequest| {
            let is_too_long = matches!(
                error,
                JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. }
            );
            let status = if is_too_long {
                StatusCode::PAYLOAD_TOO_LARGE
            } else if matches!(error, JsonPayloadError::ContentType) {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            } else {
                StatusCode::BAD_REQUEST
            };
            Problem::new(status, format!("the body cannot be understood: {error}")).into()
        },
    )
}

/// Of queries.
pub(super) fn query() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error: QueryPayloadError, _: &HttpRequest| {
        Problem::bad_request(format!("the query cannot be understood: {error}")).into()
    })
}

/// Of paths.
pub(super) fn path() -> web::PathConfig {
    web::PathConfig::default().error_handler(|_: PathError, request: &HttpRequest| {
        let detail = format!("there is nothing at {}", request.path().chars().take(80).collect::<String>());
        Problem::new(StatusCode::NOT_FOUND, detail).into()
    })
}
