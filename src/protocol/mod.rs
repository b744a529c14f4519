//! The rules of CRSocket as plain values.

pub mod client_id;
pub mod event;
pub mod id_table;
pub mod ids;
pub mod limits;
pub mod line;
pub mod output;
pub mod policy;
pub mod rate;
pub mod routing;
pub mod sessions;
pub mod time;
pub mod wire;
