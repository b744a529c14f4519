//! Whatever the machines are told, in whatever order, at whatever times: they do not panic, stay within their bounds,
//! never hold two streams, and know of each other what is.

#![allow(clippy::unwrap_used)] // clippy's exemption of tests leaves out their helpers

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use crsocket::protocol::action::{
    ReceiverAction, RequestNo, SendLineAction, SenderAction, SocketAction, StreamNo, Ticket,
};
use crsocket::protocol::event::{CrEvent, Rejection};
use crsocket::protocol::ids::{AccessToken, Assigned, ClientId, Role};
use crsocket::protocol::receiver::{self, Receiver, StreamEnd, View, WhyClosed};
use crsocket::protocol::send_line::{self, MAX_WAITING, SendLine};
use crsocket::protocol::sender::{self, MAX_QUEUED, Sender};
use crsocket::protocol::socket::{self, Socket};
use crsocket::protocol::time::{Millis, Step, TimerKind, Timing};
use crsocket::protocol::wire::{AbortReason, Frame};
use crsocket::protocol::wired::{Effect, Input, WiredSocket};
use proptest::prelude::*;
use proptest::sample::select;
use support::{creds, id, outcome_of, pid, token};

/// Timings that `Timing::check` accepts: the defaults, and some at their limits.
fn timings() -> impl Strategy<Value = Timing> {
    let least = Timing {
        server_interaction_complete_dt: Millis(1),
        min_cr_event_dt: Millis(0),
        interacting_max_event_out_dt: Millis(1),
        searching_max_event_out_dt: Millis(1),
        partner_active_max_event_in_dt: Millis(2),
        invalid_client_id_retry_dt: Millis(1),
        event_source_send_alive_dt: Millis(1),
        max_prev_alive_dt: Millis(2),
        send_answer_dt: Millis(1),
        hello_max_dt: Millis(1),
        unassign_wait_dt: Millis(0),
        release_dt: Millis(1),
        ..Timing::default()
    };
    let lazy = Timing {
        send_answer_dt: Millis(100_000),
        min_cr_event_dt: Millis(30_000),
        release_dt: Millis(20_000),
        max_event_data_length: 128,
        ..Timing::default()
    };
    let timings = vec![Timing::default(), least, lazy];
    assert!(timings.iter().all(|timing| timing.check().is_ok()));
    select(timings)
}

/// How time goes on: usually a little, sometimes by hours, sometimes backwards or to the end of time.
fn times() -> impl Strategy<Value = Millis> {
    prop_oneof![
        8 => (0..2_000i64).prop_map(Millis),
        4 => (0..30_000i64).prop_map(Millis),
        1 => (0..10_000_000i64).prop_map(Millis),
    ]
}

fn wild_times() -> impl Strategy<Value = Millis> {
    prop_oneof![
        6 => times(),
        1 => any::<i64>().prop_map(Millis),
        1 => select(vec![Millis::MIN, Millis::MAX, Millis(0), Millis(-1)]),
    ]
}

fn ids() -> impl Strategy<Value = ClientId> {
    select(vec![1, 2, 2, 2, 3, 4, 999_999]).prop_map(id)
}

fn tokens() -> impl Strategy<Value = Assigned<AccessToken>> {
    select(vec![
        Assigned::Valid(token("a")),
        Assigned::Valid(token("a")),
        Assigned::Valid(token("b")),
        Assigned::Nothing,
        Assigned::Invalid,
    ])
}

fn assigned_ids() -> impl Strategy<Value = Assigned<ClientId>> {
    prop_oneof![4 => ids().prop_map(Assigned::Valid), 1 => Just(Assigned::Nothing), 1 => Just(Assigned::Invalid)]
}

fn rejections() -> impl Strategy<Value = Rejection> {
    select(vec!["notPaired", "assignedToOther", "", "any thing, at all"]).prop_map(Rejection::from_sub_type)
}

fn outcomes() -> impl Strategy<Value = crsocket::protocol::action::Outcome> {
    select(vec!["204", "204", "204", "429", "503", "403", "noconn", "noanswer"]).prop_map(outcome_of)
}

