//! What lies between a client and the server.

use crate::protocol::time::Millis;

/// The way between a client and the server, both directions. Faults change it; requests and streams that are under way
/// go on as they were when they left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The least time that anything takes from one end to the other.
    pub delay: Millis,
    /// What may come on top, at random: requests may overtake each other, frames of a stream never do.
    pub jitter: Millis,
    /// How long a request for a stream takes to the server, where it is not as long as anything else.
    pub opening_delay: Option<Millis>,
    /// Whether connections can be made; where not, the client knows at once.
    pub connects: bool,
    /// Whether requests that were made reach the server; where not, nobody knows.
    pub requests_arrive: bool,
    /// Whether answers to requests come back.
    pub answers_arrive: bool,
    /// Whether frames come through. A stream that loses one is dead for good, and its client is not told.
    pub frames_arrive: bool,
    /// How many requests in a thousand are lost on the way to the server.
    pub requests_lost: u32,
    /// How many answers in a thousand are lost on the way back.
    pub answers_lost: u32,
    /// Whether the server notices that a connection was dropped; behind a proxy it may not.
    pub server_notices: bool,
    /// Whether the client takes what is written to its stream.
    pub reads: bool,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            delay: Millis(20),
            jitter: Millis::ZERO,
            opening_delay: None,
            connects: true,
            requests_arrive: true,
            answers_arrive: true,
            frames_arrive: true,
            requests_lost: 0,
            answers_lost: 0,
            server_notices: true,
            reads: true,
        }
    }
}
