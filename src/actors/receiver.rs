//! The EventReceiver of a crSocket, as an actor (section 5).

use std::rc::Rc;

use actix::{Actor, ActorContext, Context, Handler};

use super::guard::{Child, Family, Guard};
use super::messages::{StopChild, Told};
use super::shared::Shared;
use super::timers::{HasTimers, Timers};
use crate::protocol::action::ReceiverAction;
use crate::protocol::receiver::{Input, Receiver};
use crate::protocol::send_line;
use crate::protocol::time::{Millis, TimerKind};

/// Opens the event stream through the link, and hears what comes on it.
#[derive(Debug)]
pub(super) struct EventReceiver {
    machine: Receiver,
    timers: Timers,
    home: Guard,
}

impl EventReceiver {
    pub(super) fn new(family: &Rc<Family>) -> EventReceiver {
        EventReceiver {
            machine: Receiver::new(),
            timers: Timers::default(),
            home: Guard::new(family, Child::EventReceiver),
        }
    }

    fn take(&mut self, input: Input, context: &mut Context<EventReceiver>) {
        let family = Rc::clone(&self.home.family);
        let mut actions = family.shared.room.receiver.take();
        let step = family.shared.step();
        self.machine.handle(input, &step, &mut actions);
        for action in actions.drain(..) {
            self.perform(action, &family, step.now, context);
        }
        family.shared.room.receiver.set(actions);
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
                family.link.open(family.ends, stream, credentials, resume);
            }
            ReceiverAction::Drop { stream } => family.link.drop_stream(family.ends, stream),
            ReceiverAction::Post(post) => family.sender.do_send(send_line::Input::Post(post)),
            ReceiverAction::Socket(input) => family.socket.do_send(Told { life: family.life, input }),
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

impl Handler<StopChild> for EventReceiver {
    type Result = ();

    fn handle(&mut self, _: StopChild, context: &mut Context<EventReceiver>) {
        self.home.stops_as_told();
        context.stop();
    }
}
