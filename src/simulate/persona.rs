//! What an enclosing client does, as plain values: it is told something, and says what follows.
//!
//! ```text
//!   controller   (pause) ──► stimulus ──► response ──► (pause) ──► ...     a trial; without a response in time, the next one
//!   responder    stimulus ──► (think) ──► response
//!   chatter      an event at each moment of a timetable that waits for nothing
//! ```

use std::time::Duration;

use super::distribution::Distribution;
use super::random::Random;
use super::time::Micros;

/// What kind of client it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Behaviour {
    /// A controller that runs trials.
    Trials {
        /// Between a response and the next stimulus.
        pause: Distribution,
        /// How long a response is waited for.
        response_within: Duration,
        /// After so many it has finished; without, it never has.
        trials: Option<u64>,
    },
    /// A responder that answers.
    Answers {
        /// How long it takes.
        think: Distribution,
    },
    /// Sends at its times, answered or not.
    Chatter {
        /// From one to the next.
        every: Distribution,
    },
    /// Is there.
    Idle,
}

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A trial begins.
    Stimulus,
    /// The answer to the stimulus of this number.
    Response(u64),
    /// One of many.
    Chatter,
    /// Something that no persona sends.
    Other,
}

impl Kind {
    /// Its crEvent's type; for [`Kind::Other`] nothing.
    pub fn event_type(self) -> &'static str {
        match self {
            Kind::Stimulus => "stimulus",
            Kind::Response(_) => "response",
            Kind::Chatter => "chatter",
            Kind::Other => "",
        }
    }
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Its crSocket is interacting, or not any more.
    Interacting(bool),
    /// An event of this kind came from the partner, with this number.
    Heard(Kind, u64),
    /// The moment it waited for.
    Due,
    /// Its stimulus was sent, under this number.
    Numbered(u64),
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It sends an event, which was due at this moment.
    Send(Kind, Micros),
    /// An event was due at this moment, but the partner is not there.
    Withhold(Micros),
    /// It waits until then, and for nothing else.
    Wait(Micros),
    /// It waits for nothing.
    Rest,
    /// The trial that was to begin then is over, with its response.
    TrialDone(Micros),
    /// There was no response in time.
    TrialFailed,
}

/// A client.
#[derive(Clone, Debug, PartialEq)]
pub struct Persona {
    behaviour: Behaviour,
    is_interacting: bool,
    stage: Stage,
}

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is begun.
    Before,
    /// It waits for its time: a stimulus, an answer to this one, or the next event.
    Ahead { at: Micros, answers: u64 },
    /// A stimulus is out, since this moment.
    Asked { at: Micros, number: Option<u64> },
    /// All its trials are done.
    Finished,
}

impl Persona {
    /// A new one. None where it would never do anything.
    pub fn new(behaviour: Behaviour) -> Option<Persona> {
        (behaviour != Behaviour::Idle).then_some(Persona {
            behaviour,
            is_interacting: false,
            stage: Stage::Before,
        })
    }

    /// Takes one input. `done` is how many trials it has finished so far.
    pub fn handle(
        &mut self,
        input: Input,
        now: Micros,
        done: u64,
        random: &mut Random,
        actions: &mut Vec<Action>,
    ) {
        match (self.behaviour, input) {
            (_, Input::Interacting(is_interacting)) => self.interacting(is_interacting, now, random, actions),
            (Behaviour::Trials { pause, response_within, trials }, Input::Due) => match self.stage {
                Stage::Ahead { at, .. } if self.is_interacting => {
                    self.stage = Stage::Asked { at, number: None };
                    actions.push(Action::Send(Kind::Stimulus, at));
                    actions.push(Action::Wait(now.plus(response_within)));
                }
                Stage::Asked { .. } => {
                    actions.push(Action::TrialFailed);
                    self.next_trial(pause, trials, done, now, random, actions);
                }
                Stage::Ahead { .. } | Stage::Before | Stage::Finished => {}
            },
            (Behaviour::Trials { .. }, Input::Numbered(number)) => {
                if let Stage::Asked { at, .. } = self.stage {
                    self.stage = Stage::Asked { at, number: Some(number) };
                }
            }
            (Behaviour::Trials { pause, trials, .. }, Input::Heard(Kind::Response(about), _)) => {
                if let Stage::Asked { at, number } = self.stage
                    && number == Some(about)
                {
                    actions.push(Action::TrialDone(at));
                    self.next_trial(pause, trials, done.saturating_add(1), now, random, actions);
                }
            }
            (Behaviour::Answers { think }, Input::Heard(Kind::Stimulus | Kind::Other, number)) => {
                let at = now.plus(think.sample(random));
                self.stage = Stage::Ahead { at, answers: number };
                actions.push(Action::Wait(at));
            }
            (Behaviour::Answers { .. }, Input::Due) => {
                if let Stage::Ahead { at, answers } = self.stage {
                    self.stage = Stage::Before;
                    actions.push(self.send_or_not(Kind::Response(answers), at));
                    actions.push(Action::Rest);
                }
            }
            (Behaviour::Chatter { every }, Input::Due) => self.chatter(every, now, random, actions),
            (
                Behaviour::Trials { .. }
                | Behaviour::Answers { .. }
                | Behaviour::Chatter { .. }
                | Behaviour::Idle,
                Input::Heard(..) | Input::Numbered(_) | Input::Due,
            ) => {}
        }
    }

