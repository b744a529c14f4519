//! A whole crSocket, and a world that answers every sendevent with `204` at once unless told `manual`.
//!
//! Commands: `visible`, `hidden`, `online`, `offline`, `paused`, `resumed`, `unloading`, `loaded`, `id ID|-|!`,
//! `token TOKEN|-|!`, `partner ID|-|!`, `send N TYPE [flags]`, `given ID|-`, frames (`frame_of`; `@N` before one names the
//! stream, else the last one that was opened), `end HOW`, `manual`, `auto`, `answer OUTCOME` (of the last that left),
//! `answers OUTCOME` (of all that have none, oldest first), `state`, `receiver`. Of each step the transcript has what leaves before what the enclosing client is told.

use crsocket::protocol::action::{Message, Notice, RequestNo, StreamNo, Ticket};
use crsocket::protocol::ids::Role;
use crsocket::protocol::time::{Millis, TimerKind, Timing};
use crsocket::protocol::wired::{Effect, Input, WiredSocket};
use crsocket::protocol::{receiver, send_line, socket};

use super::{
    Clock, Rig, assigned, end_of, event_of, frame_of, id_of, number, outcome_of, says, says_event, says_fate,
    says_post, says_view, token, with_sub,
};

/// What the calendar says throughout.
pub const CALENDAR: i64 = 1_700_000_000_000;

pub struct World {
    pub wired: WiredSocket,
    pub clock: Clock,
    manual: bool,
    last_stream: StreamNo,
    stands: Option<StreamNo>,
    last_sent: RequestNo,
    /// Sendevents that left and have no answer yet.
    open: Vec<RequestNo>,
}

impl World {
    pub fn new(role: Role) -> World {
        World::with(role, Timing::default())
    }

    pub fn with(role: Role, timing: Timing) -> World {
        World {
            wired: WiredSocket::new(role),
            clock: Clock::new(timing),
            manual: false,
            last_stream: StreamNo(0),
            stands: None,
            last_sent: RequestNo(0),
            open: Vec::new(),
        }
    }

    pub fn controller() -> World {
        World::new(Role::Controller)
    }

    pub fn responder() -> World {
        World::new(Role::Responder)
    }

    pub fn give(&mut self, input: Input) {
        self.step(input);
        while !self.manual {
            let Some(number) = self.open.pop() else { break };
            let answered = send_line::Input::Answer { number, outcome: outcome_of("204") };
            self.step(Input::SendLine(answered));
        }
    }

