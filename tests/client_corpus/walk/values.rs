//! What a walk is made from: habits, timings, ids, what a server says.

use crsocket::check::random::Random;
use crsocket::protocol::ids::{AccessToken, ClientId};
use crsocket::protocol::time::{Millis, Timing};

use super::events;

/// How often what happens: shares of a thousand. The rest are answers.
#[derive(Clone, Copy)]
pub(super) struct Habits {
    /// What everybody waits for.
    pub(super) expected: u32,
    /// A timer.
    pub(super) timer: u32,
    /// The enclosing client sets something.
    pub(super) client: u32,
    /// It sets a partner.
    pub(super) partner: u32,
    /// It sends.
    pub(super) send: u32,
    /// Something comes on a stream.
    pub(super) frame: u32,
    /// A stream ends, or says how long to wait.
    pub(super) ended: u32,
}

/// Much is sent.
pub(super) const BUSY: Habits =
    Habits { expected: 300, timer: 100, client: 120, partner: 20, send: 340, frame: 30, ended: 10 };

pub(super) const HABITS: [Habits; 8] = [
    // An ordinary day.
    Habits { expected: 600, timer: 100, client: 60, partner: 30, send: 80, frame: 90, ended: 20 },
    // Everything at once.
    Habits { expected: 250, timer: 150, client: 150, partner: 80, send: 120, frame: 150, ended: 50 },
    // Ids, tokens, visibility.
    Habits { expected: 480, timer: 60, client: 300, partner: 40, send: 50, frame: 40, ended: 10 },
    // Partners come and go.
    Habits { expected: 420, timer: 100, client: 60, partner: 250, send: 70, frame: 60, ended: 10 },
    BUSY,
    // Streams break.
    Habits { expected: 380, timer: 200, client: 30, partner: 20, send: 40, frame: 130, ended: 190 },
    // Timers, and little else.
    Habits { expected: 350, timer: 450, client: 40, partner: 20, send: 40, frame: 70, ended: 10 },
    // The partner talks.
    Habits { expected: 350, timer: 80, client: 50, partner: 20, send: 60, frame: 400, ended: 20 },
];

pub(super) const REFUSALS: [(u16, &str); 9] = [
    (400, "eventData has 3 of the 8 fields"),
    (403, ""),
    (404, "there is no app \"démo\""),
    (404, ""),
    (429, "the line of 200001 is full"),
    (429, ""),
    (500, "%2C"),
    (503, "the server is stopping"),
    (503, ""),
];

pub(super) fn abort_reason(random: &mut Random) -> &'static str {
    const KNOWN: [&str; 8] = [
        "releasedByOther",
        "releasedByOther",
        "invalidRole",
        "invalidClientId",
        "invalidAccessToken",
        "notAuthorized",
        "clientNotAlive",
        "clientIdInUse",
    ];
    match random.below(5) {
        0 => events::UNKNOWN[random.below(events::UNKNOWN.len())],
        _ => KNOWN[random.below(KNOWN.len())],
    }
}

pub(super) fn unreadable_pid(random: &mut Random) -> &'static str {
    const PIDS: [&str; 9] =
        ["", "0", "-1", "+7", "1.5", "0x7", "seven", "9007199254740992", "12345678901234567"];
    PIDS[random.below(PIDS.len())]
}

/// Timings that make no contradiction: the defaults, and some at their limits.
pub(super) fn timing(random: &mut Random) -> Timing {
    let usual = Timing::default();
    let timing = match random.below(10) {
        0..=3 => usual,
        4 => Timing { min_cr_event_dt: Millis::ZERO, release_dt: Millis(3_000), ..usual },
        5 | 6 => Timing { release_dt: Millis(7_000), max_queued: 3, max_event_data_length: 128, ..usual },
        7 => Timing { max_queued: 1 + random.below(3), max_event_data_length: 200, ..usual },
        8 => Timing {
            server_interaction_complete_dt: Millis(300),
            min_cr_event_dt: Millis(20),
            interacting_max_event_out_dt: Millis(600),
            searching_max_event_out_dt: Millis(300),
            partner_active_max_event_in_dt: Millis(4_000),
            invalid_client_id_retry_dt: Millis(700),
            event_source_send_alive_dt: Millis(1_000),
            max_prev_alive_dt: Millis(4_000),
            send_answer_dt: Millis(800),
            hello_max_dt: Millis(2_500),
            unassign_wait_dt: Millis(3_000),
            release_dt: Millis(2_500),
            max_queued: 5,
            ..usual
        },
        _ => Timing {
            send_answer_dt: Millis(100_000),
            min_cr_event_dt: Millis(30_000),
            release_dt: Millis(20_000),
            unassign_wait_dt: Millis::ZERO,
            ..usual
        },
    };
    assert!(timing.check().is_ok());
    timing
}

pub(super) fn own_id(number: usize) -> ClientId {
    ClientId::parse(["100001", "100002", "000003"][number]).unwrap()
}

pub(super) fn partner_id(number: usize) -> ClientId {
    ClientId::from_number(200_000 + u32::try_from(number).unwrap()).unwrap()
}

pub(super) fn token(number: usize) -> AccessToken {
    AccessToken::parse(["alice", "b.o~b&=%2C\"'/+"][number]).unwrap()
}