/// Events of an enclosing client, some of them refused.
fn events() -> impl Strategy<Value = CrEvent> {
    let types = select(vec!["x", "x", "x", "ping", "unassign", "", "not a type"]);
    let params =
        prop_oneof![6 => Just(String::new()), 1 => Just("p".repeat(9_000)), 1 => Just("a,b".to_owned())];
    (types, params, any::<bool>(), any::<bool>()).prop_map(|(event_type, param, buffered, logged)| {
        let mut event = CrEvent::new("x", "").unwrap();
        event.event_type = event_type.into();
        event.params = [param.into()].into();
        event.buffered = buffered;
        event.logged = logged;
        event
    })
}

/// Event data strings as they come from a stream.
fn event_data() -> impl Strategy<Value = Arc<str>> {
    let types = select(vec!["ping", "ping", "x", "inactive", "unassign", "reject"]);
    prop_oneof![
        8 => (types, ids()).prop_map(|(kind, from)| format!("{kind},,false,false,true,NaN,NaN,{from}").into()),
        1 => any::<String>().prop_map(Into::into),
        1 => Just(",".repeat(10_000).into()),
    ]
}

fn frames() -> impl Strategy<Value = Frame> {
    let pid = || (1..4u64).prop_map(pid);
    let reasons = select(vec![
        "clientNotAlive",
        "clientIdInUse",
        "releasedByOther",
        "notAuthorized",
        "invalidRole",
        "",
        "what ever",
    ]);
    prop_oneof![
        6 => pid().prop_map(|pid| Frame::Hello { pid }),
        3 => pid().prop_map(|pid| Frame::Alive { pid }),
        8 => event_data().prop_map(Frame::CrEvent),
        2 => pid().prop_map(|pid| Frame::Closed { pid }),
        1 => pid().prop_map(|pid| Frame::Shutdown { pid }),
        1 => (pid(), reasons).prop_map(|(pid, reason)| {
            Frame::Aborted { pid, reason: AbortReason::from_text(reason), releaser: None }
        }),
    ]
}

fn ends() -> impl Strategy<Value = StreamEnd> {
    prop_oneof![
        Just(StreamEnd::NoConnection),
        Just(StreamEnd::Broken),
        Just(StreamEnd::NotEventStream),
        any::<u16>().prop_map(StreamEnd::Status),
        Just(StreamEnd::Status(503)),
    ]
}

/// Which stream: the last one that was opened, or any.
fn streams() -> impl Strategy<Value = Option<StreamNo>> {
    prop_oneof![6 => Just(None), 1 => any::<u32>().prop_map(|number| Some(StreamNo(number)))]
}

fn timer_kinds() -> impl Strategy<Value = TimerKind> {
    select(TimerKind::ALL.to_vec())
}

fn facts() -> impl Strategy<Value = receiver::Facts> {
    let client_ids = prop_oneof![3 => ids().prop_map(Some), 1 => Just(None)];
    (prop::bool::weighted(0.8), client_ids, tokens()).prop_map(|(client_active, client_id, access_token)| {
        receiver::Facts { client_active, client_id, access_token }
    })
}

/// The timers that are armed, as a shell would hold them.
#[derive(Default)]
struct Timers(BTreeMap<TimerKind, Millis>);

impl Timers {
    fn set(&mut self, timer: TimerKind, now: Millis, after: Millis) {
        self.0.insert(timer, now + after);
    }

    fn cancel(&mut self, timer: TimerKind) {
        self.0.remove(&timer);
    }

    /// One fires, perhaps without ever having been armed.
    fn fired(&mut self, timer: TimerKind, now: Millis) {
        if self.0.get(&timer).is_some_and(|due| *due <= now) {
            self.cancel(timer);
        }
    }

    /// The next one to fire until `end`.
    fn next(&mut self, end: Millis) -> Option<(TimerKind, Millis)> {
        let due = self.0.iter().filter(|(_, due)| **due <= end);
        let (timer, due) = due.min_by_key(|(_, due)| **due).map(|(timer, due)| (*timer, *due))?;
        self.0.remove(&timer);
        Some((timer, due))
    }
}

#[derive(Clone, Debug)]
enum ReceiverOp {
    Set(receiver::Facts),
    Frame(Option<StreamNo>, Frame),
    Retry(Option<StreamNo>, i64),
    Ended(Option<StreamNo>, StreamEnd),
    Sent,
    Woke,
    /// A timer that may never have been armed.
    Timer(TimerKind),
    /// Time goes on; with `true` armed timers fire on time, else afterwards.
    Pass(Millis, bool),
}

