//! What this process takes of the machine, as it is told.

use serde::Serialize;
use utoipa::ToSchema;

use crate::metrics::process::ProcessUsage;

/// What a process takes.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Usage {
    /// Of memory, in bytes: the resident set.
    pub(super) memory_bytes: u64,
    /// Of processor time since its start, in seconds.
    pub(super) cpu_seconds: f64,
    /// Of cores over the last second.
    pub(super) cpu_cores: f64,
    /// Open files, connections among them.
    pub(super) open_files: usize,
    /// Threads.
    pub(super) threads: i64,
}

/// As far as the system says it; what it does not say is zero.
pub(super) fn usage() -> Usage {
    let ProcessUsage { memory_bytes, cpu_seconds, open_files, threads } =
        ProcessUsage::now().unwrap_or_default();
    Usage { memory_bytes, cpu_seconds, cpu_cores: 0.0, open_files, threads }
}
