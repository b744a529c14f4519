//! A life that went wrong, with everything left out that it went wrong without.

use super::life::live;
use super::plan::{Plan, Room, Trouble};
use super::watch::Violation;
use crate::protocol::time::{Millis, Timing};

/// Lives are lived again at most so often.
const MOST_TRIES: usize = 2_000;

/// The smallest plan found in which the same invariant does not hold, and how it is violated there.
pub fn shrink(plan: &Plan, violation: &Violation, timing: &Timing) -> (Plan, Violation) {
    let mut shrinking =
        Shrinking { plan: plan.clone(), violation: violation.clone(), timing, tries: MOST_TRIES };
    shrinking.leave_out_rounds();
    shrinking.leave_out_people();
    shrinking.leave_out_troubles();
    shrinking.leave_out_rounds();
    (shrinking.plan, shrinking.violation)
}

struct Shrinking<'a> {
    plan: Plan,
    violation: Violation,
    timing: &'a Timing,
    tries: usize,
}

impl Shrinking<'_> {
    /// Keeps a smaller plan if the same invariant does not hold in it.
    fn keep_if_wrong(&mut self, smaller: Plan) -> bool {
        if self.tries == 0 {
            return false;
        }
        self.tries -= 1;
        match live(&smaller, self.timing) {
            Err(violation) if violation.invariant == self.violation.invariant => {
                self.plan = smaller;
                self.violation = violation;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Later rounds first, then each of the others.
    fn leave_out_rounds(&mut self) {
        let mut last = self.plan.rounds.len();
        while last > 0 {
            last -= 1;
            if self.plan.rounds.len() > 1 {
                let mut smaller = self.plan.clone();
                smaller.rounds.remove(last);
                self.keep_if_wrong(smaller);
            }
        }
    }

    fn leave_out_people(&mut self) {
        let simpler: [fn(&mut Plan); 6] = [
            |plan| plan.unbound = false,
            |plan| plan.stranger = false,
            |plan| plan.room = Room::Usual,
            |plan| plan.one_user = false,
            |plan| plan.two_users.fill(false),
            |plan| plan.apps.fill(0),
        ];
        for simplify in simpler {
            let mut smaller = self.plan.clone();
            simplify(&mut smaller);
            if smaller != self.plan {
                self.keep_if_wrong(smaller);
            }
        }
        for client in 0..self.plan.browsers.len() {
            let mut smaller = self.plan.clone();
            let Some(browser) = smaller.browsers.get_mut(client) else { continue };
            if std::mem::take(browser) {
                self.keep_if_wrong(smaller);
            }
        }
    }

    /// Halves of what is left, then quarters, down to single troubles, and what is left of them shorter.
    fn leave_out_troubles(&mut self) {
        let mut size = self.plan.trouble_count().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < self.plan.trouble_count() {
                let smaller = without(&self.plan, from, size);
                if !self.keep_if_wrong(smaller) {
                    from += size;
                }
            }
            size /= 2;
        }
        for index in 0..self.plan.trouble_count() {
            while self.keep_if_wrong(with_half_as_long(&self.plan, index)) {}
        }
    }
}

/// The plan without `size` troubles from the one on that is number `from`.
fn without(plan: &Plan, from: usize, size: usize) -> Plan {
    let mut smaller = plan.clone();
    let mut index = 0;
    for round in &mut smaller.rounds {
        round.troubles.retain(|_| {
            index += 1;
            index <= from || index > from + size
        });
    }
    smaller
}

/// The plan with the trouble of this number half as long.
fn with_half_as_long(plan: &Plan, index: usize) -> Plan {
    let mut smaller = plan.clone();
    let troubles = smaller.rounds.iter_mut().flat_map(|round| &mut round.troubles);
    if let Some(Trouble { length, .. }) = troubles.into_iter().nth(index) {
        *length = Millis(length.0 / 2);
    }
    smaller
}
