//! What one crSocket says of itself when it is asked: more than it publishes on the board.

use crate::protocol::event::{EventKind, Rejection};
use crate::protocol::ids::{Assigned, ClientId, Pid, Role};
use crate::protocol::socket::{ClientFacts, State};
use crate::protocol::time::{Millis, TimerKind};
use crate::protocol::wire::Frame;
use crate::protocol::{receiver, sender};

/// All there is to know of a crSocket. Its accessToken is in it: nobody shows that.
#[derive(Clone, Debug)]
pub struct SocketDetails {
    /// Its role.
    pub role: Role,
    /// What the enclosing client set.
    pub client: ClientFacts,
    /// The partner.
    pub partner: Assigned<ClientId>,
    /// Why the partner rejected it, if it did.
    pub rejection: Option<Rejection>,
    /// Its state.
    pub state: State,
    /// How long ago something of the partner came, if one is remembered.
    pub partner_silent: Option<Millis>,
    /// Its timers that are armed, and in how long they are due.
    pub timers: Vec<(TimerKind, Millis)>,
    /// Its EventReceiver.
    pub receiver: ReceiverDetails,
    /// Its EventSender.
    pub sender: SenderDetails,
}

/// What an EventReceiver says of itself.
#[derive(Clone, Debug)]
pub struct ReceiverDetails {
    /// Its state.
    pub state: receiver::State,
    /// Its stream, if one is open or closing.
    pub stream: Option<(ClientId, Pid)>,
    /// How long that has been open, if it is.
    pub open_for: Option<Millis>,
    /// Its timers, as those of the crSocket.
    pub timers: Vec<(TimerKind, Millis)>,
    /// What came, by kind.
    pub counts: KindCounts,
    /// What went wrong last.
    pub last_error: Option<LastError>,
}

/// What an EventSender says of itself.
#[derive(Clone, Debug)]
pub struct SenderDetails {
    /// Its state.
    pub state: sender::State,
    /// How many crEvents wait for their turn.
    pub queued: usize,
    /// How many are kept while offline, or until the server takes them.
    pub kept: usize,
    /// How many sendevents wait in the line.
    pub in_line: usize,
    /// Whether an answer to a sendevent is awaited.
    pub awaits_answer: bool,
    /// Its timers, as those of the crSocket.
    pub timers: Vec<(TimerKind, Millis)>,
    /// What left, by kind.
    pub counts: KindCounts,
    /// What went wrong last.
    pub last_error: Option<LastError>,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// Calendar time, in milliseconds since 1970.
    pub at: i64,
    /// What, in words, without anything secret.
    pub what: Box<str>,
}

/// How many msgEvents of each kind. Each count begins anew after 2^32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCounts {
    /// `ping`.
    pub ping: u32,
    /// `inactive`.
    pub inactive: u32,
    /// `unassign`.
    pub unassign: u32,
    /// `reject`.
    pub reject: u32,
    /// `alive`, and its echo.
    pub alive: u32,
    /// `close`, and `closed`.
    pub close: u32,
    /// CrEvents of the enclosing client.
    pub other: u32,
}

impl KindCounts {
    /// One more crEvent.
    pub(super) fn count(&mut self, kind: EventKind) {
        let count = match kind {
            EventKind::Ping => &mut self.ping,
            EventKind::Inactive => &mut self.inactive,
            EventKind::Unassign => &mut self.unassign,
            EventKind::Reject => &mut self.reject,
            EventKind::Ordinary => &mut self.other,
        };
        *count = count.wrapping_add(1);
    }

    /// One more frame.
    pub(super) fn count_frame(&mut self, frame: &Frame) {
        match frame {
            Frame::CrEvent(text) => {
                let event_type = text.split(',').next().unwrap_or_default();
                self.count(EventKind::of(event_type));
            }
            Frame::Alive { .. } => self.alive = self.alive.wrapping_add(1),
            Frame::Closed { .. } => self.close = self.close.wrapping_add(1),
            Frame::Hello { .. } | Frame::Aborted { .. } | Frame::Shutdown { .. } => {}
        }
    }
}
