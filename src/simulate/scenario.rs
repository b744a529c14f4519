//! Scenarios: what the clients of a simulation do and what happens to them, as TOML files say it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use super::distribution::Distribution;
use super::incident::Trouble;
use super::persona::Behaviour;
use crate::protocol::time::{Millis, Timing};

/// How long a response is waited for, unless something else is said.
const RESPONSE_WITHIN_MS: f64 = 10_000.0;

/// What the clients do, and what happens to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// How many pairs, unless something else is asked for.
    pub pairs: Option<u32>,
    /// How long it lasts, likewise.
    pub seconds: Option<Duration>,
    /// What controllers do.
    pub controller: Behaviour,
    /// What responders do.
    pub responder: Behaviour,
    /// What happens to each pair.
    pub troubles: Vec<Trouble>,
    /// Timings of the crSockets other than their defaults.
    pub timing: Vec<(String, Millis)>,
}

/// A scenario that cannot be used.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("the scenario {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no scenario.
    #[error("the scenario {}: {problem}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Where, what was seen and what is accepted.
        problem: String,
    },
}

/// What is wrong with a value is said by its type, so that the line is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Name,
    #[serde(default)]
    description: String,
    pairs: Option<Pairs>,
    seconds: Option<Seconds>,
    controller: Controller,
    responder: Responder,
    #[serde(default)]
    incident: Vec<Trouble>,
    #[serde(default)]
    timing: Timings,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Name(String);

#[derive(Debug, Deserialize)]
#[serde(try_from = "u32")]
struct Pairs(u32);

#[derive(Debug, Deserialize)]
#[serde(try_from = "f64")]
struct Seconds(Duration);

/// `[controller]`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "WrittenPart")]
struct Controller(Behaviour);

/// `[responder]`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "WrittenPart")]
struct Responder(Behaviour);

/// `[timing]`.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "toml::Table")]
struct Timings(Vec<(String, Millis)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Does {
    Trials,
    Answers,
    Chatter,
    Idle,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPart {
    does: Does,
    pause: Option<Distribution>,
    response_within_ms: Option<f64>,
    trials: Option<u64>,
    think: Option<Distribution>,
    every: Option<Distribution>,
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(name: String) -> Result<Name, String> {
        match name.chars().count() {
            1..=100 => Ok(Name(name)),
            length => Err(format!("a name of {length} characters: 1 to 100 are accepted")),
        }
    }
}

impl TryFrom<u32> for Pairs {
    type Error = String;

    fn try_from(pairs: u32) -> Result<Pairs, String> {
        match pairs {
            1..=500_000 => Ok(Pairs(pairs)),
            _ => Err(format!("{pairs} pairs: at least 1 and at most 500000 are accepted")),
        }
    }
}

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Seconds, String> {
        if (1.0..=1_000_000.0).contains(&seconds) {
            Ok(Seconds(Duration::from_secs_f64(seconds)))
        } else {
            Err(format!("{seconds} seconds: at least 1 and at most 1000000 are accepted"))
        }
    }
}

impl TryFrom<WrittenPart> for Controller {
    type Error = String;

    fn try_from(written: WrittenPart) -> Result<Controller, String> {
        let behaviour = written.behaviour()?;
        if matches!(behaviour, Behaviour::Answers { .. }) {
            return Err("does = \"answers\" is for responders: accepted are trials, chatter, idle".into());
        }
        Ok(Controller(behaviour))
    }
}

impl TryFrom<WrittenPart> for Responder {
    type Error = String;

    fn try_from(written: WrittenPart) -> Result<Responder, String> {
        let behaviour = written.behaviour()?;
        if matches!(behaviour, Behaviour::Trials { .. }) {
            return Err("does = \"trials\" is for controllers: accepted are answers, chatter, idle".into());
        }
        Ok(Responder(behaviour))
    }
}

impl TryFrom<toml::Table> for Timings {
    type Error = String;

    fn try_from(table: toml::Table) -> Result<Timings, String> {
        let mut timing = Timing::default();
        let mut timings = Vec::new();
        for (name, value) in table {
            let length = value
                .as_integer()
                .ok_or_else(|| format!("{name} = {value}: a whole number of milliseconds is accepted"))?;
            timing.set(&name, Millis(length)).map_err(|error| error.to_string())?;
            timings.push((name, Millis(length)));
        }
        timing.check().map_err(|error| error.to_string())?;
        Ok(Timings(timings))
    }
}

impl WrittenPart {
    fn behaviour(self) -> Result<Behaviour, String> {
        let WrittenPart { does, pause, response_within_ms, trials, think, every } = self;
        let given = [
            ("pause", pause.is_some(), Does::Trials),
            ("response_within_ms", response_within_ms.is_some(), Does::Trials),
            ("trials", trials.is_some(), Does::Trials),
            ("think", think.is_some(), Does::Answers),
            ("every", every.is_some(), Does::Chatter),
        ];
        if let Some((key, _, of)) = given.iter().find(|(_, is_given, of)| *is_given && *of != does) {
            return Err(format!("`{key}` belongs to does = {:?}", of.as_str()));
        }
        let needs = |key: &str| format!("does = {:?} needs `{key}`", does.as_str());
        Ok(match does {
            Does::Trials => Behaviour::Trials {
                pause: pause.ok_or_else(|| needs("pause"))?,
                response_within: within(response_within_ms.unwrap_or(RESPONSE_WITHIN_MS))?,
                trials,
            },
            Does::Answers => Behaviour::Answers { think: think.ok_or_else(|| needs("think"))? },
            Does::Chatter => {
                let every = every.ok_or_else(|| needs("every"))?;
                if every.mean() < Duration::from_micros(100) {
                    return Err("`every` must be 0.1 ms at least in the mean".into());
                }
                Behaviour::Chatter { every }
            }
            Does::Idle => Behaviour::Idle,
        })
    }
}

impl Does {
    fn as_str(self) -> &'static str {
        match self {
            Does::Trials => "trials",
            Does::Answers => "answers",
            Does::Chatter => "chatter",
            Does::Idle => "idle",
        }
    }
}

