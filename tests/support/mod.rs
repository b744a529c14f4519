//! Scripts for the machines: a row of a table names its rule, says what is given, what happens, and what must follow.
//!
//! A script is a list of commands with `;` between them. Every machine understands `+N` (let N ms pass; timers fire on
//! time), `sleep N` (let N ms pass; timers fire late), `doze N` (let N ms pass; timers have not fired yet), `random N`, `timers` (say which are armed) and `verbose`; its rig
//! lists the others. What a machine asks for is written down in words; timers are not, and the steps `queued` and `sent`
//! of a crEvent only if `verbose`. What follows from a timer is preceded by the time since the row's `when` began.

// Each test file uses its part of this; a helper fails by panicking, like a test.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
// What a rig does not expect ends the test.
#![allow(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;

use crsocket::protocol::action::{Fate, Message, Outcome, Post, Refusal, WhyDropped};
use crsocket::protocol::event::CrEvent;
use crsocket::protocol::ids::{AccessToken, Assigned, ClientId, Credentials, Pid};
use crsocket::protocol::receiver::{self, View};
use crsocket::protocol::time::{Millis, Step, TimerKind, Timing};
use crsocket::protocol::wire::{AbortReason, Frame};

pub mod line;
pub mod receiver_rig;
pub mod sender_rig;
pub mod world;

/// A machine, or several, on virtual time.
pub trait Rig {
    /// Its time, timers and transcript.
    fn clock(&mut self) -> &mut Clock;
    /// One command of its own.
    fn say(&mut self, words: &[&str]);
    /// A timer fires.
    fn fire(&mut self, timer: TimerKind);
}

/// A row: the rule, what is given, what happens, what must follow.
pub type Row<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Runs each row on a fresh rig; fails with all rows that do not hold.
pub fn check<R: Rig>(rows: &[Row<'_>], make: impl Fn() -> R) {
    let mut failures = Vec::new();
    for (rule, given, when, then) in rows {
        let mut rig = make();
        run(&mut rig, given);
        rig.clock().begin();
        run(&mut rig, when);
        let seen = rig.clock().log.join("; ");
        let expected = then.split_whitespace().collect::<Vec<_>>().join(" ");
        if seen != expected {
            failures.push(format!(
                "{rule}\n   given: {given}\n    when: {when}\nexpected: {expected}\n    seen: {seen}"
            ));
        }
    }
    assert!(failures.is_empty(), "{} of {} rows:\n\n{}\n", failures.len(), rows.len(), failures.join("\n\n"));
}

/// Runs a script.
pub fn run(rig: &mut impl Rig, script: &str) {
    for command in script.split(';').map(str::trim).filter(|command| !command.is_empty()) {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["sleep", length] => sleep(rig, number(length)),
            // The event that comes next comes before the timers.
            ["doze", length] => rig.clock().now += Millis(number(length)),
            ["random", random] => rig.clock().random = u64::try_from(number(random)).unwrap(),
            ["timers"] => rig.clock().say_timers(),
            ["verbose"] => rig.clock().verbose = true,
            [one] if one.starts_with('+') => pass(rig, number(&one[1..])),
            words => rig.say(words),
        }
    }
}

/// Lets time pass; timers fire when they are due, in the order of their times, then of their arming.
pub fn pass(rig: &mut impl Rig, length: i64) {
    let end = rig.clock().now + Millis(length);
    for _ in 0..100_000 {
        let Some((timer, due)) = rig.clock().next_timer(end) else {
            rig.clock().now = end;
            return;
        };
        rig.clock().now = due;
        rig.clock().timers.remove(&timer);
        rig.clock().in_timer = true;
        rig.fire(timer);
        rig.clock().in_timer = false;
    }
    panic!("timers without end: {:?}", rig.clock().timers);
}

/// The device sleeps; what became due meanwhile fires afterwards.
fn sleep(rig: &mut impl Rig, length: i64) {
    let end = rig.clock().now + Millis(length);
    rig.clock().now = end;
    while let Some((timer, _)) = rig.clock().next_timer(end) {
        rig.clock().timers.remove(&timer);
        rig.fire(timer);
    }
}

