use proptest::prelude::*;

use super::*;
use crate::protocol::client_id::ClientIdSequence;
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{AccessToken, AppId, Pid, Role};
use crate::protocol::limits::Limits;
use crate::protocol::policy::{App, Apps, Pairing};
use crate::protocol::sessions::ServerAction;
use crate::protocol::wire::{EventData, EventSourceParams, MsgEvent, SendEvent};

/// What the server gets next.
#[derive(Clone, Debug)]
enum Happening {
    Open { id: u32, token: &'static str },
    Send { id: u32, token: &'static str, to: u32, what: What },
    Taken(u32),
    Broken(u32),
    Passes(Millis),
}

#[derive(Clone, Debug)]
enum What {
    Event(&'static str),
    Alive,
    Close,
}

fn happening() -> impl Strategy<Value = Happening> {
    let id = || 1..5u32;
    let token = || prop_oneof![5 => Just("a"), 1 => Just("b")];
    let event = prop::sample::select(vec!["ping", "inactive", "unassign", "reject", "touched"]);
    let what = prop_oneof![6 => event.prop_map(What::Event), 2 => Just(What::Alive), 1 => Just(What::Close)];
    let passes = prop_oneof![2 => 1..300i64, 2 => 1_000..5_000i64, 1 => 5_000..30_000i64];
    prop_oneof![
        3 => (id(), token()).prop_map(|(id, token)| Happening::Open { id, token }),
        8 => (id(), token(), id(), what)
            .prop_map(|(id, token, to, what)| Happening::Send { id, token, to, what }),
        4 => id().prop_map(Happening::Taken),
        1 => id().prop_map(Happening::Broken),
        4 => passes.prop_map(|time| Happening::Passes(Millis(time))),
    ]
}

/// A table in its own time.
struct Server {
    table: SessionTable,
    now: Millis,
}

/// The world it is in: the smallest bounds, so that lines and outputs fill up.
struct Place {
    timing: Timing,
    limits: Limits,
    apps: Apps,
}

impl Place {
    fn new() -> Place {
        let app = App { pairing: Pairing::SameUser, ..App::default() };
        Place {
            timing: Timing { unassign_wait_dt: Millis(20_000), ..Timing::default() },
            limits: Limits { output_frames: 4, line_events: 4, ..Limits::default() },
            apps: Apps::new().with(app_id(), app),
        }
    }

    fn step(&self, now: Millis) -> ServerStep<'_> {
        ServerStep { now, random: 7, timing: &self.timing, limits: &self.limits, apps: &self.apps }
    }
}

fn app_id() -> AppId {
    AppId::parse("lab").unwrap()
}

fn client(number: u32) -> ClientId {
    ClientId::from_number(number).unwrap()
}

fn role(number: u32) -> Role {
    if number.is_multiple_of(2) { Role::Controller } else { Role::Responder }
}

impl Server {
    fn new() -> Server {
        let client_ids = ClientIdSequence::new([7; 16], 0, u64::MAX);
        Server { table: SessionTable::new(PidSequence::starting_at(0), client_ids), now: Millis(1_000_000) }
    }

    fn age(&mut self, place: &Place) {
        self.table = self.table.aged(&place.step(self.now));
        self.now = Millis::ZERO;
    }

    /// Sweeps after this time, and says what follows.
    fn sweep_after(&mut self, time: Millis, place: &Place) -> Vec<ServerAction> {
        self.now += time;
        let mut actions = Vec::new();
        self.table.sweep(&place.step(self.now), &mut actions);
        actions
    }

    /// Takes it, and says what follows and what was answered.
    fn take(&mut self, happening: &Happening, place: &Place) -> (Vec<ServerAction>, String) {
        let step = place.step(self.now);
        let mut actions = Vec::new();
        let mut answer = String::new();
        match *happening {
            Happening::Open { id, token } => {
                let params = EventSourceParams {
                    client_id: Some(client(id).to_string().into()),
                    client_role: Some(role(id).as_str().into()),
                    access_token: Some(token.into()),
                };
                answer = format!("{:?}", self.table.open(&app_id(), &params, &step, &mut actions));
            }
            Happening::Send { id, token, to, ref what } => {
                let pid = self.table.session(client(to)).map(Session::pid);
                let event = match what {
                    What::Event(kind) => {
                        let event = CrEvent::unchecked(kind, "");
                        MsgEvent::CrEvent(EventData::from_event(&event, client(id)).unwrap())
                    }
                    What::Alive => MsgEvent::Alive(pid),
                    What::Close => MsgEvent::Close(pid),
                };
                let send = SendEvent {
                    client_id: client(id),
                    role: role(id),
                    access_token: AccessToken::parse(token).unwrap(),
                    recipient: client(to),
                    event,
                };
                answer = format!("{:?}", self.table.send(&app_id(), send, &step, &mut actions));
            }
            Happening::Taken(id) | Happening::Broken(id) => {
                let pid = self.table.session(client(id)).map(Session::pid);
                let pid = pid.or(self.table.endings.keys().next().copied());
                let pid = pid.or(Pid::from_number(1)).unwrap();
                if let Happening::Taken(_) = happening {
                    self.table.taken(client(id), pid, 1, &step, &mut actions);
                } else {
                    self.table.broken(client(id), pid, &step, &mut actions);
                }
            }
            Happening::Passes(_) => {}
        }
        (ageless(actions), answer)
    }
}

/// How long something waited is told to whoever counts, and nothing depends on it: aged tables have forgotten it.
fn ageless(mut actions: Vec<ServerAction>) -> Vec<ServerAction> {
    for action in &mut actions {
        if let ServerAction::Write { waited, .. } = action {
            *waited = Millis::ZERO;
        }
    }
    actions
}

/// The notes on slots that are due at the same time may come in another order.
fn sorted(actions: Vec<ServerAction>) -> Vec<ServerAction> {
    let mut actions = ageless(actions);
    actions.sort_by_key(|action| format!("{action:?}"));
    actions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// One table lives on, the other is replaced by its aged copy before every step. Both are swept when the first one
    /// asks for it.
    #[test]
    fn an_aged_table_does_the_same_from_then_on(life in prop::collection::vec(happening(), 1..150)) {
        let place = Place::new();
        let (mut real, mut aged) = (Server::new(), Server::new());
        for happening in life {
            aged.age(&place);
            if let Happening::Passes(time) = happening {
                let until = real.now + time;
                while let Some(due) = real.table.next_due().filter(|due| *due <= until) {
                    let wait = (due - real.now).at_least_zero();
                    aged.age(&place);
                    let expected = sorted(real.sweep_after(wait, &place));
                    prop_assert_eq!(sorted(aged.sweep_after(wait, &place)), expected);
                }
                let rest = until - real.now;
                real.now = until;
                aged.now += rest;
            }
            let expected = real.take(&happening, &place);
            prop_assert_eq!(aged.take(&happening, &place), expected, "at {:?}", happening);
            prop_assert_eq!(aged.table.session_count(), real.table.session_count());
        }
    }

    #[test]
    fn it_does_not_matter_when_a_situation_comes(
        life in prop::collection::vec(happening(), 1..60),
        later in 0..1_000_000_000i64,
    ) {
        let place = Place::new();
        let (mut one, mut other) = (Server::new(), Server::new());
        other.now += Millis(later);
        for happening in life {
            if let Happening::Passes(time) = happening {
                one.sweep_after(time, &place);
                other.sweep_after(time, &place);
            }
            one.take(&happening, &place);
            other.take(&happening, &place);
        }
        one.age(&place);
        other.age(&place);
        prop_assert_eq!(one.table, other.table);
    }
}
