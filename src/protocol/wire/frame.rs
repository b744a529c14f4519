//! The frames of an event stream: `event: NAME\ndata: DATA\n\n`, DATA percent-encoded (section 3). No text can break one.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use super::{event_data, percent, shortened};
use crate::protocol::ids::Pid;
use crate::protocol::time::Millis;

/// An SSE comment: says that the connection lives, and means nothing to a client (section 4, Ends).
pub const HEARTBEAT: &[u8] = b":\n\n";

/// Appends `retry: N` and an empty line: all of a retry answer's body, and what stands before `hello` (section 3).
///
/// A client whose stream breaks tries again after `wait`; a negative one counts as zero.
pub fn write_retry(wait: Millis, out: &mut Vec<u8>) {
    push(out, format_args!("retry: {}\n\n", wait.at_least_zero().0));
}

/// What a server says on a client's event stream (section 3).
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Frame {
    /// The stream is ready; every later frame belongs to this pid.
    Hello {
        /// The stream.
        pid: Pid,
    },
    /// The answer to an `alive` with the right pid.
    Alive {
        /// The stream.
        pid: Pid,
    },
    /// A forwarded crEvent: its event data string, decoded.
    CrEvent(Arc<str>),
    /// The answer to a `close` with the right pid; then the stream ends.
    Closed {
        /// The stream.
        pid: Pid,
    },
    /// The server gives up the stream for good; then it ends.
    Aborted {
        /// The stream.
        pid: Pid,
        /// Why.
        reason: AbortReason,
        /// The stream that took this one's clientId; `0` on the wire where there is none.
        releaser: Option<Pid>,
    },
    /// The server is about to stop or to recycle this stream, which then ends; the client reopens at once.
    Shutdown {
        /// The stream.
        pid: Pid,
    },
}

/// Why a server gives up a stream for good (section 3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AbortReason {
    /// The clientRole is missing or invalid.
    InvalidRole,
    /// The clientId is missing or invalid.
    InvalidClientId,
    /// The accessToken is missing or invalid.
    InvalidAccessToken,
    /// The app's access policy does not admit the accessToken.
    NotAuthorized,
    /// A newer stream took this clientId.
    ReleasedByOther,
    /// Servers of version 1.13: nothing arrived for maxPrevAliveDt.
    ClientNotAlive,
    /// The clientId belongs to a living client of another user (deviation).
    ClientIdInUse,
    /// A reason this version does not know, as it came, without commas.
    Other(Box<str>),
}

impl AbortReason {
    /// Its text on the wire, the subState of an aborted receiver.
    pub fn as_str(&self) -> &str {
        match self {
            AbortReason::InvalidRole => "invalidRole",
            AbortReason::InvalidClientId => "invalidClientId",
            AbortReason::InvalidAccessToken => "invalidAccessToken",
            AbortReason::NotAuthorized => "notAuthorized",
            AbortReason::ReleasedByOther => "releasedByOther",
            AbortReason::ClientNotAlive => "clientNotAlive",
            AbortReason::ClientIdInUse => "clientIdInUse",
            AbortReason::Other(text) => text,
        }
    }

    /// The reason that a text stands for.
    pub fn from_text(text: &str) -> AbortReason {
        match text {
            "invalidRole" => AbortReason::InvalidRole,
            "invalidClientId" => AbortReason::InvalidClientId,
            "invalidAccessToken" => AbortReason::InvalidAccessToken,
            "notAuthorized" => AbortReason::NotAuthorized,
            "releasedByOther" => AbortReason::ReleasedByOther,
            "clientNotAlive" => AbortReason::ClientNotAlive,
            "clientIdInUse" => AbortReason::ClientIdInUse,
            other => AbortReason::Other(other.into()),
        }
    }
}