/// Virtual time, the timers that are armed, and what was asked for.
#[derive(Debug)]
pub struct Clock {
    pub now: Millis,
    pub random: u64,
    pub timing: Timing,
    pub timers: BTreeMap<TimerKind, (Millis, u64)>,
    pub log: Vec<String>,
    pub verbose: bool,
    in_timer: bool,
    began: Millis,
    armed: u64,
}

impl Clock {
    pub fn new(timing: Timing) -> Clock {
        Clock {
            now: Millis(1_000_000),
            // The middle of every jitter: waits come as they are written.
            random: 250,
            timing,
            timers: BTreeMap::new(),
            log: Vec::new(),
            verbose: false,
            in_timer: false,
            began: Millis(1_000_000),
            armed: 0,
        }
    }

    /// Here the row's `when` begins.
    pub fn begin(&mut self) {
        self.log.clear();
        self.began = self.now;
    }

    pub fn step(&self) -> Step<'_> {
        Step { now: self.now, random: self.random, timing: &self.timing }
    }

    pub fn write(&mut self, words: String) {
        if words.is_empty() {
            return;
        }
        let line = if self.in_timer { format!("@{} {words}", (self.now - self.began).0) } else { words };
        self.log.push(line);
    }

    pub fn set_timer(&mut self, timer: TimerKind, after: Millis) {
        assert!(after >= Millis::ZERO, "{timer:?} armed to {after}");
        self.armed += 1;
        self.timers.insert(timer, (self.now + after, self.armed));
    }

    pub fn cancel_timer(&mut self, timer: TimerKind) {
        self.timers.remove(&timer);
    }

    fn next_timer(&self, end: Millis) -> Option<(TimerKind, Millis)> {
        let due = self.timers.iter().filter(|(_, (due, _))| *due <= end);
        due.min_by_key(|(_, order)| **order).map(|(timer, (due, _))| (*timer, *due))
    }

    fn say_timers(&mut self) {
        let armed = self.timers.iter().map(|(timer, (due, _))| format!("{timer:?} {}", (*due - self.now).0));
        let armed: Vec<String> = armed.collect();
        self.log.push(if armed.is_empty() { "no timers".into() } else { armed.join(", ") });
    }
}

pub fn number(text: &str) -> i64 {
    text.replace('_', "").parse().unwrap_or_else(|_| panic!("not a number: {text}"))
}

pub fn id(number: u32) -> ClientId {
    ClientId::from_number(number).unwrap()
}

pub fn token(text: &str) -> AccessToken {
    AccessToken::parse(text).unwrap()
}

pub fn pid(number: u64) -> Pid {
    Pid::from_number(number).unwrap()
}

pub fn creds(number: u32, text: &str) -> Credentials {
    Credentials { client_id: id(number), access_token: token(text) }
}

/// `-` is nothing, `!` is invalid.
pub fn assigned<T>(word: &str, parse: impl FnOnce(&str) -> T) -> Assigned<T> {
    match word {
        "-" => Assigned::Nothing,
        "!" => Assigned::Invalid,
        word => Assigned::Valid(parse(word)),
    }
}

pub fn id_of(word: &str) -> ClientId {
    id(word.parse().unwrap_or_else(|_| panic!("not a clientId: {word}")))
}

/// `TYPE[/SUBTYPE] [buffered] [logged]`
pub fn event_of(words: &[&str]) -> CrEvent {
    let (event_type, sub_type) = words[0].split_once('/').unwrap_or((words[0], ""));
    let event = CrEvent::new(event_type, sub_type).unwrap();
    words[1..].iter().fold(event, |event, flag| match *flag {
        "buffered" => event.buffered(),
        "logged" => event.logged(),
        other => panic!("no flag: {other}"),
    })
}

