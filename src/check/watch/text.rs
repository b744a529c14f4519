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
    let (mut commas, mut from) = (0, text.len());
    for (place, byte) in text.bytes().enumerate() {
        if byte == b',' {
            commas += 1;
            match commas {
                7 => from = place + 1,
                8 => return ClientId::parse(text.get(from..place)?).ok(),
                _ => {}
            }
        }
    }
    ClientId::parse(text.get(from..)?).ok()
}
