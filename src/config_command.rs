//! `crsocket check-config` and `crsocket print-config` at the terminal.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use thiserror::Error;

use crate::cli::ServeArgs;
use crate::config::{ConfigError, Overrides, Settings};
use crate::protocol::ids::AppId;
use crate::server::{self, ServerError};

/// Why the command could not be carried out, or what is wrong with the configuration.
#[derive(Debug, Error)]
pub enum ConfigCommandError {
    /// The configuration cannot be accepted.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file or folder that the settings name cannot be used.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// Checks a file as the server would at its start, with the environment but without flags.
///
/// # Errors
/// [`ConfigCommandError`].
pub fn check(file: &Path, out: &mut impl Write) -> Result<ExitCode, ConfigCommandError> {
    let settings = Settings::load(Some(file), &Overrides::default())?;
    server::check(&settings)?;
    let names: Vec<&str> = settings.apps.keys().map(AppId::as_str).collect();
    let apps = match (names.as_slice(), settings.server.any_app) {
        ([], false) => "no app is configured, and any_app is off: all are answered with 404".to_owned(),
        ([], true) => "any app is served".to_owned(),
        (names, false) => format!("the apps are {}", names.join(", ")),
        (names, true) => format!("the apps are {}, and any other is served", names.join(", ")),
    };
    writeln!(out, "{} can be served: {apps}.", file.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the settings in force as a configuration file.
///
/// # Errors
/// [`ConfigCommandError`].
pub fn print(args: &ServeArgs, out: &mut impl Write) -> Result<ExitCode, ConfigCommandError> {
    let settings = Settings::load(args.config.as_deref(), &args.overrides())?;
    out.write_all(settings.to_toml().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
