//! A report as one page that needs nothing else: it can be mailed, opened from a file, printed.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::report::Report;
use crate::web::{self, WebFile};
use markup::{escape, foreign};

mod markup;
mod summary;
mod tables;

/// What the page is made of, below `src/web`.
const PAGE: &str = "load/report.html";
const STYLES: [&str; 4] =
    ["shared/palette.css", "load/vendor/uPlot.min.css", "load/report.css", "load/charts.css"];
const SCRIPTS: [&str; 7] = [
    "load/vendor/uPlot.iife.min.js",
    "load/units.js",
    "load/colours.js",
    "load/marks.js",
    "load/charts.js",
    "load/series.js",
    "load/report.js",
];
/// The notice that goes with every copy of the charts' library.
const LICENCE: &str = "load/vendor/LICENSE";

/// Why there is no page.
#[derive(Debug, Error)]
pub enum HtmlError {
    /// The report cannot be JSON.
    #[error("the report cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A part of the page is not in the program.
    #[error("src/web/{0} is not in this program, or is no text")]
    Missing(&'static str),
    /// The page's frame names a part that there is not.
    #[error("{PAGE} names {{{{{0}}}}}, which there is not")]
    UnknownPart(String),
}

/// The page.
///
/// # Errors
/// [`HtmlError`].
pub fn html(report: &Report) -> Result<String, HtmlError> {
    let styles = STYLES.into_iter().map(Inlined::load).collect::<Result<Vec<_>, _>>()?;
    let scripts = SCRIPTS.into_iter().map(Inlined::load).collect::<Result<Vec<_>, _>>()?;
    let frame = Inlined::load(PAGE)?;
    let parts = [
        ("policy", policy(&scripts, &styles)),
        ("title", escape(&summary::title(report)).into_owned()),
        ("styles", elements("style", &styles)),
        ("scripts", elements("script", &scripts)),
        ("data", data(report)?),
        ("begun", summary::begun(report)),
        ("summary", summary::summary(report)),
        ("tiles", summary::tiles(report)),
        ("tables", tables::tables(report)),
        ("version", foreign(&report.version)),
        ("licence", escape(Inlined::load(LICENCE)?.text.trim()).into_owned()),
    ];
    fill(&frame.text, &parts)
}

/// A file that stands in the page as it is.
struct Inlined {
    text: Cow<'static, str>,
    hash: [u8; 32],
}

impl Inlined {
    fn load(path: &'static str) -> Result<Inlined, HtmlError> {
        let WebFile { bytes, hash } = web::find(path).ok_or(HtmlError::Missing(path))?;
        let text = match bytes {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        };
        Ok(Inlined { text: text.ok_or(HtmlError::Missing(path))?, hash })
    }
}

/// What the page may do: run what is in it, and nothing else.
fn policy(scripts: &[Inlined], styles: &[Inlined]) -> String {
    let hashes = |files: &[Inlined]| -> String {
        files.iter().map(|file| format!(" 'sha256-{}'", STANDARD.encode(file.hash))).collect()
    };
    format!(
        "default-src 'none'; script-src{}; style-src{}; base-uri 'none'; form-action 'none'",
        hashes(scripts),
        hashes(styles)
    )
}

fn elements(name: &str, files: &[Inlined]) -> String {
    files.iter().map(|file| format!("<{name}>{}</{name}>\n", file.text)).collect()
}

/// The report for the page's scripts. A `<` stands in texts only, where it may be written so that no markup begins.
fn data(report: &Report) -> Result<String, HtmlError> {
    Ok(serde_json::to_string(report)?.replace('<', "\\u003c"))
}

/// Puts the parts in their places, in one go: what looks like a place within a part stays.
fn fill(frame: &str, parts: &[(&str, String)]) -> Result<String, HtmlError> {
    let mut page =
        String::with_capacity(frame.len() + parts.iter().map(|(_, part)| part.len()).sum::<usize>());
    let mut left = frame;
    while let Some((before, rest)) = left.split_once("{{") {
        let (name, after) = rest.split_once("}}").unwrap_or((rest, ""));
        let part = parts.iter().find(|(known, _)| *known == name);
        let (_, part) = part.ok_or_else(|| HtmlError::UnknownPart(name.to_owned()))?;
        page.push_str(before);
        page.push_str(part);
        left = after;
    }
    page.push_str(left);
    Ok(page)
}

#[cfg(test)]
mod tests;
