//! The rules of CRSocket as plain values.

pub mod client_id;
pub mod event;
pub mod id_table;
pub mod ids;
pub mod rate;
pub mod time;
pub mod wire;
