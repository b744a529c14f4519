//! Many lives, on several threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::life::{Summary, live};
use super::plan::{Faults, Plan, Scenario};
use super::watch::Violation;
use crate::protocol::time::{Millis, Timing};

/// Which lives are lived.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The first seed.
    pub from: u64,
    /// How many seeds.
    pub seeds: u64,
    /// How many pairs in each life.
    pub pairs: usize,
    /// How long each life lasts, about.
    pub length: Millis,
    /// How much goes wrong.
    pub faults: Faults,
    /// The timings of clients and server.
    pub timing: Timing,
    /// On how many threads.
    pub threads: usize,
}

/// A life that went wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its plan.
    pub plan: Plan,
    /// What did not hold.
    pub violation: Violation,
}

impl Campaign {
    /// The plan of one seed.
    pub fn plan(&self, seed: u64) -> Plan {
        Plan::new(&Scenario { seed, pairs: self.pairs, length: self.length, faults: self.faults })
    }

    /// Lives them all; stops at the first that goes wrong, and gives out the one with the lowest seed. `progress` is
    /// called after each life, from any thread, with what they amount to so far. Gives out how many were lived, too.
    pub fn run(&self, progress: impl Fn(u64, Summary) + Sync) -> (u64, Summary, Option<Box<Failure>>) {
        let next = AtomicU64::new(0);
        let stop = AtomicBool::new(false);
        let state = Mutex::new((Summary::default(), 0, None));
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= self.seeds {
                            break;
                        }
                        let plan = self.plan(self.from.wrapping_add(index));
                        let lived = live(&plan, &self.timing);
                        let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        state.1 += 1;
                        match lived {
                            Ok(summary) => state.0 = state.0.and(summary),
                            Err(violation) => {
                                stop.store(true, Ordering::Relaxed);
                                keep_lowest(&mut state.2, Failure { plan, violation });
                            }
                        }
                        progress(state.1, state.0);
                    }
                });
            }
        });
        let (summary, lived, failure) = state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        (lived, summary, failure)
    }
}

fn keep_lowest(kept: &mut Option<Box<Failure>>, failure: Failure) {
    if kept.as_ref().is_none_or(|kept| failure.plan.scenario.seed < kept.plan.scenario.seed) {
        *kept = Some(Box::new(failure));
    }
}
