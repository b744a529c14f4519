//! Event data strings as clients write and read them (section 2):
//! `eventType,eventSubType,buffered,logged,interceptable,sendCt,receiveCt,senderClientId[,param]*`.

use std::sync::Arc;

use crate::protocol::event::CrEvent;
use crate::protocol::ids::ClientId;

/// Up to how many bytes an event data string is put together on the stack.
const SHORT: usize = 128;

impl CrEvent {
    /// Its event data string, signed by `sender` (section 2).
    ///
    /// [`CrEvent::from_event_data`] gives the same event back if it passes [`CrEvent::check`].
    pub fn to_event_data(&self, sender: ClientId) -> String {
        // Flags, times and commas take less than 64 bytes.
        let params: usize = self.params.iter().map(|param| param.len() + 1).sum();
        let mut text = Vec::with_capacity(64 + self.event_type.len() + self.sub_type.len() + params);
        self.write_event_data(self.send_ct, &digits_of(sender), |part| text.extend_from_slice(part));
        // Its parts are text.
        String::from_utf8(text).unwrap_or_default()
    }

    /// The same, to be shared. Most are short, and come into being in one allocation.
    pub(super) fn to_shared_event_data(&self, sender: ClientId) -> Arc<str> {
        let mut short = [0; SHORT];
        let mut length = 0;
        self.write_event_data(self.send_ct, &digits_of(sender), |part| {
            if let Some(place) = short.get_mut(length..length + part.len()) {
                place.copy_from_slice(part);
            }
            length += part.len();
        });
        match short.get(..length).map(std::str::from_utf8) {
            Some(Ok(text)) => text.into(),
            Some(Err(_)) | None => self.to_event_data(sender).into(),
        }
    }

    /// The length in bytes of the event data string it leaves with, its sendCt counted as stamped.
    ///
    /// Exact for every moment between the years 2001 and 2286, when sendCt has 13 digits.
    pub fn event_data_len(&self) -> usize {
        const A_STAMP: i64 = 1_000_000_000_000;
        const A_SENDER: &[u8] = b"000000";
        let mut length = 0;
        self.write_event_data(self.send_ct.or(Some(A_STAMP)), A_SENDER, |part| length += part.len());
        length
    }

    /// Reads an event data string as it arrives in a frame.
    ///
    /// It never fails (section 2): missing fields are empty; `buffered` and `logged` are true only if exactly `true`,
    /// `interceptable` is false only if exactly `false`; a time that is no number is unknown, a fraction is cut off;
    /// the sender is `None` where its field is no clientId.
    pub fn from_event_data(text: &str) -> CrEvent {
        let mut fields = fields(text);
        let mut next = || fields.next().unwrap_or_default();
        CrEvent {
            event_type: next().into(),
            sub_type: next().into(),
            buffered: next() == "true",
            logged: next() == "true",
            interceptable: next() != "false",
            send_ct: parse_time(next()),
            receive_ct: parse_time(next()),
            sender: ClientId::parse(next()).ok(),
            params: fields.map(Into::into).collect(),
        }
    }

    /// Part by part, without `write!`, and most parts of a length that is known to the compiler: this is what a crSocket
    /// and a simulation do most often.
    fn write_event_data(&self, send_ct: Option<i64>, sender: &[u8], mut out: impl FnMut(&[u8])) {
        out(self.event_type.as_bytes());
        out(b",");
        out(self.sub_type.as_bytes());
        for flag in [self.buffered, self.logged, self.interceptable] {
            if flag {
                out(b",true");
            } else {
                out(b",false");
            }
        }
        for time in [send_ct, self.receive_ct] {
            match time {
                Some(millis) => write_time(millis, &mut out),
                None => out(b",NaN"),
            }
        }
        out(b",");
        out(sender);
        for param in &self.params {
            out(b",");
            out(param.as_bytes());
        }
    }
}

/// The parts between commas, of which there is one at least. For the short texts of events this is faster than `split`,
/// which looks for its separator by `memchr`.
pub(super) fn fields(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.bytes().position(|byte| byte == b',').and_then(|comma| text.split_at_checked(comma)) {
            Some((field, behind)) => {
                rest = behind.get(1..);
                Some(field)
            }
            None => rest.take(),
        }
    })
}

/// The six digits of a clientId.
pub(super) fn digits_of(id: ClientId) -> [u8; 6] {
    let mut digits = [b'0'; 6];
    fill_digits(u64::from(id.number()), &mut digits);
    digits
}

