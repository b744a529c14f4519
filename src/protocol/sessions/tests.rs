//! The rules of sections 3 and 4, sentence by sentence.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it expects; anything else fails it")]

mod arrival;
mod bounds;
mod ends;
mod interceptors;
mod line;
mod opening;
mod random;
mod sending;
mod world;
