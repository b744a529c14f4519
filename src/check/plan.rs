//! What happens in a life of the simulation besides the machines: who takes part, and which troubles befall whom when.

use std::fmt;

use super::random::Random;
use crate::protocol::time::Millis;

/// How much goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Faults {
    /// Nothing: people work, and strangers try.
    None,
    /// What a day in a laboratory brings.
    Mild,
    /// Everything at once.
    Harsh,
}

/// What a life is made from. The same one always gives the same life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// From which everything random follows.
    pub seed: u64,
    /// How many controllers, each with a responder.
    pub pairs: usize,
    /// How long it lasts, about: it ends with a calm.
    pub length: Millis,
    /// How much goes wrong.
    pub faults: Faults,
}

/// What lasts so long is a long trouble.
pub const LONG: Millis = Millis::from_secs(300);

/// How many apps the server has.
pub const APPS: usize = 2;

/// A life, planned: rounds of troubles, each followed by a calm in which everybody has to find back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What it was made from.
    pub scenario: Scenario,
    /// Which of the clients are existing browser clients; client 2n is a controller, client 2n + 1 its responder.
    pub browsers: Vec<bool>,
    /// To which of the two apps each pair belongs.
    pub apps: Vec<usize>,
    /// Which of the two apps pairs only clients of one user.
    pub same_user: [bool; APPS],
    /// Whether all pairs are the same user's.
    pub one_user: bool,
    /// Whether a stranger knocks, pings and sends in both apps.
    pub stranger: bool,
    /// The longest time from one end of the network to the other, in calm. Each client has its own, within it.
    pub delay: Millis,
    /// After how long responders let go of who does not answer; zero where their users do.
    pub release_dt: Millis,
    /// How much room there is for what waits.
    pub room: Room,
    /// Whether the server lets anybody take any clientId over (`bind_client_ids = false`). Not where there is a stranger:
    /// nothing is promised against one then.
    pub unbound: bool,
    /// Whose responder is another user's than its controller; only where the app pairs anybody.
    pub two_users: Vec<bool>,
    /// How long pairs that found back are left in peace.
    pub peace: Millis,
    /// The rounds.
    pub rounds: Vec<Round>,
}

/// How long peace is mostly; and now and then, longer than anything that parts a pair may take.
const SHORT_PEACE: Millis = Millis::from_secs(30);
const LONG_PEACE: Millis = Millis::from_secs(90);

/// How much room there is for what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// As much as by default.
    Usual,
    /// Each queue of a client, each line and each output of the server is so short that it fills.
    ShortQueues,
    /// All lines together and all outputs together are.
    ShortOfAll,
}

impl Room {
    /// How often each occurs.
    const MIX: [Room; 8] = [
        Room::Usual,
        Room::Usual,
        Room::Usual,
        Room::Usual,
        Room::Usual,
        Room::Usual,
        Room::ShortQueues,
        Room::ShortOfAll,
    ];
}

/// A time of troubles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// How long it lasts, before its calm.
    pub length: Millis,
    /// What goes wrong, by its beginning.
    pub troubles: Vec<Trouble>,
}

/// Something that goes wrong, or somebody who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// When it begins, since the beginning of its round.
    pub at: Millis,
    /// How long it lasts, where it lasts.
    pub length: Millis,
    /// To which client.
    pub client: usize,
    /// What.
    pub what: What,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Requests are lost on the way to the server, so many in a thousand.
    RequestsLost(u32),
    /// Answers are lost on the way back, so many in a thousand.
    AnswersLost(u32),
    /// No connection can be made.
    NoConnection,
    /// The stream breaks, and both ends notice.
    StreamCut,
    /// Nothing comes through on streams, and nobody notices.
    HalfOpen,
    /// The server does not notice that connections are dropped: a proxy keeps them.
    Ghost,
    /// Everything takes longer.
    Slow(Millis),
    /// The client takes nothing from its stream.
    SlowReader,
    /// The server dies; a new one is there afterwards.
    ServerRestart,
    /// The server stops gracefully, and answers for a little longer; a new one is there afterwards.
    ServerStops,
    /// The server recycles the stream (`shutdown`).
    Recycled,
    /// The user pauses.
    Paused,
    /// The page is hidden.
    Hidden,
    /// The device goes offline, and the page knows.
    Offline,
    /// The page is loaded anew, after saying goodbye or not.
    Reloaded {
        /// After saying goodbye.
        politely: bool,
    },
    /// The lid is closed: the device sleeps.
    Asleep,
    /// The tester enters a wrong clientId.
    WrongPartner,
    /// The tester clears the partner's clientId.
    PartnerCleared,
    /// The clientId is cleared; the server gives another one.
    IdCleared,
    /// Another clientId is set.
    IdChanged,
    /// Another user's accessToken is set.
    TokenChanged,
    /// The accessToken is renewed: another one of the same user.
    TokenRenewed,
    /// The accessToken is taken away.
    TokenCleared,
    /// An accessToken is set that the client knows to be invalid.
    TokenInvalid,
    /// An accessToken is set that the server refuses.
    TokenRefused,
    /// A second tab is opened with the same clientId.
    SecondTab,
}

