//! What the server takes and asks for.

use std::rc::Rc;

use super::{ClientEvent, Event, Happening, Lost, NOBODY_ASKS, Served, World};
use crate::check::users::user_of;
use crate::check::watch::{Acceptance, Party, Rules};
use crate::protocol::action::{Outcome, Post, RequestNo, StreamNo};
use crate::protocol::ids::{AccessToken, ClientId, Credentials, Pid};
use crate::protocol::receiver::{self, StreamEnd};
use crate::protocol::sessions::{
    Effect, NotOpened, Note, Opened, SendAnswer, ServerAction, ServerStep, SessionTable,
};
use crate::protocol::socket;
use crate::protocol::time::Millis;
use crate::protocol::wire::{AbortReason, EventSourceParams, Frame, MsgEvent, SendEvent};
use crate::protocol::wired::Input;

impl World {
    /// The server notices that a client's connection is gone, if a stream of that number was served.
    pub(super) fn server_loses(&mut self, client: usize, stream: StreamNo, delay: Millis) {
        let epoch = self.client(client).epoch;
        let ours = |served: &Served| (served.client, served.epoch, served.stream) == (client, epoch, stream);
        let Some((&pid, served)) = self.streams.iter().find(|(_, served)| ours(served)) else { return };
        let client_id = served.client_id;
        if self.client(client).network.server_notices && self.client(client).network.frames_arrive {
            self.schedule(delay, Happening::ServerLoses { client_id, pid });
        }
    }

    pub(super) fn server_opens(
        &mut self,
        client: usize,
        epoch: u32,
        stream: StreamNo,
        credentials: &Credentials,
    ) {
        let delay = self.way(client);
        if self.is_server_down() {
            self.stream_ends(client, stream, delay, StreamEnd::NoConnection);
            return;
        }
        let client_id = credentials.client_id;
        let mut actions = self.spare_actions.pop().unwrap_or_default();
        let opened = self.open_stream(client, credentials, &mut actions);
        let is_kept_out = actions.iter().any(keeps_out);
        let rules = Rules { timing: &self.timing, limits: &self.limits, now: self.now };
        self.watch.answered(client, credentials, &opened, is_kept_out, &actions, rules);
        if is_kept_out {
            let user = user_of(&credentials.access_token);
            self.watch.kept_out(client, client_id, &user, self.now);
        }
        match opened {
            Opened::Stream { pid, retry, .. } => {
                let served = Served {
                    client,
                    epoch,
                    stream,
                    client_id,
                    dead: false,
                    unread: Default::default(),
                    has_ended: false,
                };
                self.streams.insert(pid, served);
                let party = self.party(client, &credentials.access_token);
                let pairing = self.apps.get(&party.app).map(|app| app.pairing).unwrap_or_default();
                self.watch.stream_asked(pid, party, pairing);
                self.frames_come(client, delay, receiver::Input::Retry { stream, after: retry });
                let page = self.client(client);
                if (page.stream != Some(stream) || page.epoch != epoch) && page.network.server_notices {
                    // The client gave it up before the server saw it: the connection is gone already.
                    self.schedule(delay, Happening::ServerLoses { client_id, pid });
                }
            }
            Opened::Aborted { pid, reason } => {
                let frame = Frame::Aborted { pid, reason, releaser: None };
                self.frames_come(client, delay, receiver::Input::Frame { stream, frame });
                self.stream_ends(client, stream, delay, StreamEnd::Broken);
            }
            Opened::Retry { retry } => {
                self.frames_come(client, delay, receiver::Input::Retry { stream, after: retry });
                self.stream_ends(client, stream, delay, StreamEnd::Broken);
            }
            Opened::UnknownApp => self.stream_ends(client, stream, delay, StreamEnd::Status(404)),
        }
        self.perform_server(actions);
    }

    fn open_stream(
        &mut self,
        client: usize,
        credentials: &Credentials,
        actions: &mut Vec<ServerAction>,
    ) -> Opened {
        let page = self.client(client);
        let app = page.app.clone();
        let params = EventSourceParams::of(credentials, page.machines.role());
        let mut opened = Opened::UnknownApp;
        self.step_server(actions, |server, step, actions| {
            opened = server.open(&app, &params, step, actions);
        });
        opened
    }

    /// Something comes on a client's stream, behind what is under way already.
    fn frames_come(&mut self, client: usize, delay: Millis, input: receiver::Input) {
        if !self.client(client).network.frames_arrive {
            if let receiver::Input::Frame { frame, .. } = input {
                self.record(client, || ClientEvent::FrameLost(frame));
            }
            return;
        }
        let epoch = self.client(client).epoch;
        let at = (self.now + delay).max(self.client(client).last_frame);
        self.client_mut(client).last_frame = at;
        let input = Input::Receiver(input);
        self.happenings.push(at, Happening::ClientGets { client, epoch, input });
    }

