//! What the pure rules cost: codec, a step of each machine, a routing decision, a whole relay.
//!
//! `cargo bench` measures; `cargo bench -- --test` runs each once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "a bench that cannot go on stops; its names say what it measures"
)]

use crsocket::protocol::action::{Outcome, StreamNo, Ticket};
use crsocket::protocol::client_id::ClientIdSequence;
use crsocket::protocol::event::CrEvent;
use crsocket::protocol::ids::{AccessToken, AppId, Assigned, ClientId, Credentials, Pid, Role};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::{App, Apps};
use crsocket::protocol::sessions::{Opened, PidSequence, ServerAction, ServerStep, SessionTable};
use crsocket::protocol::time::{Millis, Step, Timing};
use crsocket::protocol::wire::{
    EventData, EventSourceParams, Frame, FrameReader, MsgEvent, Outgoing, Query, SendEvent,
    eventsource_query, sendevent_query,
};
use crsocket::protocol::wired::{Effect, Input, WiredSocket};
use crsocket::protocol::{receiver, send_line, sender, socket};
use divan::{Bencher, black_box};

fn main() {
    // Steps take less than a microsecond: many to a sample, or the clock is what is measured.
    divan::Divan::default().sample_count(200).sample_size(200).config_with_args().main();
}

const DATA: &str = "trial,start,false,false,true,1795000000000,NaN,482913,stimulus 7,left,350";

fn id(number: u32) -> ClientId {
    ClientId::from_number(number).unwrap()
}

fn credentials(number: u32) -> Credentials {
    Credentials { client_id: id(number), access_token: AccessToken::parse("guest").unwrap() }
}

mod codec {
    use super::*;

    #[divan::bench]
    fn read_event_data_as_the_server() -> EventData {
        EventData::accept(black_box(DATA), id(482_913)).unwrap()
    }

    #[divan::bench]
    fn read_event_data_as_a_client() -> CrEvent {
        CrEvent::from_event_data(black_box(DATA))
    }

    #[divan::bench]
    fn write_event_data(bencher: Bencher<'_, '_>) {
        let event = CrEvent::from_event_data(DATA);
        bencher.bench_local(|| black_box(&event).to_event_data(id(482_913)));
    }

    #[divan::bench]
    fn write_frame(bencher: Bencher<'_, '_>) {
        let frame = Frame::CrEvent(DATA.into());
        let mut out = Vec::with_capacity(1_024);
        bencher.bench_local(|| {
            out.clear();
            black_box(&frame).write_to(&mut out);
        });
    }

    #[divan::bench]
    fn read_frame(bencher: Bencher<'_, '_>) {
        let mut bytes = Vec::new();
        Frame::CrEvent(DATA.into()).write_to(&mut bytes);
        let mut reader = FrameReader::default();
        let mut items = Vec::new();
        bencher.bench_local(|| {
            items.clear();
            reader.feed(black_box(&bytes), &mut items).unwrap();
        });
    }

    #[divan::bench]
    fn read_sendevent_query(bencher: Bencher<'_, '_>) {
        let query =
            sendevent_query(&credentials(482_913), Role::Controller, id(155_608), Outgoing::CrEvent(DATA));
        bencher.bench_local(|| SendEvent::parse(Query::new(black_box(&query)), 8_192).unwrap());
    }
}

mod machines {
    use super::*;

    /// Feeds a crSocket whose network does what is needed to stay interacting.
    struct Interacting {
        machines: WiredSocket,
        timing: Timing,
        now: Millis,
        effects: Vec<Effect>,
    }

