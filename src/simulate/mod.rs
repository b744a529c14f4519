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

pub mod distribution;
pub mod figures;
pub mod incident;
pub mod persona;
pub mod plan;
pub mod random;
pub mod scenario;
pub mod time;
