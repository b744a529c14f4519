//! Figures in words, for terminal and page alike: units and precision that can be read.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use humantime::format_rfc3339_seconds;

use super::report::Setting;
use crate::simulate::figures::EventFigures;

/// What is absent.
pub(super) const NONE: &str = "–";

/// 12,345
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// As [`count`], of what is held in memory.
pub(super) fn size(value: usize) -> String {
    count(u64::try_from(value).unwrap_or(u64::MAX))
}

/// A count with its noun: 1 pair, 2 pairs.
pub(super) fn counted(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(value))
}

/// A length in milliseconds: 42 µs, 1.23 ms, 12.3 ms, 1.23 s, 3 min 20 s, 2 h 5 min.
pub(super) fn ms(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    match value.abs() {
        0.0 => "0 ms".to_owned(),
        below if below < 0.9995 => format!("{} µs", digits(value * 1_000.0)),
        below if below < 999.5 => format!("{} ms", digits(value)),
        below if below < 119_500.0 => format!("{} s", digits(value / 1_000.0)),
        _ => long(value / 1_000.0),
    }
}

/// A length in seconds, as [`ms`].
pub(super) fn seconds(value: f64) -> String {
    if value == 0.0 { "0 s".to_owned() } else { ms(value * 1_000.0) }
}

/// A moment or a length that was asked for, in seconds, with a digit after the point where it has one: 30 s, 12.3 s.
pub(super) fn round_seconds(value: f64) -> String {
    format!("{} s", trimmed(&format!("{value:.1}")))
}

/// Minutes and seconds, or hours and minutes.
fn long(seconds: f64) -> String {
    let whole = seconds.round();
    if whole < 3_600.0 {
        return format!("{} min {} s", (whole / 60.0).floor(), whole % 60.0);
    }
    let minutes = (seconds / 60.0).round();
    format!("{} h {} min", (minutes / 60.0).floor(), minutes % 60.0)
}

/// Three digits that count: 1.23, 12.3, 123; whole from there on.
pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        below if below < 9.995 => format!("{value:.2}"),
        below if below < 99.95 => format!("{value:.1}"),
        _ => whole(value),
    }
}

/// A number with a point as it was given: 5, 0.5, 1,200.
pub(super) fn number(value: f64) -> String {
    if value.fract() == 0.0 { whole(value) } else { trimmed(&format!("{value:.3}")) }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is shown; beyond u64 it is cut off there"
)]
fn whole(value: f64) -> String {
    let sign = if value.round() < 0.0 { "-" } else { "" };
    format!("{sign}{}", count(value.round().abs() as u64))
}

/// Without zeros behind the last digit after the point.
fn trimmed(text: &str) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}

/// Events a second: 9.87, 98.7, 987, 9,870.
pub(super) fn rate(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { digits(value) }
}

/// Bytes: 512 B, 4.30 kB, 123 MB.
pub(super) fn bytes(value: u64) -> String {
    if value < 1_000 {
        return format!("{value} B");
    }
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut left = value as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        if left < 999.5 {
            break;
        }
        left /= 1_000.0;
        unit = next;
    }
    format!("{} {unit}", digits(left))
}

/// A share of one, of a hundred: 98.2 %. What is there is never shown as nothing, what is missing never as all.
pub(super) fn share(value: f64) -> String {
    let percent = value * 100.0;
    match percent {
        _ if percent > 0.0 && percent < 0.05 => "<0.1 %".to_owned(),
        _ if (99.95..100.0).contains(&percent) => ">99.9 %".to_owned(),
        _ => format!("{} %", trimmed(&format!("{percent:.1}"))),
    }
}

/// The share that a count has in a whole: 0.02 %, with two digits that count. Empty where there is no whole.
pub(super) fn part(value: u64, whole: u64) -> String {
    if whole == 0 || value == 0 {
        return String::new();
    }
    #[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
    let percent = value as f64 * 100.0 / whole as f64;
    match percent {
        _ if percent < 0.001 => "<0.001 %".to_owned(),
        _ if percent < 0.1 => format!("{percent:.3} %"),
        _ if percent < 10.0 => format!("{percent:.2} %"),
        _ if value >= whole => format!("{} %", trimmed(&format!("{percent:.1}"))),
        _ if percent >= 99.95 => ">99.9 %".to_owned(),
        _ => format!("{percent:.1} %"),
    }
}

