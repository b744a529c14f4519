//! Who takes part, and what they say: small sets, so that the same ones meet again and again.

use std::collections::BTreeMap;

use crsocket::protocol::action::Outcome;
use crsocket::protocol::event::{CrEvent, Rejection};
use crsocket::protocol::ids::{AccessToken, Assigned, ClientId, Credentials, Pid, Role};
use crsocket::protocol::time::{Millis, TimerKind, Timing};
use crsocket::protocol::wire::{AbortReason, Frame};

use crate::bytes::Bytes;

/// All there are.
pub(crate) fn client_ids() -> impl Iterator<Item = ClientId> + Clone {
    (7..12).map(|number| ClientId::from_number(number).unwrap())
}

pub(crate) fn client_id(bytes: &mut Bytes<'_>) -> ClientId {
    ClientId::from_number(7 + u32::from(bytes.byte() % 5)).unwrap()
}

pub(crate) fn token(bytes: &mut Bytes<'_>) -> AccessToken {
    AccessToken::parse(bytes.pick(&["a", "b", "a&c", "%62"])).unwrap()
}

pub(crate) fn credentials(bytes: &mut Bytes<'_>) -> Credentials {
    Credentials { client_id: client_id(bytes), access_token: token(bytes) }
}

pub(crate) fn role(bytes: &mut Bytes<'_>) -> Role {
    bytes.pick(&[Role::Controller, Role::Responder])
}

pub(crate) fn pid(bytes: &mut Bytes<'_>) -> Pid {
    Pid::from_number(u64::from(bytes.byte() % 4) + 1).unwrap()
}

/// Mostly valid.
pub(crate) fn assigned<T>(bytes: &mut Bytes<'_>, valid: impl Fn(&mut Bytes<'_>) -> T) -> Assigned<T> {
    match bytes.byte() % 8 {
        0 => Assigned::Nothing,
        1 => Assigned::Invalid,
        _ => Assigned::Valid(valid(bytes)),
    }
}

pub(crate) fn rejection(bytes: &mut Bytes<'_>) -> Rejection {
    Rejection::from_sub_type(bytes.pick(&["notPaired", "assignedToOther", "blocked", "tired"]))
}

pub(crate) fn outcome(bytes: &mut Bytes<'_>) -> Outcome {
    match bytes.byte() % 8 {
        0 => Outcome::NoConnection,
        1 => Outcome::NoAnswer,
        2 => Outcome::Refused { status: bytes.pick(&[400, 403, 429, 503]), detail: "no".into() },
        _ => Outcome::Understood,
    }
}

pub(crate) fn timing(bytes: &mut Bytes<'_>) -> Timing {
    let mut timing = Timing::default();
    match bytes.byte() % 4 {
        0 => timing.min_cr_event_dt = Millis::ZERO,
        1 => timing.release_dt = Millis(30_000),
        2 => timing.max_event_data_length = 128,
        _ => {}
    }
    assert_eq!(timing.check(), Ok(()));
    timing
}

pub(crate) fn frame(bytes: &mut Bytes<'_>) -> Frame {
    const REASONS: [&str; 7] = [
        "releasedByOther",
        "clientIdInUse",
        "clientNotAlive",
        "notAuthorized",
        "invalidRole",
        "invalidClientId",
        "tired",
    ];
    match bytes.byte() % 8 {
        0 | 1 => Frame::Hello { pid: pid(bytes) },
        2 => Frame::Alive { pid: pid(bytes) },
        3 => Frame::Closed { pid: pid(bytes) },
        4 => Frame::Shutdown { pid: pid(bytes) },
        5 => {
            let reason = AbortReason::from_text(bytes.pick(&REASONS));
            Frame::Aborted { pid: pid(bytes), reason, releaser: None }
        }
        _ => {
            let event = received(bytes);
            Frame::CrEvent(event.to_event_data(event.sender.unwrap()).into())
        }
    }
}

/// An event as it arrives.
pub(crate) fn received(bytes: &mut Bytes<'_>) -> CrEvent {
    let mut event = match bytes.byte() % 8 {
        0 => CrEvent::inactive(),
        1 => CrEvent::unassign(),
        2 => CrEvent::reject(&rejection(bytes)),
        3..=5 => CrEvent::ping(),
        _ => CrEvent::new("custom", "").unwrap(),
    };
    event.sender = Some(client_id(bytes));
    event
}

/// An event as the enclosing client sends it, with its number as its param.
pub(crate) fn sent(bytes: &mut Bytes<'_>, number: u64) -> CrEvent {
    let flags = bytes.byte();
    let event_type = if flags % 32 == 31 { "ping" } else { "custom" };
    let size = if flags % 16 == 15 { 9_000 } else { 0 };
    let params = [number.to_string(), "x".repeat(size)];
    let mut event = CrEvent::new(event_type, "").unwrap().with_params(params).unwrap();
    (event.buffered, event.logged) = (flags & 1 != 0, flags & 2 != 0);
    event
}

/// The number of an event that was sent so.
pub(crate) fn number_of(event: &CrEvent) -> Option<u64> {
    event.params.first()?.parse().ok()
}

/// The timers that a shell has armed, each with the time when it is due.
#[derive(Default)]
pub(crate) struct Timers(BTreeMap<TimerKind, Millis>);

impl Timers {
    pub(crate) fn set(&mut self, timer: TimerKind, after: Millis, now: Millis) {
        assert!(after >= Millis::ZERO, "{timer:?} after {after}");
        self.0.insert(timer, now + after);
    }

    pub(crate) fn cancel(&mut self, timer: TimerKind) {
        self.0.remove(&timer);
    }

    pub(crate) fn due(&self, timer: TimerKind) -> Option<Millis> {
        self.0.get(&timer).copied()
    }

    pub(crate) fn armed(&self) -> impl Iterator<Item = TimerKind> {
        self.0.keys().copied()
    }

    /// The time to which a wait leads: that of the next timer, or a length of time later.
    pub(crate) fn wait(&self, now: Millis, bytes: &mut Bytes<'_>) -> Millis {
        let next = self.0.values().min().copied();
        next.filter(|_| bytes.flag()).map_or_else(|| now + bytes.wait(), |due| due.max(now))
    }

    /// Disarms the first of those that are due.
    pub(crate) fn take_due(&mut self, now: Millis) -> Option<TimerKind> {
        let (timer, due) = self.0.iter().min_by_key(|(_, due)| **due).map(|(timer, due)| (*timer, *due))?;
        if due > now {
            return None;
        }
        self.0.remove(&timer);
        Some(timer)
    }
}
