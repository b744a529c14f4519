//! The whole system simulated: crSockets, existing browser clients, the server's rules, strangers and a network full of
//! faults between them, in virtual time.
//!
//! A [`plan`] follows from a seed; a [`life`] lives it in a [`world`], where the real machines and the real rules run;
//! [`watch`] checks after every step what must hold. [`story`] tells the life of one pair.

pub mod browser;
pub mod campaign;
pub mod client;
pub mod life;
pub mod network;
pub mod plan;
mod queue;
pub mod random;
pub mod shrink;
pub mod story;
mod stranger;
pub mod trace;
mod users;
pub mod watch;
pub mod world;
