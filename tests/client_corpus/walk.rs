//! Random walks of a crSocket through a small world that mostly answers as a server and a partner do, and often does not.

use crsocket::check::random::Random;
use crsocket::protocol::action::{Message, Outcome, RequestNo, StreamNo, Ticket};
use crsocket::protocol::ids::{AccessToken, Assigned, ClientId, Role};
use crsocket::protocol::receiver::{self, StreamEnd};
use crsocket::protocol::socket;
use crsocket::protocol::time::{Millis, TimerKind, Timing};
use crsocket::protocol::wire::{FrameReader, StreamItem, percent};
use crsocket::protocol::wired::{Effect, Input};
use crsocket::protocol::{send_line, wire::Frame};

use super::{Corpus, Moment, Recorder, events};

/// Adds one walk.
pub(super) fn add_to(corpus: &mut Corpus, seed: u64) {
    let mut walk = Walk::new(seed);
    let steps = 20 + walk.random.below(41);
    while walk.recorder.steps.len() < steps {
        walk.step();
    }
    walk.recorder.add_to(corpus);
}

/// How often what happens: shares of a thousand. The rest are answers.
#[derive(Clone, Copy)]
struct Habits {
    /// What everybody waits for.
    expected: u32,
    /// A timer.
    timer: u32,
    /// The enclosing client sets something.
    client: u32,
    /// It sets a partner.
    partner: u32,
    /// It sends.
    send: u32,
    /// Something comes on a stream.
    frame: u32,
    /// A stream ends, or says how long to wait.
    ended: u32,
}

const HABITS: [Habits; 8] = [
    // An ordinary day.
    Habits { expected: 600, timer: 100, client: 60, partner: 30, send: 80, frame: 90, ended: 20 },
    // Everything at once.
    Habits { expected: 250, timer: 150, client: 150, partner: 80, send: 120, frame: 150, ended: 50 },
    // Ids, tokens, visibility.
    Habits { expected: 480, timer: 60, client: 300, partner: 40, send: 50, frame: 40, ended: 10 },
    // Partners come and go.
    Habits { expected: 420, timer: 100, client: 60, partner: 250, send: 70, frame: 60, ended: 10 },
    // Much is sent.
    Habits { expected: 300, timer: 100, client: 60, partner: 20, send: 400, frame: 30, ended: 10 },
    // Streams break.
    Habits { expected: 380, timer: 200, client: 30, partner: 20, send: 40, frame: 130, ended: 190 },
    // Timers, and little else.
    Habits { expected: 350, timer: 450, client: 40, partner: 20, send: 40, frame: 70, ended: 10 },
    // The partner talks.
    Habits { expected: 350, timer: 80, client: 50, partner: 20, send: 60, frame: 400, ended: 20 },
];

struct Walk {
    random: Random,
    recorder: Recorder,
    habits: Habits,
    now: i64,
    calendar_zero: i64,
    /// The stream that stands, and whether the server said `hello`.
    stream: Option<(u32, bool)>,
    last_stream: u32,
    pid: u64,
    pids: u64,
    asked_for_id: bool,
    /// The requests without an answer.
    awaited: Vec<u32>,
    last_number: u32,
    /// What the server says next on the stream.
    replies: Vec<(&'static str, String)>,
    tickets: u64,
}

/// Something that could well come now.
enum Expected {
    IdAnswer,
    Hello,
    Reply,
    Answer,
    Timer,
    Activity,
    Identity,
    Partner,
    FromPartner,
    Send,
}

impl Walk {
    fn new(seed: u64) -> Walk {
        let mut random = Random::new(seed);
        let role = if random.chance(500) { Role::Controller } else { Role::Responder };
        let timing = timing(&mut random);
        let habits = HABITS[random.below(HABITS.len())];
        // Monotonic clocks begin anywhere.
        let now = [0, 1_000, 123_456_789, 4_000_000_000_000][random.below(4)];
        Walk {
            recorder: Recorder::new(role, timing),
            habits,
            now,
            calendar_zero: 1_795_000_000_000 - now,
            stream: None,
            last_stream: 0,
            pid: 0,
            pids: [0, 11_526, (1 << 53) - 200][random.below(3)],
            asked_for_id: false,
            awaited: Vec::new(),
            last_number: 0,
            replies: Vec::new(),
            tickets: 0,
            random,
        }
    }

