//! Time as the machines see it: moments and lengths in milliseconds, the timings of section 8, the timers.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use thiserror::Error;

/// A moment on a monotonic clock with an arbitrary zero, or a length of time, in milliseconds.
///
/// Arithmetic saturates: no input can make a machine overflow.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    /// No time at all.
    pub const ZERO: Millis = Millis(0);
    /// Later than everything.
    pub const MAX: Millis = Millis(i64::MAX);
    /// Earlier than everything.
    pub const MIN: Millis = Millis(i64::MIN);

    /// A length of so many seconds.
    pub const fn from_secs(seconds: i64) -> Millis {
        Millis(seconds.saturating_mul(1000))
    }

    /// This length, so many times.
    #[must_use]
    pub const fn times(self, factor: i64) -> Millis {
        Millis(self.0.saturating_mul(factor))
    }

    /// This moment as an age: seen from `now`, which becomes zero, and at most so old. What is to come keeps its
    /// distance.
    #[must_use]
    pub fn seen_from(self, now: Millis, oldest: Millis) -> Millis {
        (self - now).max(Millis::ZERO - oldest)
    }

    /// This length, or zero where it is negative.
    #[must_use]
    pub fn at_least_zero(self) -> Millis {
        self.max(Millis::ZERO)
    }
}

impl Add for Millis {
    type Output = Millis;
    fn add(self, other: Millis) -> Millis {
        Millis(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Millis {
    fn add_assign(&mut self, other: Millis) {
        *self = *self + other;
    }
}

impl Sub for Millis {
    type Output = Millis;
    fn sub(self, other: Millis) -> Millis {
        Millis(self.0.saturating_sub(other.0))
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// The timings of section 8, client's and server's, with the published names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// Longest wait for `closed`. Published default: 1,000 ms.
    pub server_interaction_complete_dt: Millis,
    /// Least time between ordinary crEvents of one sender; zero switches the spacing off. Published default: 1,000 ms.
    pub min_cr_event_dt: Millis,
    /// Longest silence towards the partner while interacting. Published default: 10,000 ms.
    pub interacting_max_event_out_dt: Millis,
    /// Longest silence towards the partner while searching. Published default: 5,000 ms.
    pub searching_max_event_out_dt: Millis,
    /// After this much silence the partner counts as inactive. Published default: 25,000 ms.
    pub partner_active_max_event_in_dt: Millis,
    /// Wait before a clientId is asked for again. Published default: 5,000 ms.
    pub invalid_client_id_retry_dt: Millis,
    /// Longest silence of an open receiver towards its own eventsource. Published default: 12,000 ms.
    pub event_source_send_alive_dt: Millis,
    /// Server: silence after which a session ends. Published default: 25,000 ms.
    pub max_prev_alive_dt: Millis,
    /// Server: how long a crEvent waits for an absent recipient. Published default: 4,000 ms.
    pub recipient_wait_dt: Millis,
    /// Server: between `hello` and the first crEvent, because existing clients lose what comes right behind it
    /// (deviation). 200 ms.
    pub hello_settle_dt: Millis,
    /// Longest wait for the answer to a sendevent (deviation). 5,000 ms.
    pub send_answer_dt: Millis,
    /// Longest wait for `hello` (deviation). 10,000 ms.
    pub hello_max_dt: Millis,
    /// How long an `unassign` is kept or repeated (deviation). 600,000 ms.
    pub unassign_wait_dt: Millis,
    /// Responder: a partner assigned by a ping is let go after this long in searching; zero is off (deviation).
    pub release_dt: Millis,
    /// Longest event data string, in bytes, decoded. Published default: 8,192.
    pub max_event_data_length: usize,
    /// How many crEvents of a client wait for their turn, and how many are kept while it is offline (section 6). 1,000.
    pub max_queued: usize,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            server_interaction_complete_dt: Millis(1_000),
            min_cr_event_dt: Millis(1_000),
            interacting_max_event_out_dt: Millis(10_000),
            searching_max_event_out_dt: Millis(5_000),
            partner_active_max_event_in_dt: Millis(25_000),
            invalid_client_id_retry_dt: Millis(5_000),
            event_source_send_alive_dt: Millis(12_000),
            max_prev_alive_dt: Millis(25_000),
            recipient_wait_dt: Millis(4_000),
            hello_settle_dt: Millis(200),
            send_answer_dt: Millis(5_000),
            hello_max_dt: Millis(10_000),
            unassign_wait_dt: Millis(600_000),
            release_dt: Millis::ZERO,
            max_event_data_length: 8_192,
            max_queued: MAX_QUEUED,
        }
    }
}

/// A timing that contradicts another or itself (section 8).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TimingError {
    /// Two timings contradict each other.
    #[error("{key} = {value} must be {must} {other} = {other_value}")]
    Contradiction {
        /// The key at fault.
        key: &'static str,
        /// Its value.
        value: Millis,
        /// The relation that does not hold.
        must: &'static str,
        /// The key it contradicts.
        other: &'static str,
        /// That key's value.
        other_value: Millis,
    },
    /// A timing is outside what makes sense.
    #[error("{key} = {value} must be at least {least}")]
    TooSmall {
        /// The key at fault.
        key: &'static str,
        /// Its value.
        value: i64,
        /// The least value that is accepted.
        least: i64,
    },
}

/// There is no timing of this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no timing {name:?}; the timings are {}", Timing::NAMES.join(", "))]
pub struct UnknownTiming {
    /// The name.
    pub name: String,
}

impl Timing {
    /// The names of the lengths, as in section 8, in snake case.
    pub const NAMES: [&'static str; 14] = [
        "server_interaction_complete_dt",
        "min_cr_event_dt",
        "interacting_max_event_out_dt",
        "searching_max_event_out_dt",
        "partner_active_max_event_in_dt",
        "invalid_client_id_retry_dt",
        "event_source_send_alive_dt",
        "max_prev_alive_dt",
        "recipient_wait_dt",
        "hello_settle_dt",
        "send_answer_dt",
        "hello_max_dt",
        "unassign_wait_dt",
        "release_dt",
    ];