impl Plan {
    /// The plan that follows from a scenario.
    pub fn new(scenario: &Scenario) -> Plan {
        let mut random = Random::new(scenario.seed).fork(1);
        let clients = 2 * scenario.pairs;
        let browsers = (0..clients).map(|_| random.chance(250)).collect();
        let apps = (0..scenario.pairs).map(|_| random.below(APPS)).collect();
        let same_user = [random.chance(500), random.chance(500)];
        let one_user = random.chance(250);
        let stranger = random.chance(300);
        let delay = random.between(Millis(10), Millis(250));
        let release_dt = if random.chance(500) { Millis::from_secs(20) } else { Millis::ZERO };
        let room = *random.one_of(&Room::MIX).unwrap_or(&Room::Usual);
        let unbound = !stranger && random.chance(100);
        let mut more = Random::new(scenario.seed).fork(3);
        let two_users = (0..scenario.pairs).map(|_| more.chance(250)).collect();
        let peace = if more.chance(125) { LONG_PEACE } else { SHORT_PEACE };
        let mut rounds = Vec::new();
        let mut left = scenario.length;
        while left > Millis::ZERO {
            let round = Round::new(scenario.faults, clients, &mut random);
            left = left - round.length - Millis::from_secs(60) - peace;
            rounds.push(round);
        }
        Plan {
            scenario: scenario.clone(),
            browsers,
            apps,
            same_user,
            one_user,
            stranger,
            delay,
            release_dt,
            room,
            unbound,
            two_users,
            peace,
            rounds,
        }
    }

    /// Whether the responder of a pair is another user's than its controller.
    pub fn has_two_users(&self, pair: usize) -> bool {
        let app = self.apps.get(pair).copied().unwrap_or(0);
        self.same_user.get(app) == Some(&false) && self.two_users.get(pair) == Some(&true)
    }

    /// How many troubles it has.
    pub fn trouble_count(&self) -> usize {
        self.rounds.iter().map(|round| round.troubles.len()).sum()
    }
}

impl Round {
    fn new(faults: Faults, clients: usize, random: &mut Random) -> Round {
        let is_long = faults != Faults::None && random.chance(60);
        let (shortest, longest) = if is_long { (600, 2_700) } else { (30, 240) };
        let length = random.between(Millis::from_secs(shortest), Millis::from_secs(longest));
        let per_client_and_minute = match faults {
            Faults::None => 0,
            Faults::Mild => 1,
            Faults::Harsh => 4,
        };
        let minutes = usize::try_from(length.0 / 60_000).unwrap_or(0) + 1;
        let most = per_client_and_minute * minutes * clients / 2;
        let count = if most == 0 { 0 } else { 1 + random.below(most) };
        let mut troubles: Vec<Trouble> = (0..count)
            .map(|_| Trouble {
                at: random.between(Millis::ZERO, length),
                length: random_length(random),
                client: random.below(clients),
                what: What::random(faults, random),
            })
            .collect();
        if is_long {
            troubles.extend((0..=random.below(2)).map(|_| Trouble {
                at: random.between(Millis::ZERO, Millis(length.0 / 2)),
                length: random.between(LONG, Millis::from_secs(2_400)),
                client: random.below(clients),
                what: What::random_long(random),
            }));
        }
        troubles.sort_by_key(|trouble| trouble.at);
        Round { length, troubles }
    }
}

/// Short troubles and long ones.
fn random_length(random: &mut Random) -> Millis {
    let longest = *random.one_of(&[300, 3_000, 10_000, 30_000, 60_000]).unwrap_or(&300);
    random.between(Millis(50), Millis(longest))
}

