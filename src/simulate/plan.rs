//! The plan of a run: when each pair comes, what it does by chance, and what happens to it. The same seed gives the same plan.

use std::time::Duration;

use super::incident::{IncidentPlan, Planned};
use super::random::Random;
use super::scenario::Scenario;
use super::time::Micros;

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan {
    scenario: Scenario,
    seed: u64,
    pairs: u32,
    ramp: Duration,
}

/// The plan of one pair.
#[derive(Clone, Debug)]
pub struct PairPlan {
    /// When it comes.
    pub begins: Micros,
    /// What its controller does by chance.
    pub controller: Random,
    /// What its responder does by chance.
    pub responder: Random,
    /// What happens to it.
    pub incidents: Option<IncidentPlan>,
}

impl Plan {
    /// Of so many pairs that come one after the other over this time.
    pub fn new(scenario: Scenario, seed: u64, pairs: u32, ramp: Duration) -> Plan {
        Plan { scenario, seed, pairs, ramp }
    }

    /// What the clients do.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// When this pair comes.
    pub fn begins(&self, pair: u32) -> Micros {
        Micros::default().plus(self.ramp.mul_f64(f64::from(pair) / f64::from(self.pairs.max(1))))
    }

    /// The plan of this pair.
    pub fn pair(&self, pair: u32) -> PairPlan {
        let random = |part: u64| Random::named(self.seed, u64::from(pair) * 4 + part);
        let begins = self.begins(pair);
        PairPlan {
            begins,
            controller: random(0),
            responder: random(1),
            incidents: IncidentPlan::new(&self.scenario.troubles, begins, random(2)),
        }
    }

    /// What happens to this pair before a moment.
    pub fn incidents(&self, pair: u32, before: Micros) -> Vec<Planned> {
        self.pair(pair).incidents.into_iter().flatten().take_while(|planned| planned.at < before).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64) -> Plan {
        let text = include_str!("../../config/scenarios/classroom.toml");
        Plan::new(Scenario::parse(text).unwrap(), seed, 30, Duration::from_secs(3))
    }

    #[test]
    fn the_same_seed_gives_the_same_plan_and_no_two_pairs_have_the_same() {
        let hour = Micros(3_600 * Micros::SECOND.0);
        for pair in 0..30 {
            assert_eq!(plan(7).incidents(pair, hour), plan(7).incidents(pair, hour));
            assert_ne!(plan(7).incidents(pair, hour), plan(8).incidents(pair, hour));
            assert_eq!(plan(7).pair(pair).controller, plan(7).pair(pair).controller);
            assert_ne!(plan(7).pair(pair).controller, plan(7).pair(pair).responder);
            assert_ne!(plan(7).incidents(pair, hour), plan(7).incidents((pair + 1) % 30, hour));
        }
        assert!(plan(7).incidents(0, hour).len() > 10);
    }

    #[test]
    fn pairs_come_one_after_the_other_over_the_ramp() {
        let begins: Vec<u64> = (0..30).map(|pair| plan(1).begins(pair).0).collect();
        assert_eq!((begins[0], begins[15], begins[29]), (0, 1_500_000, 2_900_000));
    }
}
