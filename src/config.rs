//! All settings: what they mean, their defaults, and how they are read.
//!
//! Flags go before environment variables (`CRSOCKET__SERVER__BIND`), these before the file, the file before the
//! defaults. [`mistake`] says how what cannot be accepted is told; `config/crsocket.toml` is the file with every
//! setting, its default and its reason.

pub mod admin;
pub mod apps;
pub mod hosted;
pub mod mistake;
mod origins;
mod read;
mod section;
mod source;
mod value;
mod write;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use crate::protocol::ids::{AccessToken, AppId};
use crate::protocol::limits::Limits;
use crate::protocol::time::{Millis, Timing};

pub use admin::{AdminSettings, AdminToken};
pub use apps::{AccessSettings, AppSettings, ListedToken, TokenPattern};
pub use hosted::{Behaviour, HostedSettings};
pub use mistake::{ConfigError, Mistake};
pub use origins::CorsOrigins;

/// All settings, checked. Relative paths are relative to the current directory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// `[server]`.
    pub server: ServerSettings,
    /// `[tls]`; without it nothing is served by TLS.
    pub tls: Option<TlsSettings>,
    /// `[admin]`.
    pub admin: AdminSettings,
    /// `[timing]`: section 8 of the specification.
    pub timing: Timing,
    /// `[limits]`, and `[server] bind_client_ids`.
    pub limits: Limits,
    /// `[apps.NAME]`.
    pub apps: BTreeMap<AppId, AppSettings>,
    /// `[[hosted]]`: clients that the server hosts itself.
    pub hosted: Vec<HostedSettings>,
    /// The demo, which `crsocket demo` serves; none is configured.
    pub demo: Option<DemoSettings>,
}

/// The demo: its pages, and partners to practise with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoSettings {
    /// In which app.
    pub app: AppId,
    /// The accessToken of the partners.
    pub access_token: AccessToken,
}

/// `[server]`: where it listens, what it serves from, how it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where HTTP is spoken in cleartext. Empty only where `[tls]` says where else. `127.0.0.1:8080`.
    pub bind: Vec<SocketAddr>,
    /// The folder whose files are served below `/crsocket/`. None.
    pub web_root: Option<PathBuf>,
    /// Where the sequence of clientIds is kept over restarts; without it each run has a random one.
    /// `./crsocket-data`.
    pub data_dir: Option<PathBuf>,
    /// Threads that serve HTTP. 1.
    pub workers: NonZero<usize>,
    /// Open connections of the whole process. A million.
    pub max_connections: usize,
    /// Connections that wait to be accepted, for each address. 4,096.
    pub backlog: u32,
    /// Longest time that a graceful stop may take. 10 s.
    pub shutdown_timeout: Millis,
    /// How long a connection stays open for a next request. 15 s.
    pub keep_alive: Millis,
    /// Whether apps that are not listed are served too, to anybody. No; yes where no file was given, since apps are
    /// listed there.
    pub any_app: bool,
    /// Whose X-Forwarded-For or Forwarded names the client. Nobody's.
    pub trusted_proxies: Vec<IpNet>,
    /// After this long without a frame a stream gets a comment line (section 4, Ends). 15 s.
    pub heartbeat: Millis,
    /// The same on HTTP/2, where nothing else tells that a client is gone. 5 s.
    pub heartbeat_http2: Millis,
}

impl Default for ServerSettings {
    fn default() -> ServerSettings {
        ServerSettings {
            bind: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))],
            web_root: None,
            data_dir: Some(PathBuf::from("./crsocket-data")),
            workers: NonZero::<usize>::MIN,
            max_connections: 1_000_000,
            backlog: 4_096,
            shutdown_timeout: Millis::from_secs(10),
            keep_alive: Millis::from_secs(15),
            any_app: false,
            trusted_proxies: Vec::new(),
            heartbeat: Millis::from_secs(15),
            heartbeat_http2: Millis::from_secs(5),
        }
    }
}

/// `[tls]`: HTTP by TLS, HTTP/1.1 and HTTP/2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// Where. `0.0.0.0:8443`.
    pub bind: Vec<SocketAddr>,
    /// The certificate chain, PEM.
    pub certificate_file: PathBuf,
    /// Its private key, PEM.
    pub private_key_file: PathBuf,
}

impl TlsSettings {
    /// Where TLS is served unless something else is said.
    pub fn default_bind() -> Vec<SocketAddr> {
        vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443))]
    }
}

/// What the command line says instead of environment, file and defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--bind`, as often as there are addresses.
    pub bind: Vec<String>,
    /// `--admin-bind`, likewise.
    pub admin_bind: Vec<String>,
    /// `--web-root`.
    pub web_root: Option<String>,
    /// `--data-dir`.
    pub data_dir: Option<String>,
}

impl Settings {
    /// Flags before the environment of this process before the file before the defaults.
    ///
    /// # Errors
    /// [`ConfigError`]: the file cannot be read or understood, or all the mistakes in what was given.
    pub fn load(file: Option<&Path>, flags: &Overrides) -> Result<Settings, ConfigError> {
        Settings::from_sources(file, env::vars_os(), flags)
    }

    /// The same, with an environment of its own.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn from_sources(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: &Overrides,
    ) -> Result<Settings, ConfigError> {
        let (tree, mut mistakes) = source::merge(file, environment, flags)?;
        let mut settings = read::settings(&tree, &mut mistakes);
        if file.is_none() && !read::says(&tree, "server", "any_app") {
            // Apps are named in a file; without one a server that knew none would be of no use.
            settings.server.any_app = true;
        }
        if mistakes.is_empty() { Ok(settings) } else { Err(ConfigError::Mistakes(mistakes)) }
    }

    /// These settings as a file that says the same, with `tokens` left out: they are secret.
    pub fn to_toml(&self) -> String {
        write::settings(self)
    }
}