fn receiver_ops(pass: impl Strategy<Value = Millis> + 'static) -> impl Strategy<Value = ReceiverOp> {
    prop_oneof![
        4 => facts().prop_map(ReceiverOp::Set),
        8 => (streams(), frames()).prop_map(|(stream, frame)| ReceiverOp::Frame(stream, frame)),
        1 => (streams(), any::<i64>()).prop_map(|(stream, after)| ReceiverOp::Retry(stream, after)),
        2 => (streams(), ends()).prop_map(|(stream, how)| ReceiverOp::Ended(stream, how)),
        1 => Just(ReceiverOp::Sent),
        1 => Just(ReceiverOp::Woke),
        1 => timer_kinds().prop_map(ReceiverOp::Timer),
        6 => (pass, any::<bool>()).prop_map(|(length, on_time)| ReceiverOp::Pass(length, on_time)),
    ]
}

/// A receiver, its timers and its stream.
struct ReceiverRun {
    receiver: Receiver,
    timers: Timers,
    now: Millis,
    timing: Timing,
    random: u64,
    last: StreamNo,
    stands: Option<StreamNo>,
    view: View,
    revision: u32,
}

impl ReceiverRun {
    fn new(timing: Timing) -> ReceiverRun {
        ReceiverRun {
            receiver: Receiver::new(),
            timers: Timers::default(),
            now: Millis(0),
            timing,
            random: 7,
            last: StreamNo(0),
            stands: None,
            view: View { state: receiver::State::Closed(WhyClosed::ClientNotActive), stream: None },
            revision: 0,
        }
    }

    fn give(&mut self, input: receiver::Input) {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let step = Step { now: self.now, random: self.random, timing: &self.timing };
        let mut actions = Vec::new();
        self.receiver.handle(input, &step, &mut actions);
        for action in actions {
            match action {
                ReceiverAction::Open { stream, .. } => {
                    assert_eq!(self.stands, None, "5: never two streams at a time");
                    self.last = stream;
                    self.stands = Some(stream);
                }
                ReceiverAction::Drop { stream } => {
                    self.stands.take_if(|stands| *stands == stream);
                }
                ReceiverAction::Socket(socket::Input::ReceiverReport { view, .. }) => self.view = view,
                ReceiverAction::Socket(_) | ReceiverAction::Post(_) => {}
                ReceiverAction::SetTimer { timer, after } => {
                    assert!(after >= Millis::ZERO, "{timer:?} armed to {after}");
                    self.timers.set(timer, self.now, after);
                }
                ReceiverAction::CancelTimer(timer) => self.timers.cancel(timer),
            }
        }
        assert!(self.timers.0.len() <= 1, "a receiver needs one timer at a time: {:?}", self.timers.0);
        assert_eq!(self.view.state, self.receiver.state(), "every change is reported");
    }

    fn perform(&mut self, op: ReceiverOp) {
        let last = self.last;
        match op {
            ReceiverOp::Set(facts) => {
                let predicted = self.view.clone().given(&facts);
                self.revision = self.revision.wrapping_add(1);
                self.give(receiver::Input::Set { facts, revision: self.revision });
                assert_eq!(self.view, predicted, "7 one step: reported (left), predicted (right)");
            }
            ReceiverOp::Frame(stream, frame) => {
                self.give(receiver::Input::Frame { stream: stream.unwrap_or(last), frame });
            }
            ReceiverOp::Retry(stream, after) => {
                self.give(receiver::Input::Retry { stream: stream.unwrap_or(last), after: Millis(after) });
            }
            ReceiverOp::Ended(stream, how) => {
                let stream = stream.unwrap_or(last);
                self.stands.take_if(|stands| *stands == stream);
                self.give(receiver::Input::Ended { stream, how });
            }
            ReceiverOp::Sent => self.give(receiver::Input::Sent),
            ReceiverOp::Woke => self.give(receiver::Input::Woke),
            ReceiverOp::Timer(timer) => {
                self.timers.fired(timer, self.now);
                self.give(receiver::Input::Timer(timer));
            }
            ReceiverOp::Pass(length, on_time) => self.pass(length, on_time),
        }
    }

    fn pass(&mut self, length: Millis, on_time: bool) {
        let end = self.now + length;
        for _ in 0..200 {
            let Some((timer, due)) = self.timers.next(end) else { break };
            self.now = if on_time { due } else { end };
            self.give(receiver::Input::Timer(timer));
        }
        self.now = end;
    }

