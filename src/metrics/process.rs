//! What this process takes of the machine.

use std::collections::BTreeMap;

use procfs::process::Process;

/// What a process has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// Of memory, in bytes: the resident set.
    pub memory_bytes: u64,
    /// Of processor time since its start, in seconds.
    pub cpu_seconds: f64,
    /// Open files, connections among them.
    pub open_files: usize,
    /// Threads.
    pub threads: i64,
}

impl ProcessUsage {
    /// Of this process. None where the system does not say it: without a file to open it cannot be asked.
    pub fn now() -> Option<ProcessUsage> {
        let process = Process::myself().ok()?;
        let stat = process.stat().ok()?;
        Some(ProcessUsage {
            memory_bytes: stat.rss.saturating_mul(procfs::page_size()),
            cpu_seconds: seconds(stat.utime.saturating_add(stat.stime)),
            open_files: process.fd_count().unwrap_or(0),
            threads: stat.num_threads,
        })
    }
}

/// The processor time of each thread of this process, in seconds, by its number.
pub fn thread_seconds() -> BTreeMap<i32, f64> {
    let Some(tasks) = Process::myself().ok().and_then(|process| process.tasks().ok()) else {
        return BTreeMap::new();
    };
    let read = |task: procfs::process::Task| {
        let stat = task.stat().ok()?;
        Some((task.tid, seconds(stat.utime.saturating_add(stat.stime))))
    };
    tasks.filter_map(|task| read(task.ok()?)).collect()
}

#[allow(clippy::cast_precision_loss, reason = "seconds are exact for a hundred thousand years")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / procfs::ticks_per_second().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_something() {
        let usage = ProcessUsage::now().unwrap();
        assert!(usage.memory_bytes > 1_000_000 && usage.open_files > 2 && usage.threads > 0, "{usage:?}");
        let threads = thread_seconds();
        assert!(!threads.is_empty() && threads.values().all(|seconds| *seconds >= 0.0), "{threads:?}");
    }
}