    pub(super) fn stream_ends(&mut self, client: usize, stream: StreamNo, delay: Millis, how: StreamEnd) {
        self.frames_come(client, delay, receiver::Input::Ended { stream, how });
    }

    pub(super) fn server_gets(&mut self, client: usize, epoch: u32, number: RequestNo, post: &Post) {
        let delay = self.way(client);
        if self.is_server_down() {
            self.answer(client, epoch, delay, number, Outcome::NoConnection);
            return;
        }
        let origin = self.party(client, &post.credentials.access_token);
        let (client_id, recipient) = (post.credentials.client_id, post.recipient);
        let send = SendEvent::from_post(post, origin.role);
        let text = match &send.event {
            MsgEvent::CrEvent(event) => Some(event.to_frame()),
            MsgEvent::Alive(_) | MsgEvent::Close(_) | MsgEvent::Other => None,
        };
        let mut answer = SendAnswer::Stopping;
        let mut actions = self.spare_actions.pop().unwrap_or_default();
        self.step_server(&mut actions, |server, step, actions| {
            answer = server.send(&origin.app, send, step, actions);
        });
        self.watch.answered_event(client, &post.credentials.access_token, &answer, self.now);
        if let SendAnswer::Accepted(effect) = &answer {
            let event = match &text {
                Some(Frame::CrEvent(text)) => {
                    Some(Acceptance { sender: client_id, recipient, text, origin: &origin, effect })
                }
                Some(_) | None => None,
            };
            let rules = Rules { timing: &self.timing, limits: &self.limits, now: self.now };
            self.watch.let_speak(client, client_id, &origin, event, &actions, rules);
        }
        self.perform_server(actions);
        if answer == SendAnswer::Accepted(Effect::Waits) {
            let rules = Rules { timing: &self.timing, limits: &self.limits, now: self.now };
            self.watch.check_line(recipient, client_id, rules);
        }
        if self.client(client).machines.as_ours().is_none() || number == NOBODY_ASKS {
            // Who does not look at answers is not given any.
            self.record(client, || ClientEvent::Answered(number, answer.outcome()));
        } else if self.answer_arrives(client) {
            self.answer(client, epoch, delay, number, answer.outcome());
        } else {
            self.record(client, || ClientEvent::AnswerLost(Lost::Post(post.clone())));
        }
    }

    pub(super) fn server_gives_client_id(&mut self, client: usize, epoch: u32) {
        let mut id = None;
        if !self.is_server_down() {
            self.serve(|server, step, _| id = server.give_client_id(step).ok());
        }
        let delay = self.way(client);
        if self.answer_arrives(client) {
            let input = Input::Socket(socket::Input::ClientIdAnswer(id));
            self.schedule(delay, Happening::ClientGets { client, epoch, input });
        } else {
            self.record(client, || ClientEvent::AnswerLost(Lost::Id));
        }
    }

    /// Who makes a request of this client with this accessToken: nearly always who made the last one.
    fn party(&mut self, client: usize, token: &AccessToken) -> Rc<Party> {
        let page = self.client_mut(client);
        let role = page.machines.role();
        if let Some((last, party)) = &page.party
            && last == token
            && party.role == role
        {
            return Rc::clone(party);
        }
        let party = Rc::new(Party { app: page.app.clone(), role, user: user_of(token) });
        page.party = Some((token.clone(), Rc::clone(&party)));
        party
    }

