//! `crsocket check-config` and `crsocket print-config` at the terminal.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use thiserror::Error;

use crate::cli::ServeArgs;
use crate::config::{ConfigError, Overrides, Settings};

/// Why the command could not be carried out, or what is wrong with the configuration.
#[derive(Debug, Error)]
pub enum ConfigCommandError {
    /// The configuration cannot be accepted.
    #[error(transparent)]
    Config(#[from] ConfigError),
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
    let apps: Vec<&str> = settings.apps.keys().map(|id| id.as_str()).collect();
    let any = if settings.server.any_app { ", and any other" } else { "" };
    let names = if apps.is_empty() { "none".to_owned() } else { apps.join(", ") };
    writeln!(out, "{}: good; apps: {names}{any}", file.display())?;
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
