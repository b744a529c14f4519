//! What the server takes and asks for.

use super::{Happening, Served, World};
use crate::check::watch::Recipient;
use crate::protocol::action::{Message, Outcome, Post, RequestNo, StreamNo};
use crate::protocol::ids::{ClientId, Credentials, Pid};
use crate::protocol::receiver::{self, StreamEnd};
use crate::protocol::sessions::{Opened, SendAnswer, ServerAction, ServerStep, SessionTable};
use crate::protocol::time::Millis;
use crate::protocol::wire::{EventData, EventSourceParams, Frame, MsgEvent, SendEvent};
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
        match self.open_stream(client, credentials, &mut actions) {
            Opened::Stream { pid, retry, .. } => {
                let served =
                    Served { client, epoch, stream, client_id, dead: false, unread: Default::default() };
                self.streams.insert(pid, served);
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
        let params = EventSourceParams {
            client_id: Some(credentials.client_id.to_string().into()),
            client_role: Some(page.machines.role().as_str().into()),
            access_token: Some(credentials.access_token.as_str().into()),
        };
        let mut opened = Opened::UnknownApp;
        self.step_server(actions, |server, step, actions| {
            opened = server.open(&app, &params, step, actions);
        });
        opened
    }

    /// Something comes on a client's stream, behind what is under way already.
    fn frames_come(&mut self, client: usize, delay: Millis, input: receiver::Input) {
        if !self.client(client).network.frames_arrive {
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
        let sender = self.client(client);
        let (app, role) = (sender.app.clone(), sender.machines.role());
        let (answers, lost) = (sender.network.answers_arrive, sender.network.answers_lost);
        let send = SendEvent {
            client_id: post.credentials.client_id,
            role,
            access_token: post.credentials.access_token.clone(),
            recipient: post.recipient,
            event: on_the_wire(post),
        };
        let owner = self.server.session(send.client_id).map(|session| session.user().clone());
        let mut answer = SendAnswer::Stopping;
        let mut actions = self.spare_actions.pop().unwrap_or_default();
        self.step_server(&mut actions, |server, step, actions| {
            answer = server.send(&app, send, step, actions);
        });
        if answer.status() == 204 {
            let owner = owner.as_ref().filter(|_| self.limits.bind_client_ids);
            self.watch.accepted(client, &app, role, post, owner, self.now);
        }
        self.perform_server(actions);
        if answers && !(lost > 0 && self.random.chance(lost)) {
            self.answer(client, epoch, delay, number, outcome_of(&answer));
        }
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
        let step = ServerStep {
            now: self.now,
            random: self.random.next(),
            timing: &self.timing,
            limits: &self.limits,
            apps: &self.apps,
        };
        input(&mut self.server, &step, actions);
        self.watch.server(&self.server, &self.limits, self.now);
    }

    fn perform_server(&mut self, mut actions: Vec<ServerAction>) {
        for action in actions.drain(..) {
            if self.recording {
                self.server_log.push((self.now, action.clone()));
            }
            match action {
                ServerAction::Write { client_id, pid, frame } => self.write(client_id, pid, frame),
                ServerAction::End { pid, .. } | ServerAction::Cut { pid, .. } => self.end_stream(pid),
                ServerAction::Note(_) => {}
            }
        }
        self.spare_actions.push(actions);
        self.schedule_sweep();
    }

    fn end_stream(&mut self, pid: Pid) {
        let Some(served) = self.streams.remove(&pid) else { return };
        // What was not read comes first, if it comes at all.
        for frame in served.unread {
            let delay = self.way(served.client);
            let frame = receiver::Input::Frame { stream: served.stream, frame };
            self.frames_come(served.client, delay, frame);
        }
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

    pub(super) fn write(&mut self, client_id: ClientId, pid: Pid, frame: Frame) {
        if let Some(served) = self.streams.get_mut(&pid) {
            let (client, stream) = (served.client, served.stream);
            let is_current = self.clients.get(client).is_some_and(|page| page.epoch == served.epoch);
            let network = self.clients.get(client).map(|page| &page.network);
            if network.is_some_and(|network| !network.reads) {
                served.unread.push_back(frame);
                return;
            }
            if network.is_some_and(|network| !network.frames_arrive) {
                served.dead = true;
            }
            if !served.dead && is_current {
                self.watch_written(client, client_id, pid, &frame);
                let delay = self.way(client);
                self.frames_come(client, delay, receiver::Input::Frame { stream, frame });
            }
        }
        self.serve(|server, step, actions| server.taken(client_id, pid, 1, step, actions));
    }

    fn watch_written(&mut self, client: usize, client_id: ClientId, pid: Pid, frame: &Frame) {
        let session = self.server.session(client_id).filter(|session| session.pid() == pid);
        let policies = session.and_then(|session| self.apps.get(session.app()));
        if let (Some(session), Some(policies)) = (session, policies) {
            let (app, role, user) = (session.app(), session.role(), session.user());
            let recipient = Recipient { client_id, app, role, user, pairing: policies.pairing };
            self.watch.written(client, pid, recipient, frame, self.now);
        }
    }
}

/// What the server reads of a sendevent.
fn on_the_wire(post: &Post) -> MsgEvent {
    match &post.message {
        Message::Alive(pid) => MsgEvent::Alive(Some(*pid)),
        Message::Close(pid) => MsgEvent::Close(Some(*pid)),
        Message::CrEvent(event) => {
            let id = post.credentials.client_id;
            EventData::accept(&event.to_event_data(id), id).map_or(MsgEvent::Other, MsgEvent::CrEvent)
        }
    }
}

fn outcome_of(answer: &SendAnswer) -> Outcome {
    match answer.status() {
        204 => Outcome::Understood,
        status => Outcome::Refused { status, detail: format!("{answer:?}").into() },
    }
}