/// Digits as text.
pub(super) fn as_str(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

/// Writes the decimal digits of a number from the end; returns the index of the first one, and leaves what is before it.
fn fill_digits(mut number: u64, digits: &mut [u8]) -> usize {
    let mut first = digits.len();
    for (index, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        first = index;
        if number == 0 {
            break;
        }
    }
    first
}

fn write_time(millis: i64, mut out: impl FnMut(&[u8])) {
    let mut digits = [0; 20];
    let first = fill_digits(millis.unsigned_abs(), &mut digits);
    if millis < 0 {
        out(b",-");
    } else {
        out(b",");
    }
    out(digits.get(first..).unwrap_or_default());
}

fn parse_time(text: &str) -> Option<i64> {
    if text == "NaN" {
        return None; // the usual receiveCt
    }
    text.parse().ok().or_else(|| truncated(text.parse().ok()?))
}

fn truncated(number: f64) -> Option<i64> {
    const BEYOND_I64: f64 = 9_223_372_036_854_775_808.0;
    #[allow(clippy::cast_possible_truncation)] // cutting the fraction off is what is wanted
    (number.abs() < BEYOND_I64).then_some(number as i64) // false for NaN and the infinities
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SENDER: &str = "700002";

    fn sender() -> ClientId {
        ClientId::parse(SENDER).unwrap()
    }

    #[test]
    fn section_2_defaults_on_the_wire() {
        let ping = CrEvent::ping();
        assert_eq!(ping.to_event_data(sender()), "ping,,false,false,true,NaN,NaN,700002");
    }

    #[test]
    fn short_and_long_texts_are_shared_as_they_are() {
        for length in [0, 1, SHORT - 45, SHORT - 44, SHORT - 43, SHORT, 9_000] {
            let event =
                CrEvent::new("a", "").unwrap().with_params(["é".repeat(length / 2), "p".into()]).unwrap();
            assert_eq!(&*event.to_shared_event_data(sender()), event.to_event_data(sender()), "{length}");
        }
    }

    #[test]
    fn section_2_no_params_and_one_empty_param_differ() {
        let none = CrEvent::from_event_data("a,,false,false,true,1,NaN,700002");
        let one = CrEvent::from_event_data("a,,false,false,true,1,NaN,700002,");
        assert!(none.params.is_empty());
        assert_eq!(*one.params, ["".into()]);
        assert_eq!(one.to_event_data(sender()), "a,,false,false,true,1,NaN,700002,");
    }

    #[test]
    fn section_2_missing_fields_are_empty() {
        for text in ["", "ping", "ping,,", "ping,,x,y,z,w"] {
            let event = CrEvent::from_event_data(text);
            assert_eq!(&*event.event_type, text.split(',').next().unwrap());
            assert!(!event.buffered && !event.logged && event.interceptable);
            assert_eq!((event.send_ct, event.receive_ct, event.sender), (None, None, None));
        }
    }

    #[test]
    fn section_2_flags_count_only_if_exactly_so() {
        let event = CrEvent::from_event_data("a,,TRUE, true,False,,,");
        assert!(!event.buffered && !event.logged && event.interceptable);
        let event = CrEvent::from_event_data("a,,true,true,false,,,");
        assert!(event.buffered && event.logged && !event.interceptable);
    }

    #[test]
    fn times_are_integers_or_finite_numbers_cut_off() {
        for (text, time) in [
            ("1795000000000", Some(1_795_000_000_000)),
            ("-5", Some(-5)),
            ("1795000000000.75", Some(1_795_000_000_000)),
            ("-1.5e3", Some(-1500)),
            ("9223372036854775807", Some(i64::MAX)),
            ("1e300", None),
            ("NaN", None),
            ("inf", None),
            ("-Infinity", None),
            ("", None),
            ("soon", None),
        ] {
            assert_eq!(parse_time(text), time, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_client_event_comes_back(
            event_type in "[0-9A-Za-z]{1,8}", sub_type in "[0-9A-Za-z]{0,8}",
            params in prop::collection::vec("[^,]{0,8}", 0..5),
            flags in any::<[bool; 3]>(), send_ct in any::<Option<i64>>(), receive_ct in any::<Option<i64>>(),
            number in 0..ClientId::COUNT,
        ) {
            let mut event = CrEvent::new(&event_type, &sub_type).unwrap().with_params(params).unwrap();
            [event.buffered, event.logged, event.interceptable] = flags;
            (event.send_ct, event.receive_ct) = (send_ct, receive_ct);
            event.sender = ClientId::from_number(number);
            let text = event.to_event_data(event.sender.unwrap());
            prop_assert_eq!(CrEvent::from_event_data(&text), event);
        }

        #[test]
        fn the_announced_length_is_that_of_the_stamped_event(
            params in prop::collection::vec("[^,]{0,8}", 0..5),
            stamp in 1_000_000_000_000..9_999_999_999_999i64,
        ) {
            let mut event = CrEvent::new("custom", "sub").unwrap().with_params(params).unwrap();
            let announced = event.event_data_len();
            event.send_ct = Some(stamp);
            prop_assert_eq!(event.to_event_data(sender()).len(), announced);
            prop_assert_eq!(event.event_data_len(), announced);
        }

        #[test]
        fn any_text_is_read(text in "[,a0\\.e-]{0,40}|\\PC*") {
            let event = CrEvent::from_event_data(&text);
            prop_assert_eq!(event.params.len(), text.split(',').count().saturating_sub(8));
        }
    }
}
