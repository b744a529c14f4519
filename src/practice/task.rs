//! What a practice partner does, as plain values: it is told something, and says what follows.
//!
//! The demo's task: the controller sends a `stimulus` with its trial, from 1, and a wait in milliseconds; the responder shows it
//! after that wait, and answers with a `reaction`: the trial, and the reaction time in milliseconds or `early`. After the
//! last trial the controller sends `finished`.

use crate::protocol::event::{CrEvent, EventKind};
use crate::protocol::time::Millis;

/// How many trials a practice controller runs.
pub const TRIALS: u32 = 10;

/// How long a partner may be away, or never come, until a practice partner is free again.
pub const AWAY: Millis = Millis::from_secs(30);

/// How long a practice responder waits for a stimulus.
pub const IDLE: Millis = Millis::from_secs(600);

/// How long a practice controller waits for a reaction.
pub const NO_REACTION: Millis = Millis::from_secs(6);

/// How long a practice controller waits between a reaction and the next stimulus, at least and at most.
pub const PAUSE: (Millis, Millis) = (Millis(1_000), Millis(2_000));

/// After how long its stimuli are shown, at least and at most.
pub const WAIT: (Millis, Millis) = (Millis(700), Millis(2_000));

/// A stimulus that is to be shown later than this is not one of the demo's.
pub const LONGEST_WAIT: Millis = Millis::from_secs(60);

/// The shortest and the longest reaction time.
pub const REACTION: (Millis, Millis) = (Millis(180), Millis(1_500));

/// The median of the reaction times, in milliseconds; they are distributed log-normally.
const MEDIAN: f64 = 320.0;

/// The standard deviation of their logarithms.
const SPREAD: f64 = 0.25;

/// What it is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<'a> {
    /// It is lent.
    Lent,
    /// Its crSocket is interacting, or not any more.
    Interacting(bool),
    /// It has no partner any more.
    PartnerGone,
    /// A crEvent of its partner.
    CrEvent(&'a CrEvent),
    /// Its last event has arrived at the server, or never will.
    Settled,
    /// A timer fired.
    Due(Due),
}

/// Its timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The partner has been away for too long.
    Away,
    /// Nothing was asked for too long.
    Idle,
    /// A responder reacts.
    Reaction,
    /// A controller goes on.
    Next,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It sends a crEvent to its partner.
    Send {
        /// Its type.
        event_type: &'static str,
        /// Its params.
        params: Vec<String>,
    },
    /// A timer is armed; one of this kind that is armed is replaced.
    Set(Due, Millis),
    /// A timer is disarmed.
    Cancel(Due),
    /// A controller's partner is its partner no more, and is told so.
    Unassign,
    /// It is done.
    Leave,
}

/// A practice partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    part: Part,
    is_interacting: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Responder {
        /// The trial whose stimulus is to be reacted to, as it came.
        trial: Option<Box<str>>,
        /// After how long it reacts.
        reaction: Millis,
    },
    Controller {
        /// The last trial that began.
        trial: u32,
        stage: Stage,
    },
}

/// Where a controller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before a trial.
    Before,
    /// A stimulus is out.
    Waiting,
    /// All is said.
    Finished,
}

impl Task {
    /// A responder's part.
    pub fn responder() -> Task {
        Task { part: Part::Responder { trial: None, reaction: Millis::ZERO }, is_interacting: false }
    }

    /// A controller's part.
    pub fn controller() -> Task {
        Task { part: Part::Controller { trial: 0, stage: Stage::Before }, is_interacting: false }
    }