    /// Which timer its state needs.
    fn check_timer(&self) {
        use receiver::State;
        let armed: Vec<TimerKind> = self.timers.0.keys().copied().collect();
        let fits = match self.receiver.state() {
            State::Closed(_) => armed.is_empty(),
            State::Opening => armed == [TimerKind::Hello] || armed == [TimerKind::Reopen],
            State::Open => armed == [TimerKind::Alive],
            State::Closing(_) => armed == [TimerKind::Close],
            State::Aborted(_) => armed.is_empty() || armed == [TimerKind::Reopen],
        };
        assert!(fits, "{:?} with {armed:?}", self.receiver.state());
    }
}

#[derive(Clone, Debug)]
enum SenderOp {
    Input(sender::Input),
    Many(u16, CrEvent),
    /// The outcome of one of the requests without one, or of any.
    Outcome(Result<usize, u32>, crsocket::protocol::action::Outcome),
    Pass(Millis, bool),
}

fn sender_ops(pass: impl Strategy<Value = Millis> + 'static) -> impl Strategy<Value = SenderOp> {
    use sender::Input;
    let set = facts().prop_map(|facts| {
        let receiver::Facts { client_active, client_id, access_token } = facts;
        SenderOp::Input(Input::Set { client_active, client_id, access_token })
    });
    let send = (any::<u64>(), events())
        .prop_map(|(ticket, event)| SenderOp::Input(Input::Send { ticket: Ticket(ticket), event }));
    let reject = (ids(), rejections()).prop_map(|(to, rejection)| {
        SenderOp::Input(Input::Reject { to, rejection, credentials: creds(1, "s") })
    });
    let which = prop_oneof![6 => (0..4usize).prop_map(Ok), 1 => any::<u32>().prop_map(Err)];
    prop_oneof![
        2 => set,
        2 => any::<bool>().prop_map(|online| SenderOp::Input(Input::Online(online))),
        2 => assigned_ids().prop_map(|partner| SenderOp::Input(Input::Partner(partner))),
        1 => rejections().prop_map(|rejection| SenderOp::Input(Input::Rejected(rejection))),
        6 => send,
        1 => (1..1_200u16, events()).prop_map(|(count, event)| SenderOp::Many(count, event)),
        2 => Just(SenderOp::Input(Input::Ping)),
        1 => Just(SenderOp::Input(Input::Inactive)),
        1 => Just(SenderOp::Input(Input::Unassign)),
        1 => reject,
        8 => (which, outcomes()).prop_map(|(which, outcome)| SenderOp::Outcome(which, outcome)),
        1 => timer_kinds().prop_map(|timer| SenderOp::Input(Input::Timer(timer))),
        6 => (pass, any::<bool>()).prop_map(|(length, on_time)| SenderOp::Pass(length, on_time)),
    ]
}

struct SenderRun {
    sender: Sender,
    timers: Timers,
    now: Millis,
    timing: Timing,
    random: u64,
    open: Vec<RequestNo>,
}

impl SenderRun {
    fn new(timing: Timing) -> SenderRun {
        let timers = Timers::default();
        SenderRun { sender: Sender::new(), timers, now: Millis(0), timing, random: 7, open: Vec::new() }
    }

    fn give(&mut self, input: sender::Input) {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let step = Step { now: self.now, random: self.random, timing: &self.timing };
        let mut actions = Vec::new();
        self.sender.handle(input, &step, &mut actions);
        for action in actions {
            match action {
                SenderAction::Post(post) => self.open.extend(post.request),
                SenderAction::SetTimer { timer, after } => {
                    assert!(after >= Millis::ZERO, "{timer:?} armed to {after}");
                    self.timers.set(timer, self.now, after);
                }
                SenderAction::CancelTimer(timer) => self.timers.cancel(timer),
                SenderAction::Socket(_) | SenderAction::Fate { .. } => {}
            }
        }
        let (queued, kept) = self.sender.queued();
        assert!(queued <= MAX_QUEUED && kept <= MAX_QUEUED, "6: {queued} queued, {kept} kept");
    }

    fn perform(&mut self, op: SenderOp) {
        match op {
            SenderOp::Input(input) => {
                if let sender::Input::Timer(timer) = input {
                    self.timers.fired(timer, self.now);
                }
                self.give(input);
            }
            SenderOp::Many(count, event) => {
                for ticket in 0..u64::from(count) {
                    self.give(sender::Input::Send { ticket: Ticket(ticket), event: event.clone() });
                }
            }
            SenderOp::Outcome(Ok(index), outcome) if !self.open.is_empty() => {
                let request = self.open.remove(index % self.open.len());
                self.give(sender::Input::Outcome { request, outcome });
            }
            SenderOp::Outcome(Ok(_), _) => {}
            SenderOp::Outcome(Err(number), outcome) => {
                self.give(sender::Input::Outcome { request: RequestNo(number), outcome });
            }
            SenderOp::Pass(length, on_time) => self.pass(length, on_time),
        }
    }

