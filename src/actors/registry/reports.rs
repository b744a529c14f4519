//! What the readers of streams report, until the Registry hears it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use actix::Recipient;

use crate::actors::messages::ReportsWait;
use crate::actors::output::{Report, TakesReports};
use crate::metrics::Counters;

/// A queue with a doorbell: the first report of a batch rings, the rest lie beside it. So a burst of frames costs the
/// mailbox one message, and whoever reads nothing adds nothing: a report follows what was written.
#[derive(Debug)]
pub(super) struct Reports {
    waiting: Mutex<Vec<Report>>,
    registry: Recipient<ReportsWait>,
    counters: Arc<Counters>,
}

impl Reports {
    pub(super) fn new(registry: Recipient<ReportsWait>, counters: Arc<Counters>) -> Reports {
        Reports { waiting: Mutex::default(), registry, counters }
    }

    /// All that wait, oldest first.
    pub(super) fn take(&self) -> Vec<Report> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl TakesReports for Reports {
    fn report(&self, report: Report) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let rings = waiting.is_empty();
        waiting.push(report);
        drop(waiting);
        if rings {
            // Past the mailbox's bound, but one at most.
            self.registry.do_send(ReportsWait);
        }
    }

    fn took(&self, accepted: Instant) {
        self.counters.latency().record(accepted.elapsed());
    }
}
