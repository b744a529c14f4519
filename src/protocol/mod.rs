//! The rules of CRSocket as plain values: no actor, no clock, no randomness, no I/O, no logging.
//!
//! # The contract
//!
//! Every machine of a client has one verb:
//!
//! - `handle(input, step, actions)` takes one input at one moment ([`time::Step`]: the time, a random number, the
//!   timings) and pushes what follows from it, as data ([`action`]), in the order in which it is to be done.
//!
//! and questions without side effects (`state()`, `facts()`, ...). The server's [`sessions::SessionTable`] has a verb for
//! each of its inputs (`open`, `send`, `taken`, `broken`, `sweep`, ...), of the same form; the first two give their
//! answer back as well. None of them fails or panics: whatever a peer, a
//! user or a late timer says is an input, and an input that means nothing now changes nothing.
//!
//! A shell turns what happens into inputs and performs the actions. It decides nothing:
//!
//! - A timer is armed by `SetTimer` with a length and comes back as an input; there is one of each
//!   [`time::TimerKind`], and setting it again replaces it. One that fires although it was replaced is ignored.
//! - An action that addresses another machine carries that machine's input: the shell hands it over.
//! - Streams and requests have numbers; what comes back under an old number is ignored.
//!
//! # Reading order
//!
//! [`ids`], [`event`], [`time`]: the words. [`wire`]: what stands on the wire. [`socket`], [`receiver`], [`sender`],
//! [`send_line`]: a client; [`wired`]: the four together. [`sessions`], [`routing`], [`mod@line`], [`output`], [`policy`],
//! [`limits`], [`client_id`]: the server.
//!
//! Section numbers are those of the protocol's specification: 1 words, 2 crEvents, 3 server resources, 4 the server's
//! rules, 5 EventReceiver, 6 EventSender, 7 crSocket, 8 timings.

pub mod action;
pub mod client_id;
pub mod event;
pub mod id_table;
pub mod ids;
pub mod limits;
pub mod line;
pub mod output;
pub mod policy;
pub mod rate;
pub mod receiver;
pub mod routing;
pub mod send_line;
pub mod sender;
pub mod sessions;
pub mod socket;
pub mod time;
pub mod wire;
pub mod wired;
