//! stub
use crate::protocol::client_id::ClientIdSequence;
use std::path::Path;
/// s
#[derive(Debug)]
pub struct ClientIdStore;
/// e
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct StoreError;
impl ClientIdStore {
    /// o
    pub fn open(_: &Path) -> Result<(ClientIdStore, ClientIdSequence), StoreError> {
        Ok((ClientIdStore, ephemeral()?))
    }
    /// r
    pub fn reserve(&mut self, _: u64) -> Result<u64, StoreError> {
        Ok(u64::MAX)
    }
}
/// e
pub fn ephemeral() -> Result<ClientIdSequence, StoreError> {
    Ok(ClientIdSequence::new([1; 16], 0, u64::MAX))
}