fn within(ms: f64) -> Result<Duration, String> {
    if (1.0..=3_600_000.0).contains(&ms) {
        Ok(Duration::from_secs_f64(ms / 1e3))
    } else {
        Err(format!("response_within_ms = {ms}: at least 1 and at most 3600000 are accepted"))
    }
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ScenarioError`].
    pub fn read(path: &Path) -> Result<Scenario, ScenarioError> {
        let read = |source| ScenarioError::Read { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(read)?;
        Scenario::parse(&text).map_err(|problem| ScenarioError::Wrong { path: path.to_owned(), problem })
    }

    /// Reads the text of one.
    ///
    /// # Errors
    /// Where, what was seen and what is accepted.
    pub fn parse(text: &str) -> Result<Scenario, String> {
        let written: Written =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        Ok(Scenario {
            name: written.name.0,
            description: written.description,
            pairs: written.pairs.map(|pairs| pairs.0),
            seconds: written.seconds.map(|seconds| seconds.0),
            controller: written.controller.0,
            responder: written.responder.0,
            troubles: written.incident,
            timing: written.timing.0,
        })
    }

    /// Trials, one after the other, as they are without a file.
    pub fn trials() -> Scenario {
        Scenario {
            name: "trials".into(),
            description:
                "Each controller runs one trial after the other, each responder answers after some 0.5 s."
                    .into(),
            pairs: None,
            seconds: None,
            controller: Behaviour::Trials {
                pause: Distribution::uniform_ms(500.0, 1_500.0),
                response_within: Duration::from_secs(10),
                trials: None,
            },
            responder: Behaviour::Answers { think: Distribution::uniform_ms(200.0, 800.0) },
            troubles: Vec::new(),
            timing: Vec::new(),
        }
    }

    /// Nobody says anything but what keeps them together.
    pub fn idle() -> Scenario {
        Scenario {
            name: "idle".into(),
            description: "Pairs that are there, and ping each other.".into(),
            controller: Behaviour::Idle,
            responder: Behaviour::Idle,
            ..Scenario::trials()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        name = "small"
        pairs = 3
        seconds = 20
        [controller]
        does = "trials"
        pause = { uniform_ms = [500, 1500] }
        trials = 40
        [responder]
        does = "answers"
        think = { lognormal_ms = 650, sigma = 0.4 }
        [[incident]]
        what = "offline"
        whom = "responder"
        every = { exponential_ms = 60000 }
        lasts = { uniform_ms = [2000, 15000] }
        [timing]
        min_cr_event_dt = 100
    "#;

    #[test]
    fn a_scenario_says_who_does_what_and_what_happens() {
        let scenario = Scenario::parse(SMALL).unwrap();
        assert_eq!((scenario.name.as_str(), scenario.pairs), ("small", Some(3)));
        assert_eq!(scenario.seconds, Some(Duration::from_secs(20)));
        let Behaviour::Trials { response_within, trials: Some(40), .. } = scenario.controller else {
            panic!("{:?}", scenario.controller)
        };
        assert_eq!(response_within, Duration::from_secs(10));
        assert_eq!(scenario.troubles.len(), 1);
        assert_eq!(scenario.timing, [("min_cr_event_dt".to_owned(), Millis(100))]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_what_is_accepted() {
        let with = |from: &str, to: &str| SMALL.replace(from, to);
        for (text, said) in [
            (with("name = \"small\"", ""), "missing field `name`"),
            (with("name = \"small\"", "name = \"\""), "a name of 0 characters: 1 to 100"),
            (with("pairs = 3", "pairs = 0"), "0 pairs: at least 1"),
            (with("pairs = 3", "pears = 3"), "unknown field `pears`"),
            (with("seconds = 20", "seconds = 0"), "0 seconds: at least 1"),
            (with("does = \"trials\"", "does = \"dance\""), "unknown variant `dance`"),
            (with("does = \"trials\"", "does = \"answers\""), "`pause` belongs to does = \"trials\""),
            (with("does = \"answers\"", "does = \"idle\""), "`think` belongs to does = \"answers\""),
            (with("think =", "# think ="), "does = \"answers\" needs `think`"),
            (with("trials = 40", "response_within_ms = 0"), "response_within_ms = 0: at least 1"),
            (with("what = \"offline\"", "what = \"offlin\""), "unknown variant `offlin`"),
            (with("whom = \"responder\"", "whom = \"both\""), "unknown variant `both`"),
            (with("what = \"offline\"", "what = \"wrong-partner\""), "wrong-partner happens to controllers"),
            (with("exponential_ms = 60000", "exponential_ms = 1"), "`every` must be 10 ms at least"),
            (with("min_cr_event_dt = 100", "min_event = 100"), "min_event"),
            (with("min_cr_event_dt = 100", "min_cr_event_dt = \"1s\""), "a whole number of milliseconds"),
            (with("min_cr_event_dt = 100", "hello_max_dt = 0"), "hello_max_dt"),
        ] {
            let error = Scenario::parse(&text).unwrap_err();
            assert!(error.contains(said), "{said}: {error}");
        }
        let error = Scenario::parse(&with("every = {", "every = { constant_ms = 1,")).unwrap_err();
        assert!(error.contains("line 15") && error.contains("a length is one of"), "{error}");
    }
}
