//! Where a list goes on: behind the last one that was shown. Who comes and goes meanwhile shifts nothing.

use std::fmt;

/// A place in an order: what the last one shown is sorted by, and its number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    pub(super) key: Key,
    pub(super) id: u32,
}

/// What a list is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Number(i64),
    Text(Box<str>),
}

impl Cursor {
    /// Reads one that was shown; nothing where it is none.
    pub(super) fn read(text: &str) -> Option<Cursor> {
        let (id, key) = text.split_once('-')?;
        let key = match key.split_at_checked(1)? {
            ("n", number) => Key::Number(number.parse().ok()?),
            ("t", text) => Key::Text(text.into()),
            _ => return None,
        };
        Some(Cursor { id: id.parse().ok()?, key })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Key::Number(number) => write!(f, "{}-n{number}", self.id),
            Key::Text(text) => write!(f, "{}-t{text}", self.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        for key in [Key::Number(0), Key::Number(-5), Key::Text("a-b".into()), Key::Text("".into())] {
            let cursor = Cursor { key, id: 7 };
            assert_eq!(Cursor::read(&cursor.to_string()), Some(cursor));
        }
        for text in ["", "7", "7-", "7-x", "x-n1", "7-nx", "-n1", "4294967296-n1", "7-\u{e9}"] {
            assert_eq!(Cursor::read(text), None, "{text:?}");
        }
    }
}
