//! The `crsocket` command.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use crsocket::check_command::{self, CheckError};
use crsocket::cli::{Cli, Command, DemoArgs};
use crsocket::config::{ConfigError, Settings};
use crsocket::config_command::{self, ConfigCommandError};
use crsocket::demo::{self, DemoError};
use crsocket::load_command::{self, LoadError};
use crsocket::server::{self, ServerError};
use crsocket::simulate_command::{self, SimulateError};
use crsocket::top::{self, TopError};
use thiserror::Error;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match run(&Cli::parse(), &mut io::stdout().lock()) {
        Ok(code) => code,
        // Whoever reads has seen enough.
        Err(error) if error.output().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            // Where standard error is gone too, the exit status is all that is left to say it with.
            let _ = writeln!(io::stderr(), "crsocket: {error}");
            ExitCode::from(2)
        }
    }
}

/// Why a command failed.
#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Config(#[from] ConfigCommandError),
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Top(#[from] TopError),
    #[error(transparent)]
    Simulate(#[from] SimulateError),
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Failure {
    /// What went wrong with standard output, if that is what it was.
    fn output(&self) -> Option<&io::Error> {
        match self {
            Failure::Check(CheckError::Output(error))
            | Failure::Config(ConfigCommandError::Output(error))
            | Failure::Top(TopError::Output(error))
            | Failure::Simulate(SimulateError::Output(error))
            | Failure::Load(LoadError::Output(error)) => Some(error),
            Failure::Check(_)
            | Failure::Config(_)
            | Failure::Settings(_)
            | Failure::Server(_)
            | Failure::Demo(_)
            | Failure::Top(_)
            | Failure::Simulate(_)
            | Failure::Load(_) => None,
        }
    }
}

fn run(cli: &Cli, out: &mut impl Write) -> Result<ExitCode, Failure> {
    match &cli.command {
        Some(Command::Check(args)) => Ok(check_command::run(args, out)?),
        Some(Command::CheckConfig { file }) => Ok(config_command::check(file, out)?),
        Some(Command::Serve(args)) => {
            start_log();
            let settings = Settings::load(args.config.as_deref(), &args.overrides())?;
            server::run(settings, |_| ())?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::PrintConfig(args)) => Ok(config_command::print(args, out)?),
        Some(Command::Top(args)) => Ok(top::run(args, out)?),
        Some(Command::Simulate(args)) => {
            start_log();
            Ok(simulate_command::run(args, out)?)
        }
        Some(Command::Load(args)) => {
            start_log();
            Ok(load_command::run(args, out)?)
        }
        Some(Command::Demo(args)) => Ok(demo::run(args, out)?),
        None => Ok(demo::run(&DemoArgs::default(), out)?),
    }
}

/// The log goes to standard error: `RUST_LOG` says how much. By default the HTTP layer says only what went wrong.
fn start_log() {
    let default = "info,actix_http=error,actix_server=warn,actix_web=warn";
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(default)).init();
}
