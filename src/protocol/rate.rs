//! Rate limits at the door (sections 3 and 4, "Bounds"): how much a stranger may ask for in how much time.

use super::time::Millis;

/// So many requests a second on average, and so many at once after a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    /// Requests a second in the long run. With 0, nothing is earned back: the burst is all there ever is.
    pub per_second: u32,
    /// Requests that may come at the same moment. With 0, nothing is admitted.
    pub burst: u32,
}

/// How much of its limit one sender has used up: the generic cell rate algorithm, in eight bytes.
///
/// The one number is the moment at which everything used is earned back, in units of a millisecond divided by
/// `per_second`. In this unit a request costs exactly 1,000 at every rate, so nothing is ever rounded: neither is more
/// admitted than the limit says, nor is a sender refused that keeps to it. A state belongs to one limit; under another
/// one it is read as something between unused and fully used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateState {
    earned_back_at: i64,
}

/// What one request costs: the units of a second, divided by the requests of a second.
const COST: i64 = 1_000;

impl RateState {
    /// Never used.
    pub const UNUSED: RateState = RateState { earned_back_at: i64::MIN };

    /// Admits one request now and counts it, if the limit has room for it.
    ///
    /// Time may stand still or run backwards: a sender then waits at most as long as if its burst had just been used up.
    ///
    /// # Errors
    /// The time after which the same request would be admitted if nothing else came, [`Millis::MAX`] if never. What is
    /// refused costs nothing.
    pub fn admit(&mut self, limit: &RateLimit, now: Millis) -> Result<(), Millis> {
        let burst = i64::from(limit.burst) * COST;
        let used = self.used(limit, now).min(burst);
        let excess = used + COST - burst;
        if excess > 0 {
            return Err(time_to_earn(excess, limit));
        }
        self.earned_back_at = units(now, limit).saturating_add(used + COST);
        Ok(())
    }

    /// Whether the whole burst is there, as if it had never been used, so that this state can be forgotten.
    pub fn is_idle(&self, limit: &RateLimit, now: Millis) -> bool {
        self.used(limit, now) == 0
    }

    /// Seen from now, which becomes zero: what is earned back is forgotten.
    #[must_use]
    pub(super) fn aged(&self, limit: &RateLimit, now: Millis) -> RateState {
        match self.used(limit, now) {
            0 => RateState::UNUSED,
            used => RateState { earned_back_at: used },
        }
    }

    /// What is used and not yet earned back, in units.
    fn used(&self, limit: &RateLimit, now: Millis) -> i64 {
        self.earned_back_at.saturating_sub(units(now, limit)).max(0)
    }
}

impl Default for RateState {
    fn default() -> RateState {
        RateState::UNUSED
    }
}

/// A moment in the unit of a limit. It saturates, at a million a second after 292 years: from then on time stands still.
fn units(now: Millis, limit: &RateLimit) -> i64 {
    now.times(i64::from(limit.per_second)).0
}

