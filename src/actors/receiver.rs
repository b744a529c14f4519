//! The EventReceiver of a crSocket, as an actor (section 5).

use std::rc::Rc;

use actix::{Actor, ActorContext, Addr, Context, Handler};

use super::guard::Guard;
use super::link::{EndsKey, Link};
use super::messages::{Life, StopChild, Told};
use super::sender::EventSender;
use super::shared::Shared;
use super::socket::CrSocket;
use super::timers::{HasTimers, Timers};
use crate::protocol::action::ReceiverAction;
use crate::protocol::receiver::{Input, Receiver};
use crate::protocol::send_line;
use crate::protocol::time::TimerKind;

/// Opens the event stream through the link, and hears what comes on it.
#[derive(Debug)]
pub(super) struct EventReceiver {
    machine: Receiver,
    socket: Addr<CrSocket>,
    sender: Addr<EventSender>,
    link: Link,
    ends: EndsKey,
    life: Life,
    timers: Timers,
    shared: Rc<Shared>,
    guard: Guard,
}

/// What the actors of one crSocket know of each other.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub(super) socket: Addr<CrSocket>,
    pub(super) receiver: Addr<EventReceiver>,
    pub(super) sender: Addr<EventSender>,
    pub(super) link: Link,
    pub(super) ends: EndsKey,
    pub(super) life: Life,
    pub(super) shared: Rc<Shared>,
}

impl EventReceiver {
    pub(super) fn new(family: &Family) -> EventReceiver {
        EventReceiver {
            machine: Receiver::new(),
            socket: family.socket.clone(),
            sender: family.sender.clone(),
            link: family.link.clone(),
            ends: family.ends,
            life: family.life,
            timers: Timers::default(),
            shared: Rc::clone(&family.shared),
            guard: Guard::new(family.socket.clone(), "EventReceiver", family.life),
        }
    }

    fn take(&mut self, input: Input, context: &mut Context<EventReceiver>) {
        let mut actions = self.shared.room.receiver.take();
        self.machine.handle(input, &self.shared.step(), &mut actions);
        for action in actions.drain(..) {
            self.perform(action, context);
        }
        self.shared.room.receiver.set(actions);
    }

    fn perform(&mut self, action: ReceiverAction, context: &mut Context<EventReceiver>) {
        match action {
            ReceiverAction::Open { stream, credentials, resume } => {
                self.link.open(self.ends, stream, credentials, resume);
            }
            ReceiverAction::Drop { stream } => self.link.drop_stream(self.ends, stream),
            ReceiverAction::Post(post) => self.sender.do_send(send_line::Input::Post(post)),
            ReceiverAction::Socket(input) => self.socket.do_send(Told { life: self.life, input }),
            ReceiverAction::SetTimer { timer, after } => Timers::set(self, timer, after, context),
            ReceiverAction::CancelTimer(timer) => Timers::cancel(self, timer, context),
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
        &self.shared
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

impl Handler<StopChild> for EventReceiver {
    type Result = ();

    fn handle(&mut self, _: StopChild, context: &mut Context<EventReceiver>) {
        self.guard.stops_as_told();
        context.stop();
    }
}
