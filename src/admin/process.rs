//! What this process takes of the machine.

use procfs::process::Process;
use serde::Serialize;
use utoipa::ToSchema;

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
    let Ok(process) = Process::myself() else { return Usage::default() };
    let Ok(stat) = process.stat() else { return Usage::default() };
    let ticks = procfs::ticks_per_second().max(1);
    Usage {
        memory_bytes: stat.rss.saturating_mul(procfs::page_size()),
        cpu_seconds: seconds(stat.utime.saturating_add(stat.stime), ticks),
        cpu_cores: 0.0,
        open_files: process.fd_count().unwrap_or(0),
        threads: stat.num_threads,
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "seconds of processor time are exact for a hundred thousand years"
)]
fn seconds(time: u64, ticks: u64) -> f64 {
    time as f64 / ticks as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_something() {
        let usage = usage();
        assert!(usage.memory_bytes > 1_000_000 && usage.open_files > 2 && usage.threads > 0, "{usage:?}");
    }
}