impl Frame {
    /// The name of `hello` on the wire.
    pub const HELLO: &'static str = "hello";
    /// The name of `alive` on the wire.
    pub const ALIVE: &'static str = "alive";
    /// The name of `crEvent` on the wire.
    pub const CR_EVENT: &'static str = "crEvent";
    /// The name of `closed` on the wire.
    pub const CLOSED: &'static str = "closed";
    /// The name of `aborted` on the wire.
    pub const ABORTED: &'static str = "aborted";
    /// The name of `shutdown` on the wire.
    pub const SHUTDOWN: &'static str = "shutdown";

    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Frame::Hello { .. } => Frame::HELLO,
            Frame::Alive { .. } => Frame::ALIVE,
            Frame::CrEvent(_) => Frame::CR_EVENT,
            Frame::Closed { .. } => Frame::CLOSED,
            Frame::Aborted { .. } => Frame::ABORTED,
            Frame::Shutdown { .. } => Frame::SHUTDOWN,
        }
    }

    /// The stream it names; a crEvent names none.
    pub fn pid(&self) -> Option<Pid> {
        match self {
            Frame::Hello { pid }
            | Frame::Alive { pid }
            | Frame::Closed { pid }
            | Frame::Aborted { pid, .. }
            | Frame::Shutdown { pid } => Some(*pid),
            Frame::CrEvent(_) => None,
        }
    }

    /// Appends it as it stands on the stream.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        push(out, format_args!("event: {}\ndata: ", self.name()));
        match self {
            Frame::CrEvent(text) => {
                out.reserve(text.len());
                percent::encode_into(text, out);
            }
            Frame::Aborted { pid, reason, releaser } => {
                push(out, format_args!("{pid}%2C"));
                percent::encode_into(reason.as_str(), out);
                push(out, format_args!("%2C{}", pid_number(*releaser)));
            }
            Frame::Hello { pid } | Frame::Alive { pid } | Frame::Closed { pid } | Frame::Shutdown { pid } => {
                push(out, format_args!("{pid}"));
            }
        }
        out.extend_from_slice(b"\n\n");
    }

    /// How many bytes [`Frame::write_to`] appends.
    pub fn encoded_len(&self) -> usize {
        let data_len = match self {
            Frame::CrEvent(text) => percent::encoded_len(text),
            Frame::Aborted { pid, reason, releaser } => {
                let commas = 2 * "%2C".len();
                digits(pid.number())
                    + percent::encoded_len(reason.as_str())
                    + digits(pid_number(*releaser))
                    + commas
            }
            Frame::Hello { pid } | Frame::Alive { pid } | Frame::Closed { pid } | Frame::Shutdown { pid } => {
                digits(pid.number())
            }
        };
        around_data(self.name()) + data_len
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Frame::CrEvent(text) => {
                f.write_str(" ")?;
                event_data::describe(text, f)
            }
            Frame::Aborted { pid, reason, releaser } => {
                write!(f, " {pid} {:?} {}", shortened(reason.as_str()), pid_number(*releaser))
            }
            Frame::Hello { pid } | Frame::Alive { pid } | Frame::Closed { pid } | Frame::Shutdown { pid } => {
                write!(f, " {pid}")
            }
        }
    }
}

/// The length in bytes of the frame that forwards this event data string.
pub(super) fn cr_event_len(text: &str) -> usize {
    around_data(Frame::CR_EVENT) + percent::encoded_len(text)
}

fn around_data(name: &str) -> usize {
    "event: \ndata: \n\n".len() + name.len()
}

fn pid_number(pid: Option<Pid>) -> u64 {
    pid.map_or(0, Pid::number)
}

fn digits(number: u64) -> usize {
    let more = number.checked_ilog10().unwrap_or(0);
    1 + usize::try_from(more).unwrap_or(0)
}

fn push(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // A Vec takes everything.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(number: u64) -> Pid {
        Pid::from_number(number).unwrap()
    }

    fn written(frame: &Frame) -> String {
        let mut out = Vec::new();
        frame.write_to(&mut out);
        assert_eq!(out.len(), frame.encoded_len());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn section_3_the_table_of_frames() {
        let pid = pid(11527);
        for (frame, text) in [
            (Frame::Hello { pid }, "event: hello\ndata: 11527\n\n"),
            (Frame::Alive { pid }, "event: alive\ndata: 11527\n\n"),
            (Frame::CrEvent("a,b\nc".into()), "event: crEvent\ndata: a%2Cb%0Ac\n\n"),
            (Frame::Closed { pid }, "event: closed\ndata: 11527\n\n"),
            (Frame::Shutdown { pid }, "event: shutdown\ndata: 11527\n\n"),
        ] {
            assert_eq!(written(&frame), text);
        }
    }

    #[test]
    fn section_3_the_releaser_is_0_unless_released_by_other() {
        for (reason, releaser, data) in [
            (AbortReason::InvalidRole, None, "1%2CinvalidRole%2C0"),
            (
                AbortReason::ReleasedByOther,
                Some(pid(Pid::LIMIT - 1)),
                "1%2CreleasedByOther%2C9007199254740991",
            ),
            (AbortReason::Other("so so".into()), Some(pid(10)), "1%2Cso%20so%2C10"),
        ] {
            let frame = Frame::Aborted { pid: pid(1), reason, releaser };
            assert_eq!(written(&frame), format!("event: aborted\ndata: {data}\n\n"));
        }
    }

    #[test]
    fn section_3_the_retry_answer() {
        let mut out = Vec::new();
        write_retry(Millis(1234), &mut out);
        write_retry(Millis(-1), &mut out);
        assert_eq!(out, b"retry: 1234\n\nretry: 0\n\n");
    }

    #[test]
    fn reasons_come_back_from_their_text() {
        for text in [
            "invalidRole",
            "invalidClientId",
            "invalidAccessToken",
            "notAuthorized",
            "releasedByOther",
            "clientNotAlive",
            "clientIdInUse",
        ] {
            let reason = AbortReason::from_text(text);
            assert!(!matches!(reason, AbortReason::Other(_)), "{text}");
            assert_eq!(reason.as_str(), text);
        }
        assert_eq!(AbortReason::from_text("tired"), AbortReason::Other("tired".into()));
    }

    #[test]
    fn debug_never_shows_params() {
        let frame = Frame::CrEvent("answer,,false,false,true,1,NaN,700002,secret".into());
        assert_eq!(format!("{frame:?}"), "crEvent answer from 700002 (44 bytes)");
        assert_eq!(format!("{:?}", Frame::CrEvent("a secret".into())), "crEvent ? (8 bytes)");
        assert_eq!(format!("{:?}", Frame::Hello { pid: pid(7) }), "hello 7");
    }

    #[test]
    fn it_is_small_since_outputs_are_full_of_it() {
        assert!(size_of::<Frame>() <= 40);
    }
}
