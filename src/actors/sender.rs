//! The EventSender of a crSocket, as an actor, with the line in which its sendevents leave (section 6).

use std::rc::Rc;

use actix::{Actor, ActorContext, Context, Handler, MessageResult};

use super::details::{KindCounts, LastError, SenderDetails};
use super::guard::{Child, Family, Guard};
use super::messages::{GetSenderDetails, StopChild, Told};
use super::shared::Shared;
use super::timers::{HasTimers, Timers};
use crate::protocol::action::{Message, Outcome, SendLineAction, SenderAction};
use crate::protocol::receiver;
use crate::protocol::send_line::{self, SendLine};
use crate::protocol::sender::{self, Sender};
use crate::protocol::time::{Step, TimerKind};

/// Sends crEvents through the link, one request at a time.
#[derive(Debug)]
pub(super) struct EventSender {
    machine: Sender,
    line: SendLine,
    timers: Timers,
    home: Guard,
    /// It was told to stop, and does once nothing waits any more.
    is_leaving: bool,
    /// What left, by kind.
    counts: KindCounts,
    last_error: Option<Box<LastError>>,
}

/// What is meant for one of its two machines.
pub(super) enum Letter {
    Sender(sender::Input),
    Line(send_line::Input),
}

impl EventSender {
    pub(super) fn new(family: &Rc<Family>) -> EventSender {
        EventSender {
            machine: Sender::new(),
            line: SendLine::new(),
            timers: Timers::default(),
            home: Guard::new(family, Child::EventSender),
            is_leaving: false,
            counts: KindCounts::default(),
            last_error: None,
        }
    }

    /// Takes one input and lets the two machines talk until all is said, as in [`crate::protocol::wired`].
    fn take(&mut self, letter: Letter, context: &mut Context<EventSender>) {
        let family = Rc::clone(&self.home.family);
        let step = family.shared.step();
        let mut next = Some(letter);
        let mut letters = family.shared.room.letters.take();
        while let Some(letter) = next {
            let place = letters.len();
            match letter {
                Letter::Sender(input) => self.sender_takes(input, &family, &step, &mut letters, context),
                Letter::Line(input) => self.line_takes(input, &family, &step, &mut letters, context),
            }
            if let Some(replies) = letters.get_mut(place..) {
                replies.reverse();
            }
            next = letters.pop();
        }
        family.shared.room.letters.set(letters);
        self.leave_if_done(context);
    }

    fn sender_takes(
        &mut self,
        input: sender::Input,
        family: &Family,
        step: &Step<'_>,
        replies: &mut Vec<Letter>,
        context: &mut Context<EventSender>,
    ) {
        if let sender::Input::Outcome { outcome: Outcome::NoAnswer, .. } = &input {
            self.note_error(&Outcome::NoAnswer);
        }
        let mut actions = family.shared.room.sender.take();
        let mut fates = family.shared.room.fates.take();
        self.machine.handle(input, step, &mut actions);
        for action in actions.drain(..) {
            match action {
                SenderAction::Post(post) => replies.push(Letter::Line(send_line::Input::Post(post))),
                SenderAction::Socket(input) => {
                    family.ends.socket.do_send(Told { life: family.ends.life, input });
                }
                SenderAction::Fate { ticket, fate } => fates.push((ticket, fate)),
                SenderAction::SetTimer { timer, after } => Timers::set(self, timer, after, step.now, context),
                SenderAction::CancelTimer(timer) => self.timers.cancel(timer),
            }
        }
        family.outlet.settle(&family.shared, &family.ends.app, family.ends.life, &mut fates);
        family.shared.room.fates.set(fates);
        family.shared.room.sender.set(actions);
    }