/// How events were due.
pub(super) fn sending(setting: &Setting) -> String {
    match setting.rate_per_pair {
        Some(rate) => format!("open loop, {} events/s each pair", number(rate)),
        None if setting.open_loop => "open loop, by its scenario".to_owned(),
        None => "closed loop".to_owned(),
    }
}

/// How many events the latency cannot have, since they did not arrive; none where all did. Counts are of the whole run, so of
/// those that were due while it was measured it is an upper bound.
pub(super) fn left_out(events: &EventFigures) -> Option<String> {
    let missing = events.intended.saturating_sub(events.received);
    (missing > 0).then(|| {
        format!(
            "at most {} of the {} ({}), which did not arrive",
            count(missing),
            counted(events.intended, "intended event"),
            part(missing, events.intended)
        )
    })
}

/// A value of a gate with its unit: 4.21 ms, 5 events.
pub(super) fn of_gate(value: f64, unit: &str) -> String {
    match unit {
        "ms" => ms(value),
        "s" => seconds(value),
        "events" if value == 1.0 => "1 event".to_owned(),
        "events" => format!("{} events", number(value)),
        _ => format!("{} {}", rate(value), plain(unit)),
    }
}

/// The limit of a gate with its unit, as it was asked for: 5 ms, not 5.00 ms.
pub(super) fn limit_of_gate(limit: f64, unit: &str) -> String {
    match unit {
        "ms" if limit < 1_000.0 => format!("{} ms", number(limit)),
        "ms" => limit_of_gate(limit / 1_000.0, "s"),
        "s" if limit < 120.0 => format!("{} s", number(limit)),
        "events/s" => format!("{} events/s", number(limit)),
        _ => of_gate(limit, unit),
    }
}

/// A calendar time of milliseconds since 1970: 2026-11-28 20:59:02 UTC.
pub(super) fn calendar(at: i64) -> String {
    let since = u64::try_from(at).ok().map(Duration::from_millis);
    // Beyond the year 9999 it cannot be written.
    let latest = Duration::from_secs(253_402_300_800);
    match since.filter(|since| *since < latest).and_then(|since| UNIX_EPOCH.checked_add(since)) {
        Some(at) => format_rfc3339_seconds(at).to_string().replace('T', " ").replace('Z', " UTC"),
        None => NONE.to_owned(),
    }
}

