//! What the server answers over HTTP.

pub mod files;
pub mod problem;
