use proptest::prelude::*;

use super::*;
use crate::protocol::action::{Outcome, StreamNo, Ticket};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{AccessToken, Assigned, ClientId, Pid, Role};
use crate::protocol::receiver::{self, StreamEnd};
use crate::protocol::time::{Millis, TimerKind, Timing};
use crate::protocol::wire::{AbortReason, EventData, Frame};
use crate::protocol::wired::{Effect, Input};
use crate::protocol::{send_line, socket};

/// What happens next; numbers are filled in when it does.
#[derive(Clone, Debug)]
enum Happening {
    Told(socket::Input),
    Frame(Frame),
    Retry(Millis),
    Ended(StreamEnd),
    Answered(Outcome),
    /// The armed timer that is due next fires, so late.
    Timer(Millis),
    Passes(Millis),
}

fn id(number: u32) -> ClientId {
    ClientId::from_number(number).unwrap()
}

fn token(text: &str) -> Assigned<AccessToken> {
    AccessToken::parse(text).ok().into()
}

fn any_id() -> impl Strategy<Value = Assigned<ClientId>> {
    prop_oneof![1 => Just(Assigned::Nothing), 4 => (1..4u32).prop_map(|number| Assigned::Valid(id(number)))]
}

fn event_of(kind: &str, buffered: bool) -> CrEvent {
    let event = CrEvent::unchecked(kind, "notPaired");
    if buffered { event.buffered() } else { event }
}

fn told() -> impl Strategy<Value = socket::Input> {
    prop_oneof![
        any::<bool>().prop_map(socket::Input::Visible),
        any::<bool>().prop_map(socket::Input::Online),
        (0..4).prop_map(|paused| socket::Input::Paused(paused == 0)),
        (0..4).prop_map(|unloading| socket::Input::Unloading(unloading == 0)),
        any_id().prop_map(socket::Input::ClientId),
        prop_oneof![Just(token("a")), Just(token("b")), Just(Assigned::Nothing)]
            .prop_map(socket::Input::AccessToken),
        any_id().prop_map(socket::Input::Partner),
        (0..9u64, any::<bool>()).prop_map(|(ticket, buffered)| socket::Input::Send {
            ticket: Ticket(ticket),
            event: event_of("touched", buffered)
        }),
    ]
}

