//! Answers as the contract has them.

use serde::de::DeserializeOwned;

use super::api::Snapshot;

pub(super) const STATS: &str = include_str!("../../tests/data/top/stats.json");
pub(super) const SOCKETS: &str = include_str!("../../tests/data/top/sockets.json");

pub(super) fn snapshot() -> Snapshot {
    Snapshot { stats: read(STATS), waiting: read(SOCKETS) }
}

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}
