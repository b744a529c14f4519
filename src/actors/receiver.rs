//! The EventReceiver of a crSocket, as an actor (section 5).

use std::rc::Rc;

use actix::{Actor, ActorContext, Context, Handler, MessageResult};

use super::details::{KindCounts, LastError, ReceiverDetails};
use super::guard::{Child, Family, Guard};
use super::messages::{GetReceiverDetails, StopChild, Told};
use super::shared::Shared;
use super::timers::{HasTimers, Timers};
use crate::protocol::action::ReceiverAction;
use crate::protocol::receiver::{Input, Receiver, State, StreamEnd};
use crate::protocol::send_line;
use crate::protocol::time::{Millis, Step, TimerKind};
use crate::protocol::wire::Frame;

/// Opens the event stream through the link, and hears what comes on it.
#[derive(Debug)]
pub(super) struct EventReceiver {
    machine: Receiver,
    timers: Timers,
    home: Guard,
    /// What came, by kind.
    counts: KindCounts,
    last_error: Option<Box<LastError>>,
}

impl EventReceiver {
    pub(super) fn new(family: &Rc<Family>) -> EventReceiver {
        EventReceiver {
            machine: Receiver::new(),
            timers: Timers::default(),
            home: Guard::new(family, Child::EventReceiver),
            counts: KindCounts::default(),
            last_error: None,
        }
    }

    fn take(&mut self, input: Input, context: &mut Context<EventReceiver>) {
        self.note(&input);
        let family = Rc::clone(&self.home.family);
        let mut actions = family.shared.room.receiver.take();
        let step = family.shared.step();
        if let Some(at) = family.sent_at.take() {
            self.machine.handle(Input::Sent, &Step { now: at, ..step }, &mut actions);
        }
        self.machine.handle(input, &step, &mut actions);
        for action in actions.drain(..) {
            self.perform(action, &family, step.now, context);
        }
        family.shared.room.receiver.set(actions);
    }

    /// Remembers what is asked for by whoever inspects it.
    fn note(&mut self, input: &Input) {
        let what = match input {
            Input::Frame { frame, .. } => {
                self.counts.count_frame(frame);
                match frame {
                    Frame::Aborted { reason, .. } => {
                        format!("the server gave the stream up: {}", reason.as_str())
                    }
                    Frame::Hello { .. }
                    | Frame::Alive { .. }
                    | Frame::CrEvent(_)
                    | Frame::Closed { .. }
                    | Frame::Shutdown { .. } => return,
                }
            }
            // A stream that was closed, or given up, ends.
            Input::Ended { how: StreamEnd::Broken, .. } if !self.is_wanted() => return,
            Input::Ended { how, .. } => match how {
                StreamEnd::NoConnection => "no connection to the server could be made".to_owned(),
                StreamEnd::Broken => "the stream ended".to_owned(),
                StreamEnd::Status(status) => format!("the server answered {status} instead of a stream"),
                StreamEnd::NotEventStream => "the server's answer was no event stream".to_owned(),
            },
            Input::Set { .. } | Input::Retry { .. } | Input::Sent | Input::Woke | Input::Timer(_) => return,
        };
        let at = self.home.family.shared.calendar().unwrap_or(0);
        self.last_error = Some(Box::new(LastError { at, what: what.into() }));
    }

    /// Whether it is to have a stream.
    fn is_wanted(&self) -> bool {
        match self.machine.state() {
            State::Opening | State::Open => true,
            State::Closed(_) | State::Closing(_) | State::Aborted(_) => false,
        }
    }

    fn perform(
        &mut self,
        action: ReceiverAction,
        family: &Family,
        now: Millis,
        context: &mut Context<EventReceiver>,
    ) {
        match action {
            ReceiverAction::Open { stream, credentials, resume } => {
                family.link.open(family.key, stream, credentials, resume);
            }
            ReceiverAction::Drop { stream } => family.link.drop_stream(family.key, stream),
            ReceiverAction::Post(post) => family.ends.sender.do_send(send_line::Input::Post(post)),
            ReceiverAction::Socket(input) => {
                family.ends.socket.do_send(Told { life: family.ends.life, input });
            }
            ReceiverAction::SetTimer { timer, after } => Timers::set(self, timer, after, now, context),
            ReceiverAction::CancelTimer(timer) => self.timers.cancel(timer),
        }
    }
}

impl Actor for EventReceiver {
    type Context = Context<EventReceiver>;
}

impl HasTimers for EventReceiver {
    fn timers(&mut self) -> &mut Timers {
        &mut self.timers
    }

    fn shared(&self) -> &Shared {
        &self.home.family.shared
    }

    fn timer_fired(&mut self, timer: TimerKind, context: &mut Context<EventReceiver>) {
        self.take(Input::Timer(timer), context);
    }
}

impl Handler<Input> for EventReceiver {
    type Result = ();

    fn handle(&mut self, input: Input, context: &mut Context<EventReceiver>) {
        self.take(input, context);
    }
}

impl Handler<GetReceiverDetails> for EventReceiver {
    type Result = MessageResult<GetReceiverDetails>;

    fn handle(&mut self, _: GetReceiverDetails, _: &mut Context<EventReceiver>) -> Self::Result {
        let now = self.shared().now();
        MessageResult(ReceiverDetails {
            state: self.machine.state(),
            stream: self.machine.client_id().zip(self.machine.pid()),
            open_for: self.machine.open_since().map(|since| now - since),
            timers: self.timers.due_in(now),
            counts: self.counts,
            last_error: self.last_error.as_deref().cloned(),
        })
    }
}

impl Handler<StopChild> for EventReceiver {
    type Result = ();

    fn handle(&mut self, _: StopChild, context: &mut Context<EventReceiver>) {
        self.home.stops_as_told();
        context.stop();
    }
}
