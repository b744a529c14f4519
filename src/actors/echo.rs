//! The enclosing client of crSockets that answer what they get.

use std::collections::HashMap;

use actix::{Actor, Context, Handler, Message};

use super::board::SocketId;
use super::host::SocketHandle;
use super::messages::{News, SocketEvent};
use crate::protocol::action::{Fate, Notice};
use crate::protocol::event::{CrEvent, EventKind};

/// Answers each crEvent of another type than the protocol's own with the same content.
#[derive(Debug, Default)]
pub struct Echo {
    sockets: HashMap<SocketId, SocketHandle>,
}

/// A crSocket whose observer is this [`Echo`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Observes(pub SocketHandle);

/// An event with the content of another one, and the default flags.
fn answer_to(event: &CrEvent) -> CrEvent {
    CrEvent { params: event.params.clone(), ..CrEvent::unchecked(&event.event_type, &event.sub_type) }
}

impl Actor for Echo {
    type Context = Context<Echo>;
}

impl Handler<Observes> for Echo {
    type Result = ();

    fn handle(&mut self, Observes(socket): Observes, _: &mut Context<Echo>) {
        self.sockets.insert(socket.id(), socket);
    }
}

impl Handler<SocketEvent> for Echo {
    type Result = ();

    fn handle(&mut self, SocketEvent { socket, news }: SocketEvent, _: &mut Context<Echo>) {
        match news {
            News::Notice(Notice::CrEvent(event)) if event.kind() == EventKind::Ordinary => {
                if let Some(handle) = self.sockets.get(&socket) {
                    handle.send(answer_to(&event));
                }
            }
            News::Notice(Notice::Fate { fate, .. }) if fate.is_final() && fate != Fate::Understood => {
                log::debug!("an answer of crSocket {socket} did not arrive: {fate:?}");
            }
            News::Removed { .. } => {
                self.sockets.remove(&socket);
            }
            News::Notice(
                Notice::CrEvent(_)
                | Notice::State { .. }
                | Notice::ClientId(_)
                | Notice::Partner(_)
                | Notice::Fate { .. },
            )
            | News::Reset => {}
        }
    }
}
