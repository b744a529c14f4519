//! Load tests: a simulation that is measured.

pub mod report;