    fn step(&mut self) {
        self.pass();
        let habits = self.habits;
        let mut place = u32::try_from(self.random.below(1_000)).unwrap();
        let mut is = |share: u32| {
            let it = place < share;
            place = place.saturating_sub(share);
            it
        };
        if is(habits.expected) {
            self.expected();
        } else if is(habits.timer) {
            self.timer();
        } else if is(habits.client) {
            self.client();
        } else if is(habits.partner) {
            self.partner();
        } else if is(habits.send) {
            self.send();
        } else if is(habits.frame) {
            self.frame();
        } else if is(habits.ended) {
            self.ended();
        } else {
            self.answer();
        }
    }

    /// Time passes, mostly little.
    fn pass(&mut self) {
        let most = match self.random.below(100) {
            0..=39 => 1,
            40..=79 => 200,
            80..=92 => 2_000,
            93..=97 => 8_000,
            _ => 90_000,
        };
        self.now += i64::try_from(self.random.below(most)).unwrap();
    }

    fn give(&mut self, input: Input) {
        let moment = self.moment();
        for effect in self.recorder.give(moment, input) {
            self.perform(&effect);
        }
    }

    fn tell(&mut self, input: socket::Input) {
        self.give(Input::Socket(input));
    }

    fn moment(&mut self) -> Moment {
        let random = self.random.next() >> 32;
        // Calendars are set now and then.
        if self.random.chance(5) {
            self.calendar_zero += 3_600_000;
        }
        Moment {
            now: self.now,
            random: u32::try_from(random).unwrap(),
            calendar: self.calendar_zero + self.now,
        }
    }

    fn perform(&mut self, effect: &Effect) {
        match effect {
            Effect::Open { stream, .. } => {
                (self.stream, self.last_stream) = (Some((stream.0, false)), stream.0);
                self.replies.clear();
            }
            Effect::Drop { .. } => self.stream = None,
            Effect::RequestClientId => self.asked_for_id = true,
            Effect::Send { number, post } => {
                self.awaited.push(number.0);
                self.last_number = number.0;
                match &post.message {
                    Message::Alive(pid) => self.replies.push((Frame::ALIVE, pid.to_string())),
                    Message::Close(pid) => self.replies.push((Frame::CLOSED, pid.to_string())),
                    Message::CrEvent(_) => {}
                }
            }
            Effect::SetTimer { .. } | Effect::CancelTimer(_) | Effect::Notify(_) => {}
        }
    }

    // What is to be expected.

    fn expected(&mut self) {
        let mut all = Vec::new();
        let socket = &self.recorder.machines.socket;
        let facts = socket.client();
        let paired = socket.state().is_paired();
        let free = socket.state().is_connected() && !paired;
        for (applies, what) in [
            (self.asked_for_id, Expected::IdAnswer),
            (self.stream.is_some_and(|(_, open)| !open), Expected::Hello),
            (self.stream.is_some() && !self.replies.is_empty(), Expected::Reply),
            (!self.awaited.is_empty(), Expected::Answer),
            (self.random.chance(300), Expected::Timer),
            (!facts.is_client_active(), Expected::Activity),
            (facts.client_id.valid().is_none() || facts.access_token.valid().is_none(), Expected::Identity),
            (socket.partner().is_none() && socket.role() == Role::Controller, Expected::Partner),
            (paired || (free && socket.role() == Role::Responder), Expected::FromPartner),
            (paired || socket.sender().rejection.is_some(), Expected::Send),
        ] {
            if applies {
                all.push(what);
            }
        }
        if all.is_empty() {
            return self.timer();
        }
        let next = self.random.below(all.len());
        match all.swap_remove(next) {
            Expected::IdAnswer => self.id_answer(true),
            Expected::Hello => self.hello(),
            Expected::Reply => {
                let (name, data) = self.replies.remove(0);
                self.receive(self.last_stream, name, &data);
            }
            Expected::Answer => {
                let number = self.awaited.remove(0);
                self.give_answer(number, Outcome::Understood);
            }
            Expected::Timer => self.next_timer(0),
            Expected::Activity => self.activity(),
            Expected::Identity => self.identity(),
            Expected::Partner => {
                let partner = partner_id(self.random.below(2));
                self.tell(socket::Input::Partner(Assigned::Valid(partner)));
            }
            Expected::Send => self.send(),
            Expected::FromPartner => {
                let from = self.recorder.machines.socket.partner().unwrap_or(partner_id(0)).to_string();
                let is_ping = self.random.chance(500);
                let data =
                    if is_ping { events::ping(&from) } else { events::to_receive(&mut self.random, &from) };
                self.receive(self.last_stream, Frame::CR_EVENT, &data);
            }
        }
    }

