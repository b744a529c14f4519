//! The rules of CRSocket as plain values.

pub mod event;
pub mod id_table;
pub mod ids;
pub mod time;
