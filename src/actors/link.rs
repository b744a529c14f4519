//! The ways from a crSocket to its server.

use std::rc::Rc;

use actix::Addr;
use slotmap::new_key_type;

use self::http::HttpLink;
use self::local::LocalLink;
use super::messages::Life;
use super::receiver::EventReceiver;
use super::sender::EventSender;
use super::socket::CrSocket;
use crate::protocol::action::{Post, RequestNo, StreamNo};
use crate::protocol::ids::{AppId, Credentials, Role};

pub mod http;
pub mod local;

new_key_type! {
    /// The name under which a link knows the ends of one crSocket. Never given again.
    pub struct EndsKey;
}

/// The number of a thread's port to this process's Registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortNo(pub usize);

/// The way to a server. Clones are the same way.
#[derive(Clone, Debug)]
pub(super) enum Link {
    /// To this process's Registry.
    Local(LocalLink),
    /// To a server over HTTP.
    Http(HttpLink),
    /// To nobody: what is asked for is written down.
    #[cfg(test)]
    Tape(super::tests::tape::Tape),
}

/// Where what comes for a crSocket goes.
#[derive(Debug)]
pub(super) struct Ends {
    /// Its app.
    pub(super) app: AppId,
    /// Its role.
    pub(super) role: Role,
    /// Answers to requests for a clientId.
    pub(super) socket: Addr<CrSocket>,
    /// Frames.
    pub(super) receiver: Addr<EventReceiver>,
    /// Answers to sendevents.
    pub(super) sender: Addr<EventSender>,
    /// In which of its lives the crSocket is.
    pub(super) life: Life,
}

impl Link {
    /// From now on these ends are known.
    pub(super) fn attach(&self, ends: Rc<Ends>) -> EndsKey {
        match self {
            Link::Local(link) => link.attach(ends),
            Link::Http(link) => link.attach(ends),
            #[cfg(test)]
            Link::Tape(tape) => tape.attach(ends),
        }
    }

    /// These ends are gone, and their stream with them. Called also while a panic unwinds: it does nothing then that
    /// could panic again.
    pub(super) fn detach(&self, ends: EndsKey) {
        match self {
            Link::Local(link) => link.detach(ends),
            Link::Http(link) => link.detach(ends),
            #[cfg(test)]
            Link::Tape(tape) => tape.detach(),
        }
    }

    /// Opens a stream, which takes the place of the one before. `resume`: the last one broke.
    pub(super) fn open(&self, ends: EndsKey, stream: StreamNo, credentials: Credentials, resume: bool) {
        match self {
            // `resume` means nothing yet to the Registry.
            Link::Local(link) => link.open(ends, stream, credentials),
            Link::Http(link) => link.open(ends, stream, &credentials, resume),
            #[cfg(test)]
            Link::Tape(tape) => tape.opens(stream, credentials, resume),
        }
    }

    /// Drops the connection of a stream, if it still stands.
    pub(super) fn drop_stream(&self, ends: EndsKey, stream: StreamNo) {
        match self {
            Link::Local(link) => link.drop_stream(ends, stream),
            Link::Http(link) => link.drop_stream(ends, stream),
            #[cfg(test)]
            Link::Tape(tape) => tape.drops(stream),
        }
    }

    /// Sends; the answer goes to the EventSender.
    pub(super) fn send(&self, ends: EndsKey, number: RequestNo, post: &Post) {
        match self {
            Link::Local(link) => link.send(ends, number, post),
            Link::Http(link) => link.send(ends, number, post),
            #[cfg(test)]
            Link::Tape(tape) => tape.sends(number, post),
        }
    }

    /// Asks for a clientId; the answer goes to the crSocket.
    pub(super) fn request_client_id(&self, ends: EndsKey) {
        match self {
            Link::Local(link) => link.request_client_id(ends),
            Link::Http(link) => link.request_client_id(ends),
            #[cfg(test)]
            Link::Tape(tape) => tape.asks(),
        }
    }

    /// All crSockets of this thread are removed.
    pub(super) fn remove_all(&self) {
        match self {
            Link::Local(link) => link.remove_all(),
            Link::Http(link) => link.remove_all(),
            #[cfg(test)]
            Link::Tape(tape) => tape.remove_all(),
        }
    }

    /// Nobody needs it any more.
    pub(super) fn close(&self) {
        match self {
            Link::Local(link) => link.close(),
            Link::Http(_) => {}
            #[cfg(test)]
            Link::Tape(_) => {}
        }
    }
}
