//! Who takes part, what people do, what goes wrong, and how often.

use crsocket::protocol::client_id::ClientIdSequence;
use crsocket::protocol::ids::{AccessToken, AppId, ClientId, Role};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::{App, Apps};
use crsocket::protocol::sessions::{PidSequence, SessionTable};
use crsocket::protocol::time::{Millis, Timing};

use crate::situation::Budget;

/// A small world.
#[derive(Clone, Debug)]
pub struct Setup {
    pub clients: Vec<Client>,
    pub timing: Timing,
    pub budget: Budget,
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
}

impl Deed {
    /// Whether the clientId may be another user's for a while.
    pub fn changes_user(&self) -> bool {
        matches!(self, Deed::Token(_))
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
        self.clients.iter().fold(Apps::new(), |apps, client| apps.with(client.app.clone(), App::default()))
    }

    pub fn limits() -> Limits {
        Limits::default()
    }

    /// The client to whom this id belongs, whether it bears it now or not.
    pub fn owner(&self, id: ClientId) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id || client.deeds.contains(&Deed::Id(id)))
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
    Client { app, role, id: id(number), token: token("guest"), partner: partner.map(id), deeds }
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
