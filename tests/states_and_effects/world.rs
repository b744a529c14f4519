//! A tiny world around one crSocket: a clock, its timers, a server double, an enclosing client that does what it likes.

use std::collections::{BTreeMap, VecDeque};

use crsocket::protocol::action::{Fate, Message, Notice, Outcome, Post, RequestNo, StreamNo, Ticket};
use crsocket::protocol::event::{CrEvent, EventKind, Rejection};
use crsocket::protocol::ids::{AccessToken, Assigned, ClientId, Credentials, Pid, Role};
use crsocket::protocol::receiver::{self, StreamEnd};
use crsocket::protocol::time::{Millis, Step, TimerKind, Timing};
use crsocket::protocol::wire::{AbortReason, EventData, Frame};
use crsocket::protocol::wired::{Effect, Input, WiredSocket};
use crsocket::protocol::{send_line, socket};

use super::model::{Model, Pending, Sent, What};

/// Section 7, "Arrows".
pub(crate) const ARROWS: [(&str, &str); 24] = [
    ("passive", "readyToConnect"),
    ("passive", "connecting"),
    ("readyToConnect", "passive"),
    ("readyToConnect", "connecting"),
    ("connecting", "passive"),
    ("connecting", "readyToConnect"),
    ("connecting", "readyToPair"),
    ("connecting", "searching"),
    ("connecting", "interacting"),
    ("readyToPair", "searching"),
    ("readyToPair", "interacting"),
    ("readyToPair", "readyToConnect"),
    ("readyToPair", "passive"),
    ("readyToPair", "connecting"),
    ("searching", "readyToPair"),
    ("searching", "interacting"),
    ("searching", "readyToConnect"),
    ("searching", "passive"),
    ("searching", "connecting"),
    ("interacting", "readyToPair"),
    ("interacting", "searching"),
    ("interacting", "readyToConnect"),
    ("interacting", "passive"),
    ("interacting", "connecting"),
];

/// SplitMix64: the same walk for the same seed, everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: i64) -> i64 {
        i64::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(i64::try_from(from.len()).unwrap())).unwrap()].clone()
    }
}

/// How the world answers sendevents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// At once: understood, or no connection while offline.
    AtOnce,
    /// Late, never, or with refusals.
    Rough,
}

/// What became of one crEvent of the enclosing client.
#[derive(Debug, Default)]
struct Life {
    made: Option<Sent>,
    buffered: bool,
    was_kept: bool,
    sends: Vec<Option<Outcome>>,
    finals: Vec<Fate>,
}

/// The world.
pub(crate) struct World {
    name: String,
    random: Random,
    answers: Answers,
    timing: Timing,
    now: i64,
    socket: WiredSocket,
    model: Model,
    timers: BTreeMap<TimerKind, i64>,
    mail: Vec<(i64, u64, Input)>,
    mailed: u64,
    /// The stream that the server holds for this client.
    stream: Option<(StreamNo, Option<Pid>)>,
    pids: u64,
    tickets: u64,
    lives: BTreeMap<Ticket, Life>,
    last_ticket: Option<Ticket>,
    /// Goodbyes, rejects and closes that must leave next, in this order.
    expected: VecDeque<Sent>,
    /// Without an answer, and when they left.
    in_flight: BTreeMap<RequestNo, (Sent, i64)>,
    /// To whom pings may leave, with which credentials, and when that held last.
    paired_as: Vec<(ClientId, Credentials, i64)>,
    instant: VecDeque<RequestNo>,
    last_state: socket::State,
    log: VecDeque<String>,
    pub(crate) statistics: BTreeMap<String, usize>,
}

/// What one input brought about.
#[derive(Debug, Default)]
struct Seen {
    names: Vec<&'static str>,
    partners: Vec<Option<ClientId>>,
    forwarded: Vec<CrEvent>,
    sent: Vec<Sent>,
    refused: Vec<Ticket>,
}

