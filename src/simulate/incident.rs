//! What happens to clients: what humans and networks do, for which the protocol has its rules.

use std::time::Duration;

use serde::Deserialize;

use super::distribution::Distribution;
use super::random::Random;
use super::time::Micros;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Incident {
    /// The user pauses, and goes on.
    Pause,
    /// The page is hidden, and shown again.
    Hidden,
    /// The device is offline and knows it, and online again.
    Offline,
    /// The page goes with its goodbyes, and comes back with the same clientId.
    Reload,
    /// The page is gone without a word, as when a battery is empty; later it comes back with the same clientId.
    SilentDeath,
    /// The tester enters another clientId than the partner's, and corrects it.
    WrongPartner,
    /// The testers of two pairs take each other's participant, and each their own again.
    PartnerChange,
    /// The accessToken is taken away, and the next one given.
    TokenChange,
}

impl Incident {
    /// All of them.
    pub const ALL: [Incident; 8] = [
        Incident::Pause,
        Incident::Hidden,
        Incident::Offline,
        Incident::Reload,
        Incident::SilentDeath,
        Incident::WrongPartner,
        Incident::PartnerChange,
        Incident::TokenChange,
    ];

    /// Its name in scenarios.
    pub fn as_str(self) -> &'static str {
        match self {
            Incident::Pause => "pause",
            Incident::Hidden => "hidden",
            Incident::Offline => "offline",
            Incident::Reload => "reload",
            Incident::SilentDeath => "silent-death",
            Incident::WrongPartner => "wrong-partner",
            Incident::PartnerChange => "partner-change",
            Incident::TokenChange => "token-change",
        }
    }

    /// Whether only a tester can do it.
    pub fn is_testers(self) -> bool {
        match self {
            Incident::WrongPartner | Incident::PartnerChange => true,
            Incident::Pause
            | Incident::Hidden
            | Incident::Offline
            | Incident::Reload
            | Incident::SilentDeath
            | Incident::TokenChange => false,
        }
    }
}

/// To whom of a pair it happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// The controller.
    Controller,
    /// The responder.
    Responder,
    /// One of them, as likely the one as the other.
    #[default]
    Either,
}

/// How often something happens to a pair.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Trouble {
    /// What.
    pub what: Incident,
    /// To whom.
    pub whom: Whom,
    /// From one to the next.
    pub every: Distribution,
    /// For how long.
    pub lasts: Distribution,
}

/// An `[[incident]]` of a scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    what: Incident,
    #[serde(default)]
    whom: Whom,
    every: Distribution,
    lasts: Distribution,
}

impl TryFrom<Written> for Trouble {
    type Error = String;

    fn try_from(written: Written) -> Result<Trouble, String> {
        let Written { what, whom, every, lasts } = written;
        if what.is_testers() && whom == Whom::Responder {
            return Err(format!(
                "{} happens to controllers: whom = \"responder\" makes no sense",
                what.as_str()
            ));
        }
        if every.mean() < Duration::from_millis(10) {
            return Err(format!("{}: `every` must be 10 ms at least in the mean", what.as_str()));
        }
        Ok(Trouble { what, whom, every, lasts })
    }
}

/// One that is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What.
    pub what: Incident,
    /// To the controller; if not, to the responder.
    pub to_controller: bool,
    /// When, at the earliest.
    pub at: Micros,
    /// For how long.
    pub lasts: Duration,
}

/// What is to happen to one pair, in order, without end: from its seed alone.
#[derive(Clone, Debug)]
pub struct IncidentPlan {
    random: Random,
    /// When each kind of trouble comes next.
    next: Vec<(Trouble, Micros)>,
    /// Nothing begins before what came before it is over.
    free_from: Micros,
}

impl IncidentPlan {
    /// The plan of a pair that begins at this moment. None where nothing happens to it.
    pub fn new(troubles: &[Trouble], begins: Micros, mut random: Random) -> Option<IncidentPlan> {
        let next: Vec<_> = troubles
            .iter()
            .map(|trouble| (*trouble, begins.plus(trouble.every.sample(&mut random))))
            .collect();
        (!next.is_empty()).then_some(IncidentPlan { random, next, free_from: begins })
    }
}

impl Iterator for IncidentPlan {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        let (trouble, due) = self.next.iter_mut().min_by_key(|(_, due)| *due)?;
        let at = (*due).max(self.free_from);
        let lasts = trouble.lasts.sample(&mut self.random);
        let to_controller = trouble.what.is_testers()
            || match trouble.whom {
                Whom::Controller => true,
                Whom::Responder => false,
                Whom::Either => self.random.below(2) == 0,
            };
        self.free_from = at.plus(lasts);
        // At least a millisecond: a plan must come to an end at some time.
        let pause = trouble.every.sample(&mut self.random).max(Duration::from_millis(1));
        *due = self.free_from.plus(pause);
        Some(Planned { what: trouble.what, to_controller, at, lasts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn troubles() -> Vec<Trouble> {
        let exponential = |ms| Distribution::exponential(ms).unwrap();
        let trouble = |what, whom, every: f64, lasts: f64| Trouble {
            what,
            whom,
            every: exponential(every),
            lasts: exponential(lasts),
        };
        vec![
            trouble(Incident::Offline, Whom::Responder, 10_000.0, 2_000.0),
            trouble(Incident::Reload, Whom::Either, 20_000.0, 500.0),
            trouble(Incident::WrongPartner, Whom::Responder, 30_000.0, 5_000.0),
        ]
    }

    fn plan(seed: u64) -> Vec<Planned> {
        IncidentPlan::new(&troubles(), Micros(5), Random::new(seed)).unwrap().take(3_000).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_plan_and_another_one_another() {
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
    }

    #[test]
    fn one_comes_after_the_other_as_often_as_was_said_to_whom_it_was_said() {
        let plan = plan(1);
        for (one, next) in plan.iter().zip(plan.iter().skip(1)) {
            assert!(one.at.plus(one.lasts) <= next.at, "{one:?} {next:?}");
        }
        let count = |what| plan.iter().filter(|planned| planned.what == what).count();
        // Each kind waits for its own time after its own last one, and for the others.
        assert!(count(Incident::Offline) > count(Incident::Reload) * 3 / 2, "{}", count(Incident::Offline));
        assert!(count(Incident::Reload) > count(Incident::WrongPartner), "{}", count(Incident::Reload));
        assert!(plan.iter().all(|planned| (planned.what != Incident::Offline) | !planned.to_controller));
        assert!(plan.iter().all(|planned| (planned.what != Incident::WrongPartner) | planned.to_controller));
        let reloads = plan.iter().filter(|planned| planned.what == Incident::Reload);
        let controllers = reloads.filter(|planned| planned.to_controller).count();
        assert!((count(Incident::Reload) / 3..count(Incident::Reload) * 2 / 3).contains(&controllers));
    }

    #[test]
    fn names_are_those_of_scenarios() {
        #[derive(Deserialize)]
        struct Table {
            what: Incident,
        }
        for what in Incident::ALL {
            let table: Table = toml::from_str(&format!("what = \"{}\"", what.as_str())).unwrap();
            assert_eq!(table.what, what);
        }
    }
}
