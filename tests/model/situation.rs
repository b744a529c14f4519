//! A situation: everything on which it depends what can happen next. Now is always zero.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crsocket::protocol::action::{Message, Outcome, Post};
use crsocket::protocol::event::CrEvent;
use crsocket::protocol::ids::{ClientId, Credentials, Pid};
use crsocket::protocol::receiver::StreamEnd;
use crsocket::protocol::sessions::SessionTable;
use crsocket::protocol::time::{Millis, TimerKind};
use crsocket::protocol::wire::Frame;
use crsocket::protocol::wired::WiredSocket;

use crate::mail::{Mail, Outbox, number_of, number_sent};
use crate::rules::Rule;
use crate::setup::Deed;
use crate::shared::{Shared, hash_of};

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Situation {
    /// The clients, by their places in the setup.
    pub pages: Vec<Shared<Page>>,
    pub server: Shared<SessionTable>,
    /// The stream that a client has, if the server answered its request.
    pub streams: Vec<Option<Stream>>,
    /// Requests, answers and news of lost connections: in no order, so they are kept sorted.
    pub under_way: Vec<UnderWay>,
    /// The crEvents of enclosing clients, from their acceptance on.
    pub mail: Mail,
    pub budget: Budget,
    /// What did not hold on the way here.
    pub broken: Option<Rule>,
}

/// What a client's page runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    pub machines: WiredSocket,
    /// When the armed timers are due.
    pub timers: [Option<Millis>; TimerKind::ALL.len()],
    /// The partners that it had, each with the credentials by which it last knew this client.
    pub held: BTreeMap<ClientId, Credentials>,
    /// The last event that reached the enclosing client, if it was one that makes its sender active.
    pub heard: Option<(ClientId, Millis)>,
    /// The crEvents of its enclosing client, until they have left.
    pub outbox: Outbox,
}

/// An event stream, as it reaches its client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Which session writes to it; none where it was not served.
    pub pid: Option<Pid>,
    pub client_id: ClientId,
    /// In the order in which it will come.
    pub items: VecDeque<Item>,
    /// Nothing comes through any more, and nobody is told.
    pub dead: bool,
    /// Time passes although something is on its way.
    pub late: bool,
}

/// What comes on a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    Retry(Millis),
    Frame(Frame),
    Ended(StreamEnd),
}

/// What is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnderWay {
    /// From or to which client.
    pub client: usize,
    pub what: What,
    /// Time passes although it is under way.
    pub late: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A request for a stream, which the client may have given up.
    Open { wanted: bool, credentials: Credentials },
    /// A sendevent, whose outcome the client may not wait for any more.
    Send { awaited: bool, post: Post },
    /// The answer to the sendevent that the client waits for.
    Answer(Outcome),
    /// The server is about to notice that a stream's connection is gone.
    Gone { client_id: ClientId, pid: Pid },
}

/// How much may still happen that nobody's machine decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// What people do.
    pub deeds: u8,
    /// Requests, answers and news that are lost, or requests that find no connection.
    pub lost: u8,
    /// Streams that break, noticed or not.
    pub cut: u8,
    /// Things under way while time passes.
    pub late: u8,
    /// CrEvents that enclosing clients send.
    pub events: u8,
}

impl Budget {
    /// What a deed is paid from.
    pub fn of_deed(&mut self, deed: &Deed) -> &mut u8 {
        match deed {
            Deed::Says { .. } => &mut self.events,
            _ => &mut self.deeds,
        }
    }
}

impl Situation {
    /// Whether a crEvent of this client's enclosing client, which bears these clientIds, can be anywhere: with its
    /// crSocket, under way, in a line or on a stream.
    pub fn has_mail_of(&self, client: usize, ids: &[ClientId]) -> bool {
        let page = &self.pages[client];
        let with_page = page.machines.sender.queued() != (0, 0)
            || page.machines.line.waiting() > 0
            || page.timer(TimerKind::Answer).is_some();
        let is_request = |one: &UnderWay| {
            one.client == client
                && matches!(&one.what, What::Send { post, .. } if number_sent(post).is_some())
        };
        let is_frame = |item: &Item| match item {
            Item::Frame(Frame::CrEvent(data)) => {
                let event = CrEvent::from_event_data(data);
                event.sender.is_some_and(|from| ids.contains(&from)) && number_of(&event).is_some()
            }
            Item::Frame(_) | Item::Retry(_) | Item::Ended(_) => false,
        };
        let mut items = self.streams.iter().flatten().flat_map(|stream| &stream.items);
        with_page
            || self.under_way.iter().any(is_request)
            || self.mail.recipients_of(ids).any(|recipient| self.server.waiting_for(recipient) > 0)
            || items.any(is_frame)
    }

    /// Puts something under way into its place.
    pub fn send(&mut self, client: usize, what: What) {
        self.under_way.push(UnderWay { client, what, late: false });
    }

    /// Brings what is under way into the order by which equal situations are equal.
    pub fn sort(&mut self) {
        self.under_way.sort_by_cached_key(|one| (one.client, one.what.rank(), hash_of(one)));
    }

    /// A pid that occurs nowhere, from the numbers of this client.
    pub fn free_pid(&self, client: usize) -> Pid {
        let used = self.pids();
        let first = 100 * (client as u64 + 1);
        (first..first + 100).filter_map(Pid::from_number).find(|pid| !used.contains(pid)).unwrap()
    }

    fn pids(&self) -> BTreeSet<Pid> {
        let mut pids = self.server.known_pids();
        for page in &self.pages {
            pids.extend(page.machines.receiver.pid());
            pids.extend(page.machines.line.posts().filter_map(shown_pid));
        }
        for stream in self.streams.iter().flatten() {
            pids.extend(stream.pid);
            pids.extend(stream.items.iter().filter_map(|item| match item {
                Item::Frame(frame) => frame.pid(),
                Item::Retry(_) | Item::Ended(_) => None,
            }));
        }
        pids.extend(self.under_way.iter().filter_map(|one| match &one.what {
            What::Send { post, .. } => shown_pid(post),
            What::Gone { pid, .. } => Some(*pid),
            What::Open { .. } | What::Answer(_) => None,
        }));
        pids
    }

    /// How long nothing happens by itself; nothing where something can happen now.
    pub fn quiet_for(&self) -> Option<Millis> {
        let is_waited_for = self.under_way.iter().any(|one| !one.late)
            || self.streams.iter().flatten().any(|stream| !stream.items.is_empty() && !stream.late);
        if is_waited_for {
            return None;
        }
        let timers = self.pages.iter().flat_map(|page| page.timers.iter().flatten().copied());
        timers.chain(self.server.next_due()).min().filter(|due| *due > Millis::ZERO)
    }
}

impl Stream {
    pub fn new(pid: Option<Pid>, client_id: ClientId) -> Stream {
        Stream { pid, client_id, items: VecDeque::new(), dead: false, late: false }
    }
}

impl Page {
    pub fn timer(&self, timer: TimerKind) -> Option<Millis> {
        self.timers[timer as usize]
    }
}

impl What {
    fn rank(&self) -> u8 {
        match self {
            What::Open { .. } => 0,
            What::Send { .. } => 1,
            What::Answer(_) => 2,
            What::Gone { .. } => 3,
        }
    }
}

fn shown_pid(post: &Post) -> Option<Pid> {
    match &post.message {
        Message::Alive(pid) | Message::Close(pid) => Some(*pid),
        Message::CrEvent(_) => None,
    }
}