impl World {
    pub(crate) fn new(seed: u64, role: Role, answers: Answers, timing: Timing) -> World {
        let socket = WiredSocket::new(role);
        let mut model = Model::new(role, timing.clone());
        model.watches_pings = answers == Answers::Rough;
        World {
            name: format!("seed {seed}, {role}, {answers:?}"),
            random: Random(seed),
            answers,
            now: 0,
            last_state: socket.socket.state().clone(),
            socket,
            model,
            timing,
            timers: BTreeMap::new(),
            mail: Vec::new(),
            mailed: 0,
            stream: None,
            pids: 0,
            tickets: 0,
            lives: BTreeMap::new(),
            last_ticket: None,
            expected: VecDeque::new(),
            in_flight: BTreeMap::new(),
            paired_as: Vec::new(),
            instant: VecDeque::new(),
            log: VecDeque::new(),
            statistics: BTreeMap::new(),
        }
    }

    /// Says what went wrong, and what led to it.
    fn fail(&self, what: &str) -> ! {
        let log: Vec<_> = self.log.iter().map(String::as_str).collect();
        panic!("{what}\n  {} at {} ms, the last lines:\n{}", self.name, self.now, log.join("\n"));
    }

    fn note(&mut self, line: &str) {
        if self.log.len() >= 60 {
            self.log.pop_front();
        }
        self.log.push_back(format!("{:>9} {line}", self.now));
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.statistics.entry(what.into()).or_default() += 1;
    }

    // The clock.

    /// Lets time pass: timers fire and mail arrives when due.
    pub(crate) fn advance(&mut self, by: i64) {
        let until = self.now + by;
        loop {
            let timer = self.timers.values().min().copied();
            let mail = self.mail.iter().map(|(at, ..)| *at).min();
            let next = [timer, mail].into_iter().flatten().min().map(|at| at.max(self.now));
            let stop = next.unwrap_or(until).min(until);
            if self.answers == Answers::AtOnce
                && let Some((due, what)) = self.model.next_due()
                && due < stop
            {
                self.fail(&format!("{what} was due at {due} ms, and no timer fired then"));
            }
            let Some(at) = next.filter(|at| *at <= until) else { break };
            self.now = at;
            self.happen();
        }
        self.now = until;
    }

    /// One thing that is due now: timers first, of these the partner's and the sender's, so that no tie is open.
    fn happen(&mut self) {
        let due: Vec<_> =
            self.timers.iter().filter(|(_, at)| **at <= self.now).map(|(kind, _)| *kind).collect();
        if !due.is_empty() {
            let first = [TimerKind::Partner, TimerKind::Pace].into_iter().find(|timer| due.contains(timer));
            let timer = first.unwrap_or_else(|| self.random.pick(&due));
            let due = self.timers.remove(&timer).unwrap();
            self.model.late = self.now - due > 5_000;
            if timer == TimerKind::Answer {
                // What left so long ago counts as not answered, whatever comes.
                let (now, patience) = (self.now, self.timing.send_answer_dt.0);
                self.in_flight.retain(|_, (_, at)| now < *at + patience);
            }
            self.input(&Input::Timer(timer));
            self.model.late = false;
            return;
        }
        let first = self.mail.iter().enumerate().filter(|(_, (at, ..))| *at <= self.now);
        let Some((index, _)) = first.min_by_key(|(_, (at, number, _))| (*at, *number)) else { return };
        let (_, _, input) = self.mail.remove(index);
        self.arrive(&input);
    }

    fn post(&mut self, after: i64, input: Input) {
        self.mailed += 1;
        self.mail.push((self.now + after, self.mailed, input));
    }

    /// Mail arrives: the server's end of a stream changes with it.
    fn arrive(&mut self, input: &Input) {
        if let Input::Receiver(receiver::Input::Ended { stream, .. }) = input
            && self.stream.map(|(number, _)| number) == Some(*stream)
        {
            self.stream = None;
        }
        if let Input::Receiver(receiver::Input::Frame { stream, frame: Frame::Hello { pid } }) = input {
            match &mut self.stream {
                Some((number, current)) if number == stream => *current = Some(*pid),
                _ => return,
            }
        }
        self.input(input);
    }