    fn id_answer(&mut self, given: bool) {
        self.asked_for_id = false;
        let id = given.then(|| own_id(self.random.below(3)));
        self.tell(socket::Input::ClientIdAnswer(id));
    }

    fn hello(&mut self) {
        self.pids += 1;
        self.pid = self.pids;
        self.stream = Some((self.last_stream, true));
        self.receive(self.last_stream, Frame::HELLO, &self.pid.to_string());
    }

    fn activity(&mut self) {
        let facts = self.recorder.machines.socket.client().clone();
        let input = if !facts.visible {
            socket::Input::Visible(true)
        } else if !facts.online {
            socket::Input::Online(true)
        } else if facts.paused {
            socket::Input::Paused(false)
        } else {
            socket::Input::Unloading(false)
        };
        self.tell(input);
    }

    fn identity(&mut self) {
        let facts = self.recorder.machines.socket.client();
        let has_id = facts.client_id.valid().is_some();
        let (id, token) = (own_id(self.random.below(3)), token(self.random.below(2)));
        if !has_id && self.random.chance(700) {
            self.tell(socket::Input::ClientId(Assigned::Valid(id)));
        } else {
            self.tell(socket::Input::AccessToken(Assigned::Valid(token)));
        }
    }

    // What may come at any time.

    fn timer(&mut self) {
        if self.random.chance(60) {
            // Whether it is armed or not.
            let timer = TimerKind::ALL[self.random.below(TimerKind::ALL.len())];
            return self.give(Input::Timer(timer));
        }
        let late = match self.random.below(20) {
            0..=8 => 0,
            9 => -1,
            10 | 11 => -1 - i64::try_from(self.random.below(3_000)).unwrap(),
            12 | 13 => 1 + i64::try_from(self.random.below(4_999)).unwrap(),
            14 => 5_000,
            15 => 5_001,
            _ => 5_001 + i64::try_from(self.random.below(100_000)).unwrap(),
        };
        self.next_timer(late);
    }

    /// The next timer fires so much too late, or another one in its place.
    fn next_timer(&mut self, late: i64) {
        let mut armed: Vec<(i64, TimerKind)> =
            self.recorder.timers.iter().map(|(timer, due)| (*due, *timer)).collect();
        armed.sort_unstable();
        // Without choice those that wait long would seldom fire.
        let is_next = self.random.chance(if late == 0 { 800 } else { 400 });
        let release = armed.iter().position(|(_, timer)| *timer == TimerKind::Release);
        let other = release.unwrap_or_else(|| self.random.below(armed.len()));
        let place = if is_next { 0 } else { other };
        let Some((due, timer)) = armed.get(place).copied() else { return self.activity_or_identity() };
        self.now = self.now.max(due + late);
        self.give(Input::Timer(timer));
    }

    fn activity_or_identity(&mut self) {
        if self.random.chance(500) { self.activity() } else { self.identity() }
    }

    /// The enclosing client sets something, perhaps to what it is.
    fn client(&mut self) {
        let is = self.random.chance(500);
        let input = match self.random.below(12) {
            0 | 1 => socket::Input::Visible(is),
            2 | 3 => socket::Input::Online(is),
            4 => socket::Input::Paused(is),
            5 => socket::Input::Unloading(is),
            6..=8 => socket::Input::ClientId(match self.random.below(8) {
                0 => Assigned::Nothing,
                1 => Assigned::Invalid,
                _ => Assigned::Valid(own_id(self.random.below(3))),
            }),
            _ => socket::Input::AccessToken(match self.random.below(8) {
                0 | 1 => Assigned::Nothing,
                2 => Assigned::Invalid,
                _ => Assigned::Valid(token(self.random.below(2))),
            }),
        };
        self.tell(input);
    }

