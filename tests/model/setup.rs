//! Who takes part, what people do, what goes wrong, and how often.

use crsocket::protocol::client_id::ClientIdSequence;
use crsocket::protocol::ids::{AccessToken, AppId, ClientId, Role};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::{App, Apps, Pairing};
use crsocket::protocol::sessions::{PidSequence, SessionTable};
use crsocket::protocol::time::{Millis, Timing};

use crate::situation::Budget;

/// A small world.
#[derive(Clone, Debug)]
pub struct Setup {
    pub clients: Vec<Client>,
    pub timing: Timing,
    pub budget: Budget,
    /// Who may pair with whom, in every app.
    pub pairing: Pairing,
    /// How many crEvents may wait for one recipient.
    pub line_events: usize,
    /// Nobody has a reason to reject anybody for long: a responder that is wanted has somebody.
    pub harmonious: bool,
    pub mutant: Option<Mutant>,
}

/// One client at the start, and what its people may do.
#[derive(Clone, Debug)]
pub struct Client {
    pub app: AppId,
    pub role: Role,
    pub id: ClientId,
    pub token: AccessToken,
    pub partner: Option<ClientId>,
    pub deeds: Vec<Deed>,
    /// It bears another client's clientId, and comes only while that one has a session.
    pub is_thief: bool,
}

/// What people do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    Visible(bool),
    Online(bool),
    Paused(bool),
    Partner(Option<ClientId>),
    Id(ClientId),
    Token(AccessToken),
    /// Sends a crEvent to the partner.
    Says {
        buffered: bool,
    },
}

/// A fault put in on purpose, between the machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The server says that it understood an `unassign`, and forgets it.
    UnassignForgotten,
    /// No timer is ever disarmed.
    TimersNotCancelled,
    /// The enclosing client gets what strangers send, too.
    StrangersHeard,
    /// A `reject` is forwarded to the wrong client's stream: the first one's.
    RejectsMisrouted,
    /// Every frame with an enclosing client's crEvent comes twice.
    EventsTwice,
    /// Every sendevent with an enclosing client's crEvent reaches the server twice.
    RequestsTwice,
    /// The server forgets how much may wait for one recipient.
    LinesUnbounded,
    /// The server forgets which pairing policy it has.
    AnyPairing,
    /// The server lets everybody speak for every clientId.
    AnySpeaker,
}

impl Mutant {
    pub const ALL: [Mutant; 9] = [
        Mutant::UnassignForgotten,
        Mutant::TimersNotCancelled,
        Mutant::StrangersHeard,
        Mutant::RejectsMisrouted,
        Mutant::EventsTwice,
        Mutant::RequestsTwice,
        Mutant::LinesUnbounded,
        Mutant::AnyPairing,
        Mutant::AnySpeaker,
    ];

    /// The property that it breaks.
    pub fn breaks(self) -> &'static str {
        match self {
            Mutant::UnassignForgotten | Mutant::RejectsMisrouted => "peace comes",
            Mutant::TimersNotCancelled => "no timer leaks",
            Mutant::StrangersHeard => "only the partner is heard",
            Mutant::EventsTwice | Mutant::RequestsTwice => "events come in order, once",
            Mutant::LinesUnbounded => "bounds hold",
            Mutant::AnyPairing => "nothing crosses",
            Mutant::AnySpeaker => "nobody speaks for others",
        }
    }
}

impl Deed {
    /// Whether the clientId may be another user's for a while.
    pub fn changes_user(&self) -> bool {
        matches!(self, Deed::Token(_))
    }
}

impl Client {
    /// The clientIds that it may bear.
    pub fn ids(&self) -> Vec<ClientId> {
        let later = self.deeds.iter().filter_map(|deed| match deed {
            Deed::Id(id) => Some(*id),
            _ => None,
        });
        later.chain([self.id]).collect()
    }

    /// The accessTokens that it may show.
    pub fn tokens(&self) -> impl Iterator<Item = &AccessToken> {
        let later = self.deeds.iter().filter_map(|deed| match deed {
            Deed::Token(token) => Some(token),
            _ => None,
        });
        later.chain([&self.token])
    }
}

impl Setup {
    /// The server before anything happened.
    pub fn server() -> SessionTable {
        SessionTable::new(Setup::unused_pids(), ClientIdSequence::new([0; 16], 0, u64::MAX))
    }

    /// What a server holds instead of its next pid, which is found when it is needed.
    pub fn unused_pids() -> PidSequence {
        PidSequence::starting_at(0)
    }