    impl Interacting {
        fn new() -> Interacting {
            // Without spacing, so that every event sent leaves in the step it is accepted in.
            let timing = Timing { min_cr_event_dt: Millis::ZERO, ..Timing::default() };
            let machines = WiredSocket::new(Role::Controller);
            let mut this = Interacting { machines, timing, now: Millis::ZERO, effects: Vec::new() };
            for said in [
                socket::Input::Visible(true),
                socket::Input::Online(true),
                socket::Input::ClientId(Assigned::Valid(id(482_913))),
                socket::Input::AccessToken(Assigned::Valid(AccessToken::parse("guest").unwrap())),
            ] {
                this.feed(Input::Socket(said));
            }
            this.frame(Frame::Hello { pid: Pid::from_number(7).unwrap() });
            this.feed(Input::Socket(socket::Input::Partner(Assigned::Valid(id(155_608)))));
            this.frame(Frame::CrEvent("ping,,false,false,true,1,NaN,155608".into()));
            assert_eq!(*this.machines.socket.state(), socket::State::Interacting);
            this
        }

        fn feed(&mut self, input: Input) {
            let step = Step { now: self.now, random: 7, timing: &self.timing };
            self.effects.clear();
            self.machines.handle(input, &step, Some(1_795_000_000_000), &mut self.effects);
            let answered: Vec<_> = self
                .effects
                .iter()
                .filter_map(|effect| match effect {
                    Effect::Send { number, .. } => Some(*number),
                    _ => None,
                })
                .collect();
            for number in answered {
                let answer = send_line::Input::Answer { number, outcome: Outcome::Understood };
                self.feed(Input::SendLine(answer));
            }
        }

        fn frame(&mut self, frame: Frame) {
            self.feed(Input::Receiver(receiver::Input::Frame { stream: StreamNo(1), frame }));
        }
    }

    #[divan::bench]
    fn socket_hears_its_partner(bencher: Bencher<'_, '_>) {
        let mut interacting = Interacting::new();
        let credentials = credentials(482_913);
        let event = CrEvent::from_event_data("ping,,false,false,true,1,NaN,155608");
        let mut actions = Vec::new();
        bencher.bench_local(|| {
            actions.clear();
            interacting.now += Millis(1);
            let step = Step { now: interacting.now, random: 7, timing: &interacting.timing };
            let (event, credentials) = (event.clone(), credentials.clone());
            let input = socket::Input::Received { event, credentials, stale: false };
            interacting.machines.socket.handle(input, &step, &mut actions);
        });
    }

    #[divan::bench]
    fn receiver_gets_a_cr_event(bencher: Bencher<'_, '_>) {
        let mut interacting = Interacting::new();
        let frame = Frame::CrEvent(DATA.into());
        let mut actions = Vec::new();
        bencher.bench_local(|| {
            actions.clear();
            let step = Step { now: interacting.now, random: 7, timing: &interacting.timing };
            let input = receiver::Input::Frame { stream: StreamNo(1), frame: frame.clone() };
            interacting.machines.receiver.handle(input, &step, &mut actions);
        });
    }

    #[divan::bench]
    fn sender_sends_and_is_answered(bencher: Bencher<'_, '_>) {
        let mut interacting = Interacting::new();
        let event = CrEvent::from_event_data(DATA);
        let mut actions = Vec::new();
        bencher.bench_local(|| {
            actions.clear();
            let step = Step { now: interacting.now, random: 7, timing: &interacting.timing };
            let send = sender::Input::Send { ticket: Ticket(1), event: event.clone() };
            let machine = &mut interacting.machines.sender;
            machine.handle(send, &step, &mut actions);
            let request = actions.iter().find_map(|action| match action {
                crsocket::protocol::action::SenderAction::Post(post) => post.request,
                _ => None,
            });
            let outcome = sender::Input::Outcome { request: request.unwrap(), outcome: Outcome::Understood };
            machine.handle(outcome, &step, &mut actions);
        });
    }

    #[divan::bench]
    fn a_wired_socket_sends_and_is_answered(bencher: Bencher<'_, '_>) {
        let mut interacting = Interacting::new();
        let event = CrEvent::from_event_data(DATA);
        bencher.bench_local(|| {
            let send = socket::Input::Send { ticket: Ticket(1), event: event.clone() };
            interacting.feed(Input::Socket(send));
        });
    }
}

mod server {
    use crsocket::protocol::rate::RateLimit;

    use super::*;

    const UNLIMITED: RateLimit = RateLimit { per_second: u32::MAX, burst: u32::MAX };

