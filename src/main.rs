//! The `crsocket` command.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use crsocket::check::story::pair_life;
use crsocket::check_command::{self, CheckError};
use crsocket::cli::{Cli, Command};

fn main() -> ExitCode {
    match run(&Cli::parse(), &mut io::stdout().lock()) {
        Ok(code) => code,
        // Whoever reads has seen enough.
        Err(CheckError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is gone too, the exit status is all that is left to say it with.
            let _ = writeln!(io::stderr(), "crsocket: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli, out: &mut impl Write) -> Result<ExitCode, CheckError> {
    match &cli.command {
        Some(Command::Check(args)) => check_command::run(args, out),
        None => {
            for line in pair_life(1)? {
                writeln!(out, "{line}")?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