/// A text that others chose, on one line and without anything that a terminal would obey or that turns a line around.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}') {
            let _ = write!(shown, "{}", c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// As [`plain`], and no longer than this.
pub(super) fn short(text: &str, longest: usize) -> String {
    let shown = plain(text);
    if shown.chars().count() <= longest {
        return shown;
    }
    let mut cut: String = shown.chars().take(longest.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_units_and_three_digits() {
        for (value, text) in [
            (0.0, "0 ms"),
            (0.0042, "4.20 µs"),
            (0.0423, "42.3 µs"),
            (0.4231, "423 µs"),
            (0.9994, "999 µs"),
            (0.9996, "1.00 ms"),
            (1.234, "1.23 ms"),
            (9.996, "10.0 ms"),
            (12.34, "12.3 ms"),
            (999.4, "999 ms"),
            (999.6, "1.00 s"),
            (12_345.0, "12.3 s"),
            (119_499.0, "119 s"),
            (119_600.0, "2 min 0 s"),
            (200_000.0, "3 min 20 s"),
            (7_500_000.0, "2 h 5 min"),
            (f64::NAN, NONE),
        ] {
            assert_eq!(ms(value), text, "{value}");
        }
        assert_eq!(seconds(0.0), "0 s");
        assert_eq!(seconds(2.31), "2.31 s");
        assert_eq!(round_seconds(30.0), "30 s");
        assert_eq!(round_seconds(12.34), "12.3 s");
    }

    #[test]
    fn numbers_are_grouped_and_rounded() {
        for (value, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(value), text);
        }
        for (value, text) in [(0.0, "0"), (1.0, "1.00"), (99.96, "100"), (9_876.4, "9,876")] {
            assert_eq!(rate(value), text);
        }
        for (value, text) in [(5.0, "5"), (0.5, "0.5"), (1_200.0, "1,200"), (-3.0, "-3"), (0.125, "0.125")] {
            assert_eq!(number(value), text);
        }
        for (value, text) in
            [(0, "0 B"), (999, "999 B"), (4_300, "4.30 kB"), (999_600, "1.00 MB"), (123_400_000, "123 MB")]
        {
            assert_eq!(bytes(value), text);
        }
        assert_eq!(counted(1, "pair"), "1 pair");
        assert_eq!(counted(1_000, "pair"), "1,000 pairs");
    }

    #[test]
    fn shares_never_hide_what_is_there() {
        for (value, text) in [
            (0.0, "0 %"),
            (0.0001, "<0.1 %"),
            (0.001, "0.1 %"),
            (0.5, "50 %"),
            (0.9994, "99.9 %"),
            (0.99999, ">99.9 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(share(value), text);
        }
        assert_eq!(part(0, 10), "");
        assert_eq!(part(1, 0), "");
        assert_eq!(part(1, 10_000_000), "<0.001 %");
        assert_eq!(part(5, 10_000), "0.050 %");
        assert_eq!(part(1, 3), "33.3 %");
        assert_eq!(part(9_999, 10_000), ">99.9 %");
        assert_eq!(part(7, 7), "100 %");
    }

    #[test]
    fn what_is_left_out_is_counted_and_none_is_not_said() {
        let of =
            |intended, received| left_out(&EventFigures { intended, received, ..EventFigures::default() });
        assert_eq!(of(0, 0), None);
        assert_eq!(of(320, 320), None);
        assert_eq!(of(1, 2), None, "nothing is below nothing");
        let said = of(320, 92).unwrap();
        assert_eq!(said, "at most 228 of the 320 intended events (71.2 %), which did not arrive");
    }

    #[test]
    fn how_events_were_due_follows_rate_then_scenario() {
        let of =
            |rate_per_pair, open_loop| sending(&Setting { rate_per_pair, open_loop, ..Setting::default() });
        assert_eq!(of(None, false), "closed loop");
        assert_eq!(of(None, true), "open loop, by its scenario");
        assert_eq!(of(Some(0.5), true), "open loop, 0.5 events/s each pair");
        assert_eq!(of(Some(2.0), false), "open loop, 2 events/s each pair", "as older reports say it");
    }

    #[test]
    fn times_are_in_utc_and_those_that_cannot_be_are_none() {
        assert_eq!(calendar(1_795_000_000_000), "2026-11-18 11:06:40 UTC");
        assert_eq!(calendar(-1), NONE);
        assert_eq!(calendar(i64::MAX), NONE);
    }

    #[test]
    fn foreign_texts_do_nothing_to_a_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{202e}d\u{9b}é"), "a\\u{1b}[31mb\\u{a}c\\u{202e}d\\u{9b}é");
        assert_eq!(short("abcdef", 6), "abcdef");
        assert_eq!(short("abcdefg", 6), "abcde…");
    }

    #[test]
    fn values_of_gates_have_their_unit() {
        assert_eq!(of_gate(4.21, "ms"), "4.21 ms");
        assert_eq!(of_gate(1.0, "events"), "1 event");
        assert_eq!(of_gate(5.0, "events"), "5 events");
        assert_eq!(of_gate(900.0, "events/s"), "900 events/s");
        assert_eq!(of_gate(2.5, "s"), "2.50 s");
        for (limit, unit, text) in [
            (5.0, "ms", "5 ms"),
            (0.05, "ms", "0.05 ms"),
            (2_500.0, "ms", "2.5 s"),
            (200_000.0, "ms", "3 min 20 s"),
            (30.0, "s", "30 s"),
            (9_500.0, "events/s", "9,500 events/s"),
            (0.0, "events", "0 events"),
        ] {
            assert_eq!(limit_of_gate(limit, unit), text);
        }
    }
}