    fn pass(&mut self, length: Millis, on_time: bool) {
        let end = self.now + length;
        for _ in 0..200 {
            let Some((timer, due)) = self.timers.next(end) else { break };
            self.now = if on_time { due } else { end };
            self.give(sender::Input::Timer(timer));
        }
        self.now = end;
    }
}

#[derive(Clone, Debug)]
enum WiredOp {
    Socket(socket::Input),
    Frame(Option<StreamNo>, Frame),
    Ended(Option<StreamNo>, StreamEnd),
    /// The answer to the last sendevent, or to any.
    Answer(Option<u32>, crsocket::protocol::action::Outcome),
    Timer(TimerKind),
    Pass(Millis, bool),
}

fn socket_inputs() -> impl Strategy<Value = socket::Input> {
    use socket::Input;
    let often = || prop::bool::weighted(0.8);
    let seldom = || prop::bool::weighted(0.2);
    prop_oneof![
        3 => often().prop_map(Input::Visible),
        3 => often().prop_map(Input::Online),
        1 => seldom().prop_map(Input::Paused),
        1 => seldom().prop_map(Input::Unloading),
        2 => assigned_ids().prop_map(Input::ClientId),
        3 => tokens().prop_map(Input::AccessToken),
        4 => assigned_ids().prop_map(Input::Partner),
        4 => (any::<u64>(), events()).prop_map(|(ticket, event)| Input::Send { ticket: Ticket(ticket), event }),
        1 => prop::option::of(ids()).prop_map(Input::ClientIdAnswer),
    ]
}

fn wired_ops(pass: impl Strategy<Value = Millis> + 'static) -> impl Strategy<Value = WiredOp> {
    let answers = prop_oneof![6 => Just(None), 1 => any::<u32>().prop_map(Some)];
    prop_oneof![
        8 => socket_inputs().prop_map(WiredOp::Socket),
        8 => (streams(), frames()).prop_map(|(stream, frame)| WiredOp::Frame(stream, frame)),
        1 => (streams(), ends()).prop_map(|(stream, how)| WiredOp::Ended(stream, how)),
        6 => (answers, outcomes()).prop_map(|(number, outcome)| WiredOp::Answer(number, outcome)),
        6 => (pass, any::<bool>()).prop_map(|(length, on_time)| WiredOp::Pass(length, on_time)),
    ]
}

struct WiredRun {
    wired: WiredSocket,
    timers: Timers,
    now: Millis,
    timing: Timing,
    random: u64,
    last: StreamNo,
    stands: Option<StreamNo>,
    last_sent: RequestNo,
}

impl WiredRun {
    fn new(role: Role, timing: Timing) -> WiredRun {
        WiredRun {
            wired: WiredSocket::new(role),
            timers: Timers::default(),
            now: Millis(0),
            timing,
            random: 7,
            last: StreamNo(0),
            stands: None,
            last_sent: RequestNo(0),
        }
    }

    fn give(&mut self, input: Input) {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let step = Step { now: self.now, random: self.random, timing: &self.timing };
        let mut effects = Vec::new();
        self.wired.handle(input, &step, Some(0), &mut effects);
        for effect in &effects {
            self.perform_effect(effect);
        }
        self.check();
    }

    fn perform_effect(&mut self, effect: &Effect) {
        match *effect {
            Effect::Open { stream, .. } => {
                assert_eq!(self.stands, None, "5: never two streams at a time");
                self.last = stream;
                self.stands = Some(stream);
            }
            Effect::Drop { stream } => {
                self.stands.take_if(|stands| *stands == stream);
            }
            Effect::Send { number, .. } => self.last_sent = number,
            Effect::SetTimer { timer, after } => {
                assert!(after >= Millis::ZERO, "{timer:?} armed to {after}");
                self.timers.set(timer, self.now, after);
            }
            Effect::CancelTimer(timer) => self.timers.cancel(timer),
            Effect::RequestClientId | Effect::Notify(_) => {}
        }
    }