    // One input, and all that follows from it at once.

    fn input(&mut self, input: &Input) {
        self.note(&format!("> {input:?}"));
        self.model.begin(self.now);
        if self.answers == Answers::Rough {
            // One that stood in the line while its partner was assigned anew does not count, though it left.
            let left = self.socket.socket.sender().ping_left;
            if left && !self.model.ping_left {
                self.fail("a ping counts as left, and none did");
            }
            self.model.ping_left = left;
        }
        self.model.handle(input);
        let idle = self.socket.line.waiting() == 0;
        for (ticket, made) in std::mem::take(&mut self.model.accepted) {
            self.lives.entry(ticket).or_default().made = Some(made);
        }
        let mut seen = Seen::default();
        self.handle(input.clone(), &mut seen);
        while let Some(number) = self.instant.pop_front() {
            let outcome = if self.model.online { Outcome::Understood } else { Outcome::NoConnection };
            self.handle(Input::SendLine(send_line::Input::Answer { number, outcome }), &mut seen);
        }
        self.compare(seen, idle);
    }

    fn handle(&mut self, input: Input, seen: &mut Seen) {
        if let Input::SendLine(send_line::Input::Answer { number, outcome }) = &input {
            self.answered(*number, outcome);
        }
        let mut effects = Vec::new();
        let step = Step { now: Millis(self.now), random: self.random.next(), timing: &self.timing };
        self.socket.handle(input, &step, Some(1_700_000_000_000 + self.now), &mut effects);
        for effect in effects {
            self.note(&format!("      {effect:?}"));
            self.perform(effect, seen);
        }
    }

    fn perform(&mut self, effect: Effect, seen: &mut Seen) {
        match effect {
            Effect::Open { stream, credentials, .. } => self.open(stream, &credentials),
            Effect::Drop { stream } => {
                if self.stream.map(|(number, _)| number) == Some(stream) {
                    self.stream = None;
                }
            }
            Effect::Send { number, post } => self.send(number, post, seen),
            Effect::RequestClientId => {
                if self.model.asked {
                    self.count("asked for a clientId again");
                }
                if *self.model.id() != Assigned::Nothing {
                    self.fail("a clientId is asked for though one is assigned");
                }
                self.model.asked = true;
                let answer = self.random.chance(70).then(|| own_id(self.random.below(3)));
                let after = self.random.below(300);
                if self.random.chance(90) {
                    self.post(after, Input::Socket(socket::Input::ClientIdAnswer(answer)));
                }
            }
            Effect::SetTimer { timer, after } => {
                if after.0 < 0 {
                    self.fail(&format!("{timer:?} is set to a negative time"));
                }
                if timer == TimerKind::Reopen {
                    let range = self.model.reopens_within();
                    if !range.as_ref().is_some_and(|range| range.contains(&after.0)) {
                        self.fail(&format!("the next try is after {after}, not {range:?}"));
                    }
                }
                self.timers.insert(timer, self.now + after.0);
            }
            Effect::CancelTimer(timer) => {
                self.timers.remove(&timer);
            }
            Effect::Notify(notice) => self.notified(notice, seen),
        }
    }

