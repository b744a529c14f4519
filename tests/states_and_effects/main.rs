//! What a crSocket is and does (sections 5 to 7 of the specification), judged by what is written without a look at it:
//! predicates in the published page's own words, and a naive model beside which it walks through a small world.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // clippy's exemption leaves out helpers
#![allow(clippy::wildcard_enum_match_arm)] // a table that names the few cases with an effect is easier to check

mod effects;
mod model;
mod predicates;
mod regressions;
mod states;
mod world;
