//! Why a server cannot start, or gives up.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use crate::apps::AppsError;
use crate::client_id_store::StoreError;
use crate::config::ConfigError;
use crate::http::files::WebRootError;

/// Why a server cannot start, or gives up.
#[derive(Debug, Error)]
pub enum ServerError {
    /// Another program listens there.
    #[error(
        "cannot listen on {address}: another program does so already; choose another address with --bind"
    )]
    AddressInUse {
        /// Where.
        address: SocketAddr,
    },
    /// Another program listens where the admin part should.
    #[error(
        "cannot listen on {address} for the admin part: another program does so already; choose another address with \
         --admin-bind (\"\" is none) or admin.bind ([] is none)"
    )]
    AdminAddressInUse {
        /// Where.
        address: SocketAddr,
    },
    /// It could not listen there.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A socket that was handed over could not be used.
    #[error("cannot use a socket that was handed over (LISTEN_FDS): {0}")]
    Inherited(io::Error),
    /// There is nowhere to listen.
    #[error("there is nothing to listen on: server.bind is empty, and there is no [tls]")]
    NoListener,
    /// The HTTP workers could not be started, or failed.
    #[error("cannot serve: {0}")]
    Serve(io::Error),
    /// Signals could not be listened for.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// The web root cannot be served.
    #[error(transparent)]
    WebRoot(#[from] WebRootError),
    /// The apps cannot be served.
    #[error(transparent)]
    Apps(#[from] AppsError),
    /// The clientIds cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of `[tls]` cannot be read.
    #[error("{key} = {}: {problem}", path.display())]
    TlsFile {
        /// Which setting names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The certificate and its key do not go together, or cannot be used.
    #[error("tls.certificate_file and tls.private_key_file cannot be used together: {0}")]
    Tls(rustls::Error),
    /// The environment says something that cannot be accepted.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// The Registry has died.
    #[error("the Registry has died; its sessions are lost")]
    RegistryDied,
}