    fn notified(&mut self, notice: Notice, seen: &mut Seen) {
        match notice {
            Notice::State { from, to } => {
                if from != self.last_state {
                    self.fail(&format!(
                        "a report says from {from:?}, the last one said to {:?}",
                        self.last_state
                    ));
                }
                if from == to {
                    self.fail(&format!("a report of no change: {from:?}"));
                }
                if from.as_str() != to.as_str() {
                    if !ARROWS.contains(&(from.as_str(), to.as_str())) {
                        self.fail(&format!("no arrow leads from {from:?} to {to:?}"));
                    }
                    self.count(format!("{} -> {}", from.as_str(), to.as_str()));
                    seen.names.push(to.as_str());
                }
                self.last_state = to;
            }
            Notice::ClientId(_) => {}
            Notice::Partner(partner) => seen.partners.push(partner),
            Notice::CrEvent(event) => seen.forwarded.push(event),
            Notice::Fate { ticket, fate } => {
                if let Fate::Refused(_) = fate {
                    seen.refused.push(ticket);
                }
                let life = self.lives.entry(ticket).or_default();
                life.was_kept |= fate == Fate::Buffered;
                if !life.finals.is_empty() {
                    let all = format!("{:?}, then {fate:?}", life.finals);
                    self.fail(&format!("{ticket:?} has a fate after its last one: {all}"));
                }
                if fate.is_final() {
                    let last = life.sends.last();
                    let fits = match &fate {
                        Fate::Understood => last == Some(&Some(Outcome::Understood)),
                        Fate::Lost(outcome) => last.is_none() || last == Some(&Some(outcome.clone())),
                        Fate::Unconfirmed => matches!(last, Some(None | Some(Outcome::NoAnswer))),
                        Fate::Refused(_) => last.is_none(),
                        Fate::Dropped(_) => {
                            last.is_none_or(|last| last.as_ref().is_some_and(Outcome::is_worth_another_try))
                        }
                        _ => false,
                    };
                    let sends = format!("{ticket:?} is {fate:?} after {:?}", life.sends);
                    life.finals.push(fate);
                    if !fits {
                        self.fail(&sends);
                    }
                }
            }
        }
    }

    // The server double.

    fn open(&mut self, stream: StreamNo, credentials: &Credentials) {
        if self.stream.is_some() {
            self.fail(&format!("{stream:?} is opened while {:?} stands", self.stream));
        }
        if let Err(what) = self.model.opened(stream, credentials) {
            self.fail(&what);
        }
        self.stream = Some((stream, None));
        let after = 20 + self.random.below(300);
        let answer = match self.random.below(100) {
            _ if !self.model.online => ended(stream, StreamEnd::NoConnection),
            0..=79 => {
                let frame = Frame::Hello { pid: self.new_pid() };
                receiver::Input::Frame { stream, frame }
            }
            80..=83 => ended(stream, StreamEnd::NoConnection),
            84..=86 => ended(stream, StreamEnd::Broken),
            87..=89 => {
                let status = self.random.pick(&[404, 429, 500, 503]);
                ended(stream, StreamEnd::Status(status))
            }
            90..=91 => ended(stream, StreamEnd::NotEventStream),
            92..=96 => {
                let frame = self.aborted();
                receiver::Input::Frame { stream, frame }
            }
            _ => return,
        };
        self.post(after, Input::Receiver(answer));
    }

    fn new_pid(&mut self) -> Pid {
        self.pids += 1;
        Pid::from_number(self.pids).unwrap()
    }

    fn aborted(&mut self) -> Frame {
        let pid = self.stream.and_then(|(_, pid)| pid).unwrap_or(Pid::from_number(999_999).unwrap());
        let reason = self.random.pick(&[
            AbortReason::NotAuthorized,
            AbortReason::ReleasedByOther,
            AbortReason::ClientNotAlive,
            AbortReason::ClientIdInUse,
            AbortReason::Other("tooManyMoons".into()),
        ]);
        Frame::Aborted { pid, reason, releaser: None }
    }