    /// Takes one input; `random` is new each time.
    pub fn handle(&mut self, input: Input<'_>, random: u64, actions: &mut Vec<Action>) {
        match input {
            Input::Lent => {
                actions.push(Action::Set(Due::Away, AWAY));
                if matches!(self.part, Part::Responder { .. }) {
                    actions.push(Action::Set(Due::Idle, IDLE));
                }
            }
            Input::Interacting(is_interacting) => self.set_interacting(is_interacting, random, actions),
            Input::PartnerGone | Input::Due(Due::Away | Due::Idle) => self.let_go(actions),
            Input::CrEvent(event) if event.kind() == EventKind::Ordinary => {
                self.received(event, random, actions);
            }
            Input::CrEvent(_) => {}
            Input::Settled => {
                if matches!(self.part, Part::Controller { stage: Stage::Finished, .. }) {
                    self.let_go(actions);
                }
            }
            Input::Due(Due::Reaction) => self.react(actions),
            Input::Due(Due::Next) => self.go_on(random, actions),
        }
    }

    fn let_go(&self, actions: &mut Vec<Action>) {
        if matches!(self.part, Part::Controller { .. }) {
            actions.push(Action::Unassign);
        }
        actions.push(Action::Leave);
    }

    fn set_interacting(&mut self, is_interacting: bool, random: u64, actions: &mut Vec<Action>) {
        self.is_interacting = is_interacting;
        let is_before = matches!(self.part, Part::Controller { stage: Stage::Before, .. });
        if is_interacting {
            actions.push(Action::Cancel(Due::Away));
        } else {
            actions.push(Action::Set(Due::Away, AWAY));
        }
        match (is_before, is_interacting) {
            (true, true) => actions.push(Action::Set(Due::Next, between(PAUSE, random))),
            (true, false) => actions.push(Action::Cancel(Due::Next)),
            (false, _) => {}
        }
    }

    fn received(&mut self, event: &CrEvent, random: u64, actions: &mut Vec<Action>) {
        match (&mut self.part, &*event.event_type, &*event.params) {
            (Part::Responder { trial, reaction }, "stimulus", [number, wait, ..]) => {
                let Some(wait) = wait_of(wait) else { return };
                *trial = Some(number.clone());
                *reaction = reaction_time(random);
                actions.push(Action::Set(Due::Reaction, wait + *reaction));
                actions.push(Action::Set(Due::Idle, IDLE));
            }
            (Part::Controller { trial, stage: stage @ Stage::Waiting }, "reaction", [number, _, ..])
                if **number == *trial.to_string() =>
            {
                *stage = Stage::Before;
                if *trial < TRIALS {
                    actions.push(Action::Set(Due::Next, between(PAUSE, random)));
                } else {
                    actions.push(Action::Cancel(Due::Next));
                    self.go_on(random, actions);
                }
            }
            _ => {}
        }
    }

    fn react(&mut self, actions: &mut Vec<Action>) {
        if let Part::Responder { trial, reaction } = &mut self.part
            && let Some(trial) = trial.take()
        {
            let params = vec![trial.into_string(), reaction.0.to_string()];
            actions.push(Action::Send { event_type: "reaction", params });
        }
    }

    /// A controller's next stimulus, or its last word. Who is not there is waited for.
    fn go_on(&mut self, random: u64, actions: &mut Vec<Action>) {
        let Part::Controller { trial, stage } = &mut self.part else { return };
        if !self.is_interacting {
            *stage = Stage::Before;
        } else if *trial < TRIALS {
            *trial += 1;
            *stage = Stage::Waiting;
            let params = vec![trial.to_string(), between(WAIT, random).0.to_string()];
            actions.push(Action::Send { event_type: "stimulus", params });
            actions.push(Action::Set(Due::Next, NO_REACTION));
        } else {
            *stage = Stage::Finished;
            actions.push(Action::Send { event_type: "finished", params: Vec::new() });
        }
    }
}

/// The wait that a stimulus asks for, if it is one of the demo's.
fn wait_of(text: &str) -> Option<Millis> {
    let wait = Millis(text.parse().ok()?);
    (Millis::ZERO <= wait && wait <= LONGEST_WAIT).then_some(wait)
}

/// A length between these two, both included.
fn between((shortest, longest): (Millis, Millis), random: u64) -> Millis {
    let lengths = u64::try_from((longest - shortest).0).unwrap_or(0) + 1;
    shortest + Millis(i64::try_from(random % lengths).unwrap_or(0))
}

