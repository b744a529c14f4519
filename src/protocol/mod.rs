//! The rules of CRSocket as plain values.

pub mod event;
pub mod ids;
pub mod time;
pub mod wire;
