//! The report at a terminal.
use std::io::{self, Write};

use super::report::Report;

/// Writes it.
///
/// # Errors
/// Of the output.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:#?}", report.figures)?;
    for gate in &report.gates {
        writeln!(
            out,
            "{} {} {:?} {}",
            gate.flag,
            gate.limit,
            gate.seen,
            if gate.passed { "PASSED" } else { "FAILED" }
        )?;
    }
    Ok(())
}