    struct Served {
        table: SessionTable,
        apps: Apps,
        app: AppId,
        timing: Timing,
        limits: Limits,
        actions: Vec<ServerAction>,
        pids: Vec<Pid>,
    }

    impl Served {
        /// Pairs whose streams are open and settled: controllers have even clientIds, responders odd ones.
        fn with_pairs(pairs: u32) -> Served {
            let app = AppId::parse("lab").unwrap();
            let apps = Apps::new().with(app.clone(), App::default());
            let table = SessionTable::new(
                PidSequence::starting_at(1_795_000_000),
                ClientIdSequence::new([7; 16], 0, 0),
            );
            let (timing, limits) = (Timing::default(), Limits { send_rate: UNLIMITED, ..Limits::default() });
            let mut served =
                Served { table, apps, app, timing, limits, actions: Vec::new(), pids: Vec::new() };
            for number in 0..2 * pairs {
                let role = if number % 2 == 0 { Role::Controller } else { Role::Responder };
                served.open(number, role);
            }
            served
        }

        fn open(&mut self, number: u32, role: Role) {
            let query = eventsource_query(&credentials(number), role);
            let params = EventSourceParams::read(Query::new(&query));
            let step = step(Millis::ZERO, &self.timing, &self.limits, &self.apps);
            match self.table.open(&self.app, &params, &step, &mut self.actions) {
                Opened::Stream { pid, .. } => {
                    self.table.taken(id(number), pid, 1, &step, &mut self.actions);
                    self.pids.push(pid);
                }
                other => panic!("{other:?}"),
            }
        }

        /// One crEvent from a controller to its responder, taken by the transport.
        fn relay(&mut self, pair: u32, data: EventData) {
            self.actions.clear();
            let step = step(Millis(1_000), &self.timing, &self.limits, &self.apps);
            let event = SendEvent {
                client_id: id(2 * pair),
                role: Role::Controller,
                access_token: AccessToken::parse("guest").unwrap(),
                recipient: id(2 * pair + 1),
                event: MsgEvent::CrEvent(data),
            };
            self.table.send(&self.app, event, &step, &mut self.actions);
            let pid = self.pids[2 * pair as usize + 1];
            self.table.taken(id(2 * pair + 1), pid, 1, &step, &mut self.actions);
        }
    }

    fn step<'a>(now: Millis, timing: &'a Timing, limits: &'a Limits, apps: &'a Apps) -> ServerStep<'a> {
        ServerStep { now, random: 7, timing, limits, apps }
    }

    #[divan::bench(args = [1, 2_500, 50_000])]
    fn a_routing_decision(bencher: Bencher<'_, '_>, pairs: u32) {
        let mut served = Served::with_pairs(pairs);
        let data = EventData::accept(DATA, id(0)).unwrap();
        let mut pair = 0;
        bencher.bench_local(|| {
            pair = (pair + 7) % pairs;
            served.relay(pair, data.clone());
        });
    }

    #[divan::bench(args = [1, 2_500, 50_000])]
    fn a_whole_relay_from_query_to_frame(bencher: Bencher<'_, '_>, pairs: u32) {
        let mut served = Served::with_pairs(pairs);
        let mut pair = 0;
        let mut out = Vec::with_capacity(1_024);
        let queries: Vec<String> = (0..pairs)
            .map(|pair| {
                let to = id(2 * pair + 1);
                sendevent_query(&credentials(2 * pair), Role::Controller, to, Outgoing::CrEvent(DATA))
            })
            .collect();
        bencher.bench_local(|| {
            pair = (pair + 7) % pairs;
            let event = SendEvent::parse(Query::new(&queries[pair as usize]), 8_192).unwrap();
            let MsgEvent::CrEvent(data) = event.event else { panic!("no crEvent") };
            served.relay(pair, data);
            for action in &served.actions {
                if let ServerAction::Write { frame, .. } = action {
                    out.clear();
                    frame.write_to(&mut out);
                }
            }
        });
    }
}
