//! Thin shells around the machines of the protocol.
//!
//! ```text
//!   clientid ───────┐                                    ┌──► StreamWriter ──► StreamReader (a response's body)
//!   eventsource ────┼── messages ──► Registry ── actions ┤                            │
//!   sendevent ──────┘    (awaited)   SessionTable        └──► counters, log           │
//!                                        ▲                                            │
//!                                        └──────────────── reports: taken, broken ────┘
//! ```
//!
//! ```text
//!   enclosing client ◄──► CrSocket ◄──► EventReceiver ◄── frames ──┐
//!                             ▲             ▲                      Link ◄──► Registry, or a server over HTTP
//!                             └─────────► EventSender ─ requests ──┘
//! ```
//!
//! There is one [`registry::Registry`]. It holds the server's session table, turns messages into its inputs and performs
//! its actions; it decides nothing. Whoever asks it waits for the answer, which is the back-pressure of the door.

pub mod board;
pub mod client_ids;
pub mod clock;
pub mod counted;
pub mod details;
pub mod echo;
pub mod feed;
mod guard;
pub mod host;
pub mod inspection;
pub mod link;
pub mod messages;
mod outlet;
pub mod output;
mod receiver;
pub mod recent;
pub mod registry;
mod sender;
mod shared;
pub mod socket;
#[cfg(test)]
mod tests;
mod timers;
