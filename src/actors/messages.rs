//! Every actor message: what the Registry is asked and told, what lies between it and the crSockets of this process, what a
//! crSocket, its children and its enclosing client tell each other.

use std::net::IpAddr;
use std::sync::Arc;

use actix::{Message, Recipient};
use tokio::sync::oneshot;

use super::board::SocketId;
use super::details::{ReceiverDetails, SenderDetails, SocketDetails};
use super::guard::Child;
use super::link::{EndsKey, PortNo};
use super::output::{Connection, Report, StreamReader};
use crate::protocol::action::{Fate, Notice, Outcome, RequestNo, StreamNo, Ticket};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{AccessToken, AppId, Assigned, ClientId, Credentials, Pid, Role};
use crate::protocol::policy::Apps;
use crate::protocol::receiver::{self, StreamEnd};
use crate::protocol::sessions::{NoClientIdNow, SendAnswer};
use crate::protocol::time::Millis;
use crate::protocol::wire::{EventSourceParams, Frame, SendEvent};
use crate::protocol::{send_line, sender, socket};

/// A client asks for its event stream (section 3, "eventsource").
#[derive(Debug, Message)]
#[rtype(result = "OpenAnswer")]
pub struct OpenStream {
    /// In which app.
    pub app: AppId,
    /// What it says of itself.
    pub params: EventSourceParams<'static>,
    /// What the stream goes over, if it can be cut.
    pub connection: Option<Arc<dyn Connection>>,
    /// From which address, if that is known.
    pub remote: Option<IpAddr>,
    /// What it says it is, if it says so.
    pub user_agent: Option<Box<str>>,
    /// The longest time without anything written, in milliseconds; then a comment is (section 4, Ends).
    pub heartbeat: Millis,
}

/// The answer to [`OpenStream`].
#[derive(Debug)]
pub enum OpenAnswer {
    /// The stream is served.
    Stream(StreamReader),
    /// One frame, `aborted`, and the end.
    Aborted(Box<[u8]>),
    /// The retry answer: the line `retry: N`, and the end.
    Retry(Box<[u8]>),
    /// `404`.
    UnknownApp,
}

/// A client sends an event (section 3, "sendevent").
#[derive(Debug, Message)]
#[rtype(result = "SendAnswer")]
pub struct Send {
    /// In which app.
    pub app: AppId,
    /// The request.
    pub event: SendEvent,
}

/// Somebody asks for a clientId (section 3, "clientid").
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<ClientId, NoClientIdNow>")]
pub struct GiveClientId {
    /// Whether it is for a client of this process, which the rate does not count.
    pub own: bool,
}

/// Positions of the clientId sequence below this one are on disk.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct ClientIdsReserved(pub u64);

/// The apps' policies were read again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SetApps(pub Arc<Apps>);

/// Readers have reported something.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct ReportsWait;

/// The server stops: every stream gets `shutdown` and ends (section 4, Ends).
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Stop;

/// How much is going on.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Load")]
pub struct GetLoad;

/// The answer to [`GetLoad`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Sessions that live.
    pub sessions: usize,
    /// ClientIds that are reserved for the user of their last session.
    pub reservations: usize,
    /// Streams that have ended and were not read to their end.
    pub endings: usize,
    /// Streams the Registry writes to or waits for.
    pub streams: usize,
    /// Bytes of crEvents in all outputs.
    pub output_bytes: usize,
    /// Bytes in all waiting lines.
    pub line_bytes: usize,
    /// CrEvents in all waiting lines.
    pub waiting_events: usize,
    /// Streams of crSockets of this process.
    pub hosted: usize,
    /// How many positions of the clientId sequence are consumed.
    pub client_ids_consumed: u64,
    /// Whether the server stops.
    pub is_stopping: bool,
}

/// The port of a thread's crSockets is there: from now on frames and answers for them go to it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OpenPort {
    /// Its number.
    pub port: PortNo,
    /// Where deliveries go.
    pub deliveries: Recipient<LocalDeliveries>,
}

/// The port is gone, with all its crSockets.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct ClosePort(pub PortNo);

/// What the crSockets of one thread ask of this process's Registry, in their order.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LocalRequests {
    /// Their port.
    pub port: PortNo,
    /// What they ask.
    pub requests: Vec<LocalRequest>,
    /// Room for what they will get, empty: what went one way comes back the other, and nothing this large is made anew.
    pub room: Vec<LocalDelivery>,
}

/// What a crSocket of this process asks.
#[derive(Debug)]
pub enum LocalRequest {
    /// Its event stream.
    Open {
        /// Whose ends.
        ends: EndsKey,
        /// Its number for the stream.
        stream: StreamNo,
        /// In which app.
        app: AppId,
        /// In which role.
        role: Role,
        /// Who opens it.
        credentials: Credentials,
    },
    /// To send an event.
    Send {
        /// Whose ends.
        ends: EndsKey,
        /// Its number for the request.
        number: RequestNo,
        /// In which app.
        app: AppId,
        /// The request.
        event: Box<SendEvent>,
    },
    /// What became of what was written to a stream.
    Report(Report),
}

