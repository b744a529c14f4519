//! What the server bounds, and how what is bounded is shared (sections 3 and 4, "Bounds").

use thiserror::Error;

use super::ids::ClientId;
use super::line::Line;
use super::rate::RateLimit;
use super::time::Timing;

/// The server's bounds. What does not fit is refused and counted; nothing that was accepted is thrown away for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Frames that one stream's output holds, control frames apart. 1,000 (section 4).
    pub output_frames: usize,
    /// Bytes that one stream's output holds, as they go over the wire, control frames apart. 256 KiB (section 4).
    pub output_bytes: usize,
    /// Bytes that all outputs hold together. 512 MiB (section 4).
    pub all_outputs_bytes: usize,
    /// CrEvents that wait for one recipient. 100 (section 4).
    pub line_events: usize,
    /// Bytes that all waiting lines hold together, about as they lie in memory. 64 MiB (section 4).
    pub all_lines_bytes: usize,
    /// What one clientId may send. 1,000 a second (section 3), as many at once.
    pub send_rate: RateLimit,
    /// How many clientIds are given out. 100 a second, 5,000 at once (section 3).
    pub client_id_rate: RateLimit,
    /// Open streams, with those that have ended but were not read to their end. A million: each clientId has one.
    pub streams: usize,
    /// Whether a clientId is bound to its user. Without it anybody takes any clientId over, and may send in its name
    /// ("plain takeover", section 4). Yes.
    pub bind_client_ids: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * KIB;
        Limits {
            output_frames: 1_000,
            output_bytes: 256 * KIB,
            all_outputs_bytes: 512 * MIB,
            line_events: 100,
            all_lines_bytes: 64 * MIB,
            send_rate: RateLimit { per_second: 1_000, burst: 1_000 },
            client_id_rate: RateLimit { per_second: 100, burst: 5_000 },
            streams: 1_000_000,
            bind_client_ids: true,
        }
    }
}

/// A bound under which the server could not do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{key} = {value} must be at least {least}: {because}")]
pub struct LimitsError {
    /// The key at fault.
    pub key: &'static str,
    /// Its value.
    pub value: usize,
    /// The least value that is accepted.
    pub least: usize,
    /// Why.
    pub because: &'static str,
}

impl Limits {
    /// Checks that each accepted crEvent fits where nothing else is, and that every rate lets something through.
    ///
    /// # Errors
    /// The first bound that is too small.
    pub fn check(&self, timing: &Timing) -> Result<(), LimitsError> {
        const SHARED: &str =
            "a sender may hold as much as it leaves free, so it must hold the longest crEvent twice";
        const NOTHING: &str = "nothing at all would be let through";
        let frame = longest_frame(timing).saturating_mul(2);
        let waiting = Line::weight(longest_text(timing)).saturating_mul(2);
        for (key, value, least, because) in [
            ("output_frames", self.output_frames, 2, SHARED),
            ("output_bytes", self.output_bytes, frame, SHARED),
            ("all_outputs_bytes", self.all_outputs_bytes, frame, SHARED),
            ("line_events", self.line_events, 2, SHARED),
            ("all_lines_bytes", self.all_lines_bytes, waiting, SHARED),
            ("send_rate.per_second", as_usize(self.send_rate.per_second), 1, NOTHING),
            ("send_rate.burst", as_usize(self.send_rate.burst), 1, NOTHING),
            ("client_id_rate.per_second", as_usize(self.client_id_rate.per_second), 1, NOTHING),
            ("client_id_rate.burst", as_usize(self.client_id_rate.burst), 1, NOTHING),
            ("streams", self.streams, 1, NOTHING),
        ] {
            if value < least {
                return Err(LimitsError { key, value, least, because });
            }
        }
        Ok(())
    }
}

/// What somebody holds of an output or a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share {
    /// Who: the sender of a crEvent, or the client itself for what the server answers it.
    pub holder: ClientId,
    /// How much, in bytes.
    pub bytes: usize,
}