    /// Sets a length by its name.
    ///
    /// # Errors
    /// [`UnknownTiming`] if there is none of this name.
    pub fn set(&mut self, name: &str, length: Millis) -> Result<(), UnknownTiming> {
        let place = match name {
            "server_interaction_complete_dt" => &mut self.server_interaction_complete_dt,
            "min_cr_event_dt" => &mut self.min_cr_event_dt,
            "interacting_max_event_out_dt" => &mut self.interacting_max_event_out_dt,
            "searching_max_event_out_dt" => &mut self.searching_max_event_out_dt,
            "partner_active_max_event_in_dt" => &mut self.partner_active_max_event_in_dt,
            "invalid_client_id_retry_dt" => &mut self.invalid_client_id_retry_dt,
            "event_source_send_alive_dt" => &mut self.event_source_send_alive_dt,
            "max_prev_alive_dt" => &mut self.max_prev_alive_dt,
            "recipient_wait_dt" => &mut self.recipient_wait_dt,
            "hello_settle_dt" => &mut self.hello_settle_dt,
            "send_answer_dt" => &mut self.send_answer_dt,
            "hello_max_dt" => &mut self.hello_max_dt,
            "unassign_wait_dt" => &mut self.unassign_wait_dt,
            "release_dt" => &mut self.release_dt,
            _ => return Err(UnknownTiming { name: name.to_owned() }),
        };
        *place = length;
        Ok(())
    }

    /// Checks what section 8 demands.
    ///
    /// # Errors
    /// The first contradiction, with both keys.
    pub fn check(&self) -> Result<(), TimingError> {
        self.check_signs()?;
        self.check_paces()
    }

    fn check_signs(&self) -> Result<(), TimingError> {
        let at_least_one = [
            ("server_interaction_complete_dt", self.server_interaction_complete_dt),
            ("interacting_max_event_out_dt", self.interacting_max_event_out_dt),
            ("searching_max_event_out_dt", self.searching_max_event_out_dt),
            ("partner_active_max_event_in_dt", self.partner_active_max_event_in_dt),
            ("invalid_client_id_retry_dt", self.invalid_client_id_retry_dt),
            ("event_source_send_alive_dt", self.event_source_send_alive_dt),
            ("max_prev_alive_dt", self.max_prev_alive_dt),
            ("send_answer_dt", self.send_answer_dt),
            ("hello_max_dt", self.hello_max_dt),
        ];
        let at_least_zero = [
            ("min_cr_event_dt", self.min_cr_event_dt),
            ("recipient_wait_dt", self.recipient_wait_dt),
            ("hello_settle_dt", self.hello_settle_dt),
            ("unassign_wait_dt", self.unassign_wait_dt),
            ("release_dt", self.release_dt),
        ];
        let lengths = at_least_one
            .into_iter()
            .map(|(key, value)| (key, value.0, 1))
            .chain(at_least_zero.into_iter().map(|(key, value)| (key, value.0, 0)))
            .chain([(
                "max_event_data_length",
                i64::try_from(self.max_event_data_length).unwrap_or(i64::MAX),
                LEAST_EVENT_DATA_LENGTH,
            )])
            .chain([("max_queued", i64::try_from(self.max_queued).unwrap_or(i64::MAX), 1)]);
        for (key, value, least) in lengths {
            if value < least {
                return Err(TimingError::TooSmall { key, value, least });
            }
        }
        Ok(())
    }