/// How long a human takes.
fn reaction_time(random: u64) -> Millis {
    let time = MEDIAN * (SPREAD * normal(random)).exp();
    #[allow(clippy::cast_possible_truncation, reason = "too large or no number becomes the largest or zero")]
    let time = Millis(time.round() as i64);
    time.clamp(REACTION.0, REACTION.1)
}

/// A number from the standard normal distribution (Box and Muller): two halves of the bits are two uniform numbers.
fn normal(random: u64) -> f64 {
    let half =
        |bits: u64| (f64::from(u32::try_from(bits & 0xFFFF_FFFF).unwrap_or(0)) + 0.5) / 4_294_967_296.0;
    let (one, other) = (half(random), half(random >> 32));
    (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(task: &mut Task, input: Input<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        task.handle(input, 12_345, &mut actions);
        actions
    }

    fn event(event_type: &str, params: &[&str]) -> CrEvent {
        CrEvent::new(event_type, "").unwrap().with_params(params).unwrap()
    }

    fn sends(event_type: &'static str, params: &[&str]) -> Action {
        Action::Send { event_type, params: params.iter().map(|param| (*param).to_owned()).collect() }
    }

    #[test]
    fn a_responder_reacts_to_each_stimulus_after_its_wait_and_a_human_time() {
        let mut task = Task::responder();
        let lent = told(&mut task, Input::Lent);
        assert_eq!(lent, [Action::Set(Due::Away, AWAY), Action::Set(Due::Idle, IDLE)]);
        assert_eq!(told(&mut task, Input::Interacting(true)), [Action::Cancel(Due::Away)]);
        for (trial, wait) in [("1", 700), ("trial 2", 0), ("", 60_000)] {
            let asked = told(&mut task, Input::CrEvent(&event("stimulus", &[trial, &wait.to_string()])));
            let [Action::Set(Due::Reaction, after), Action::Set(Due::Idle, IDLE)] = asked.as_slice() else {
                panic!("{asked:?}")
            };
            let reaction = *after - Millis(wait);
            assert!(REACTION.0 <= reaction && reaction <= REACTION.1, "{reaction}");
            let reacted = told(&mut task, Input::Due(Due::Reaction));
            assert_eq!(reacted, [sends("reaction", &[trial, &reaction.0.to_string()])]);
            assert_eq!(told(&mut task, Input::Due(Due::Reaction)), [], "once");
        }
    }

    #[test]
    fn a_responder_does_not_answer_what_is_no_stimulus() {
        let mut task = Task::responder();
        for (event_type, params) in [
            ("stimulus", &[][..]),
            ("stimulus", &["1"]),
            ("stimulus", &["1", "soon"]),
            ("stimulus", &["1", "-1"]),
            ("stimulus", &["1", "60001"]),
            ("stimulus", &["1", "99999999999999999999"]),
            ("reaction", &["1", "300"]),
            ("finished", &[]),
        ] {
            assert_eq!(
                told(&mut task, Input::CrEvent(&event(event_type, params))),
                [],
                "{event_type} {params:?}"
            );
        }
        for event in [CrEvent::ping(), CrEvent::inactive(), CrEvent::unassign()] {
            assert_eq!(told(&mut task, Input::CrEvent(&event)), [], "{event:?}");
        }
        assert_eq!(told(&mut task, Input::Due(Due::Reaction)), []);
    }

    #[test]
    fn a_partner_that_is_gone_or_away_for_too_long_sets_it_free() {
        for (mut task, lets_go) in [
            (Task::responder(), &[Action::Leave][..]),
            (Task::controller(), &[Action::Unassign, Action::Leave]),
        ] {
            for input in [Input::PartnerGone, Input::Due(Due::Away), Input::Due(Due::Idle)] {
                assert_eq!(told(&mut task, input.clone()), lets_go, "{input:?}");
            }
            told(&mut task, Input::Interacting(true));
            assert!(told(&mut task, Input::Interacting(false)).contains(&Action::Set(Due::Away, AWAY)));
        }
    }

    /// Answers of another trial, late ones and doubled ones count for nothing.
    #[test]
    fn a_controller_runs_ten_trials_says_so_and_lets_go() {
        let mut task = Task::controller();
        assert_eq!(told(&mut task, Input::Lent), [Action::Set(Due::Away, AWAY)]);
        let begins = told(&mut task, Input::Interacting(true));
        assert!(
            matches!(begins.as_slice(), [Action::Cancel(Due::Away), Action::Set(Due::Next, _)]),
            "{begins:?}"
        );
        for trial in 1..=TRIALS {
            let shown = told(&mut task, Input::Due(Due::Next));
            let [Action::Send { event_type: "stimulus", params }, Action::Set(Due::Next, NO_REACTION)] =
                shown.as_slice()
            else {
                panic!("{shown:?}")
            };
            assert_eq!(params[0], trial.to_string());
            let wait = Millis(params[1].parse().unwrap());
            assert!(WAIT.0 <= wait && wait <= WAIT.1, "{wait}");
            assert_eq!(told(&mut task, Input::Settled), [], "there is more to do");
            for other in [trial + 1, trial - 1] {
                let other = event("reaction", &[&other.to_string(), "300"]);
                assert_eq!(told(&mut task, Input::CrEvent(&other)), []);
            }
            let says = if trial % 2 == 0 { "early" } else { "312" };
            let reaction = event("reaction", &[&trial.to_string(), says]);
            let after = told(&mut task, Input::CrEvent(&reaction));
            if trial == TRIALS {
                assert_eq!(after, [Action::Cancel(Due::Next), sends("finished", &[])]);
            } else {
                let [Action::Set(Due::Next, pause)] = after.as_slice() else { panic!("{after:?}") };
                assert!(PAUSE.0 <= *pause && *pause <= PAUSE.1, "{pause}");
            }
            assert_eq!(told(&mut task, Input::CrEvent(&reaction)), [], "doubled");
        }
        assert_eq!(told(&mut task, Input::Settled), [Action::Unassign, Action::Leave]);
    }

    #[test]
    fn a_controller_goes_on_without_a_reaction_and_waits_for_who_is_away() {
        let mut task = Task::controller();
        told(&mut task, Input::Interacting(true));
        let stimulus = |actions: &[Action]| match actions {
            [Action::Send { event_type: "stimulus", params }, _] => params[0].clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(stimulus(&told(&mut task, Input::Due(Due::Next))), "1");
        assert_eq!(stimulus(&told(&mut task, Input::Due(Due::Next))), "2");
        assert_eq!(told(&mut task, Input::Interacting(false)), [Action::Set(Due::Away, AWAY)]);
        assert_eq!(told(&mut task, Input::Due(Due::Next)), [], "nobody is there");
        let back = told(&mut task, Input::Interacting(true));
        assert!(matches!(back.as_slice(), [_, Action::Set(Due::Next, _)]), "{back:?}");
        for trial in 3..=TRIALS {
            assert_eq!(stimulus(&told(&mut task, Input::Due(Due::Next))), trial.to_string());
        }
        assert_eq!(told(&mut task, Input::Due(Due::Next)), [sends("finished", &[])]);
    }

    #[test]
    fn reaction_times_are_human() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut times: Vec<i64> = (0..20_000).map(|_| reaction_time(random.u64(..)).0).collect();
        times.sort_unstable();
        let at = |percent: usize| times[times.len() * percent / 100];
        assert!((312..=328).contains(&at(50)), "median {}", at(50));
        // One standard deviation to each side: 320 times e to the power of 0.25, and divided by it.
        assert!((240..=258).contains(&at(16)) && (400..=422).contains(&at(84)), "{} {}", at(16), at(84));
        for extreme in [0, u64::MAX, u64::from(u32::MAX), u64::from(u32::MAX) << 32, 1 << 63] {
            let time = reaction_time(extreme);
            assert!(REACTION.0 <= time && time <= REACTION.1, "{time}");
        }
    }
}