    pub fn apps(&self) -> Apps {
        let pairing = if self.mutant == Some(Mutant::AnyPairing) { Pairing::Any } else { self.pairing };
        let app = App { pairing, ..App::default() };
        self.clients.iter().fold(Apps::new(), |apps, client| apps.with(client.app.clone(), app.clone()))
    }

    pub fn limits(&self) -> Limits {
        let is_unbounded = self.mutant == Some(Mutant::LinesUnbounded);
        let line_events = if is_unbounded { usize::MAX } else { self.line_events };
        let limits = Limits { line_events, ..Limits::default() };
        limits.check(&self.timing).unwrap();
        limits
    }

    /// The client to whom this id belongs, whether it bears it now or not.
    pub fn owner(&self, id: ClientId) -> Option<&Client> {
        let mut rightful = self.clients.iter().filter(|client| !client.is_thief);
        rightful.find(|client| client.ids().contains(&id))
    }
}

/// The grain of time: all timings are multiples of it, those that are constants of the machines, too.
pub const GRAIN: Millis = Millis(500);

/// Timings as short as their relations allow, so that few ages differ.
pub fn short_timing() -> Timing {
    Timing {
        server_interaction_complete_dt: Millis(1_000),
        min_cr_event_dt: Millis(500),
        interacting_max_event_out_dt: Millis(4_000),
        searching_max_event_out_dt: Millis(2_000),
        partner_active_max_event_in_dt: Millis(10_000),
        invalid_client_id_retry_dt: Millis(2_000),
        event_source_send_alive_dt: Millis(4_000),
        max_prev_alive_dt: Millis(8_000),
        recipient_wait_dt: Millis(2_000),
        hello_settle_dt: Millis(500),
        send_answer_dt: Millis(2_000),
        hello_max_dt: Millis(4_000),
        unassign_wait_dt: Millis(8_000),
        release_dt: Millis::ZERO,
        max_event_data_length: 8_192,
        max_queued: crsocket::protocol::sender::MAX_QUEUED,
    }
}

pub fn id(number: u32) -> ClientId {
    ClientId::from_number(number).unwrap()
}

fn token(text: &str) -> AccessToken {
    AccessToken::parse(text).unwrap()
}

fn client(app: &str, role: Role, number: u32, partner: Option<u32>, deeds: Vec<Deed>) -> Client {
    let app = AppId::parse(app).unwrap();
    let (id, token) = (id(number), token("guest"));
    Client { app, role, id, token, partner: partner.map(crate::setup::id), deeds, is_thief: false }
}

/// The numbers of clients: controllers are 1, 2, ..., responders 11, 12, ...; 9 and 19 are what an id is changed to.
pub fn controller(number: u32, partner: Option<u32>, deeds: Vec<Deed>) -> Client {
    client("lab", Role::Controller, number, partner, deeds)
}

pub fn responder(number: u32, deeds: Vec<Deed>) -> Client {
    client("lab", Role::Responder, number, None, deeds)
}

/// A controller of another app.
pub fn foreigner(number: u32, partner: Option<u32>, deeds: Vec<Deed>) -> Client {
    client("other", Role::Controller, number, partner, deeds)
}

/// A controller of another user.
pub fn stranger(number: u32, partner: Option<u32>, deeds: Vec<Deed>) -> Client {
    Client { token: token("stranger"), ..controller(number, partner, deeds) }
}

/// Somebody who knows the clientId of a controller, and of its responder.
pub fn thief(number: u32, partner: Option<u32>, deeds: Vec<Deed>) -> Client {
    Client { is_thief: true, ..stranger(number, partner, deeds) }
}

/// Hide, show.
pub fn hides() -> Vec<Deed> {
    vec![Deed::Visible(false), Deed::Visible(true)]
}

/// Assign these, or nobody.
pub fn assigns(partners: &[u32]) -> Vec<Deed> {
    let partners = partners.iter().map(|number| Deed::Partner(Some(id(*number))));
    partners.chain([Deed::Partner(None)]).collect()
}

pub fn renames(number: u32) -> Vec<Deed> {
    vec![Deed::Id(id(number))]
}

pub fn new_token() -> Vec<Deed> {
    vec![Deed::Token(token("second"))]
}

pub fn pauses() -> Vec<Deed> {
    vec![Deed::Paused(true), Deed::Paused(false)]
}

pub fn goes_offline() -> Vec<Deed> {
    vec![Deed::Online(false), Deed::Online(true)]
}

/// Sends a crEvent, one that is kept while offline or one that is not.
pub fn says() -> Vec<Deed> {
    vec![Deed::Says { buffered: false }, Deed::Says { buffered: true }]
}
