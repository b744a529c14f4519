//! Two reports side by side.
use std::io::{self, Write};
use std::path::Path;

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// Output.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Compares.
///
/// # Errors
/// [`CompareError`].
pub fn run(_: &Path, _: &Path, _: &mut impl Write) -> Result<(), CompareError> {
    Ok(())
}