    fn send(&mut self, number: RequestNo, post: Post, seen: &mut Seen) {
        let Post { credentials, recipient: to, message, .. } = post;
        let what = match &message {
            Message::Alive(pid) => What::Alive(*pid),
            Message::Close(pid) => What::Close(*pid),
            Message::CrEvent(event) => {
                if event.send_ct.is_none() {
                    self.fail(&format!("{event:?} left without sendCt"));
                }
                match event.kind() {
                    EventKind::Ping => What::Ping,
                    EventKind::Inactive => What::Inactive,
                    EventKind::Unassign => What::Unassign,
                    EventKind::Reject => What::Reject(Rejection::from_sub_type(&event.sub_type)),
                    EventKind::Ordinary => What::Ordinary(Ticket(event.params[0].parse().unwrap())),
                }
            }
        };
        let name = format!("{what:?}");
        self.count(format!("sent {}", name.split('(').next().unwrap_or_default()));
        let sent = Sent { what, to, credentials };
        self.model.left(&sent);
        self.serve(&sent);
        self.left_for_good(&sent);
        self.in_flight.insert(number, (sent.clone(), self.now));
        seen.sent.push(sent);
        match self.answers {
            Answers::AtOnce => self.instant.push_back(number),
            Answers::Rough => self.answer_roughly(number),
        }
    }

    fn answer_roughly(&mut self, number: RequestNo) {
        let outcome = match self.random.below(100) {
            _ if !self.model.online => Outcome::NoConnection,
            0..=79 => Outcome::Understood,
            80..=83 => Outcome::NoConnection,
            84..=86 => Outcome::Refused { status: 429, detail: "full".into() },
            87..=88 => Outcome::Refused { status: 503, detail: "stopping".into() },
            89..=90 => Outcome::Refused { status: 403, detail: "not you".into() },
            91..=92 => Outcome::NoAnswer,
            _ => return,
        };
        let after = match self.random.below(4) {
            0 => 0,
            1 => self.random.below(3_000),
            _ => self.random.below(120),
        };
        self.post(after, Input::SendLine(send_line::Input::Answer { number, outcome }));
    }

    /// What the server does with an `alive` or a `close`.
    fn serve(&mut self, sent: &Sent) {
        let Some((stream, Some(current))) = self.stream else { return };
        let reached = self.model.online;
        match sent.what {
            What::Alive(pid) if reached && pid == current && self.random.chance(97) => {
                let after = self.random.below(300);
                self.post(
                    after,
                    Input::Receiver(receiver::Input::Frame { stream, frame: Frame::Alive { pid } }),
                );
            }
            What::Close(pid) if reached && pid == current && self.random.chance(90) => {
                let after = self.random.below(300);
                if self.random.chance(80) {
                    let frame = Frame::Closed { pid };
                    self.post(after, Input::Receiver(receiver::Input::Frame { stream, frame }));
                }
                self.post(after + 1, Input::Receiver(ended(stream, StreamEnd::Broken)));
            }
            _ => {}
        }
    }

    // What must hold after each input.

    fn compare(&mut self, mut seen: Seen, idle: bool) {
        if seen.names != self.model.reports {
            let (seen, expected) = (&seen.names, &self.model.reports);
            self.fail(&format!("reported {seen:?}, expected {expected:?}"));
        }
        let state = self.socket.socket.state().clone();
        if state != self.last_state {
            self.fail(&format!("the state is {state:?}, last reported {:?}", self.last_state));
        }
        let facts = self.model.facts();
        let expected = (facts.state(), facts.sub_state());
        if (state.as_str(), state.sub_state().to_owned()) != expected {
            self.fail(&format!("the state is {state:?}, the facts demand {expected:?}: {facts:?}"));
        }
        if seen.partners != self.model.partners {
            let (seen, expected) = (&seen.partners, &self.model.partners);
            self.fail(&format!("partners reported {seen:?}, expected {expected:?}"));
        }
        for event in &mut seen.forwarded {
            if event.receive_ct.take().is_none() {
                self.fail("a crEvent was handed over without receiveCt");
            }
        }
        if seen.forwarded != self.model.forwarded {
            let (seen, expected) = (&seen.forwarded, &self.model.forwarded);
            self.fail(&format!("crEvents handed over {seen:?}, expected {expected:?}"));
        }
        if seen.refused != self.model.refused {
            let (seen, expected) = (&seen.refused, &self.model.refused);
            self.fail(&format!("refused {seen:?}, expected {expected:?}"));
        }
        if self.model.must_try_again() && !self.timers.contains_key(&TimerKind::Reopen) {
            self.fail("a stream should be asked for, and never will be");
        }
        match self.answers {
            Answers::AtOnce => self.compare_all(&seen.sent),
            Answers::Rough => self.compare_roughly(&seen.sent, idle),
        }
    }