    fn step(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.wired.handle(input, &self.clock.step(), Some(CALENDAR), &mut effects);
        // What the enclosing client is told and what leaves have no order among each other.
        let (told, asked): (Vec<Effect>, Vec<Effect>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::Notify(_)));
        for effect in asked.into_iter().chain(told) {
            self.perform(effect);
        }
        self.check_mirrors();
    }

    /// What the crSocket takes for its children's state is what they are.
    fn check_mirrors(&self) {
        let WiredSocket { socket, receiver, sender, .. } = &self.wired;
        assert_eq!(socket.sender(), sender.facts(), "7 one step: the sender's facts at both ends");
        assert_eq!(
            socket.receiver().state,
            receiver.state(),
            "7 one step: the receiver's state at both ends"
        );
        assert_eq!(socket.receiver().stream.is_some(), receiver.pid().is_some(), "7 one step: its stream");
        assert!(self.open.len() <= 1 || socket.client().unloading, "6: one request at a time");
    }

    fn perform(&mut self, effect: Effect) {
        let said = match effect {
            Effect::Open { stream, credentials, resume } => {
                assert_eq!(self.stands, None, "5: never two streams at a time");
                self.last_stream = stream;
                self.stands = Some(stream);
                let resumes = if resume { " resume" } else { "" };
                format!("open as {}{resumes}", says(&credentials))
            }
            Effect::Drop { stream } => {
                self.stands.take_if(|stands| *stands == stream);
                String::new()
            }
            Effect::Send { number, post } => {
                if let Message::CrEvent(event) = &post.message {
                    assert_eq!(event.send_ct, Some(CALENDAR), "6: sendCt is stamped when the event leaves");
                }
                if !self.wired.socket.client().unloading {
                    self.open.clear();
                }
                self.last_sent = number;
                self.open.push(number);
                says_post(&post)
            }
            Effect::RequestClientId => "asks".into(),
            Effect::Notify(notice) => self.noticed(notice),
            Effect::SetTimer { timer, after } => {
                self.clock.set_timer(timer, after);
                String::new()
            }
            Effect::CancelTimer(timer) => {
                self.clock.cancel_timer(timer);
                String::new()
            }
        };
        self.clock.write(said);
    }

    fn noticed(&self, notice: Notice) -> String {
        match notice {
            Notice::State { to, .. } => format!("=> {}", with_sub(to.as_str(), to.sub_state())),
            Notice::ClientId(id) => format!("is {}", id.number()),
            Notice::Partner(None) => "no partner".into(),
            Notice::Partner(Some(partner)) => format!("partner {}", partner.number()),
            Notice::CrEvent(event) => {
                assert_eq!(
                    event.receive_ct,
                    Some(CALENDAR),
                    "6: receiveCt is stamped when the crSocket gets it"
                );
                format!("got {}", says_event(&event))
            }
            Notice::Fate { ticket, fate } => says_fate(&fate, self.clock.verbose)
                .map_or(String::new(), |fate| format!("{} {fate}", ticket.0)),
        }
    }

    fn tell(&mut self, input: socket::Input) {
        self.give(Input::Socket(input));
    }

    fn say_of_stream(&mut self, stream: StreamNo, words: &[&str]) -> bool {
        if let Some(frame) = frame_of(words) {
            self.give(Input::Receiver(receiver::Input::Frame { stream, frame }));
            return true;
        }
        match words {
            ["end", how] => {
                self.stands.take_if(|stands| *stands == stream);
                self.give(Input::Receiver(receiver::Input::Ended { stream, how: end_of(how) }));
            }
            ["retry", after] => {
                self.give(Input::Receiver(receiver::Input::Retry { stream, after: Millis(number(after)) }));
            }
            _ => return false,
        }
        true
    }

    fn say_of_world(&mut self, words: &[&str]) {
        match words {
            ["manual"] => self.manual = true,
            ["auto"] => {
                self.manual = false;
                self.open.clear();
            }
            ["answer", outcome] => {
                let number = self.last_sent;
                self.open.clear();
                self.give(Input::SendLine(send_line::Input::Answer { number, outcome: outcome_of(outcome) }));
            }
            ["answers", outcome] => {
                for number in std::mem::take(&mut self.open) {
                    let outcome = outcome_of(outcome);
                    self.give(Input::SendLine(send_line::Input::Answer { number, outcome }));
                }
            }
            ["state"] => {
                let state = self.wired.socket.state();
                self.clock.write(with_sub(state.as_str(), state.sub_state()));
            }
            ["receiver"] => {
                let said = says_view(self.wired.socket.receiver());
                self.clock.write(said);
            }
            other => panic!("no command: {other:?}"),
        }
    }
}

impl Rig for World {
    fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    fn fire(&mut self, timer: TimerKind) {
        self.give(Input::Timer(timer));
    }

    fn say(&mut self, words: &[&str]) {
        let (stream, words) = match words[0].strip_prefix('@') {
            Some(stream) => (StreamNo(stream.parse().unwrap()), &words[1..]),
            None => (self.last_stream, words),
        };
        match words {
            ["visible"] => self.tell(socket::Input::Visible(true)),
            ["hidden"] => self.tell(socket::Input::Visible(false)),
            ["online"] => self.tell(socket::Input::Online(true)),
            ["offline"] => self.tell(socket::Input::Online(false)),
            ["paused"] => self.tell(socket::Input::Paused(true)),
            ["resumed"] => self.tell(socket::Input::Paused(false)),
            ["unloading"] => self.tell(socket::Input::Unloading(true)),
            ["loaded"] => self.tell(socket::Input::Unloading(false)),
            ["id", id] => self.tell(socket::Input::ClientId(assigned(id, id_of))),
            ["token", word] => self.tell(socket::Input::AccessToken(assigned(word, token))),
            ["partner", partner] => self.tell(socket::Input::Partner(assigned(partner, id_of))),
            ["send", ticket, event @ ..] => {
                let ticket = Ticket(ticket.parse().unwrap());
                self.tell(socket::Input::Send { ticket, event: event_of(event) });
            }
            ["given", "-"] => self.tell(socket::Input::ClientIdAnswer(None)),
            ["given", id] => self.tell(socket::Input::ClientIdAnswer(Some(id_of(id)))),
            words => {
                if !self.say_of_stream(stream, words) {
                    self.say_of_world(words);
                }
            }
        }
    }
}