fn frame() -> impl Strategy<Value = Frame> {
    let pid = || (1..3u64).prop_map(|number| Pid::from_number(number).unwrap());
    let kinds = ["ping", "ping", "inactive", "unassign", "reject", "touched"];
    let event = (prop::sample::select(kinds.to_vec()), 1..4u32);
    let reasons = [AbortReason::ReleasedByOther, AbortReason::ClientIdInUse, AbortReason::ClientNotAlive];
    prop_oneof![
        4 => pid().prop_map(|pid| Frame::Hello { pid }),
        2 => pid().prop_map(|pid| Frame::Alive { pid }),
        1 => pid().prop_map(|pid| Frame::Closed { pid }),
        1 => pid().prop_map(|pid| Frame::Shutdown { pid }),
        1 => (pid(), prop::sample::select(reasons.to_vec()))
            .prop_map(|(pid, reason)| Frame::Aborted { pid, reason, releaser: None }),
        6 => event.prop_map(|(kind, from)| {
            EventData::from_event(&event_of(kind, false), id(from)).unwrap().to_frame()
        }),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    let outcomes = [
        Outcome::Understood,
        Outcome::Understood,
        Outcome::NoConnection,
        Outcome::NoAnswer,
        Outcome::Refused { status: 429, detail: "".into() },
        Outcome::Refused { status: 403, detail: "".into() },
    ];
    let ends = [StreamEnd::Broken, StreamEnd::NoConnection, StreamEnd::Status(404)];
    let late = prop_oneof![8 => Just(0i64), 1 => 1..3_000i64, 1 => 5_000..5_003i64];
    let passes = prop_oneof![Just(0i64), 1..1_500i64, 1_500..30_000i64];
    prop_oneof![
        3 => told().prop_map(Happening::Told),
        6 => frame().prop_map(Happening::Frame),
        1 => (0..3_000i64).prop_map(|after| Happening::Retry(Millis(after))),
        1 => prop::sample::select(ends.to_vec()).prop_map(Happening::Ended),
        4 => prop::sample::select(outcomes.to_vec()).prop_map(Happening::Answered),
        8 => late.prop_map(|late| Happening::Timer(Millis(late))),
        2 => passes.prop_map(|time| Happening::Passes(Millis(time))),
    ]
}

/// A crSocket with its timers, in its own time.
struct Page {
    machines: WiredSocket,
    now: Millis,
    timers: Vec<(TimerKind, Millis)>,
}

impl Page {
    fn new(role: Role) -> Page {
        Page { machines: WiredSocket::new(role), now: Millis(1_000_000), timers: Vec::new() }
    }

    fn next_timer(&self) -> Option<(TimerKind, Millis)> {
        self.timers.iter().copied().min_by_key(|(timer, due)| (*due, *timer))
    }

    /// Takes it, and says what follows, with numbers that do not depend on how many came before.
    fn take(&mut self, happening: &Happening, random: u64, timing: &Timing) -> Vec<Effect> {
        let stream = self.machines.receiver.stream_number();
        let number = self.machines.line.last();
        let input = match happening.clone() {
            Happening::Told(input) => Input::Socket(input),
            Happening::Frame(frame) => Input::Receiver(receiver::Input::Frame { stream, frame }),
            Happening::Retry(after) => Input::Receiver(receiver::Input::Retry { stream, after }),
            Happening::Ended(how) => Input::Receiver(receiver::Input::Ended { stream, how }),
            Happening::Answered(outcome) => Input::SendLine(send_line::Input::Answer { number, outcome }),
            Happening::Timer(late) => {
                let Some((timer, due)) = self.next_timer() else { return Vec::new() };
                self.timers.retain(|(armed, _)| *armed != timer);
                self.now = self.now.max(due + late);
                Input::Timer(timer)
            }
            Happening::Passes(time) => {
                self.now += time;
                return Vec::new();
            }
        };
        let mut effects = Vec::new();
        let step = Step { now: self.now, random, timing };
        self.machines.handle(input, &step, None, &mut effects);
        for effect in &mut effects {
            match effect {
                Effect::Open { stream: opened, .. } | Effect::Drop { stream: opened } => {
                    *opened = StreamNo(opened.0.wrapping_sub(stream.0));
                }
                Effect::Send { number: sent, post } => {
                    *sent = RequestNo(sent.0.wrapping_sub(number.0));
                    post.request = None;
                }
                Effect::SetTimer { timer, after } => {
                    self.timers.retain(|(armed, _)| armed != timer);
                    self.timers.push((*timer, self.now + *after));
                }
                Effect::CancelTimer(timer) => self.timers.retain(|(armed, _)| armed != timer),
                Effect::RequestClientId | Effect::Notify(_) => {}
            }
        }
        effects
    }

    fn age(&mut self, timing: &Timing) {
        let step = Step { now: self.now, random: 0, timing };
        self.machines = self.machines.aged(&step);
        for (_, due) in &mut self.timers {
            *due = *due - self.now;
        }
        self.now = Millis::ZERO;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// One crSocket lives on, the other is replaced by its aged copy before every step.
    #[test]
    fn an_aged_copy_does_the_same_from_then_on(
        is_controller in any::<bool>(),
        life in prop::collection::vec((happening(), any::<u64>()), 1..150),
    ) {
        let timing = Timing { unassign_wait_dt: Millis(20_000), release_dt: Millis(12_000), ..Timing::default() };
        let role = if is_controller { Role::Controller } else { Role::Responder };
        let (mut real, mut aged) = (Page::new(role), Page::new(role));
        let start = [
            Happening::Told(socket::Input::ClientId(Assigned::Valid(id(1)))),
            Happening::Told(socket::Input::AccessToken(token("a"))),
            Happening::Told(socket::Input::Visible(true)),
            Happening::Told(socket::Input::Online(true)),
            Happening::Told(socket::Input::Partner(Assigned::Valid(id(2)))),
        ];
        let start = start.into_iter().map(|happening| (happening, 0));
        for (happening, random) in start.chain(life) {
            aged.age(&timing);
            let expected = real.take(&happening, random, &timing);
            prop_assert_eq!(aged.take(&happening, random, &timing), expected, "at {:?}", happening);
            prop_assert_eq!(aged.machines.socket.state(), real.machines.socket.state());
        }
    }

    #[test]
    fn it_does_not_matter_when_a_situation_comes(
        life in prop::collection::vec((happening(), any::<u64>()), 1..60),
        later in 0..1_000_000_000i64,
    ) {
        let timing = Timing::default();
        let (mut one, mut other) = (Page::new(Role::Responder), Page::new(Role::Responder));
        other.now += Millis(later);
        for (happening, random) in life {
            one.take(&happening, random, &timing);
            other.take(&happening, random, &timing);
        }
        one.age(&timing);
        other.age(&timing);
        prop_assert_eq!(one.machines, other.machines);
    }
}