    /// Exactly what the model wants leaves, in this order; an `unassign` that was kept comes when it likes.
    fn compare_all(&mut self, sent: &[Sent]) {
        let wants = std::mem::take(&mut self.model.wants);
        let mut rest = wants.iter().peekable();
        for one in sent {
            if rest.next_if_eq(&one).is_none() {
                if !self.is_repeated(one) {
                    self.fail(&format!("sent {sent:?}, expected {wants:?}"));
                }
                self.model.unassigns.retain(|pending| pending.sent != *one);
            }
        }
        if rest.peek().is_some() {
            self.fail(&format!("sent {sent:?}, expected {wants:?}"));
        }
    }

    fn compare_roughly(&mut self, sent: &[Sent], idle: bool) {
        if let (true, Some(to), Some(credentials)) =
            (self.model.is_paired(), self.model.partner.valid().copied(), self.model.credentials())
        {
            self.paired_as.retain(|(old, with, _)| *old != to || *with != credentials);
            self.paired_as.push((to, credentials, self.now));
        }
        let wants = std::mem::take(&mut self.model.wants);
        self.expected.extend(wants.into_iter().filter(|want| {
            matches!(want.what, What::Inactive | What::Unassign | What::Reject(_) | What::Close(_))
        }));
        for one in sent {
            match &one.what {
                What::Alive(_) | What::Ordinary(_) => {}
                What::Ping => {
                    let known = self.paired_as.iter().any(|(to, credentials, last)| {
                        one.to == *to && one.credentials == *credentials && self.now - last < 200_000
                    });
                    if !known || (idle && !self.model.is_paired()) {
                        self.fail(&format!("{one:?} left, {}paired", if known { "not " } else { "never " }));
                    }
                }
                What::Inactive | What::Unassign | What::Reject(_) | What::Close(_) => self.said(one),
            }
        }
    }

    fn may_repeat(&mut self, one: &Sent) {
        let pending = Pending { sent: one.clone(), since: self.now, online_since: None, optional: true };
        self.model.unassigns.push(pending);
    }

    /// Whether it is an `unassign` that was kept, or not answered.
    fn is_repeated(&self, one: &Sent) -> bool {
        let pending = self.model.unassigns.iter().chain(&self.model.withdrawn);
        let until = |pending: &Pending| pending.since + self.timing.unassign_wait_dt.0;
        pending
            .filter(|pending| self.now <= until(pending))
            .filter(|pending| pending.sent == *one)
            .any(|it| it.optional || it.online_since.is_some() || self.answers == Answers::Rough)
    }

    fn said(&mut self, one: &Sent) {
        if self.expected.front() == Some(one) {
            self.expected.pop_front();
            if one.what == What::Unassign {
                self.may_repeat(one);
            }
            return;
        }
        if !self.is_repeated(one) {
            self.fail(&format!("sent {one:?}, expected {:?}", self.expected));
        }
    }

    /// An event of the enclosing client left.
    fn left_for_good(&mut self, one: &Sent) {
        let What::Ordinary(ticket) = one.what else { return };
        let life = self.lives.entry(ticket).or_default();
        life.sends.push(None);
        if life.made.as_ref() != Some(one) {
            let made = format!("{:?}", life.made);
            self.fail(&format!("{one:?} left, but it was made as {made}"));
        }
        let again = life.sends.len() > 1;
        let may = life.buffered
            && life
                .sends
                .iter()
                .rev()
                .skip(1)
                .all(|outcome| outcome.as_ref().is_some_and(Outcome::is_worth_another_try));
        if again && !may {
            let sends = format!("{:?}", life.sends);
            self.fail(&format!("{one:?} was sent again: {sends}"));
        }
        if !life.was_kept {
            if self.last_ticket.is_some_and(|last| last > ticket) {
                self.fail(&format!("{one:?} left behind {:?}", self.last_ticket));
            }
            self.last_ticket = Some(ticket);
        }
    }

