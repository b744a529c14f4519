//! An EventSender alone. Commands: `online`, `offline`, `set active|idle ID|- TOKEN|-|!`, `partner ID|-|!`,
//! `rejected SUBTYPE`, `send N TYPE [buffered] [logged]`, `many FROM TO TYPE [flags]`, `ping`, `cancel` (the ping that
//! waits), `inactive`, `unassign`, `reject TO SUBTYPE` (as 1/s), `answer OUTCOME` (of the oldest request that has none),
//! `last OUTCOME` (of the newest), `quiet`, `queued`, `state`. Its line is free, so that pings leave it at once, unless
//! `stuck`; then they stand there until `left`.

use std::collections::VecDeque;

use crsocket::protocol::action::{Message, Post, RequestNo, SenderAction, Ticket};
use crsocket::protocol::event::{EventKind, Rejection};
use crsocket::protocol::ids::Assigned;
use crsocket::protocol::sender::{Input, Sender};
use crsocket::protocol::socket;
use crsocket::protocol::time::{TimerKind, Timing};

use super::{
    Clock, Rig, assigned, creds, event_of, id_of, number, outcome_of, says_fate, says_post, token, with_sub,
};

pub struct SenderRig {
    pub sender: Sender,
    pub clock: Clock,
    /// Requests without an outcome.
    open: VecDeque<RequestNo>,
    /// Pings stand in the line.
    stuck: bool,
    /// These do.
    standing: VecDeque<RequestNo>,
}

impl SenderRig {
    pub fn new() -> SenderRig {
        SenderRig {
            sender: Sender::new(),
            clock: Clock::new(Timing::default()),
            open: VecDeque::new(),
            stuck: false,
            standing: VecDeque::new(),
        }
    }

    /// Online, active, with clientId 1, accessToken a and partner 2.
    pub fn ready() -> SenderRig {
        let mut rig = SenderRig::new();
        super::run(&mut rig, "online; set active 1 a; partner 2");
        rig
    }

    pub fn give(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.sender.handle(input, &self.clock.step(), &mut actions);
        for action in actions {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: SenderAction) {
        match action {
            SenderAction::Post(post) => {
                self.open.extend(post.request);
                self.clock.write(says_post(&post));
                self.line_takes(&post);
            }
            SenderAction::Socket(socket::Input::PingLeft { clearings }) => {
                assert_eq!(clearings, self.sender.facts().clearings, "a ping is reported as of now");
            }
            SenderAction::Socket(input) => self.clock.write(format!("{input:?}")),
            SenderAction::Fate { ticket, fate } => {
                if let Some(fate) = says_fate(&fate, self.clock.verbose) {
                    self.clock.write(format!("{} {fate}", ticket.0));
                }
            }
            SenderAction::SetTimer { timer, after } => self.clock.set_timer(timer, after),
            SenderAction::CancelTimer(timer) => self.clock.cancel_timer(timer),
        }
    }

    /// As a SendLine: says when a ping leaves.
    fn line_takes(&mut self, post: &Post) {
        if let (Message::CrEvent(event), Some(request)) = (&post.message, post.request)
            && event.kind() == EventKind::Ping
        {
            self.standing.push_back(request);
            if !self.stuck {
                self.all_leave();
            }
        }
    }

    fn all_leave(&mut self) {
        while let Some(request) = self.standing.pop_front() {
            self.give(Input::PingLeft { request });
        }
    }

    fn answer(&mut self, request: Option<RequestNo>, word: &str) {
        let request =
            request.unwrap_or_else(|| panic!("no request without an outcome; seen: {:?}", self.clock.log));
        self.give(Input::Outcome { request, outcome: outcome_of(word) });
    }

    fn send(&mut self, ticket: i64, words: &[&str]) {
        let ticket = Ticket(u64::try_from(ticket).unwrap());
        self.give(Input::Send { ticket, event: event_of(words) });
    }
}

impl Rig for SenderRig {
    fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    fn fire(&mut self, timer: TimerKind) {
        self.give(Input::Timer(timer));
    }

    fn say(&mut self, words: &[&str]) {
        match words {
            ["online"] => self.give(Input::Online(true)),
            ["offline"] => self.give(Input::Online(false)),
            ["set", active, id, access_token] => self.give(Input::Set {
                client_active: *active == "active",
                client_id: match assigned(id, id_of) {
                    Assigned::Valid(id) => Some(id),
                    Assigned::Nothing | Assigned::Invalid => None,
                },
                access_token: assigned(access_token, token),
            }),
            ["partner", partner] => self.give(Input::Partner(assigned(partner, id_of))),
            ["rejected", sub_type] => self.give(Input::Rejected(Rejection::from_sub_type(sub_type))),
            ["send", ticket, event @ ..] => self.send(number(ticket), event),
            ["many", from, to, event @ ..] => {
                for ticket in number(from)..=number(to) {
                    self.send(ticket, event);
                }
            }
            ["ping"] => self.give(Input::Ping),
            ["cancel"] => self.give(Input::CancelPing),
            ["stuck"] => self.stuck = true,
            ["left"] => self.all_leave(),
            ["inactive"] => self.give(Input::Inactive),
            ["unassign"] => self.give(Input::Unassign),
            ["reject", to, sub_type] => self.give(Input::Reject {
                to: id_of(to),
                rejection: Rejection::from_sub_type(sub_type),
                credentials: creds(1, "s"),
            }),
            ["answer", outcome] => {
                let oldest = self.open.pop_front();
                self.answer(oldest, outcome);
            }
            ["last", outcome] => {
                let newest = self.open.pop_back();
                self.answer(newest, outcome);
            }
            ["forget"] => self.clock.log.clear(),
            ["queued"] => {
                let (queued, kept) = self.sender.queued();
                self.clock.write(format!("{queued} queued, {kept} kept"));
            }
            ["state"] => {
                let state = self.sender.state();
                self.clock.write(with_sub(state.as_str(), state.sub_state()));
            }
            other => panic!("no command: {other:?}"),
        }
    }
}