/// Whether something of this size fits into what is used of a capacity: one holder may hold at most as much as it leaves
/// free. What it holds is asked only where more than half would be used; below, everything is fair.
pub(crate) fn fits(used: usize, size: usize, capacity: usize, held: impl FnOnce() -> usize) -> bool {
    let used = used.saturating_add(size);
    used <= capacity && (used <= capacity / 2 || held().saturating_add(size) <= capacity - used)
}

/// The longest event data string that a server forwards, in bytes: what is not UTF-8 becomes U+FFFD, three bytes for
/// one, and the senderClientId may be filled in.
fn longest_text(timing: &Timing) -> usize {
    timing.max_event_data_length.saturating_mul(3).saturating_add(CLIENT_ID_LEN)
}

/// The longest frame with such a string in it, each byte escaped.
fn longest_frame(timing: &Timing) -> usize {
    frame_len_of(longest_text(timing))
}

/// The longest frame of an event that an interceptor may have changed: it is held to max_event_data_length.
pub(crate) fn longest_changed_frame(timing: &Timing) -> usize {
    frame_len_of(timing.max_event_data_length)
}

fn frame_len_of(text_len: usize) -> usize {
    text_len.saturating_mul("%00".len()).saturating_add("event: crEvent\ndata: \n\n".len())
}

fn as_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

const CLIENT_ID_LEN: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::wire::EventData;

    #[test]
    fn section_4_bounds_have_the_defaults_of_the_specification() {
        let limits = Limits::default();
        assert_eq!(limits.check(&Timing::default()), Ok(()));
        assert_eq!((limits.output_frames, limits.output_bytes), (1_000, 262_144));
        assert_eq!((limits.all_outputs_bytes, limits.all_lines_bytes), (536_870_912, 67_108_864));
        assert_eq!(limits.line_events, 100);
        assert_eq!(limits.send_rate.per_second, 1_000);
        assert_eq!(limits.client_id_rate, RateLimit { per_second: 100, burst: 5_000 });
        assert!(limits.bind_client_ids);
    }

    #[test]
    fn limits_that_could_not_hold_the_longest_event_are_refused() {
        let timing = Timing::default();
        let longest = format!("a,,,,,,,{}", "\u{fffd}".repeat(timing.max_event_data_length - 8));
        let longest = EventData::accept(&longest, ClientId::from_number(1).unwrap()).unwrap();
        assert!(longest.frame_len() <= longest_frame(&timing));
        assert!(longest.len() <= longest_text(&timing));
        for (limits, key) in [
            (Limits { output_frames: 1, ..Limits::default() }, "output_frames"),
            (Limits { output_bytes: 2 * longest.frame_len(), ..Limits::default() }, "output_bytes"),
            (Limits { all_outputs_bytes: 1_000, ..Limits::default() }, "all_outputs_bytes"),
            (Limits { line_events: 1, ..Limits::default() }, "line_events"),
            (Limits { all_lines_bytes: 1_000, ..Limits::default() }, "all_lines_bytes"),
            (
                Limits { send_rate: RateLimit { per_second: 0, burst: 1 }, ..Limits::default() },
                "send_rate.per_second",
            ),
            (Limits { streams: 0, ..Limits::default() }, "streams"),
        ] {
            let error = limits.check(&timing).unwrap_err();
            assert_eq!(error.key, key);
            assert!(error.to_string().contains("must be at least"));
        }
    }

    #[test]
    fn section_4_bounds_one_holder_leaves_as_much_as_it_holds() {
        for (used, size, held, expected) in [
            (0, 50, 0, true),
            (0, 51, 0, false),
            (50, 25, 0, true),
            (50, 26, 0, false),
            (60, 10, 20, true),
            (60, 10, 21, false),
            (99, 1, 0, false),
            (100, 0, 0, true),
            (usize::MAX, 1, 0, false),
        ] {
            assert_eq!(fits(used, size, 100, || held), expected, "{used} {size} {held}");
        }
    }
}