    fn answered(&mut self, number: RequestNo, outcome: &Outcome) {
        let Some((sent, _)) = self.in_flight.remove(&number) else { return };
        match sent.what {
            What::Ordinary(ticket) => {
                if let Some(life) = self.lives.get_mut(&ticket)
                    && let Some(last) = life.sends.last_mut()
                {
                    *last = Some(outcome.clone());
                }
            }
            What::Unassign => {
                let is_answer = *outcome != Outcome::NoAnswer && !outcome.is_worth_another_try();
                if self.answers == Answers::Rough && is_answer {
                    self.model.unassigns.retain(|pending| pending.sent != sent);
                }
            }
            _ => {}
        }
    }

    // The enclosing client, the partner and strangers.

    pub(crate) fn start(&mut self) {
        self.input(&Input::Socket(socket::Input::Visible(true)));
        self.input(&Input::Socket(socket::Input::Online(true)));
        self.input(&Input::Socket(socket::Input::ClientId(Assigned::Valid(own_id(0)))));
        self.input(&Input::Socket(socket::Input::AccessToken(Assigned::Valid(token(0)))));
        self.input(&Input::Socket(socket::Input::Partner(Assigned::Valid(peer(0)))));
    }

    /// One random thing happens, and some time passes.
    pub(crate) fn walk(&mut self) {
        match self.random.below(100) {
            0..=34 => self.client_does_something(),
            35..=79 => self.peer_says_something(),
            80..=84 => self.stream_has_trouble(),
            85..=89 => self.quiet_while(),
            90 if self.answers == Answers::Rough => self.sleep(),
            _ => {}
        }
        let by = match self.random.below(10) {
            0..=2 => 0,
            3..=7 => self.random.below(1_500),
            8 => self.random.below(6_000),
            _ => self.random.below(30_000),
        };
        self.advance(by);
    }

    fn client_does_something(&mut self) {
        let input = match self.random.below(35) {
            0..=3 => socket::Input::Visible(self.random.chance(75)),
            4..=7 => socket::Input::Online(self.random.chance(75)),
            8..=10 => socket::Input::Paused(self.random.chance(25)),
            11..=12 => socket::Input::Unloading(self.random.chance(15)),
            13..=15 => {
                let id = own_id(self.random.below(3));
                socket::Input::ClientId(self.assignment(id, 75))
            }
            16..=18 => {
                let token = token(self.random.below(2));
                socket::Input::AccessToken(self.assignment(token, 75))
            }
            19..=24 => {
                let peer = peer(self.random.below(3));
                socket::Input::Partner(self.assignment(peer, 80))
            }
            _ => {
                self.tickets += 1;
                let event =
                    CrEvent::new("move", "").unwrap().with_params([self.tickets.to_string()]).unwrap();
                let mut event = if self.random.chance(30) { event.logged() } else { event };
                if self.random.chance(40) {
                    event = event.buffered();
                }
                let ticket = Ticket(self.tickets);
                self.lives.insert(ticket, Life { buffered: event.buffered, ..Life::default() });
                socket::Input::Send { ticket, event }
            }
        };
        self.input(&Input::Socket(input));
    }

    fn assignment<T>(&mut self, value: T, percent: i64) -> Assigned<T> {
        match self.random.below(100) {
            chance if chance < percent => Assigned::Valid(value),
            chance if chance % 3 == 0 => Assigned::Invalid,
            _ => Assigned::Nothing,
        }
    }