    /// The server takes an input, and what it asks for is done.
    pub(super) fn serve(
        &mut self,
        input: impl FnOnce(&mut SessionTable, &ServerStep<'_>, &mut Vec<ServerAction>),
    ) {
        let mut actions = self.spare_actions.pop().unwrap_or_default();
        self.step_server(&mut actions, input);
        self.perform_server(actions);
    }

    fn step_server(
        &mut self,
        actions: &mut Vec<ServerAction>,
        input: impl FnOnce(&mut SessionTable, &ServerStep<'_>, &mut Vec<ServerAction>),
    ) {
        if self.stands_still() {
            return;
        }
        let step = ServerStep {
            now: self.now,
            random: self.random.next(),
            timing: &self.timing,
            limits: &self.limits,
            apps: &self.apps,
        };
        input(&mut self.server, &step, actions);
    }

    /// What a step asks for comes behind what earlier ones asked for, also when it was caused by one of them.
    fn perform_server(&mut self, mut actions: Vec<ServerAction>) {
        if std::mem::replace(&mut self.is_performing, true) {
            self.to_perform.extend(actions.drain(..));
            self.spare_actions.push(actions);
            return;
        }
        for action in actions.drain(..) {
            self.perform_one(action);
        }
        self.spare_actions.push(actions);
        while let Some(action) = self.to_perform.pop_front() {
            self.perform_one(action);
        }
        self.is_performing = false;
        let rules = Rules { timing: &self.timing, limits: &self.limits, now: self.now };
        self.watch.performed_all(self.server.output_bytes(), rules);
        self.schedule_sweep();
    }

    fn perform_one(&mut self, action: ServerAction) {
        if self.recording {
            self.tell_log(Event::Server(action.clone()));
        }
        let rules = Rules { timing: &self.timing, limits: &self.limits, now: self.now };
        self.watch.performed(&action, rules);
        match action {
            ServerAction::Write { client_id, pid, frame, .. } => self.write(client_id, pid, frame),
            ServerAction::End { pid, .. } => match self.streams.get_mut(&pid) {
                Some(served) if !served.unread.is_empty() => served.has_ended = true,
                Some(_) | None => self.end_stream(pid),
            },
            ServerAction::Cut { pid, .. } => self.end_stream(pid),
            ServerAction::Note(_) => {}
        }
    }

    pub(super) fn end_stream(&mut self, pid: Pid) {
        let Some(served) = self.streams.remove(&pid) else { return };
        if !served.dead && self.client(served.client).epoch == served.epoch {
            let delay = self.way(served.client);
            self.stream_ends(served.client, served.stream, delay, StreamEnd::Broken);
        }
    }

    fn schedule_sweep(&mut self) {
        let Some(due) = self.server.next_due().map(|due| due.max(self.now)) else { return };
        if self.sweep_at.is_none_or(|at| due < at) {
            self.sweep_at = Some(due);
            self.schedule(due - self.now, Happening::ServerSweeps);
        }
    }

    /// Whether a client takes what is written to its stream; what it had not taken comes when it does again.
    pub fn set_reads(&mut self, client: usize, reads: bool) {
        self.network(client).reads = reads;
        if !reads {
            return;
        }
        let pids: Vec<Pid> =
            self.streams.iter().filter(|(_, served)| served.client == client).map(|(pid, _)| *pid).collect();
        for pid in pids {
            while let Some((client_id, frame)) = self.next_unread(pid) {
                self.watch.taken(pid);
                self.hand_over(client_id, pid, frame);
            }
            if self.streams.get(&pid).is_some_and(|served| served.has_ended) {
                self.end_stream(pid);
            }
        }
    }

    fn next_unread(&mut self, pid: Pid) -> Option<(ClientId, Frame)> {
        let served = self.streams.get_mut(&pid)?;
        served.unread.pop_front().map(|frame| (served.client_id, frame))
    }

    fn write(&mut self, client_id: ClientId, pid: Pid, frame: Frame) {
        if let Some(served) = self.streams.get_mut(&pid) {
            let reads = self.clients.get(served.client).is_none_or(|page| page.network.reads);
            // Behind what is not read yet.
            if !reads || !served.unread.is_empty() {
                let rules = Rules { timing: &self.timing, limits: &self.limits, now: self.now };
                self.watch.unread(client_id, pid, &frame, rules);
                served.unread.push_back(frame);
                return;
            }
        }
        self.hand_over(client_id, pid, frame);
    }

    /// The transport takes a frame, and the server is told.
    pub(super) fn hand_over(&mut self, client_id: ClientId, pid: Pid, frame: Frame) {
        if let Some(served) = self.streams.get_mut(&pid) {
            let (client, stream) = (served.client, served.stream);
            let page = self.clients.get(client);
            let is_current = page.is_some_and(|page| page.epoch == served.epoch);
            if page.is_some_and(|page| !page.network.frames_arrive) {
                served.dead = true;
            }
            if !served.dead && is_current {
                let delay = self.way(client);
                self.frames_come(client, delay, receiver::Input::Frame { stream, frame });
            } else if is_current {
                self.record(client, || ClientEvent::FrameLost(frame));
            }
        }
        self.serve(|server, step, actions| server.taken(client_id, pid, 1, step, actions));
    }
}

/// Whether it tells that a client was kept from its clientId by another user's session or reservation.
fn keeps_out(action: &ServerAction) -> bool {
    let ServerAction::Note(Note::NotOpened { why, .. }) = action else { return false };
    matches!(why, NotOpened::Contested | NotOpened::Reserved | NotOpened::Aborted(AbortReason::ClientIdInUse))
}
