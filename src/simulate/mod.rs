//! Simulated clients: what an enclosing client does, and what happens to it.
//!
//! ```text
//!   scenario (TOML) ──► Plan ──► PairPlan        by the seed alone: when a pair comes, what happens to it
//!                                   │
//!   Persona, Ledger ◄── Crowd ◄─────┘            an actor for each thread: the enclosing clients of its crSockets
//!   (pure)                │  ▲
//!                         ▼  │ SocketEvent
//!                       CrSockets                hosted, by the local or the http link
//!                         │
//!                         ▼ Tally, once an interval
//!                        Run ──► Figures
//! ```

mod crowd;
pub mod distribution;
mod entrance;
pub mod figures;
pub mod here;
pub mod incident;
pub mod ledger;
pub mod meter;
pub mod persona;
pub mod plan;
pub mod random;
pub mod run;
pub mod scenario;
pub mod time;
pub mod totals;
mod world;
