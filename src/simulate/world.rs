//! What all threads of a run share.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::plan::Plan;
use super::time::{Micros, RunClock};
use crate::actors::host::Host;
use crate::protocol::ids::{AccessToken, AppId, ClientId, Role};

/// What all threads of a run share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) host: Arc<Host>,
    pub(super) app: AppId,
    /// One at least.
    pub(super) tokens: Vec<AccessToken>,
    pub(super) plan: Plan,
    pub(super) clock: RunClock,
    /// How many threads there are.
    pub(super) crowds: u32,
    /// The clientIds of its clients, where they are of one range.
    pub(super) own_ids: Option<RangeInclusive<u32>>,
    /// Until all are interacting.
    pub(super) gathering: Gathering,
    /// Told which clientIds single clients have.
    pub(super) named: Option<mpsc::UnboundedSender<(Role, ClientId)>>,
}

/// Waits until all are interacting for the first time.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// How many pairs are expected.
    pairs: usize,
    /// How many crSockets of theirs are interacting.
    interacting: AtomicUsize,
    /// When all were; zero where they have not been yet.
    since: AtomicU64,
    /// How many pairs have been interacting once.
    met: AtomicUsize,
}

impl Gathering {
    pub(super) fn new(pairs: usize) -> Gathering {
        Gathering { pairs, ..Gathering::default() }
    }

    pub(super) fn comes(&self, now: Micros) {
        if self.interacting.fetch_add(1, Ordering::Relaxed) + 1 == self.pairs * 2 {
            let _ = self.since.compare_exchange(0, now.0.max(1), Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    pub(super) fn goes(&self) {
        self.interacting.fetch_sub(1, Ordering::Relaxed);
    }

    /// A pair is interacting for the first time.
    pub(super) fn meets(&self) {
        self.met.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether each pair has been interacting once, if not all at once.
    pub(super) fn have_all_met(&self) -> bool {
        self.met.load(Ordering::Relaxed) >= self.pairs
    }

    /// When all were interacting at once for the first time.
    pub(super) fn done_at(&self) -> Option<Micros> {
        Some(Micros(self.since.load(Ordering::Relaxed))).filter(|at| at.0 > 0)
    }
}