    fn check(&self) {
        let WiredSocket { socket, receiver, sender, line } = &self.wired;
        assert_eq!(socket.sender(), sender.facts(), "7 one step: the sender's facts at both ends");
        assert_eq!(
            socket.receiver().state,
            receiver.state(),
            "7 one step: the receiver's state at both ends"
        );
        assert_eq!(socket.receiver().stream.is_some(), receiver.pid().is_some(), "7 one step: its stream");
        let (queued, kept) = sender.queued();
        assert!(queued <= MAX_QUEUED && kept <= MAX_QUEUED, "6: {queued} queued, {kept} kept");
        assert!(line.waiting() <= MAX_WAITING, "6: {} wait in the line", line.waiting());
    }

    /// The timers that the states need, and no others.
    fn check_timers(&self) {
        use socket::State;
        let armed = |timer| self.timers.0.contains_key(&timer);
        let state = self.wired.socket.state();
        assert_eq!(
            armed(TimerKind::Ping),
            state.is_paired(),
            "7: the ping schedule runs while paired: {state:?}"
        );
        assert_eq!(
            armed(TimerKind::Partner),
            *state == State::Interacting,
            "7: the partner timer: {state:?}"
        );
        assert!(!armed(TimerKind::Release) || *state == State::Searching, "7: the release timer: {state:?}");
        let is_open = self.wired.receiver.state() == receiver::State::Open;
        assert_eq!(
            armed(TimerKind::Alive),
            is_open,
            "5: the alive schedule: {:?}",
            self.wired.receiver.state()
        );
    }

    fn perform(&mut self, op: WiredOp) {
        let last = self.last;
        match op {
            WiredOp::Socket(input) => self.give(Input::Socket(input)),
            WiredOp::Frame(stream, frame) => {
                let stream = stream.unwrap_or(last);
                self.give(Input::Receiver(receiver::Input::Frame { stream, frame }));
            }
            WiredOp::Ended(stream, how) => {
                let stream = stream.unwrap_or(last);
                self.stands.take_if(|stands| *stands == stream);
                self.give(Input::Receiver(receiver::Input::Ended { stream, how }));
            }
            WiredOp::Answer(number, outcome) => {
                let number = number.map_or(self.last_sent, RequestNo);
                self.give(Input::SendLine(send_line::Input::Answer { number, outcome }));
            }
            WiredOp::Timer(timer) => {
                self.timers.fired(timer, self.now);
                self.give(Input::Timer(timer));
            }
            WiredOp::Pass(length, on_time) => self.pass(length, on_time),
        }
    }

    fn pass(&mut self, length: Millis, on_time: bool) {
        let end = self.now + length;
        for _ in 0..200 {
            let Some((timer, due)) = self.timers.next(end) else { break };
            self.now = if on_time { due } else { end };
            self.give(Input::Timer(timer));
        }
        self.now = end;
    }
}

fn roles() -> impl Strategy<Value = Role> {
    select(vec![Role::Controller, Role::Responder])
}

fn started(role: Role, timing: Timing) -> WiredRun {
    let mut run = WiredRun::new(role, timing);
    for input in [
        socket::Input::ClientId(Assigned::Valid(id(1))),
        socket::Input::AccessToken(Assigned::Valid(token("a"))),
        socket::Input::Online(true),
        socket::Input::Visible(true),
    ] {
        run.give(Input::Socket(input));
    }
    run
}

