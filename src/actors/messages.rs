//! What the Registry is asked and told.

use std::net::IpAddr;
use std::sync::Arc;

use actix::Message;

use super::output::{Connection, StreamReader};
use crate::protocol::ids::{AppId, ClientId};
use crate::protocol::policy::Apps;
use crate::protocol::sessions::{NoClientIdNow, SendAnswer};
use crate::protocol::time::Millis;
use crate::protocol::wire::{EventSourceParams, SendEvent};

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
pub struct GiveClientId;

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
    /// How many positions of the clientId sequence are consumed.
    pub client_ids_consumed: u64,
}
