//! CRSocket (Controller-Responder Socket): pairs a tester's controller with a participant's responder over a
//! monitored channel.
//!
//! Start with [`protocol`], which holds every rule as plain, deterministic Rust, and in it with
//! [`protocol::wired::WiredSocket`], a whole crSocket, and [`protocol::sessions::SessionTable`], a whole server's rules.
//! [`check`] runs them against each other in virtual time; [`actors`], [`http`] and [`server`] serve them to browsers.

pub mod actors;
pub mod apps;
pub mod check;
pub mod check_command;
pub mod cli;
pub mod client_id_store;
pub mod config;
pub mod config_command;
pub mod demo;
pub mod file_watch;
pub mod http;
pub mod metrics;
pub mod protocol;
pub mod server;

/// The README's examples run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
