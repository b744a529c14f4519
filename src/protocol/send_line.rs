//! The sendevents of one crSocket, in order, one request at a time (section 6, "Goodbyes are not overtaken").

use std::collections::VecDeque;

use super::action::{Message, Outcome, Post, RequestNo, SendLineAction};
use super::event::EventKind;
use super::receiver::{ASLEEP, LATEST};
use super::time::{Millis, Step, TimerKind};
use super::{receiver, sender};

/// As many sendevents wait as two full queues of an EventSender and its goodbyes; what is more counts as not
/// connected.
pub const MAX_WAITING: usize = most_waiting(sender::MAX_QUEUED);

/// The same for queues of other lengths.
pub const fn most_waiting(max_queued: usize) -> usize {
    max_queued.saturating_mul(2).saturating_add(64)
}

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
    /// The last request that was made, while its answer is awaited.
    in_flight: Option<InFlight>,
    last: RequestNo,
    unloading: bool,
    /// Most lines, most of the time, are empty.
    rest: Option<Box<Rest>>,
}

/// What a line that is not empty holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Rest {
    waiting: VecDeque<Post>,
    /// Requests that others followed, while unloading, before their answers came: oldest first.
    overtaken: VecDeque<InFlight>,
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
        self.rest.as_ref().map_or(0, |rest| rest.waiting.len())
    }

    /// Whether the answer to a request is awaited.
    pub fn awaits_answer(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Whether nothing waits, and no answer is awaited.
    pub fn is_empty(&self) -> bool {
        self.in_flight.is_none() && self.rest.is_none()
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
        for sent in aged.sent_mut() {
            sent.due = sent.due.seen_from(step.now, LATEST);
        }
        aged
    }

    /// Counts requests anew: the last one that left has number zero.
    pub(super) fn renumber(&mut self) {
        let last = self.last.0;
        for sent in self.sent_mut() {
            sent.number = RequestNo(sent.number.0.wrapping_sub(last));
        }
        self.last = RequestNo(0);
    }

    /// The EventSender's requests in it.
    pub(super) fn requests_mut(&mut self) -> impl Iterator<Item = &mut RequestNo> {
        let (overtaken, waiting) =
            self.rest.as_deref_mut().map(|rest| (&mut rest.overtaken, &mut rest.waiting)).unzip();
        let sent = overtaken.into_iter().flatten().chain(&mut self.in_flight);
        let waiting = waiting.into_iter().flatten();
        sent.filter_map(|sent| sent.origin.as_mut()).chain(waiting.filter_map(|post| post.request.as_mut()))
    }

    /// The requests whose answers are awaited.
    fn sent_mut(&mut self) -> impl Iterator<Item = &mut InFlight> {
        let overtaken = self.rest.as_deref_mut().map(|rest| &mut rest.overtaken);
        overtaken.into_iter().flatten().chain(&mut self.in_flight)
    }

    /// What waits for its turn.
    pub fn posts(&self) -> impl Iterator<Item = &Post> {
        self.rest.iter().flat_map(|rest| &rest.waiting)
    }

    /// Takes one input and asks for what follows from it.
    pub fn handle(&mut self, input: Input, step: &Step<'_>, actions: &mut Vec<SendLineAction>) {
        match input {
            Input::Post(post) => self.post(post, step, actions),
            Input::Answer { number, outcome } => self.answered(number, &outcome, step, actions),
            Input::Unloading(unloading) => self.unloading = unloading,
            Input::Timer(TimerKind::Answer) => self.time_is_up(step, actions),
            Input::Timer(_) => {}
        }
        self.send_waiting(step, actions);
        if self.rest.as_ref().is_some_and(|rest| rest.waiting.is_empty() && rest.overtaken.is_empty()) {
            self.rest = None;
        }
    }

    fn post(&mut self, post: Post, step: &Step<'_>, actions: &mut Vec<SendLineAction>) {
        if self.is_free() && self.waiting() == 0 {
            self.send(post, step, actions);
        } else if self.waiting() < most_waiting(step.timing.max_queued) {
            self.rest.get_or_insert_default().waiting.push_back(post);
        } else if let Some(request) = post.request {
            actions.push(outcome_of(request, Outcome::NoConnection));
        }
    }

    fn is_free(&self) -> bool {
        self.in_flight.is_none() || self.unloading
    }

    fn send_waiting(&mut self, step: &Step<'_>, actions: &mut Vec<SendLineAction>) {
        while self.is_free() {
            let Some(post) = self.rest.as_mut().and_then(|rest| rest.waiting.pop_front()) else { return };
            self.send(post, step, actions);
        }
    }

    fn send(&mut self, post: Post, step: &Step<'_>, actions: &mut Vec<SendLineAction>) {
        if let Some(overtaken) = self.in_flight.take() {
            let rest = self.rest.get_or_insert_default();
            rest.overtaken.push_back(overtaken);
            if rest.overtaken.len() > most_waiting(step.timing.max_queued) {
                let oldest = rest.overtaken.pop_front();
                tell(oldest.as_ref(), &Outcome::NoAnswer, actions);
            }
        }
        self.last = self.last.next();
        let due = step.now + step.timing.send_answer_dt;
        self.in_flight = Some(InFlight { number: self.last, origin: post.request, due });
        self.set_timer(step, actions);
        actions.push(SendLineAction::Receiver(receiver::Input::Sent));
        if let (Message::CrEvent(event), Some(request)) = (&post.message, post.request)
            && event.kind() == EventKind::Ping
        {
            // Told first: whatever answers the ping must find its crSocket knowing that it left.
            actions.push(SendLineAction::Sender(sender::Input::PingLeft { request }));
        }
        actions.push(SendLineAction::Send { number: self.last, post });
    }

    fn answered(
        &mut self,
        number: RequestNo,
        outcome: &Outcome,
        step: &Step<'_>,
        actions: &mut Vec<SendLineAction>,
    ) {
        if self.in_flight.as_ref().is_some_and(|sent| sent.number == number) {
            let sent = self.in_flight.take();
            self.set_timer(step, actions);
            tell(sent.as_ref(), outcome, actions);
            return;
        }
        let Some(rest) = &mut self.rest else { return };
        let place = rest.overtaken.iter().position(|sent| sent.number == number);
        let Some(sent) = place.and_then(|place| rest.overtaken.remove(place)) else { return };
        self.set_timer(step, actions);
        tell(Some(&sent), outcome, actions);
    }

    fn time_is_up(&mut self, step: &Step<'_>, actions: &mut Vec<SendLineAction>) {
        let Some(due) = self.next_due().filter(|due| *due <= step.now) else { return };
        if step.now - due > ASLEEP {
            actions.push(SendLineAction::Receiver(receiver::Input::Woke));
        }
        while self.next_due().is_some_and(|due| due <= step.now) {
            let overtaken = self.rest.as_mut().and_then(|rest| rest.overtaken.pop_front());
            let sent = overtaken.or_else(|| self.in_flight.take());
            tell(sent.as_ref(), &Outcome::NoAnswer, actions);
        }
        if self.next_due().is_some() {
            self.set_timer(step, actions);
        }
    }

    /// When the oldest request that is not answered counts as unanswered for good.
    fn next_due(&self) -> Option<Millis> {
        let overtaken = self.rest.as_ref().and_then(|rest| rest.overtaken.front());
        overtaken.or(self.in_flight.as_ref()).map(|sent| sent.due)
    }

    fn set_timer(&self, step: &Step<'_>, actions: &mut Vec<SendLineAction>) {
        let timer = TimerKind::Answer;
        actions.push(match self.next_due() {
            Some(due) => SendLineAction::SetTimer { timer, after: (due - step.now).at_least_zero() },
            None => SendLineAction::CancelTimer(timer),
        });
    }
}

fn tell(sent: Option<&InFlight>, outcome: &Outcome, actions: &mut Vec<SendLineAction>) {
    if let Some(request) = sent.and_then(|sent| sent.origin) {
        actions.push(outcome_of(request, outcome.clone()));
    }
}

fn outcome_of(request: RequestNo, outcome: Outcome) -> SendLineAction {
    SendLineAction::Sender(sender::Input::Outcome { request, outcome })
}