    fn line_takes(
        &mut self,
        input: send_line::Input,
        family: &Family,
        step: &Step<'_>,
        replies: &mut Vec<Letter>,
        context: &mut Context<EventSender>,
    ) {
        if let send_line::Input::Answer { outcome, .. } = &input {
            self.note_error(outcome);
        }
        let mut actions = family.shared.room.line.take();
        self.line.handle(input, step, &mut actions);
        for action in actions.drain(..) {
            match action {
                SendLineAction::Send { number, mut post } => {
                    match &mut post.message {
                        Message::CrEvent(event) => {
                            event.send_ct = family.shared.calendar();
                            self.counts.count(event.kind());
                        }
                        Message::Alive(_) => self.counts.alive = self.counts.alive.wrapping_add(1),
                        Message::Close(_) => self.counts.close = self.counts.close.wrapping_add(1),
                    }
                    family.link.send(family.key, number, &post);
                }
                SendLineAction::Sender(input) => replies.push(Letter::Sender(input)),
                SendLineAction::Receiver(receiver::Input::Sent) => family.sent_at.set(Some(step.now)),
                SendLineAction::Receiver(input) => family.ends.receiver.do_send(input),
                SendLineAction::SetTimer { timer, after } => {
                    Timers::set(self, timer, after, step.now, context);
                }
                SendLineAction::CancelTimer(timer) => self.timers.cancel(timer),
            }
        }
        family.shared.room.line.set(actions);
    }

    /// Remembers what is asked for by whoever inspects it.
    fn note_error(&mut self, outcome: &Outcome) {
        let what = match outcome {
            Outcome::Understood => return,
            Outcome::NoAnswer => "the server did not answer a sendevent".to_owned(),
            Outcome::NoConnection => "no connection for a sendevent could be made".to_owned(),
            Outcome::Refused { status, detail } => format!("a sendevent was refused with {status}: {detail}"),
        };
        let at = self.home.family.shared.calendar().unwrap_or(0);
        self.last_error = Some(Box::new(LastError { at, what: what.into() }));
    }

    /// Once told to stop, it does when everything has left and was answered; what is kept while offline does not leave.
    fn leave_if_done(&mut self, context: &mut Context<EventSender>) {
        if self.is_leaving && self.line.is_empty() && self.machine.queued().0 == 0 {
            self.stop(context);
        }
    }

    fn stop(&mut self, context: &mut Context<EventSender>) {
        self.home.stops_as_told();
        context.stop();
    }
}

impl Actor for EventSender {
    type Context = Context<EventSender>;
}

impl HasTimers for EventSender {
    fn timers(&mut self) -> &mut Timers {
        &mut self.timers
    }

    fn shared(&self) -> &Shared {
        &self.home.family.shared
    }

    fn timer_fired(&mut self, timer: TimerKind, context: &mut Context<EventSender>) {
        let letter = if timer == TimerKind::Answer {
            Letter::Line(send_line::Input::Timer(timer))
        } else {
            Letter::Sender(sender::Input::Timer(timer))
        };
        self.take(letter, context);
    }
}

impl Handler<sender::Input> for EventSender {
    type Result = ();

    fn handle(&mut self, input: sender::Input, context: &mut Context<EventSender>) {
        self.take(Letter::Sender(input), context);
    }
}

impl Handler<send_line::Input> for EventSender {
    type Result = ();

    fn handle(&mut self, input: send_line::Input, context: &mut Context<EventSender>) {
        self.take(Letter::Line(input), context);
    }
}

impl Handler<GetSenderDetails> for EventSender {
    type Result = MessageResult<GetSenderDetails>;

    fn handle(&mut self, _: GetSenderDetails, _: &mut Context<EventSender>) -> Self::Result {
        let (queued, kept) = self.machine.queued();
        MessageResult(SenderDetails {
            state: self.machine.state(),
            queued,
            kept,
            in_line: self.line.waiting(),
            awaits_answer: self.line.awaits_answer(),
            timers: self.timers.due_in(self.shared().now()),
            counts: self.counts,
            last_error: self.last_error.as_deref().cloned(),
        })
    }
}

impl Handler<StopChild> for EventSender {
    type Result = ();

    fn handle(&mut self, StopChild { at_once }: StopChild, context: &mut Context<EventSender>) {
        if at_once {
            return self.stop(context);
        }
        self.is_leaving = true;
        self.leave_if_done(context);
    }
}
