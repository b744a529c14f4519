//! Two reports side by side.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use super::report::{FORMAT, Report};
use rows::{Row, rows};

mod rows;

/// Of the table's columns: what it is, A, B, and B next to A.
const LABEL: usize = 34;
const COLUMN: usize = 16;

/// Why two reports cannot be compared.
#[derive(Debug, Error)]
pub enum CompareError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is in a file is no JSON.
    #[error("{} is not JSON: {source}; what `crsocket load --json FILE` writes is accepted", path.display())]
    NotJson {
        /// Which.
        path: PathBuf,
        /// Where, and why not.
        source: serde_json::Error,
    },
    /// It is JSON, but no report of a load test.
    #[error("{} is no report of a load test: {reason}; what `crsocket load --json FILE` writes is accepted", path.display())]
    NoReport {
        /// Which.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// It is a report, but of another version of the format.
    #[error("{} has the format {found:?}; {FORMAT:?} is accepted", path.display())]
    OtherFormat {
        /// Which.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// The comparison cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// Reads both, and writes what differs in their settings, then their figures side by side.
///
/// # Errors
/// [`CompareError`].
pub fn run(a: &Path, b: &Path, out: &mut impl Write) -> Result<(), CompareError> {
    let (report_a, report_b) = (read(a)?, read(b)?);
    let names = [a, b].map(|path| super::words::plain(&path.display().to_string()));
    write(&names, [&report_a, &report_b], out)?;
    Ok(())
}

/// What is looked at first.
#[derive(Deserialize)]
struct Head {
    format: Option<String>,
}

fn read(path: &Path) -> Result<Report, CompareError> {
    let no_report = |reason: String| CompareError::NoReport { path: path.to_owned(), reason };
    let bytes = fs::read(path).map_err(|source| CompareError::Read { path: path.to_owned(), source })?;
    let value: serde_json::Value = serde_json::from_slice(&bytes)
        .map_err(|source| CompareError::NotJson { path: path.to_owned(), source })?;
    let Ok(Head { format: Some(format) }) = Head::deserialize(&value) else {
        return Err(no_report("it has no format".to_owned()));
    };
    if format != FORMAT {
        let mut found = format;
        found.truncate(found.char_indices().nth(60).map_or(found.len(), |(at, _)| at));
        return Err(match found.starts_with("crsocket-load-") {
            true => CompareError::OtherFormat { path: path.to_owned(), found },
            false => no_report(format!("its format is {found:?}")),
        });
    }
    Report::deserialize(value).map_err(|error| no_report(error.to_string()))
}

fn write(names: &[String; 2], reports: [&Report; 2], out: &mut impl Write) -> io::Result<()> {
    for ((letter, name), report) in ["A", "B"].into_iter().zip(names).zip(reports) {
        let begun = super::words::calendar(report.started_at);
        let ended = if report.interrupted { ", ended before its time" } else { "" };
        writeln!(
            out,
            "{letter}  {name}, {begun}, version {}{ended}",
            super::words::short(&report.version, 20)
        )?;
    }
    writeln!(out)?;
    differences(reports, out)?;
    writeln!(out)?;
    writeln!(out, "{:<LABEL$}{:>COLUMN$}{:>COLUMN$}   B next to A", "", "A", "B")?;
    for Row { label, shown: [a, b], change } in rows(reports) {
        let line = format!("{label:<LABEL$}{a:>COLUMN$}{b:>COLUMN$}   {change}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn differences(reports: [&Report; 2], out: &mut impl Write) -> io::Result<()> {
    let [a, b] = reports.map(|report| rows::settings(&report.setting));
    let differ: Vec<_> = a.into_iter().zip(b).filter(|((_, a), (_, b))| a != b).collect();
    if differ.is_empty() {
        return writeln!(out, "The settings are the same.");
    }
    writeln!(out, "The settings differ; figures that depend on them cannot be compared:")?;
    for ((name, a), (_, b)) in differ {
        writeln!(out, "  {name:<18}A {a}")?;
        writeln!(out, "  {:<18}B {b}", "")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