    fn partner(&mut self) {
        let partner = match self.random.below(10) {
            0 | 1 => Assigned::Nothing,
            2 => Assigned::Invalid,
            3 => self.recorder.machines.socket.sender().partner.clone(),
            4..=7 => Assigned::Valid(partner_id(self.random.below(2))),
            _ => Assigned::Valid(partner_id(self.random.below(12))),
        };
        self.tell(socket::Input::Partner(partner));
    }

    fn send(&mut self) {
        let most = if self.random.chance(200) { 5 } else { 1 };
        for _ in 0..most {
            self.tickets += 1;
            let longest = self.recorder.timing.max_event_data_length;
            let event = events::to_send(&mut self.random, longest);
            self.tell(socket::Input::Send { ticket: Ticket(self.tickets), event });
        }
    }

    fn frame(&mut self) {
        let stream = match self.random.below(12) {
            0 => self.last_stream.saturating_sub(1),
            1 => self.last_stream + 1,
            _ => self.last_stream,
        };
        let pid = match self.random.below(10) {
            0 => (self.pid + 1).to_string(),
            1 if self.random.chance(500) => unreadable_pid(&mut self.random).into(),
            _ => self.pid.max(1).to_string(),
        };
        let place = self.random.below(20);
        match place {
            0 => self.hello(),
            1 => self.receive(stream, Frame::HELLO, &pid),
            2 | 3 => self.receive(stream, Frame::ALIVE, &pid),
            4 => self.receive(stream, Frame::CLOSED, &pid),
            5 => self.receive(stream, Frame::SHUTDOWN, &pid),
            6 | 7 => {
                let reason = abort_reason(&mut self.random);
                let releaser = ["0", "77", "x"][self.random.below(3)];
                self.receive(stream, Frame::ABORTED, &format!("{pid},{reason},{releaser}"));
            }
            8 => self.receive(stream, Frame::ABORTED, &pid),
            _ => {
                let from = self.somebody();
                let data = events::to_receive(&mut self.random, &from);
                self.receive(stream, Frame::CR_EVENT, &data);
            }
        }
    }

    /// Who sent a crEvent.
    fn somebody(&mut self) -> String {
        let partner = self.recorder.machines.socket.partner();
        match self.random.below(20) {
            0..=11 => partner.unwrap_or(partner_id(0)).to_string(),
            12 | 13 => partner_id(self.random.below(2)).to_string(),
            14..=17 => partner_id(2 + self.random.below(10)).to_string(),
            18 => own_id(self.random.below(3)).to_string(),
            _ => ["", "20000", "2000011", "20000a", " 20001", "２０００００"][self.random.below(6)].into(),
        }
    }

    /// Something comes on a stream, read as the http link reads it.
    fn receive(&mut self, stream: u32, name: &str, data: &str) {
        let text = format!("event: {name}\ndata: {}\n\n", percent::encode(data));
        let mut items = Vec::new();
        FrameReader::default().feed(text.as_bytes(), &mut items).unwrap();
        match items.pop().unwrap() {
            StreamItem::Frame(frame) => {
                self.give(Input::Receiver(receiver::Input::Frame { stream: StreamNo(stream), frame }));
            }
            StreamItem::Unreadable(_) => {
                let moment = self.moment();
                self.recorder.give_unreadable(moment, stream, name, data);
            }
            other => panic!("{text:?} is read as {other:?}"),
        }
    }

    fn ended(&mut self) {
        let is_old = self.random.chance(80);
        let stream = StreamNo(if is_old { self.last_stream.saturating_sub(1) } else { self.last_stream });
        if self.random.chance(150) {
            let after = [0, 50, 100, 1_000, 3_000, 15_000, 60_000, 70_000, 1 << 40][self.random.below(9)];
            return self.give(Input::Receiver(receiver::Input::Retry { stream, after: Millis(after) }));
        }
        let how = match self.random.below(10) {
            0..=2 => StreamEnd::NoConnection,
            3..=5 => StreamEnd::Broken,
            6 => StreamEnd::NotEventStream,
            _ => StreamEnd::Status(
                [204, 301, 400, 404, 428, 429, 430, 499, 500, 503, 599, 600][self.random.below(12)],
            ),
        };
        if !is_old {
            self.stream = None;
        }
        self.give(Input::Receiver(receiver::Input::Ended { stream, how }));
    }

