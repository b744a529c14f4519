//! Figures and names as text.

use indicatif::{HumanBytes, HumanCount};

/// Longer texts of a server are cut, in characters.
const LONGEST: usize = 200;

/// A text that came from elsewhere, so that it cannot steer the terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().take(LONGEST).map(|c| if c.is_control() || is_format(c) { '\u{fffd}' } else { c }).collect()
}

/// Characters that turn the direction of what follows, or cannot be seen.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `1,234,567`
pub(super) fn count(n: u64) -> String {
    HumanCount(n).to_string()
}

/// `1.21 GiB`
pub(super) fn bytes(n: u64) -> String {
    HumanBytes(n).to_string()
}

/// How often a second: `0.5`, `20`, `20,000`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked: not negative, saturating"
)]
pub(super) fn rate(a_second: f64) -> String {
    if a_second < 9.95 && a_second > 0.0 { format!("{a_second:.1}") } else { count(a_second.round() as u64) }
}

/// Microseconds: `120 µs`, `1.2 ms`, `35 ms`, `2.5 s`.
pub(super) fn microseconds(us: f64) -> String {
    match us {
        us if us < 999.5 => format!("{us:.0} \u{b5}s"),
        us if us < 9_950.0 => format!("{:.1} ms", us / 1e3),
        us if us < 999_500.0 => format!("{:.0} ms", us / 1e3),
        us => format!("{:.1} s", us / 1e6),
    }
}

/// A length in milliseconds: `12.4 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`.
pub(super) fn length(ms: i64) -> String {
    let seconds = ms / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match ms {
        ..60_000 => format!("{seconds}.{} s", ms % 1_000 / 100),
        60_000..3_600_000 => format!("{minutes} min {:02} s", seconds % 60),
        3_600_000..86_400_000 => format!("{hours} h {:02} min", minutes % 60),
        _ => format!("{days} d {:02} h", hours % 24),
    }
}

/// The time of day, UTC, of milliseconds since 1970: `17:30:04`.
pub(super) fn time_of_day(at: i64) -> String {
    let seconds = at.div_euclid(1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        let lengths = [0, 12_449, 59_999, 60_000, 185_000, 3_599_999, 7_620_000, 86_400_000, 273_600_000];
        let read = [
            "0.0 s",
            "12.4 s",
            "59.9 s",
            "1 min 00 s",
            "3 min 05 s",
            "59 min 59 s",
            "2 h 07 min",
            "1 d 00 h",
            "3 d 04 h",
        ];
        assert_eq!(lengths.map(length), read);
        let times = [0.0, 119.7, 999.4, 999.5, 9_949.0, 9_950.0, 35_400.0, 999_499.0, 999_500.0, 2_500_000.0];
        let read = [
            "0 \u{b5}s",
            "120 \u{b5}s",
            "999 \u{b5}s",
            "1.0 ms",
            "9.9 ms",
            "10 ms",
            "35 ms",
            "999 ms",
            "1.0 s",
            "2.5 s",
        ];
        assert_eq!(times.map(microseconds), read);
        assert_eq!(
            [0.0, 0.54, 9.94, 9.95, 20_000.4, -1.0].map(rate),
            ["0", "0.5", "9.9", "10", "20,000", "0"]
        );
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(bytes(1_300_000_000), "1.21 GiB");
        assert_eq!([0, 63_004_999, -1].map(time_of_day), ["00:00:00", "17:30:04", "23:59:59"]);
    }

    #[test]
    fn a_text_from_elsewhere_cannot_steer_the_terminal() {
        assert_eq!(printable("\u{1b}[2Ja\u{9b}b\n\u{202e}c"), "\u{fffd}[2Ja\u{fffd}b\u{fffd}\u{fffd}c");
        assert_eq!(printable(&"x".repeat(1_000)).len(), 200);
    }
}
