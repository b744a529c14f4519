//! What happened, for whoever wants to be told.

use super::World;
use crate::protocol::action::{Notice, Outcome, Post, RequestNo, StreamNo};
use crate::protocol::ids::{ClientId, Credentials};
use crate::protocol::receiver::{self, StreamEnd};
use crate::protocol::sessions::ServerAction;
use crate::protocol::time::Millis;
use crate::protocol::wire::Frame;
use crate::protocol::wired::Input;
use crate::protocol::{send_line, socket};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Millis,
    /// To whom, and what.
    pub event: Event,
}

/// To whom something happened, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// To a client.
    Client(usize, ClientEvent),
    /// The server did something.
    Server(ServerAction),
    /// Whatever else is to be told.
    Told(String),
}

/// What happened to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// Its enclosing client was told something.
    Notice(Notice),
    /// It asks for an event stream.
    Opens(StreamNo, Credentials),
    /// It drops the connection of an event stream.
    Drops(StreamNo),
    /// It asks for a clientId.
    AsksForId,
    /// It is given a clientId, or none.
    Id(Option<ClientId>),
    /// It sends something.
    Sends(RequestNo, Post),
    /// It is told what became of that.
    Answered(RequestNo, Outcome),
    /// Something comes on an event stream.
    Gets(Frame),
    /// An event stream ends.
    Ended(StreamEnd),
    /// Something was lost on the way to the server.
    RequestLost(Lost),
    /// The answer to something was lost on the way back.
    AnswerLost(Lost),
    /// A frame was lost.
    FrameLost(Frame),
}

/// What a client took: all that its machines need to do the same again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// When, by its own clock.
    pub at: Millis,
    /// Which client.
    pub client: usize,
    /// How often its page had been loaded anew.
    pub reloads: u32,
    /// What.
    pub input: Input,
}

/// What was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// A request for an event stream.
    Stream,
    /// A request for a clientId.
    Id,
    /// A sendevent.
    Post(Post),
}

impl World {
    /// Tells something.
    pub fn tell_log(&mut self, event: Event) {
        if self.recording {
            self.log.push(Entry { at: self.now, event });
        }
    }

    /// What a client's enclosing client was told, and when; only while recording.
    pub fn notices(&self, client: usize) -> impl DoubleEndedIterator<Item = (Millis, &Notice)> {
        self.log.iter().filter_map(move |entry| match &entry.event {
            Event::Client(of, ClientEvent::Notice(notice)) if *of == client => Some((entry.at, notice)),
            Event::Client(..) | Event::Server(_) | Event::Told(_) => None,
        })
    }

    /// What left a client, and when; only while recording.
    pub fn sent(&self, client: usize) -> impl DoubleEndedIterator<Item = (Millis, &Post)> {
        self.log.iter().filter_map(move |entry| match &entry.event {
            Event::Client(of, ClientEvent::Sends(_, post)) if *of == client => Some((entry.at, post)),
            Event::Client(..) | Event::Server(_) | Event::Told(_) => None,
        })
    }

    pub(super) fn record(&mut self, client: usize, event: impl FnOnce() -> ClientEvent) {
        if self.recording {
            self.log.push(Entry { at: self.now, event: Event::Client(client, event()) });
        }
    }

    pub(super) fn record_taken(&mut self, client: usize, at: Millis, input: &Input) {
        if self.recording
            && let Some(page) = self.clients.get(client)
        {
            let reloads = page.epoch;
            self.taken.push(Taken { at, client, reloads, input: input.clone() });
        }
    }

    pub(super) fn record_input(&mut self, client: usize, input: &Input) {
        if !self.recording {
            return;
        }
        let event = match input {
            Input::Receiver(receiver::Input::Frame { frame, .. }) => ClientEvent::Gets(frame.clone()),
            Input::Receiver(receiver::Input::Ended { how, .. }) => ClientEvent::Ended(*how),
            Input::SendLine(send_line::Input::Answer { number, outcome }) => {
                ClientEvent::Answered(*number, outcome.clone())
            }
            Input::Socket(socket::Input::ClientIdAnswer(id)) => ClientEvent::Id(*id),
            Input::Socket(_) | Input::Receiver(_) | Input::SendLine(_) | Input::Timer(_) => return,
        };
        self.record(client, || event);
    }
}
