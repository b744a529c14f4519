//! The whole system simulated: crSockets, existing browser clients, the server's rules, strangers and a network full of
//! faults between them, in virtual time.
//!
//! A [`plan`] follows from a seed; a [`life`] lives it in a [`world`], where the real machines and the real rules run;
//! [`watch`] checks after every step what must hold. [`story`] tells the life of one pair.

pub mod browser;
pub mod client;
pub mod life;
pub mod network;
pub mod plan;
mod queue;
pub mod random;
pub mod story;
mod stranger;
pub mod watch;
pub mod world;
