//! Random walks of a crSocket through a small world that mostly answers as a server and a partner do, and often does not.

use crsocket::check::random::Random;
use crsocket::protocol::action::{Message, Outcome, RequestNo, StreamNo};
use crsocket::protocol::ids::{Assigned, Role};
use crsocket::protocol::time::TimerKind;
use crsocket::protocol::wire::{Frame, FrameReader, StreamItem, percent};
use crsocket::protocol::wired::{Effect, Input};
use crsocket::protocol::{receiver, send_line, socket};

use super::{Corpus, Moment, Recorder, events};
use values::{HABITS, Habits, own_id, partner_id, timing, token};

mod anytime;
mod rare;
mod values;

/// Of so many walks, one each begins with something that seldom comes about by itself.
const RARE: u64 = 40;

/// Adds one walk.
pub(super) fn add_to(corpus: &mut Corpus, seed: u64) {
    let mut walk = Walk::new(seed);
    match seed % RARE {
        0 => walk.crowd(),
        1 => walk.keep(),
        2 => walk.knock(),
        3 => walk.try_again(),
        4 => walk.part(),
        5 => walk.change(),
        _ => {}
    }
    let steps = walk.recorder.steps.len() + 20 + walk.random.below(41);
    while walk.recorder.steps.len() < steps {
        walk.step();
    }
    walk.recorder.add_to(corpus);
}

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

    /// Then the queues fill, and the device is offline now and then.
    fn sends_much(&self) -> bool {
        self.habits.send >= 300
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

    fn give(&mut self, input: &Input) {
        let moment = self.moment();
        for effect in self.recorder.give(moment, input) {
            self.perform(&effect);
        }
    }

    fn tell(&mut self, input: socket::Input) {
        self.give(&Input::Socket(input));
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
        self.give(&Input::Timer(timer));
    }

    fn activity_or_identity(&mut self) {
        if self.random.chance(500) { self.activity() } else { self.identity() }
    }

    /// Something comes on a stream, read as the http link reads it.
    fn receive(&mut self, stream: u32, name: &str, data: &str) {
        let text = format!("event: {name}\ndata: {}\n\n", percent::encode(data));
        let mut items = Vec::new();
        FrameReader::default().feed(text.as_bytes(), &mut items).unwrap();
        match items.pop().unwrap() {
            StreamItem::Frame(frame) => {
                self.give(&Input::Receiver(receiver::Input::Frame { stream: StreamNo(stream), frame }));
            }
            StreamItem::Unreadable(_) => {
                let moment = self.moment();
                self.recorder.give_unreadable(moment, stream, name, data);
            }
            other => panic!("{text:?} is read as {other:?}"),
        }
    }

    fn give_answer(&mut self, number: u32, outcome: Outcome) {
        self.give(&Input::SendLine(send_line::Input::Answer { number: RequestNo(number), outcome }));
    }
}
