//! The corpus by which another crSocket is held to this one: sequences of inputs, and what the machines of
//! [`WiredSocket`] asked for after each. The browser client replays it.
//!
//! It is a file of JSON lines, one sequence each: the role, the timings that differ from the defaults, and the steps. A
//! step has the time, a random number below 2^32 (so that `random % n` is exact in JavaScript), the calendar time, the
//! input, the effects, and the states of crSocket, receiver and sender afterwards. Times are below 2^53. The same
//! sequences come out each time.

pub mod coverage;
mod events;
mod json;
mod lives;
mod required;
mod walk;

use std::collections::BTreeMap;

use crsocket::protocol::ids::Role;
use crsocket::protocol::time::{Millis, Step, TimerKind, Timing};
use crsocket::protocol::wired::{Effect, Input, WiredSocket};
use serde_json::{Value, json};

use coverage::Coverage;

/// How many sequences are random walks.
const WALKS: u64 = 2_000;
/// From how many lives of the simulation more are taken.
const LIVES: u64 = 24;

/// All sequences.
#[derive(Debug, Default)]
pub struct Corpus {
    /// Each a line of JSON.
    pub sequences: Vec<String>,
    /// How many steps they have together.
    pub steps: usize,
    /// What occurs in them.
    pub coverage: Coverage,
}

impl Corpus {
    /// The corpus.
    pub fn new() -> Corpus {
        let mut corpus = Corpus::default();
        for seed in 0..WALKS {
            walk::add_to(&mut corpus, seed);
        }
        for seed in 0..LIVES {
            lives::add_to(&mut corpus, seed);
        }
        corpus
    }

    /// The file.
    pub fn text(&self) -> String {
        self.sequences.iter().flat_map(|sequence| [sequence.as_str(), "\n"]).collect()
    }
}

/// When a step is made.
#[derive(Clone, Copy, Debug)]
struct Moment {
    now: i64,
    random: u32,
    calendar: i64,
}

/// A crSocket whose inputs and effects are written down.
struct Recorder {
    role: Role,
    timing: Timing,
    machines: WiredSocket,
    /// The timers that are armed, and when they are due.
    timers: BTreeMap<TimerKind, i64>,
    steps: Vec<Value>,
    coverage: Coverage,
}

impl Recorder {
    fn new(role: Role, timing: Timing) -> Recorder {
        Recorder {
            role,
            timing,
            machines: WiredSocket::new(role),
            timers: BTreeMap::new(),
            steps: Vec::new(),
            coverage: Coverage::default(),
        }
    }

    /// Gives an input; the effects.
    fn give(&mut self, moment: Moment, input: &Input) -> Vec<Effect> {
        self.coverage.note_input(&self.machines, &self.timers, moment.now, input);
        let written = json::input(input);
        if let Input::Timer(timer) = input
            && self.timers.get(timer).is_some_and(|due| *due <= moment.now)
        {
            self.timers.remove(timer);
        }
        let before = self.machines.socket.state().clone();
        let step = Step { now: Millis(moment.now), random: moment.random.into(), timing: &self.timing };
        let mut effects = Vec::new();
        self.machines.handle(input.clone(), &step, Some(moment.calendar), &mut effects);
        for effect in &effects {
            match effect {
                Effect::SetTimer { timer, after } => {
                    self.timers.insert(*timer, moment.now + after.0);
                }
                Effect::CancelTimer(timer) => {
                    self.timers.remove(timer);
                }
                Effect::Open { .. }
                | Effect::Drop { .. }
                | Effect::Send { .. }
                | Effect::RequestClientId
                | Effect::Notify(_) => {}
            }
        }
        self.coverage.note_effects(&self.timing, &before, input, &effects);
        let asked: Vec<Value> = effects.iter().map(json::effect).collect();
        self.write(moment, &written, &asked);
        effects
    }

    /// Gives a frame that nobody can read, after which nothing has changed.
    fn give_unreadable(&mut self, moment: Moment, stream: u32, name: &str, data: &str) {
        self.coverage.note("input: an unreadable frame");
        self.write(moment, &json::frame(stream, name, data), &[]);
    }

    fn write(&mut self, moment: Moment, input: &Value, effects: &[Value]) {
        let [state, receiver, sender] = json::states(&self.machines);
        for (machine, state) in [("crSocket", &state), ("receiver", &receiver), ("sender", &sender)] {
            self.coverage.note_state(machine, state);
        }
        self.steps.push(json!({
            "now": moment.now,
            "random": moment.random,
            "calendar": moment.calendar,
            "in": input,
            "out": effects,
            "state": state,
            "receiver": receiver,
            "sender": sender,
        }));
    }

    fn add_to(self, corpus: &mut Corpus) {
        corpus.steps += self.steps.len();
        corpus.coverage.add(self.coverage);
        let sequence = json!({
            "role": self.role.as_str(),
            "timing": json::timing(&self.timing),
            "steps": self.steps,
        });
        corpus.sequences.push(sequence.to_string());
    }
}
