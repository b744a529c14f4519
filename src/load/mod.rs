//! Load tests: a simulation that is measured.

pub mod compare;
pub mod gates;
pub mod html;
pub mod report;
pub mod table;
#[cfg(test)]
mod example;
mod verdict;
mod words;
