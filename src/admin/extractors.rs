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
            let (status, why) = if is_too_long {
                (StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
            } else if matches!(error, JsonPayloadError::ContentType) {
                let why = "its Content-Type is not application/json".to_owned();
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, why)
            } else if let JsonPayloadError::Deserialize(error) = &error {
                (StatusCode::BAD_REQUEST, without_values(error))
            } else {
                (StatusCode::BAD_REQUEST, error.to_string())
            };
            Problem::new(status, format!("the body cannot be understood: {why}")).into()
        },
    )
}

/// What is wrong with a JSON text. The value that is wrong is not repeated: it may be a secret in the wrong place.
pub(super) fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    for kind in ["invalid type: ", "invalid value: "] {
        let seen = text
            .strip_prefix(kind)
            .and_then(|rest| rest.split_once(' ').zip(rest.rsplit_once(", expected ")));
        if let Some(((what, _), (_, expected))) = seen {
            return format!("{kind}{}, expected {expected}", what.trim_end_matches(','));
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "it is only read")]
    struct Body {
        count: usize,
        names: Vec<String>,
    }

    #[test]
    fn a_value_that_is_wrong_is_not_repeated() {
        for (text, expected) in [
            (
                r#"{"count":"my secret, expected"}"#,
                "invalid type: string, expected usize at line 1 column 30",
            ),
            (r#"{"count":-47110815}"#, "invalid value: integer, expected usize at line 1 column 18"),
            (r#"{"count":4.25}"#, "invalid type: floating, expected usize at line 1 column 13"),
            (r#"{"names":{"secret":1}}"#, "invalid type: map, expected a sequence at line 1 column 9"),
            (r#"{"names":[4711]}"#, "invalid type: integer, expected a string at line 1 column 14"),
            (r#"{"count":null}"#, "invalid type: null, expected usize at line 1 column 13"),
            (r#"{"count":1}"#, "missing field `names` at line 1 column 11"),
            ("{", "EOF while parsing an object at line 1 column 1"),
        ] {
            let error = serde_json::from_str::<Body>(text).unwrap_err();
            assert_eq!(without_values(&error), expected, "{text}");
        }
    }
}
