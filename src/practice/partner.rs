//! The enclosing client of one practice partner.

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, SpawnHandle};

use super::lender::Slot;
use super::task::{Action, Due, Input, Task};
use crate::actors::clock::duration;
use crate::actors::host::{CrSocketBuilder, Host, SocketHandle};
use crate::actors::messages::{News, SetFact, SocketEvent};
use crate::protocol::action::{Fate, Notice, Ticket};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::Assigned;
use crate::protocol::socket::State;

/// One practice partner. It is gone when its crSocket is.
pub(super) struct Partner {
    task: Task,
    socket: SocketHandle,
    timers: Vec<(Due, SpawnHandle)>,
    /// Of the last event that it sent.
    last: Option<Ticket>,
    is_interacting: bool,
    has_left: bool,
    /// Free again when this is dropped.
    _slot: Slot,
}

impl Partner {
    /// Hosts one.
    pub(super) fn lend(task: Task, builder: CrSocketBuilder, host: &Host, slot: Slot) {
        Partner::create(|context| Partner {
            task,
            socket: host.spawn(builder.observer(context.address().recipient())),
            timers: Vec::new(),
            last: None,
            is_interacting: false,
            has_left: false,
            _slot: slot,
        });
    }

    fn take(&mut self, input: Input<'_>, context: &mut Context<Partner>) {
        if self.has_left {
            return;
        }
        let mut actions = Vec::new();
        self.task.handle(input, fastrand::u64(..), &mut actions);
        for action in actions {
            self.perform(action, context);
        }
    }

    fn perform(&mut self, action: Action, context: &mut Context<Partner>) {
        match action {
            Action::Send { event_type, params } => {
                // What it repeats came as params, and so can be some again.
                if let Ok(event) = CrEvent::new(event_type, "").and_then(|event| event.with_params(params)) {
                    self.last = Some(self.socket.send(event));
                }
            }
            Action::Set(due, after) => {
                self.cancel(due, context);
                let handle = context.run_later(duration(after), move |partner, context| {
                    partner.timers.retain(|(armed, _)| *armed != due);
                    partner.take(Input::Due(due), context);
                });
                self.timers.push((due, handle));
            }
            Action::Cancel(due) => self.cancel(due, context),
            Action::Unassign => self.socket.set(SetFact::Partner(Assigned::Nothing)),
            Action::Leave => {
                self.has_left = true;
                self.socket.remove();
            }
        }
    }

    fn cancel(&mut self, due: Due, context: &mut Context<Partner>) {
        for (_, handle) in self.timers.extract_if(.., |(armed, _)| *armed == due) {
            context.cancel_future(handle);
        }
    }

    fn noticed(&mut self, notice: &Notice, context: &mut Context<Partner>) {
        match notice {
            Notice::State { to, .. } => {
                let is_interacting = *to == State::Interacting;
                if is_interacting != self.is_interacting {
                    self.is_interacting = is_interacting;
                    self.take(Input::Interacting(is_interacting), context);
                }
            }
            Notice::Partner(None) => self.take(Input::PartnerGone, context),
            Notice::CrEvent(event) => self.take(Input::CrEvent(event), context),
            Notice::Fate { ticket, fate } => {
                if Some(*ticket) == self.last && fate.is_final() {
                    if *fate != Fate::Understood {
                        log::debug!("an event of a practice partner did not arrive: {fate:?}");
                    }
                    self.take(Input::Settled, context);
                }
            }
            Notice::Partner(Some(_)) | Notice::ClientId(_) => {}
        }
    }
}

impl Actor for Partner {
    type Context = Context<Partner>;

    fn started(&mut self, context: &mut Context<Partner>) {
        self.take(Input::Lent, context);
    }
}

impl Handler<SocketEvent> for Partner {
    type Result = ();

    fn handle(&mut self, event: SocketEvent, context: &mut Context<Partner>) {
        match event.news {
            News::Notice(notice) => self.noticed(&notice, context),
            // It has lost its place in the task.
            News::Reset => self.perform(Action::Leave, context),
            News::Removed { .. } => context.stop(),
        }
    }
}