    fn interacting(
        &mut self,
        is_interacting: bool,
        now: Micros,
        random: &mut Random,
        actions: &mut Vec<Action>,
    ) {
        self.is_interacting = is_interacting;
        match (self.behaviour, self.stage) {
            (Behaviour::Trials { pause, .. }, Stage::Before) if is_interacting => {
                self.wait_until(now.plus(pause.sample(random)), actions);
            }
            // Nobody would see it.
            (Behaviour::Trials { .. }, Stage::Ahead { .. }) if !is_interacting => {
                self.stage = Stage::Before;
                actions.push(Action::Rest);
            }
            // Its first moment is anywhere in the first interval, so that pairs do not send in step.
            (Behaviour::Chatter { every }, Stage::Before) if is_interacting => {
                let first = random.below(u64::try_from(every.mean().as_micros()).unwrap_or(u64::MAX));
                self.wait_until(now.plus(Duration::from_micros(first)), actions);
            }
            (
                Behaviour::Trials { .. }
                | Behaviour::Answers { .. }
                | Behaviour::Chatter { .. }
                | Behaviour::Idle,
                _,
            ) => {}
        }
    }

    fn next_trial(
        &mut self,
        pause: Distribution,
        trials: Option<u64>,
        done: u64,
        now: Micros,
        random: &mut Random,
        actions: &mut Vec<Action>,
    ) {
        if trials.is_some_and(|trials| done >= trials) {
            self.stage = Stage::Finished;
            actions.push(Action::Rest);
        } else if self.is_interacting {
            self.wait_until(now.plus(pause.sample(random)), actions);
        } else {
            self.stage = Stage::Before;
            actions.push(Action::Rest);
        }
    }

    /// Whatever was due by now, each at its own moment: a timetable waits for nobody.
    fn chatter(&mut self, every: Distribution, now: Micros, random: &mut Random, actions: &mut Vec<Action>) {
        let Stage::Ahead { mut at, .. } = self.stage else { return };
        while at <= now {
            actions.push(self.send_or_not(Kind::Chatter, at));
            at = at.plus(every.sample(random).max(Duration::from_micros(1)));
        }
        self.wait_until(at, actions);
    }

    fn send_or_not(&self, kind: Kind, at: Micros) -> Action {
        if self.is_interacting { Action::Send(kind, at) } else { Action::Withhold(at) }
    }

