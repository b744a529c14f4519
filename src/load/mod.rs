//! Load tests: a simulation that is measured.

pub mod compare;
#[cfg(test)]
mod example;
pub mod gates;
pub mod html;
pub mod recorder;
pub mod report;
pub mod run;
pub mod table;
mod verdict;
mod words;
