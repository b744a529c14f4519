//! crSockets, the server's rules and a network between them, in a plain loop of virtual time.
//!
//! [`world::World`] runs the real machines and the real rules, and [`watch`] checks after every step what must hold;
//! [`story`] tells the life of one pair in it.

pub mod client;
pub mod network;
mod queue;
pub mod random;
pub mod story;
pub mod watch;
pub mod world;
