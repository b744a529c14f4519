//! What the tests of states and effects share: predicates, a naive model, a tiny world.

pub(crate) mod model;
pub(crate) mod predicates;
pub(crate) mod world;