/// `204`, any other status, `noconn` or `noanswer`.
pub fn outcome_of(word: &str) -> Outcome {
    match word {
        "204" => Outcome::Understood,
        "noconn" => Outcome::NoConnection,
        "noanswer" => Outcome::NoAnswer,
        status => Outcome::Refused { status: status.parse().unwrap(), detail: "why".into() },
    }
}

/// `hello PID`, `alive PID`, `closed PID`, `shutdown PID`, `aborted PID REASON`, `from ID TYPE[/SUBTYPE]`.
pub fn frame_of(words: &[&str]) -> Option<Frame> {
    let pid = || pid(words[1].parse().unwrap());
    Some(match words[0] {
        "hello" => Frame::Hello { pid: pid() },
        "alive" => Frame::Alive { pid: pid() },
        "closed" => Frame::Closed { pid: pid() },
        "shutdown" => Frame::Shutdown { pid: pid() },
        "aborted" => Frame::Aborted { pid: pid(), reason: AbortReason::from_text(words[2]), releaser: None },
        "from" => Frame::CrEvent(event_of(&words[2..]).to_event_data(id_of(words[1])).into()),
        _ => return None,
    })
}

/// `noconn`, `broken`, `html` or a status.
pub fn end_of(word: &str) -> receiver::StreamEnd {
    match word {
        "noconn" => receiver::StreamEnd::NoConnection,
        "broken" => receiver::StreamEnd::Broken,
        "html" => receiver::StreamEnd::NotEventStream,
        status => receiver::StreamEnd::Status(status.parse().unwrap()),
    }
}

pub fn says(credentials: &Credentials) -> String {
    format!("{}/{}", credentials.client_id.number(), credentials.access_token.as_str())
}

pub fn says_event(event: &CrEvent) -> String {
    with_sub(&event.event_type, &event.sub_type)
}

pub fn with_sub(name: &str, sub: &str) -> String {
    if sub.is_empty() { name.into() } else { format!("{name}/{sub}") }
}

pub fn says_post(post: &Post) -> String {
    let who = says(&post.credentials);
    let to_oneself = || assert_eq!(post.recipient, post.credentials.client_id, "to oneself: {post:?}");
    match &post.message {
        Message::CrEvent(event) => format!("{} to {} as {who}", says_event(event), post.recipient.number()),
        Message::Alive(pid) => {
            to_oneself();
            format!("alive {pid} as {who}")
        }
        Message::Close(pid) => {
            to_oneself();
            format!("close {pid} as {who}")
        }
    }
}

pub fn says_view(view: &View) -> String {
    with_sub(view.state.as_str(), view.state.sub_state())
}

pub fn says_fate(fate: &Fate, verbose: bool) -> Option<String> {
    Some(match fate {
        Fate::Queued | Fate::Sent if !verbose => return None,
        Fate::Queued => "queued".into(),
        Fate::Sent => "sent".into(),
        Fate::Buffered => "buffered".into(),
        Fate::Understood => "understood".into(),
        Fate::Unconfirmed => "unconfirmed".into(),
        Fate::Dropped(WhyDropped::Offline) => "dropped offline".into(),
        Fate::Dropped(WhyDropped::BufferFull) => "dropped bufferFull".into(),
        Fate::Dropped(WhyDropped::Unassigned) => "dropped unassigned".into(),
        Fate::Dropped(WhyDropped::Reset) => "dropped reset".into(),
        Fate::Dropped(WhyDropped::Removed) => "dropped removed".into(),
        Fate::Lost(Outcome::Refused { status, detail }) => format!("lost {status} {detail}"),
        Fate::Lost(outcome) => format!("lost {outcome:?}"),
        Fate::Refused(refusal) => format!("refused {}", says_refusal(refusal)),
    })
}

fn says_refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotReady(why) => why.as_str().into(),
        Refusal::PartnerRejected(rejection) => rejection.as_str().into(),
        Refusal::Invalid(why) => format!("{why:?}"),
        Refusal::Reserved => "reserved".into(),
        Refusal::TooLong { .. } => "tooLong".into(),
        Refusal::QueueFull { max } => format!("queueFull {max}"),
    }
}
