//! How many files, and so connections, this process may have open.

use rlimit::Resource;

/// As many open files as the system allows: each connection is one.
pub(crate) fn raise() {
    let raised = Resource::NOFILE.get().and_then(|(soft, hard)| {
        Resource::NOFILE.set(hard, hard)?;
        Ok((soft, hard))
    });
    match raised {
        Ok((soft, hard)) if soft < hard => {
            log::debug!("the limit of open files was raised from {soft} to {hard}");
        }
        Ok((soft, _)) => log::debug!("the limit of open files is {soft}"),
        Err(error) => log::warn!("the limit of open files stays as it is: {error}"),
    }
}

/// How many this process may have open, if the system says it.
pub(crate) fn limit() -> Option<u64> {
    Resource::NOFILE.get().ok().map(|(soft, _)| soft)
}