/// How long it takes until this many units are earned back.
fn time_to_earn(units: i64, limit: &RateLimit) -> Millis {
    if limit.per_second == 0 || limit.burst == 0 {
        return Millis::MAX;
    }
    let per_ms = i64::from(limit.per_second);
    Millis((units + per_ms - 1) / per_ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DOOR: RateLimit = RateLimit { per_second: 100, burst: 5_000 };

    fn any_limit() -> impl Strategy<Value = RateLimit> {
        let per_second = prop_oneof![1..20u32, 1..5_000u32, Just(1_000), any::<u32>()];
        let burst = prop_oneof![1..10u32, 1..5_000u32, any::<u32>()];
        (per_second, burst).prop_map(|(per_second, burst)| RateLimit { per_second, burst })
    }

    fn small_limit() -> impl Strategy<Value = RateLimit> {
        (1..3_000u32, 1..20u32).prop_map(|(per_second, burst)| RateLimit { per_second, burst })
    }

    /// Moments in order, in bursts and with gaps, from a start that may be negative.
    fn moments() -> impl Strategy<Value = Vec<Millis>> {
        let gap = prop_oneof![5 => Just(0i64), 3 => 0..5i64, 1 => 0..3_000i64];
        (-10_000..10_000i64, prop::collection::vec(gap, 1..400)).prop_map(|(start, gaps)| {
            let later = |at: &mut i64, gap: i64| {
                *at += gap;
                Some(Millis(*at))
            };
            gaps.into_iter().scan(start, later).collect()
        })
    }

    proptest! {
        #[test]
        fn no_window_admits_more_than_the_limit(limit in small_limit(), moments in moments()) {
            let mut state = RateState::default();
            let admitted: Vec<Millis> =
                moments.into_iter().filter(|now| state.admit(&limit, *now).is_ok()).collect();
            for (first, from) in admitted.iter().enumerate() {
                for (last, to) in admitted.iter().enumerate().skip(first) {
                    let earned = (*to - *from).0 * i64::from(limit.per_second) / 1_000;
                    let allowed = i64::from(limit.burst) + earned;
                    prop_assert!((last - first + 1) as i64 <= allowed, "{from} to {to}");
                }
            }
        }

        #[test]
        fn who_keeps_to_the_rate_is_never_refused(
            limit in any_limit(),
            start in -1_000_000..1_000_000i64,
            delays in prop::collection::vec(0..3i64, 1..300),
        ) {
            let mut state = RateState::default();
            let mut earned_at = start * i64::from(limit.per_second);
            for delay in delays {
                // The first whole millisecond at which the next request is earned, or somewhat later.
                let rate = i64::from(limit.per_second);
                let at = (earned_at + rate - 1).div_euclid(rate) + delay;
                prop_assert_eq!(state.admit(&limit, Millis(at)), Ok(()));
                earned_at = at * rate + COST;
            }
        }

        #[test]
        fn a_refused_request_is_admitted_exactly_after_its_wait(limit in small_limit(), moments in moments()) {
            let mut state = RateState::default();
            for now in moments {
                let before = state;
                if let Err(wait) = state.admit(&limit, now) {
                    prop_assert_eq!(state, before, "a refusal changes nothing");
                    prop_assert!(wait > Millis::ZERO);
                    prop_assert!(state.admit(&limit, now + wait - Millis(1)).is_err());
                    prop_assert_eq!(before.clone().admit(&limit, now + wait), Ok(()));
                }
            }
        }

        #[test]
        fn an_idle_state_behaves_like_an_unused_one(limit in small_limit(), moments in moments()) {
            let mut state = RateState::default();
            for now in moments {
                if state.is_idle(&limit, now) {
                    let (mut idle, mut unused) = (state, RateState::UNUSED);
                    prop_assert_eq!(idle.admit(&limit, now), unused.admit(&limit, now));
                    prop_assert_eq!(idle, unused);
                }
                let _ = state.admit(&limit, now);
            }
        }

        #[test]
        fn no_input_overflows(
            per_second in any::<u32>(),
            burst in any::<u32>(),
            moments in prop::collection::vec(
                prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -3..3i64], 1..20),
        ) {
            let limit = RateLimit { per_second, burst };
            let mut state = RateState::default();
            for now in moments {
                let _ = state.admit(&limit, Millis(now));
                let _ = state.is_idle(&limit, Millis(now));
            }
        }
    }

    /// How many of `count` requests at one moment are admitted.
    fn admitted_at(state: &mut RateState, limit: &RateLimit, now: Millis, count: u32) -> usize {
        (0..count).filter(|_| state.admit(limit, now).is_ok()).count()
    }

    #[test]
    fn the_default_door_lets_a_burst_in_and_then_a_hundred_a_second() {
        let mut state = RateState::default();
        assert_eq!(admitted_at(&mut state, &DOOR, Millis(0), 6_000), 5_000);
        assert_eq!(state.admit(&DOOR, Millis(0)), Err(Millis(10)));
        assert_eq!(admitted_at(&mut state, &DOOR, Millis(1_000), 6_000), 100);
        assert_eq!(admitted_at(&mut state, &DOOR, Millis(51_000), 6_000), 5_000);
    }

    #[test]
    fn a_thousand_a_second_is_one_each_millisecond() {
        let limit = RateLimit { per_second: 1_000, burst: 1 };
        let mut state = RateState::default();
        for now in 0..10_000 {
            assert_eq!(state.admit(&limit, Millis(now)), Ok(()));
            assert_eq!(state.admit(&limit, Millis(now)), Err(Millis(1)));
        }
    }

    #[test]
    fn rates_that_divide_no_second_do_not_drift() {
        let limit = RateLimit { per_second: 7, burst: 1 };
        let mut state = RateState::default();
        let admitted = (0..100_000).filter(|now| state.admit(&limit, Millis(*now)).is_ok()).count();
        // Seven a second cannot fall on whole milliseconds: a sender that tries each one gets 143 ms, not 142.9.
        assert_eq!(admitted, 100_000usize.div_ceil(143));

        let limit = RateLimit { per_second: 7, burst: 2 };
        let mut state = RateState::default();
        let admitted = (0..100_000).filter(|now| state.admit(&limit, Millis(*now)).is_ok()).count();
        assert_eq!(
            admitted, 701,
            "with room for one in advance all are used: 2, and 6.99 a second from then on"
        );
    }

    #[test]
    fn time_that_runs_backwards_costs_one_burst_at_most() {
        let limit = RateLimit { per_second: 10, burst: 5 };
        let mut state = RateState::default();
        assert_eq!(admitted_at(&mut state, &limit, Millis(1_000_000), 5), 5);
        assert_eq!(state.admit(&limit, Millis(-1_000_000)), Err(Millis(100)));
    }

    #[test]
    fn a_limit_of_zero() {
        let nothing = RateLimit { per_second: 10, burst: 0 };
        assert_eq!(RateState::default().admit(&nothing, Millis(5)), Err(Millis::MAX));

        let only_once = RateLimit { per_second: 0, burst: 1 };
        let mut state = RateState::default();
        assert_eq!(state.admit(&only_once, Millis(5)), Ok(()));
        assert_eq!(state.admit(&only_once, Millis(1_000_000)), Err(Millis::MAX));
    }

    #[test]
    fn idle_again_when_all_is_earned_back() {
        let limit = RateLimit { per_second: 3, burst: 2 };
        let mut state = RateState::default();
        assert!(state.is_idle(&limit, Millis::MIN) && state.is_idle(&limit, Millis::MAX));
        state.admit(&limit, Millis(0)).unwrap();
        assert!(!state.is_idle(&limit, Millis(333)));
        assert!(state.is_idle(&limit, Millis(334)));
    }

    #[test]
    fn small() {
        assert_eq!(size_of::<RateState>(), 8);
    }
}
