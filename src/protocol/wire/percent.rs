//! Percent-encoding (section 3): every byte of the UTF-8 text except `A-Z a-z 0-9 - _ . ~` becomes `%XX` with capital
//! digits. `+` means itself, never a space.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use thiserror::Error;

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A `%` that is not followed by two hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("the % at byte {offset} is not followed by two hexadecimal digits")]
pub struct BadEscape {
    /// Where it stands in the encoded text, in bytes, from 0.
    pub offset: usize,
}

/// An encoded value that stands for no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum NotText {
    /// It is badly encoded.
    #[error(transparent)]
    Escape(#[from] BadEscape),
    /// Its bytes, decoded, are not UTF-8.
    #[error("the decoded bytes are not UTF-8")]
    Utf8,
}

/// The text, encoded.
pub fn encode(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, ESCAPED).into()
}

/// Appends the text, encoded, to `out`.
pub fn encode_into(text: &str, out: &mut Vec<u8>) {
    for piece in utf8_percent_encode(text, ESCAPED) {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// How many bytes the text takes when encoded.
pub fn encoded_len(text: &str) -> usize {
    // Without branches: every server counts this of every crEvent, and every simulation too.
    let reserved: usize =
        text.bytes().map(|byte| usize::from(!UNRESERVED.get(usize::from(byte)).is_some_and(|is| *is))).sum();
    text.len() + 2 * reserved
}

/// The bytes that an encoded value stands for.
///
/// # Errors
/// [`BadEscape`] for the first `%` that starts no escape.
pub fn decode(encoded: &[u8]) -> Result<Cow<'_, [u8]>, BadEscape> {
    match bad_escape(encoded) {
        Some(offset) => Err(BadEscape { offset }),
        None => Ok(decode_lenient(encoded)),
    }
}

/// The bytes that an encoded value stands for, where a `%` that starts no escape stands for itself.
pub fn decode_lenient(encoded: &[u8]) -> Cow<'_, [u8]> {
    percent_decode(encoded).into()
}

/// How many bytes [`decode_lenient`] gives, and [`decode`] where it gives any.
pub fn decoded_len(encoded: &[u8]) -> usize {
    percent_decode(encoded).count()
}

/// The text that an encoded value stands for.
///
/// # Errors
/// [`NotText`] where it is badly encoded, or not UTF-8.
pub fn decode_text(encoded: &[u8]) -> Result<Cow<'_, str>, NotText> {
    into_text(decode(encoded)?).ok_or(NotText::Utf8)
}

/// The text that an encoded value stands for, decoded like [`decode_lenient`]; `None` where that is not UTF-8.
pub fn decode_text_lenient(encoded: &[u8]) -> Option<Cow<'_, str>> {
    into_text(decode_lenient(encoded))
}

/// The text that an encoded value stands for, whatever it is: decoded like [`decode_lenient`], and what is not UTF-8
/// becomes U+FFFD.
pub fn decode_text_lossy(encoded: &[u8]) -> Cow<'_, str> {
    into_text_lossy(decode_lenient(encoded))
}

/// Decoded bytes as text, where those that are not UTF-8 become U+FFFD.
pub(super) fn into_text_lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
            .into(),
    }
}

fn into_text(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

fn bad_escape(encoded: &[u8]) -> Option<usize> {
    let is_digit = |offset: usize| encoded.get(offset).is_some_and(u8::is_ascii_hexdigit);
    let mut percents =
        encoded.iter().enumerate().filter(|&(_, &byte)| byte == b'%').map(|(offset, _)| offset);
    percents.find(|offset| !(is_digit(offset + 1) && is_digit(offset + 2)))
}

/// Whether a byte stands for itself when encoded.
#[expect(clippy::indexing_slicing, reason = "every byte has its place")]
const UNRESERVED: [bool; 256] = {
    let mut unreserved = [false; 256];
    let mut byte = 0u8;
    loop {
        unreserved[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    unreserved
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn section_3_all_but_unreserved_bytes_are_encoded_with_capital_digits() {
        for byte in 0..128u8 {
            let text = char::from(byte).to_string();
            let kept = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
            let wanted = if kept { text.clone() } else { format!("%{byte:02X}") };
            assert_eq!(encode(&text), wanted);
        }
        assert_eq!(encode("æ漢🙂"), "%C3%A6%E6%BC%A2%F0%9F%99%82");
    }

    #[test]
    fn section_3_a_plus_means_itself() {
        assert_eq!(decode_text(b"a+b%2B%20"), Ok("a+b+ ".into()));
    }

    #[test]
    fn section_3_a_percent_that_starts_no_escape() {
        for (encoded, offset, lenient) in [
            ("%", 0, "%"),
            ("ab%4", 2, "ab%4"),
            ("%41%", 3, "A%"),
            ("%4g", 0, "%4g"),
            ("%%41", 0, "%A"),
            ("%4%41", 0, "%4A"),
            ("100%&", 3, "100%&"),
            ("%-1", 0, "%-1"),
        ] {
            assert_eq!(decode(encoded.as_bytes()), Err(BadEscape { offset }), "{encoded}");
            assert_eq!(decode_text_lenient(encoded.as_bytes()).unwrap(), lenient, "{encoded}");
        }
    }

    #[test]
    fn what_is_not_utf8_is_no_text() {
        assert_eq!(decode_text(b"a%FF"), Err(NotText::Utf8));
        assert_eq!(decode_text(b"a\xff"), Err(NotText::Utf8));
        assert_eq!(decode_text_lenient(b"a%FF%"), None);
        assert_eq!(decode_text_lossy(b"a%FF%"), "a\u{fffd}%");
        assert_eq!(decode_text_lossy(b"a\xff"), "a\u{fffd}");
    }

    proptest! {
        #[test]
        fn encoded_text_comes_back(text in any::<String>()) {
            let encoded = encode(&text);
            prop_assert_eq!(encoded.len(), encoded_len(&text));
            prop_assert_eq!(decode_text(encoded.as_bytes()).unwrap(), &*text);
            let mut out = Vec::new();
            encode_into(&text, &mut out);
            prop_assert_eq!(out.as_slice(), encoded.as_bytes());
        }

        #[test]
        fn strict_and_lenient_agree_where_strict_succeeds(encoded in "[%0-9A-Fa-fg+é]{0,12}") {
            let lenient = decode_lenient(encoded.as_bytes());
            prop_assert_eq!(decoded_len(encoded.as_bytes()), lenient.len());
            match decode(encoded.as_bytes()) {
                Ok(strict) => prop_assert_eq!(strict, lenient),
                Err(bad) => prop_assert_eq!(encoded.as_bytes()[bad.offset], b'%'),
            }
        }

        #[test]
        fn any_bytes_are_decoded_without_a_panic(bytes in any::<Vec<u8>>()) {
            let _ = decode_text(&bytes);
            prop_assert!(decode_text_lossy(&bytes).len() <= 3 * bytes.len());
        }
    }
}