impl What {
    fn random(faults: Faults, random: &mut Random) -> What {
        let kinds = if faults == Faults::Harsh { 26 } else { 16 };
        match random.below(kinds) {
            0 => What::RequestsLost(*random.one_of(&[50, 200, 500, 1_000]).unwrap_or(&50)),
            1 => What::StreamCut,
            2 => What::NoConnection,
            3 => What::Slow(random.between(Millis(100), Millis(2_500))),
            4 => What::Paused,
            5 => What::Hidden,
            6 => What::Offline,
            7 => What::Reloaded { politely: random.chance(500) },
            8 => What::Asleep,
            9 => What::WrongPartner,
            10 => What::PartnerCleared,
            11 => What::HalfOpen,
            12 => What::Recycled,
            13 => What::ServerRestart,
            14 => What::ServerStops,
            15 => What::TokenRenewed,
            16 => What::AnswersLost(*random.one_of(&[50, 200, 500, 1_000]).unwrap_or(&50)),
            17 => What::Ghost,
            18 => What::SlowReader,
            19 => What::IdCleared,
            20 => What::IdChanged,
            21 => What::TokenChanged,
            22 => What::TokenCleared,
            23 => What::TokenInvalid,
            24 => What::TokenRefused,
            _ => What::SecondTab,
        }
    }

    /// What may last for up to 40 minutes.
    fn random_long(random: &mut Random) -> What {
        let longs = [
            What::Offline,
            What::Asleep,
            What::Hidden,
            What::Paused,
            What::NoConnection,
            What::HalfOpen,
            What::Ghost,
            What::SlowReader,
            What::ServerRestart,
        ];
        *random.one_of(&longs).unwrap_or(&What::Asleep)
    }

    /// Whether somebody does it at the client's device.
    pub fn is_done_by_people(self) -> bool {
        match self {
            What::Paused
            | What::Hidden
            | What::Offline
            | What::Reloaded { .. }
            | What::WrongPartner
            | What::PartnerCleared
            | What::IdCleared
            | What::IdChanged
            | What::TokenChanged
            | What::TokenRenewed
            | What::TokenCleared
            | What::TokenInvalid
            | What::TokenRefused
            | What::SecondTab => true,
            What::RequestsLost(_)
            | What::AnswersLost(_)
            | What::NoConnection
            | What::StreamCut
            | What::HalfOpen
            | What::Ghost
            | What::Slow(_)
            | What::SlowReader
            | What::ServerRestart
            | What::ServerStops
            | What::Recycled
            | What::Asleep => false,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::RequestsLost(permille) => write!(f, "{permille} of 1,000 requests are lost"),
            What::AnswersLost(permille) => write!(f, "{permille} of 1,000 answers are lost"),
            What::NoConnection => f.write_str("no connection"),
            What::StreamCut => f.write_str("the stream is cut"),
            What::HalfOpen => f.write_str("the stream goes half open"),
            What::Ghost => f.write_str("a proxy keeps dropped connections"),
            What::Slow(by) => write!(f, "everything takes up to {by} longer"),
            What::SlowReader => f.write_str("takes nothing from its stream"),
            What::ServerRestart => f.write_str("the server restarts"),
            What::ServerStops => f.write_str("the server stops gracefully, and another one starts"),
            What::Recycled => f.write_str("the server recycles the stream"),
            What::Paused => f.write_str("paused"),
            What::Hidden => f.write_str("hidden"),
            What::Offline => f.write_str("offline"),
            What::Reloaded { politely: true } => f.write_str("reloaded"),
            What::Reloaded { politely: false } => f.write_str("killed and loaded anew"),
            What::Asleep => f.write_str("the device sleeps"),
            What::WrongPartner => f.write_str("a wrong partner is entered"),
            What::PartnerCleared => f.write_str("the partner is cleared"),
            What::IdCleared => f.write_str("the clientId is cleared"),
            What::IdChanged => f.write_str("the clientId is changed"),
            What::TokenChanged => f.write_str("another user's accessToken is set"),
            What::TokenRenewed => f.write_str("the accessToken is renewed"),
            What::TokenCleared => f.write_str("the accessToken is taken away"),
            What::TokenInvalid => f.write_str("an invalid accessToken is set"),
            What::TokenRefused => f.write_str("an accessToken is set that the server refuses"),
            What::SecondTab => f.write_str("a second tab is opened"),
        }
    }
}