    fn wait_until(&mut self, at: Micros, actions: &mut Vec<Action>) {
        self.stage = Stage::Ahead { at, answers: 0 };
        actions.push(Action::Wait(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    struct Told {
        persona: Persona,
        random: Random,
    }

    impl Told {
        fn new(behaviour: Behaviour) -> Told {
            Told { persona: Persona::new(behaviour).unwrap(), random: Random::new(1) }
        }

        fn at(&mut self, seconds: u64, done: u64, input: Input) -> Vec<Action> {
            let mut actions = Vec::new();
            self.persona.handle(input, at(seconds), done, &mut self.random, &mut actions);
            actions
        }
    }

    fn at(seconds: u64) -> Micros {
        Micros(seconds * Micros::SECOND.0)
    }

    fn trials(trials: Option<u64>) -> Behaviour {
        Behaviour::Trials { pause: Distribution::constant(SECOND), response_within: 5 * SECOND, trials }
    }

    #[test]
    fn a_controller_waits_for_each_response_and_begins_the_next_trial() {
        let mut told = Told::new(trials(Some(2)));
        assert_eq!(told.at(10, 0, Input::Interacting(true)), [Action::Wait(at(11))]);
        let begins = [Action::Send(Kind::Stimulus, at(11)), Action::Wait(at(17))];
        assert_eq!(told.at(12, 0, Input::Due), begins, "late, but due when it was");
        told.at(12, 0, Input::Numbered(40));
        assert_eq!(told.at(13, 0, Input::Heard(Kind::Response(39), 1)), [], "of a trial before");
        let done = [Action::TrialDone(at(11)), Action::Wait(at(14))];
        assert_eq!(told.at(13, 0, Input::Heard(Kind::Response(40), 2)), done);
        assert_eq!(told.at(13, 1, Input::Heard(Kind::Response(40), 2)), [], "doubled");
        told.at(14, 1, Input::Due);
        told.at(14, 1, Input::Numbered(41));
        let last = [Action::TrialDone(at(14)), Action::Rest];
        assert_eq!(told.at(15, 1, Input::Heard(Kind::Response(41), 3)), last, "all are done");
        assert_eq!(told.at(16, 2, Input::Interacting(true)), []);
    }

    #[test]
    fn without_a_response_in_time_the_next_trial_begins_and_nobody_is_asked_who_is_away() {
        let mut told = Told::new(trials(None));
        told.at(0, 0, Input::Interacting(true));
        told.at(1, 0, Input::Due);
        assert_eq!(told.at(6, 0, Input::Due), [Action::TrialFailed, Action::Wait(at(7))]);
        assert_eq!(told.at(6, 0, Input::Interacting(false)), [Action::Rest]);
        assert_eq!(told.at(7, 0, Input::Due), [], "an alarm that came too late");
        assert_eq!(told.at(9, 0, Input::Interacting(true)), [Action::Wait(at(10))]);
        told.at(10, 0, Input::Due);
        assert_eq!(told.at(11, 0, Input::Interacting(false)), [], "the response may still come");
        assert_eq!(told.at(15, 0, Input::Due), [Action::TrialFailed, Action::Rest]);
    }

    #[test]
    fn a_responder_answers_after_its_time_what_came_last() {
        let mut told = Told::new(Behaviour::Answers { think: Distribution::constant(SECOND) });
        told.at(0, 0, Input::Interacting(true));
        assert_eq!(told.at(1, 0, Input::Heard(Kind::Stimulus, 7)), [Action::Wait(at(2))]);
        assert_eq!(told.at(1, 0, Input::Heard(Kind::Other, 9)), [Action::Wait(at(2))]);
        assert_eq!(told.at(2, 0, Input::Due), [Action::Send(Kind::Response(9), at(2)), Action::Rest]);
        assert_eq!(told.at(3, 0, Input::Due), []);
        assert_eq!(told.at(3, 0, Input::Heard(Kind::Chatter, 10)), [], "nobody asked");
        told.at(3, 0, Input::Heard(Kind::Stimulus, 11));
        told.at(3, 0, Input::Interacting(false));
        assert_eq!(told.at(4, 0, Input::Due), [Action::Withhold(at(4)), Action::Rest]);
    }

    #[test]
    fn chatter_goes_by_its_timetable_whatever_happens() {
        let mut told = Told::new(Behaviour::Chatter { every: Distribution::constant(SECOND) });
        let Action::Wait(first) = told.at(10, 0, Input::Interacting(true))[0] else { panic!("it waits") };
        assert!(at(10) <= first && first < at(11), "{first:?}");
        let sends = |nth: u64| Action::Send(Kind::Chatter, Micros(first.0 + nth * Micros::SECOND.0));
        let ahead = |nth: u64| Action::Wait(Micros(first.0 + nth * Micros::SECOND.0));
        assert_eq!(told.at(11, 0, Input::Due), [sends(0), ahead(1)]);
        let late = told.at(14, 0, Input::Due);
        assert_eq!(late, [sends(1), sends(2), sends(3), ahead(4)], "each was due at its own moment");
        told.at(14, 0, Input::Interacting(false));
        let missed = Action::Withhold(Micros(first.0 + 4 * Micros::SECOND.0));
        assert_eq!(told.at(15, 0, Input::Due), [missed, ahead(5)], "the timetable goes on");
        assert_eq!(told.at(15, 0, Input::Interacting(true)), []);
    }

    #[test]
    fn who_is_idle_needs_nothing() {
        assert_eq!(Persona::new(Behaviour::Idle), None);
    }
}
