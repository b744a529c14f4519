//! What cannot be accepted: which key, which value, where it came from, and what is accepted.
//!
//! No value below a key named `tokens`, `token`, `access_token` or `key` is ever shown.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why there are no settings.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no TOML. What stands there is not shown: it may be secret.
    #[error("{}, line {line}, column {column}, is not TOML: {what}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// What was given cannot be accepted: everything that is wrong with it.
    #[error("{}", lines(.0))]
    Mistakes(Vec<Mistake>),
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n")
}

/// One thing that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Mistake {
    /// There is no such key.
    #[error("{given} is not a setting; {known}")]
    Unknown {
        /// What was given; without the last part of its key where that may be secret.
        given: Given,
        /// The keys that there are.
        known: String,
    },
    /// A value of the wrong type, or outside what is accepted.
    #[error("{given} is refused; accepted: {accepted}")]
    Refused {
        /// What was given.
        given: Given,
        /// What is accepted.
        accepted: String,
    },
    /// Two values contradict each other.
    #[error("{given} {must} {other}")]
    Contradiction {
        /// What was given.
        given: Given,
        /// The relation that does not hold: `must be shorter than`.
        must: String,
        /// What it contradicts.
        other: Given,
    },
    /// A value without which another makes no sense.
    #[error("{key} is missing: {because}")]
    Missing {
        /// The whole key.
        key: String,
        /// Why it is needed.
        because: &'static str,
    },
    /// A value that would change nothing.
    #[error("{given} counts for nothing without {without}")]
    Useless {
        /// What was given.
        given: Given,
        /// What it needs.
        without: &'static str,
    },
    /// An environment variable that cannot be a setting.
    #[error("environment variable {name}: {because}")]
    Variable {
        /// Its name.
        name: String,
        /// Why not.
        because: &'static str,
    },
}

/// A key, its value and where it came from, as they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The whole key: `server.bind[1]`.
    pub key: String,
    /// The value as it is written in TOML; none where it is secret, or too much to show.
    pub value: Option<String>,
    /// A file and a line, an environment variable, a flag, or the default.
    pub place: String,
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} = {value} ({})", self.key, self.place),
            None => write!(f, "{} ({})", self.key, self.place),
        }
    }
}

/// Whether what is below this key must not be shown.
pub(super) fn is_secret(key: &str) -> bool {
    ["tokens", "token", "access_token", "key"].contains(&key)
}

/// Whether a key that is not known may be such a one, mistyped, or another secret.
pub(super) fn may_be_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["tok", "key", "secret", "pass"].iter().any(|part| key.contains(part))
}