    fn answer(&mut self) {
        if self.asked_for_id && self.random.chance(400) {
            return self.id_answer(false);
        }
        if self.random.chance(60) {
            return self.id_answer(true);
        }
        let number = if self.awaited.is_empty() || self.random.chance(50) {
            (self.last_number + 1).saturating_sub(u32::try_from(self.random.below(4)).unwrap())
        } else {
            let place = self.random.below(self.awaited.len());
            self.awaited.remove(place)
        };
        let outcome = match self.random.below(10) {
            0 | 1 => Outcome::Understood,
            2 | 3 => Outcome::NoConnection,
            4 => Outcome::NoAnswer,
            _ => {
                let (status, detail) = REFUSALS[self.random.below(REFUSALS.len())];
                Outcome::Refused { status, detail: detail.into() }
            }
        };
        self.give_answer(number, outcome);
    }

    fn give_answer(&mut self, number: u32, outcome: Outcome) {
        self.give(Input::SendLine(send_line::Input::Answer { number: RequestNo(number), outcome }));
    }
}

const REFUSALS: [(u16, &str); 9] = [
    (400, "eventData has 3 of the 8 fields"),
    (403, ""),
    (404, "there is no app \"démo\""),
    (404, ""),
    (429, "the line of 200001 is full"),
    (429, ""),
    (500, "%2C"),
    (503, "the server is stopping"),
    (503, ""),
];

fn abort_reason(random: &mut Random) -> &'static str {
    const KNOWN: [&str; 8] = [
        "releasedByOther",
        "releasedByOther",
        "invalidRole",
        "invalidClientId",
        "invalidAccessToken",
        "notAuthorized",
        "clientNotAlive",
        "clientIdInUse",
    ];
    match random.below(5) {
        0 => events::UNKNOWN[random.below(events::UNKNOWN.len())],
        _ => KNOWN[random.below(KNOWN.len())],
    }
}

fn unreadable_pid(random: &mut Random) -> &'static str {
    const PIDS: [&str; 9] =
        ["", "0", "-1", "+7", "1.5", "0x7", "seven", "9007199254740992", "12345678901234567"];
    PIDS[random.below(PIDS.len())]
}

/// Timings that make no contradiction: the defaults, and some at their limits.
fn timing(random: &mut Random) -> Timing {
    let usual = Timing::default();
    let timing = match random.below(10) {
        0..=3 => usual,
        4 => Timing { min_cr_event_dt: Millis::ZERO, release_dt: Millis(3_000), ..usual },
        5 | 6 => Timing { release_dt: Millis(7_000), max_queued: 3, max_event_data_length: 128, ..usual },
        7 => Timing { max_queued: 1 + random.below(3), max_event_data_length: 200, ..usual },
        8 => Timing {
            server_interaction_complete_dt: Millis(300),
            min_cr_event_dt: Millis(20),
            interacting_max_event_out_dt: Millis(600),
            searching_max_event_out_dt: Millis(300),
            partner_active_max_event_in_dt: Millis(4_000),
            invalid_client_id_retry_dt: Millis(700),
            event_source_send_alive_dt: Millis(1_000),
            max_prev_alive_dt: Millis(4_000),
            send_answer_dt: Millis(800),
            hello_max_dt: Millis(2_500),
            unassign_wait_dt: Millis(3_000),
            release_dt: Millis(2_500),
            max_queued: 5,
            ..usual
        },
        _ => Timing {
            send_answer_dt: Millis(100_000),
            min_cr_event_dt: Millis(30_000),
            release_dt: Millis(20_000),
            unassign_wait_dt: Millis::ZERO,
            ..usual
        },
    };
    assert!(timing.check().is_ok());
    timing
}

fn own_id(number: usize) -> ClientId {
    ClientId::parse(["100001", "100002", "000003"][number]).unwrap()
}

fn partner_id(number: usize) -> ClientId {
    ClientId::from_number(200_000 + u32::try_from(number).unwrap()).unwrap()
}

fn token(number: usize) -> AccessToken {
    AccessToken::parse(["alice", "b.o~b&=%2C\"'/+"][number]).unwrap()
}
