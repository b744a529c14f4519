//! The `crsocket` command: so far it tells the life of one pair, run through the real machines and rules.

use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match tell_pair_life(&mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "crsocket: cannot write to standard output: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell_pair_life(out: &mut impl Write) -> io::Result<()> {
    let lines = crsocket::check::story::pair_life().map_err(io::Error::other)?;
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
