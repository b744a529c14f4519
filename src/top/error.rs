//! Why nothing could be shown.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::problem::Problem;

/// Why `crsocket top` had to give up.
#[derive(Debug, Error)]
pub enum TopError {
    /// `--url` is no address of a server.
    #[error(
        "--url: {seen:?} is no address of an admin listener; accepted: http:// or https://, a host, and maybe a port and a \
         path, such as http://127.0.0.1:8081, without a user or password"
    )]
    Address {
        /// What was given.
        seen: String,
    },
    /// `--token-file` cannot be read.
    #[error("--token-file: cannot read {}: {source}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What should be a token is none. It is not shown: it may be one with a slip.
    #[error("{from} holds no token: one word of visible ASCII characters, as in [admin] token of the server")]
    BadToken {
        /// The file or variable.
        from: String,
    },
    /// TLS itself.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
    /// The runtime.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    /// The first answer did not come, or was none.
    #[error(transparent)]
    Server(#[from] Problem),
    /// The terminal could not be drawn on or read from.
    #[error("the terminal: {0}")]
    Terminal(io::Error),
    /// Signals cannot be listened for.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
}