    fn peer_says_something(&mut self) {
        let partner = self.model.partner.valid().copied();
        let from = match (partner, self.random.chance(75)) {
            (Some(partner), true) => partner,
            _ => peer(self.random.below(12)),
        };
        let event = match self.random.below(100) {
            0..=54 => CrEvent::ping(),
            55..=79 => CrEvent::new("answer", "").unwrap(),
            80..=86 => CrEvent::inactive(),
            87..=93 => {
                CrEvent::reject(&self.random.pick(&[Rejection::AssignedToOther, Rejection::NotPaired]))
            }
            _ => CrEvent::unassign(),
        };
        self.hear(from, &event);
    }

    fn hear(&mut self, from: ClientId, event: &CrEvent) {
        if let Some((stream, Some(_))) = self.stream {
            let frame = EventData::from_event(event, from).unwrap().to_frame();
            self.input(&Input::Receiver(receiver::Input::Frame { stream, frame }));
        }
    }

    fn stream_has_trouble(&mut self) {
        let Some((stream, pid)) = self.stream else { return };
        let other = StreamNo(stream.0.wrapping_sub(1));
        let mut to = stream;
        let frame = match (pid, self.random.below(12)) {
            (_, 0..=2) => return self.arrive(&Input::Receiver(ended(stream, StreamEnd::Broken))),
            (None, _) => return,
            (Some(pid), 3..=4) => Frame::Shutdown { pid },
            (Some(_), 5) => self.aborted(),
            (Some(pid), 6) => Frame::Closed { pid },
            (Some(_), 7..=8) => Frame::Hello { pid: self.new_pid() },
            (Some(_), 9) => Frame::Shutdown { pid: Pid::from_number(999_998).unwrap() },
            (Some(pid), 10) => {
                to = other;
                Frame::Shutdown { pid }
            }
            (Some(_), _) => {
                to = other;
                EventData::from_event(&CrEvent::ping(), peer(0)).unwrap().to_frame()
            }
        };
        let ends = to == stream && frame.pid() == pid && !matches!(frame, Frame::Hello { .. });
        if ends {
            self.stream = None;
        }
        self.arrive(&Input::Receiver(receiver::Input::Frame { stream: to, frame }));
    }

    /// Timers that are due meanwhile fire late.
    fn sleep(&mut self) {
        let length = self.random.below(60_000);
        self.note(&format!("sleeps for {length} ms"));
        self.now += length;
    }

    /// A while in which only the partner's pings come.
    fn quiet_while(&mut self) {
        for _ in 0..self.random.below(6) {
            if let Some(partner) = self.model.partner.valid().copied() {
                self.hear(partner, &CrEvent::ping());
            }
            let by = 4_000 + self.random.below(10_000);
            self.advance(by);
        }
    }

    /// At the end everything that was to be said has been said.
    pub(crate) fn finish(&mut self) {
        self.advance(700_000);
        if !self.expected.is_empty() {
            self.fail(&format!("never sent: {:?}", self.expected));
        }
        let (_, kept) = self.socket.sender.queued();
        for (ticket, life) in &self.lives {
            let still_waits = kept > 0 && life.sends.is_empty();
            if life.finals.len() != 1 && !still_waits && !(life.was_kept && life.buffered) {
                self.fail(&format!("{ticket:?} has no last fate: {life:?}"));
            }
        }
    }
}

fn ended(stream: StreamNo, how: StreamEnd) -> receiver::Input {
    receiver::Input::Ended { stream, how }
}

fn own_id(number: i64) -> ClientId {
    ClientId::from_number(100_000 + u32::try_from(number).unwrap()).unwrap()
}

fn peer(number: i64) -> ClientId {
    ClientId::from_number(500_000 + u32::try_from(number).unwrap()).unwrap()
}

fn token(number: i64) -> AccessToken {
    AccessToken::parse(&format!("token{number}")).unwrap()
}
