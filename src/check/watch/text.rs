//! Event data strings, read without the reader that is watched.

use crate::protocol::ids::ClientId;

/// An event data string's eventType.
pub(super) fn head_of(text: &str) -> &str {
    // Heads are short: `split_once` looks for its separator by `memchr`, and is slower.
    text.bytes().position(|byte| byte == b',').and_then(|comma| text.get(..comma)).unwrap_or(text)
}

/// An event data string's eventSubType.
pub(super) fn sub_type_of(text: &str) -> &str {
    text.split(',').nth(1).unwrap_or_default()
}

/// An event data string's senderClientId.
pub(super) fn sender_of(text: &str) -> Option<ClientId> {
    let mut commas = text.bytes().enumerate().filter(|(_, byte)| *byte == b',').map(|(place, _)| place);
    let from = commas.nth(6)? + 1;
    let to = commas.next().unwrap_or(text.len());
    ClientId::parse(text.get(from..to)?).ok()
}
