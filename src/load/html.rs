//! The report as a page.
use super::report::Report;

/// The page.
///
/// # Errors
/// Of serde.
pub fn html(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string(report)
}