    fn check_paces(&self) -> Result<(), TimingError> {
        let partner_timeout = ("partner_active_max_event_in_dt", self.partner_active_max_event_in_dt);
        for (key, value) in [
            ("searching_max_event_out_dt", self.searching_max_event_out_dt),
            ("interacting_max_event_out_dt", self.interacting_max_event_out_dt),
        ] {
            if value >= partner_timeout.1 {
                return Err(TimingError::Contradiction {
                    key,
                    value,
                    must: "shorter than",
                    other: partner_timeout.0,
                    other_value: partner_timeout.1,
                });
            }
        }
        if self.event_source_send_alive_dt.times(2) > self.max_prev_alive_dt {
            return Err(TimingError::Contradiction {
                key: "event_source_send_alive_dt",
                value: self.event_source_send_alive_dt,
                must: "at most half of",
                other: "max_prev_alive_dt",
                other_value: self.max_prev_alive_dt,
            });
        }
        Ok(())
    }
}

/// How many crEvents wait for their turn, and how many are kept while offline (section 6, default 1,000).
pub const MAX_QUEUED: usize = 1_000;

/// The protocol's own events must fit: `reject,accessTokenMismatch,false,false,true,<13 digits>,NaN,123456` and room.
const LEAST_EVENT_DATA_LENGTH: i64 = 128;

/// Every timer of the machines of one crSocket. At most one of each kind is armed at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// EventReceiver: no `hello` within helloMaxDt.
    Hello,
    /// EventReceiver: backoff before a stream is opened again.
    Reopen,
    /// EventReceiver: the next `alive` is due.
    Alive,
    /// EventReceiver: `closed` did not come within serverInteractionCompleteDt.
    Close,
    /// EventSender: the next ordinary crEvent may leave.
    Pace,
    /// EventSender: an `unassign` without an answer is repeated.
    Unassign,
    /// SendLine: no answer to a sendevent within sendAnswerDt.
    Answer,
    /// crSocket: the next `ping` is due.
    Ping,
    /// crSocket: the partner was silent for partnerActiveMaxEventInDt.
    Partner,
    /// crSocket: a clientId is asked for again.
    ClientId,
    /// crSocket: a responder lets its partner go (releaseDt).
    Release,
}

impl TimerKind {
    /// All of them.
    pub const ALL: [TimerKind; 11] = [
        TimerKind::Hello,
        TimerKind::Reopen,
        TimerKind::Alive,
        TimerKind::Close,
        TimerKind::Pace,
        TimerKind::Unassign,
        TimerKind::Answer,
        TimerKind::Ping,
        TimerKind::Partner,
        TimerKind::ClientId,
        TimerKind::Release,
    ];

    /// Its name, for whoever inspects it.
    pub fn as_str(self) -> &'static str {
        match self {
            TimerKind::Hello => "hello",
            TimerKind::Reopen => "reopen",
            TimerKind::Alive => "alive",
            TimerKind::Close => "close",
            TimerKind::Pace => "pace",
            TimerKind::Unassign => "unassign",
            TimerKind::Answer => "answer",
            TimerKind::Ping => "ping",
            TimerKind::Partner => "partner",
            TimerKind::ClientId => "clientId",
            TimerKind::Release => "release",
        }
    }
}

/// What a machine may know in one step besides its input: nothing else of the world reaches it.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Now, on a monotonic clock.
    pub now: Millis,
    /// A fresh, uniformly random number: machines have no randomness of their own.
    pub random: u64,
    /// The timings in force.
    pub timing: &'a Timing,
}

impl Step<'_> {
    /// A random length from `from` to `to`, both included.
    pub fn random_between(&self, from: Millis, to: Millis) -> Millis {
        random_between(self.random, from, to)
    }
}

/// The length from `from` to `to` (both included) that `random` stands for.
pub fn random_between(random: u64, from: Millis, to: Millis) -> Millis {
    let span = u64::try_from((to - from).0).unwrap_or(0);
    let offset = random % span.saturating_add(1);
    from + Millis(i64::try_from(offset).unwrap_or(0))
}
