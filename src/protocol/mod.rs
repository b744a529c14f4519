//! The rules of CRSocket as plain values.

pub mod action;
pub mod event;
pub mod ids;
pub mod receiver;
pub mod send_line;
pub mod sender;
pub mod socket;
pub mod time;
pub mod wire;
pub mod wired;
