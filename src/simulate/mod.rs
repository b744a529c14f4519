//! Simulated clients: what an enclosing client does, and what happens to it.

pub mod figures;
