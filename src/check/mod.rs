//! crSockets, the server's rules and a network between them, in a plain loop of virtual time.
//!
//! [`world::World`] runs the real machines and the real rules; [`story`] tells the life of one pair in it;
//! [`browser`] plays the browser clients that exist already.

pub mod browser;
pub mod story;
pub mod world;
