//! The sendevents of one crSocket, in order, one request at a time (section 6, "Goodbyes are not overtaken").

use std::collections::VecDeque;

use super::action::{Outcome, Post, RequestNo, SendLineAction};
use super::receiver::{ASLEEP, LATEST};
use super::time::{Millis, Step, TimerKind};
use super::{receiver, sender};

/// As many sendevents wait as two full queues of an EventSender and its goodbyes; what is more counts as not
/// connected.
pub const MAX_WAITING: usize = 2 * sender::MAX_QUEUED + 64;

/// What a SendLine is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Send this, behind what waits.
    Post(Post),
    /// The outcome of a request.
    Answer {
        /// Its number.
        number: RequestNo,
        /// What became of it.
        outcome: Outcome,
    },
    /// Whether the enclosing client is unloading: then nothing waits for an answer.
    Unloading(bool),
    /// A timer fired.
    Timer(TimerKind),
}

/// The line in which a crSocket's sendevents leave: the next one after the answer to the last, or after sendAnswerDt
/// without one; at once while unloading. EventSender and EventReceiver share it, so that a `close` never overtakes a
/// goodbye.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SendLine {
    waiting: VecDeque<Post>,
    in_flight: Option<InFlight>,
    last: RequestNo,
    unloading: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct InFlight {
    number: RequestNo,
    origin: Option<RequestNo>,
    due: Millis,
}

impl SendLine {
    /// An empty line.
    pub fn new() -> SendLine {
        SendLine::default()
    }

    /// How many sendevents wait for their turn.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The number of the last request that left.
    pub fn last(&self) -> RequestNo {
        self.last
    }

    /// This line as it would be if now were zero: from then on it does the same at the shifted times. For a model
    /// checker, to which equal situations at different times are equal.
    #[must_use]
    pub fn aged(&self, step: &Step<'_>) -> SendLine {
        let mut aged = self.clone();
        if let Some(sent) = &mut aged.in_flight {
            sent.due = sent.due.seen_from(step.now, LATEST);
        }
        aged
    }

    /// Counts requests anew: the last one that left has number zero.
    pub(super) fn renumber(&mut self) {
        if let Some(sent) = &mut self.in_flight {
            sent.number = RequestNo(sent.number.0.wrapping_sub(self.last.0));
        }
        self.last = RequestNo(0);
    }

    /// The EventSender's requests in it.
    pub(super) fn requests_mut(&mut self) -> impl Iterator<Item = &mut RequestNo> {
        let sent = self.in_flight.iter_mut().filter_map(|sent| sent.origin.as_mut());
        sent.chain(self.waiting.iter_mut().filter_map(|post| post.request.as_mut()))
    }

    /// What waits for its turn.
    pub fn posts(&self) -> impl Iterator<Item = &Post> {
        self.waiting.iter()
    }

    /// Takes one input and asks for what follows from it.
    pub fn handle(&mut self, input: Input, step: &Step<'_>, actions: &mut Vec<SendLineAction>) {
        match input {
            Input::Post(post) => self.post(post, actions),
            Input::Answer { number, outcome } => {
                if self.in_flight.as_ref().is_some_and(|sent| sent.number == number) {
                    actions.push(SendLineAction::CancelTimer(TimerKind::Answer));
                    self.answered(outcome, actions);
                }
            }
            Input::Unloading(unloading) => self.unloading = unloading,
            Input::Timer(TimerKind::Answer) => {
                let late = self.in_flight.as_ref().map(|sent| step.now - sent.due);
                if late.is_some_and(|late| late > ASLEEP) {
                    actions.push(SendLineAction::Receiver(receiver::Input::Woke));
                }
                if late.is_some_and(|late| late >= Millis::ZERO) {
                    self.answered(Outcome::NoAnswer, actions);
                }
            }
            Input::Timer(_) => {}
        }
        self.send_next(step, actions);
    }

    fn post(&mut self, post: Post, actions: &mut Vec<SendLineAction>) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(post);
        } else if let Some(request) = post.request {
            actions.push(outcome_of(request, Outcome::NoConnection));
        }
    }

    fn answered(&mut self, outcome: Outcome, actions: &mut Vec<SendLineAction>) {
        if let Some(InFlight { origin: Some(request), .. }) = self.in_flight.take() {
            actions.push(outcome_of(request, outcome));
        }
    }

    fn send_next(&mut self, step: &Step<'_>, actions: &mut Vec<SendLineAction>) {
        while self.in_flight.is_none() || self.unloading {
            let Some(post) = self.waiting.pop_front() else { return };
            if self.in_flight.is_some() {
                // While unloading nobody waits for answers any more.
                actions.push(SendLineAction::CancelTimer(TimerKind::Answer));
                self.answered(Outcome::NoAnswer, actions);
            }
            self.last = self.last.next();
            let due = step.now + step.timing.send_answer_dt;
            self.in_flight = Some(InFlight { number: self.last, origin: post.request, due });
            actions.push(SendLineAction::SetTimer {
                timer: TimerKind::Answer,
                after: step.timing.send_answer_dt,
            });
            actions.push(SendLineAction::Receiver(receiver::Input::Sent));
            actions.push(SendLineAction::Send { number: self.last, post });
        }
    }
}

fn outcome_of(request: RequestNo, outcome: Outcome) -> SendLineAction {
    SendLineAction::Sender(sender::Input::Outcome { request, outcome })
}