fn many<T>(ops: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>>
where
    T: std::fmt::Debug,
{
    prop::collection::vec(ops, 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn receiver_at_wild_times(timing in timings(), ops in many(receiver_ops(wild_times()))) {
        let mut run = ReceiverRun::new(timing);
        for op in ops {
            run.perform(op);
        }
    }

    #[test]
    fn receiver_always_has_the_timer_it_needs(timing in timings(), ops in many(receiver_ops(times()))) {
        let mut run = ReceiverRun::new(timing);
        for op in ops {
            run.perform(op);
            run.check_timer();
        }
    }

    #[test]
    fn sender_at_wild_times(timing in timings(), ops in many(sender_ops(wild_times()))) {
        let mut run = SenderRun::new(timing);
        for op in ops {
            run.perform(op);
        }
    }

    #[test]
    fn sender_comes_to_rest(timing in timings(), ops in many(sender_ops(times()))) {
        let mut run = SenderRun::new(timing);
        for op in ops {
            run.perform(op);
        }
        run.perform(SenderOp::Input(sender::Input::Online(true)));
        run.perform(SenderOp::Input(sender::Input::Inactive));
        for _ in 0..4 {
            for request in std::mem::take(&mut run.open) {
                run.give(sender::Input::Outcome { request, outcome: outcome_of("204") });
            }
            run.pass(Millis(1_000_000), true);
        }
        prop_assert!(run.timers.0.is_empty(), "armed for ever: {:?}, {:?}", run.timers.0, run.sender);
        prop_assert_eq!(run.sender.queued(), (0, 0), "6: what is queued leaves before inactive");
    }

    #[test]
    fn send_line_at_wild_times(timing in timings(), ops in many((0..8u8, outcomes(), wild_times(), any::<u32>()))) {
        let mut line = SendLine::new();
        let (mut now, mut last, mut in_flight) = (Millis(0), RequestNo(0), 0usize);
        for (op, outcome, length, number) in ops {
            now += length;
            let step = Step { now, random: 1, timing: &timing };
            let input = match op {
                0..=3 => send_line::Input::Post(crsocket::protocol::action::Post {
                    credentials: creds(1, "a"),
                    recipient: id(2),
                    message: crsocket::protocol::action::Message::CrEvent(CrEvent::ping()),
                    request: (op < 3).then_some(RequestNo(number)),
                }),
                4 => send_line::Input::Answer { number: last, outcome },
                5 => send_line::Input::Answer { number: RequestNo(number), outcome },
                6 => send_line::Input::Unloading(number % 2 == 0),
                _ => send_line::Input::Timer(TimerKind::ALL[number as usize % TimerKind::ALL.len()]),
            };
            let mut actions = Vec::new();
            line.handle(input, &step, &mut actions);
            for action in actions {
                if let SendLineAction::Send { number, .. } = action {
                    last = number;
                    in_flight += 1;
                }
            }
            prop_assert!(line.waiting() <= MAX_WAITING);
        }
        prop_assert!(in_flight <= 400);
    }

    #[test]
    fn socket_alone_is_told_anything(
        role in roles(),
        timing in timings(),
        ops in many((socket_inputs(), event_data(), wild_times(), timer_kinds(), 0..6u8, any::<u32>(), facts()))
    ) {
        let mut socket = Socket::new(role);
        let mut now = Millis(0);
        for (input, data, length, timer, kind, number, facts) in ops {
            now += length;
            let step = Step { now, random: u64::from(number), timing: &timing };
            let view = View { state: receiver::State::Open, stream: Some(creds(number % 3, "a")) };
            let input = match kind {
                0 | 1 => input,
                2 => socket::Input::Received {
                    event: CrEvent::from_event_data(&data),
                    credentials: creds(1, "a"),
                    stale: number.is_multiple_of(2),
                },
                3 => socket::Input::Timer(timer),
                4 => socket::Input::ReceiverReport { view: view.given(&facts), revision: number % 50 },
                _ => socket::Input::PingLeft { clearings: number % 20 },
            };
            let mut actions: Vec<SocketAction> = Vec::new();
            socket.handle(input, &step, &mut actions);
        }
    }

    #[test]
    fn wired_at_wild_times(role in roles(), timing in timings(), ops in many(wired_ops(wild_times()))) {
        let mut run = started(role, timing);
        for op in ops {
            run.perform(op);
        }
    }

    #[test]
    fn wired_is_told_of_timers_that_were_never_armed(
        role in roles(),
        timing in timings(),
        ops in many((wired_ops(times()), timer_kinds()))
    ) {
        let mut run = started(role, timing);
        for (op, timer) in ops {
            run.perform(op);
            run.perform(WiredOp::Timer(timer));
        }
    }

    #[test]
    fn wired_has_the_timers_it_needs_and_comes_to_rest(
        role in roles(),
        timing in timings(),
        ops in many(wired_ops(times()))
    ) {
        let mut run = started(role, timing);
        for op in ops {
            run.perform(op);
            run.check_timers();
        }
        run.perform(WiredOp::Socket(socket::Input::Unloading(true)));
        for _ in 0..200 {
            run.perform(WiredOp::Answer(None, outcome_of("204")));
            run.pass(Millis(20_000), true);
        }
        prop_assert!(run.timers.0.is_empty(), "unloading, and armed for ever: {:?}", run.timers.0);
        prop_assert_eq!(run.stands, None, "unloading, and a stream stands");
    }
}
