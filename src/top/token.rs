//! The admin token: from a file or the environment, never from the command line, which other users of the machine see.

use std::env::{self, VarError};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use reqwest::header::HeaderValue;

use super::error::TopError;

/// The environment variable that may hold the token.
const VARIABLE: &str = "CRSOCKET_ADMIN_TOKEN";

/// No token is longer, in bytes.
const LONGEST: u64 = 8192;

/// What the server asks for, as a header; and where it came from, to name it in an error.
pub(super) struct Token {
    pub(super) header: HeaderValue,
    pub(super) from: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token from {}", self.from)
    }
}

/// The token of the file, else of the environment, else none.
///
/// # Errors
/// [`TopError::TokenFile`], [`TopError::BadToken`].
pub(super) fn read(file: Option<&Path>) -> Result<Option<Token>, TopError> {
    if let Some(path) = file {
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text))
            .map_err(|source| TopError::TokenFile { path: path.to_owned(), source })?;
        return token(&text, path.display().to_string()).map(Some);
    }
    match env::var(VARIABLE) {
        Ok(text) => token(&text, VARIABLE.to_owned()).map(Some),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(TopError::BadToken { from: VARIABLE.to_owned() }),
    }
}

/// A file ends with a line feed; that is no part of the token.
fn token(text: &str, from: String) -> Result<Token, TopError> {
    let text = text.trim();
    let fits = u64::try_from(text.len()).is_ok_and(|length| (1..=LONGEST).contains(&length));
    let header = HeaderValue::from_str(&format!("Bearer {text}"));
    match header {
        Ok(mut header) if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            header.set_sensitive(true);
            Ok(Token { header, from })
        }
        _ => Err(TopError::BadToken { from }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_and_never_shown() {
        let read = token(" s3cret\n", "a file".to_owned()).unwrap();
        assert_eq!(read.header.as_bytes(), b"Bearer s3cret");
        assert_eq!(format!("{read:?} {:?}", read.header), "Token from a file Sensitive");
        for bad in ["", " \n", "two words", "two\nlines", "gr\u{fc}n", &"x".repeat(8193)] {
            let error = token(bad, "a file".to_owned()).unwrap_err().to_string();
            assert!(error.starts_with("a file holds no token"), "{error}");
            assert!(bad.trim().is_empty() || !error.contains(bad), "{error} shows {bad:?}");
        }
    }
}