/// What the crSockets of one thread get from this process's Registry, in its order.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LocalDeliveries {
    /// What they get.
    pub deliveries: Vec<LocalDelivery>,
    /// Room for what they will ask, empty.
    pub room: Vec<LocalRequest>,
}

/// What a crSocket of this process gets.
#[derive(Debug)]
pub enum LocalDelivery {
    /// The stream is served.
    Opened {
        /// Whose ends.
        ends: EndsKey,
        /// Which stream.
        stream: StreamNo,
        /// Whose the server says it is.
        client_id: ClientId,
        /// The server's name for it.
        pid: Pid,
    },
    /// How long to wait before the next attempt when the stream breaks.
    Retry {
        /// Whose ends.
        ends: EndsKey,
        /// Which stream.
        stream: StreamNo,
        /// How long.
        after: Millis,
    },
    /// A frame.
    Frame {
        /// Whose ends.
        ends: EndsKey,
        /// Which stream.
        stream: StreamNo,
        /// What it says.
        frame: Frame,
    },
    /// The stream ended, or was not opened.
    Ended {
        /// Whose ends.
        ends: EndsKey,
        /// Which stream.
        stream: StreamNo,
        /// How.
        how: StreamEnd,
    },
    /// The answer to a request.
    Answer {
        /// Whose ends.
        ends: EndsKey,
        /// Which request.
        number: RequestNo,
        /// What became of it.
        outcome: Outcome,
    },
}

impl Message for receiver::Input {
    type Result = ();
}

impl Message for sender::Input {
    type Result = ();
}

impl Message for send_line::Input {
    type Result = ();
}

/// Something for a crSocket from one of its children, or from its link.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Told {
    /// In which of its lives the crSocket was when it began. What is meant for an earlier one means nothing.
    pub(super) life: Life,
    /// What.
    pub(super) input: socket::Input,
}

/// How often a crSocket was reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Life(pub(super) u32);

/// Tells a crSocket that one of its children is gone.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct ChildGone {
    /// In which life.
    pub(super) life: Life,
    /// Which child.
    pub(super) child: Child,
    /// Whether it was told to stop.
    pub(super) was_told: bool,
}

/// Asks an EventReceiver.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "ReceiverDetails")]
pub(super) struct GetReceiverDetails;

/// Asks an EventSender.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "SenderDetails")]
pub(super) struct GetSenderDetails;

/// Tells a child to stop.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct StopChild {
    /// If not, an EventSender stops when what waits has left and was answered.
    pub(super) at_once: bool,
}

/// The enclosing client sets a fact of its crSocket.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub enum SetFact {
    /// The enclosing client is visible, or not.
    Visible(bool),
    /// The enclosing client is online, or not.
    Online(bool),
    /// The enclosing client is paused, or not.
    Paused(bool),
    /// The enclosing client is going away, or was brought back.
    Unloading(bool),
    /// Its clientId; without one, one is asked for.
    ClientId(Assigned<ClientId>),
    /// Its accessToken.
    AccessToken(Assigned<AccessToken>),
    /// The partner.
    Partner(Assigned<ClientId>),
}

/// The enclosing client sends a crEvent to the partner.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct SendCrEvent {
    /// Its number for it: what becomes of it is told under that.
    pub ticket: Ticket,
    /// The event.
    pub event: CrEvent,
}

/// Somebody who is not the enclosing client sends a crEvent in its place, and is told what becomes of it at first. The
/// enclosing client is told nothing of it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SendInPlace {
    /// The event.
    pub event: CrEvent,
    /// Gets its first fate, or that it left if it did so at once.
    pub tell: oneshot::Sender<Fate>,
}

/// Asks a crSocket for all there is to know of it. Nothing where a part of it is gone this moment.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Option<SocketDetails>")]
pub struct GetDetails;

/// The crSocket is removed: it says its goodbyes, closes its stream and stops.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Remove;

/// The crSocket is gone at once, without a word, as when its device loses power: its connection breaks.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Vanish;

/// An enclosing client is told something by one of its crSockets.
#[derive(Clone, Debug, PartialEq, Message)]
#[rtype(result = "()")]
pub struct SocketEvent {
    /// By which.
    pub socket: SocketId,
    /// What.
    pub news: News,
}

/// What an enclosing client is told.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// What the rules say.
    Notice(Notice),
    /// A part of the crSocket died: it starts anew, with the facts that were set.
    Reset,
    /// The crSocket is gone. Nothing more follows.
    Removed {
        /// Whether it was removed; if not, it died.
        as_told: bool,
    },
}
