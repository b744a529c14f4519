//! What can happen in a situation, and what follows from it: the real machines, and a network between them.

use std::sync::Mutex;

use crsocket::protocol::action::{Message, Notice, Outcome, Post, RequestNo, StreamNo, Ticket};
use crsocket::protocol::event::{CrEvent, EventKind};
use crsocket::protocol::ids::{Assigned, ClientId, Credentials, Pid, User};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::Apps;
use crsocket::protocol::receiver::{self, StreamEnd};
use crsocket::protocol::sessions::{Opened, PidSequence, SendAnswer, ServerAction, ServerStep, SessionTable};
use crsocket::protocol::time::{Millis, Step, TimerKind};
use crsocket::protocol::wire::{EventData, EventSourceParams, Frame, MsgEvent, SendEvent};
use crsocket::protocol::wired::{Effect, Input, WiredSocket};
use crsocket::protocol::{send_line, socket};

use crate::mail::{Mail, Outbox, event_with, number_of, number_sent};
use crate::peace::Peace;
use crate::rules::{self, Rule, is_own};
use crate::setup::{Deed, GRAIN, Mutant, Setup};
use crate::shared::{Memo, Pool, Shared};
use crate::situation::{Item, Page, Situation, Stream, UnderWay, What};

/// Randomness without any: backoff without jitter, the shortest wait before an abort heals.
const CLIENT_RANDOM: u64 = 3_420_076;
/// The server's `retry:` is the shortest.
const SERVER_RANDOM: u64 = 0;

/// A setup, and what is kept of all its situations.
#[derive(Debug)]
pub struct Lab {
    pub setup: Setup,
    apps: Apps,
    limits: Limits,
    pages: Pool<Page>,
    servers: Pool<SessionTable>,
    page_steps: Memo<PageStep>,
    server_steps: Memo<Served>,
    older_pages: Memo<Shared<Page>>,
    older_servers: Memo<Shared<SessionTable>>,
    pub peace: Mutex<Peace>,
}

/// A client took an input.
#[derive(Debug)]
struct PageStep {
    page: Shared<Page>,
    effects: Vec<Effect>,
    broken: Option<Rule>,
}

/// What the server takes.
#[derive(Clone, Debug, Hash)]
enum ServerInput {
    Open { client: usize, credentials: Credentials, pid: Pid },
    Send { client: usize, post: Post },
    Gone { client_id: ClientId, pid: Pid },
    Sweep,
}

/// The server took an input.
#[derive(Debug)]
struct Served {
    server: Shared<SessionTable>,
    actions: Vec<ServerAction>,
    answer: ServerAnswer,
    broken: Option<Rule>,
}

#[derive(Clone, Debug)]
enum ServerAnswer {
    Opened(Opened),
    Sent(Outcome),
    Nothing,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// What is under way at this place arrives.
    Arrives(usize),
    /// The next item of this client's stream arrives.
    Comes(usize),
    Fires(usize, TimerKind),
    Sweep,
    /// Time passes.
    Pass(Millis),
    Does(usize, Deed),
    /// What is under way at this place is lost.
    Lost(usize),
    /// The request at this place finds no connection, and the client knows.
    NoConnection(usize),
    /// What is under way at this place will take its time.
    Late(usize),
    /// What comes on this client's stream will take its time.
    ComesLate(usize),
    /// This client's stream breaks, and both ends notice.
    Breaks(usize),
    /// Nothing comes through on this client's stream any more, and nobody is told.
    Dies(usize),
}

impl Lab {
    pub fn new(setup: Setup) -> Lab {
        setup.timing.check().unwrap();
        Lab {
            apps: setup.apps(),
            limits: setup.limits(),
            setup,
            pages: Pool::new(),
            servers: Pool::new(),
            page_steps: Memo::new(),
            server_steps: Memo::new(),
            older_pages: Memo::new(),
            older_servers: Memo::new(),
            peace: Mutex::new(Peace::default()),
        }
    }

    /// Everybody has just come, and has said who is wanted as a partner.
    pub fn start(&self) -> Situation {
        let mut start = Situation {
            pages: Vec::new(),
            server: self.servers.share(Setup::server()),
            streams: vec![None; self.setup.clients.len()],
            under_way: Vec::new(),
            mail: Mail::default(),
            budget: self.setup.budget,
            broken: None,
        };
        for (place, client) in self.setup.clients.iter().enumerate() {
            start.pages.push(self.pages.share(Page {
                machines: WiredSocket::new(client.role),
                timers: Default::default(),
                held: Default::default(),
                heard: None,
                outbox: Outbox::default(),
            }));
            for input in [
                socket::Input::ClientId(Assigned::Valid(client.id)),
                socket::Input::AccessToken(Assigned::Valid(client.token.clone())),
                socket::Input::Partner(client.partner.into()),
                socket::Input::Online(true),
                socket::Input::Visible(!client.is_thief),
            ] {
                self.feed(&mut start, place, &Input::Socket(input));
            }
        }
        start.sort();
        start
    }

    /// What happens without people and faults, the first of them in a fair run.
    pub fn by_itself(&self, now: &Situation, happenings: &mut Vec<Happening>) {
        happenings.extend((0..now.under_way.len()).map(Happening::Arrives));
        for (place, stream) in now.streams.iter().enumerate() {
            if stream.as_ref().is_some_and(|stream| !stream.items.is_empty()) {
                happenings.push(Happening::Comes(place));
            }
        }
        for (place, page) in now.pages.iter().enumerate() {
            let is_due = |timer: &TimerKind| page.timer(*timer).is_some_and(|due| due <= Millis::ZERO);
            let due = TimerKind::ALL.into_iter().filter(is_due);
            happenings.extend(due.map(|timer| Happening::Fires(place, timer)));
        }
        if now.server.next_due().is_some_and(|due| due <= Millis::ZERO) {
            happenings.push(Happening::Sweep);
        }
        if let Some(time) = now.quiet_for() {
            happenings.push(Happening::Pass(time.min(GRAIN)));
        }
    }

    /// What people do, and what goes wrong.
    pub fn by_budget(&self, now: &Situation, happenings: &mut Vec<Happening>) {
        let budget = now.budget;
        for (place, client) in self.setup.clients.iter().enumerate() {
            if client.is_thief && now.server.session(client.id).is_none_or(|session| is_own(client, session))
            {
                continue;
            }
            let changes = client.deeds.iter().filter(|deed| {
                let mut budget = budget;
                *budget.of_deed(deed) > 0 && would_change(&now.pages[place], deed)
            });
            happenings.extend(changes.map(|deed| Happening::Does(place, deed.clone())));
        }
        for (place, one) in now.under_way.iter().enumerate() {
            if budget.lost > 0 {
                happenings.push(Happening::Lost(place));
                if matches!(one.what, What::Open { wanted: true, .. } | What::Send { awaited: true, .. }) {
                    happenings.push(Happening::NoConnection(place));
                }
            }
            if budget.late > 0 && !one.late {
                happenings.push(Happening::Late(place));
            }
        }
        for (place, stream) in now.streams.iter().enumerate() {
            let Some(stream) = stream else { continue };
            if budget.late > 0 && !stream.late && !stream.items.is_empty() {
                happenings.push(Happening::ComesLate(place));
            }
            if budget.cut > 0 && !stream.dead {
                happenings.extend([Happening::Breaks(place), Happening::Dies(place)]);
            }
        }
    }

    /// What a happening leads to.
    pub fn after(&self, before: &Situation, happening: &Happening) -> Situation {
        let mut now = before.clone();
        match happening {
            Happening::Arrives(place) => {
                let one = now.under_way.remove(*place);
                self.arrives(&mut now, one);
            }
            Happening::Comes(client) => self.comes(&mut now, *client),
            Happening::Fires(client, timer) => {
                self.feed(&mut now, *client, &Input::Timer(*timer));
            }
            Happening::Sweep => {
                self.serve(&mut now, None, &ServerInput::Sweep);
            }
            Happening::Pass(time) => self.pass(&mut now, *time),
            Happening::Does(client, deed) => {
                *now.budget.of_deed(deed) -= 1;
                let input = input_of(deed, &now.pages[*client]);
                self.feed(&mut now, *client, &Input::Socket(input));
            }
            Happening::Lost(place) => {
                now.budget.lost -= 1;
                now.under_way.remove(*place);
            }
            Happening::NoConnection(place) => {
                now.budget.lost -= 1;
                let one = now.under_way.remove(*place);
                self.no_connection(&mut now, &one);
            }
            Happening::Late(place) => {
                now.budget.late -= 1;
                now.under_way[*place].late = true;
            }
            Happening::ComesLate(client) => {
                now.budget.late -= 1;
                now.streams[*client].iter_mut().for_each(|stream| stream.late = true);
            }
            Happening::Breaks(client) => {
                now.budget.cut -= 1;
                self.breaks(&mut now, *client);
            }
            Happening::Dies(client) => {
                now.budget.cut -= 1;
                if let Some(stream) = &mut now.streams[*client] {
                    stream.dead = true;
                    stream.items.clear();
                }
            }
        }
        now.sort();
        self.forget_mail(&mut now);
        now
    }

    /// Of what left no trace nothing can come any more: clients count their crEvents anew then.
    fn forget_mail(&self, now: &mut Situation) {
        for (place, client) in self.setup.clients.iter().enumerate() {
            let page = &now.pages[place];
            if page.outbox.sent == 0 || now.has_mail_of(place, &client.ids()) {
                continue;
            }
            let page = Page { outbox: Outbox::default(), ..Page::clone(page) };
            now.pages[place] = self.pages.share(page);
            now.mail.forget(&client.ids());
        }
    }

    fn pass(&self, now: &mut Situation, time: Millis) {
        for page in &mut now.pages {
            *page = Shared::clone(&self.older_pages.of(page, &time, || self.older(page, time)));
        }
        let server = now.server.clone();
        let older = || self.servers.share(server.aged(&self.server_step(time)));
        now.server = Shared::clone(&self.older_servers.of(&now.server, &time, older));
    }

    fn older(&self, page: &Page, time: Millis) -> Shared<Page> {
        let mut older = page.clone();
        older.machines = older.machines.aged(&self.step(time));
        for due in older.timers.iter_mut().flatten() {
            *due = *due - time;
        }
        let limit = self.setup.timing.partner_active_max_event_in_dt;
        let heard = older.heard.map(|(from, at)| (from, at - time));
        older.heard = heard.filter(|(_, at)| Millis::ZERO - *at < limit);
        self.pages.share(older)
    }

    /// A client takes an input, and what it asks for is done.
    fn feed(&self, now: &mut Situation, client: usize, input: &Input) {
        let before = now.pages[client].clone();
        let step = self.page_steps.of(&before, input, || self.page_step(&before, input));
        let broken = rules::check_streams(&step.effects, now, client)
            .or_else(|| rules::check_turns(&step.effects, input, now, client))
            .or(step.broken);
        now.broken = now.broken.or(broken);
        now.pages[client] = step.page.clone();
        for effect in &step.effects {
            if let Effect::Notify(Notice::CrEvent(event)) = effect {
                self.hears(now, client, event);
            }
            perform(now, client, effect);
        }
        if step.page.timer(TimerKind::Answer).is_none() {
            stop_awaiting(now, client);
        }
    }

    /// An enclosing client gets a crEvent, on the stream that its crSocket still has.
    fn hears(&self, now: &mut Situation, client: usize, event: &CrEvent) {
        let Some(stream) = &now.streams[client] else { return };
        if !now.mail.heard(event, stream.client_id) {
            now.broken = now.broken.or(Some(Rule::OrderOfDelivery));
        }
    }

    fn page_step(&self, before: &Page, input: &Input) -> PageStep {
        let mut page = before.clone();
        let mut effects = Vec::new();
        let stranger = self.stranger_heard(&page, input);
        if let Input::Timer(timer) = input {
            page.timers[*timer as usize] = None;
        }
        if let Input::Socket(socket::Input::Send { .. }) = input {
            page.outbox.sent += 1;
        }
        page.machines.handle(input.clone(), &self.step(Millis::ZERO), None, &mut effects);
        effects.extend(stranger.map(|event| Effect::Notify(Notice::CrEvent(event))));
        for effect in &effects {
            match effect {
                Effect::SetTimer { timer, after } => page.timers[*timer as usize] = Some(*after),
                Effect::CancelTimer(timer) if self.setup.mutant != Some(Mutant::TimersNotCancelled) => {
                    page.timers[*timer as usize] = None;
                }
                Effect::Open { .. }
                | Effect::Drop { .. }
                | Effect::Send { .. }
                | Effect::RequestClientId
                | Effect::CancelTimer(_)
                | Effect::Notify(_) => {}
            }
        }
        let broken = rules::check_step(before, &mut page, &effects);
        page.machines = page.machines.aged(&self.step(Millis::ZERO));
        PageStep { page: self.pages.share(page), effects, broken }
    }

    /// What a mutant tells the enclosing client, beside what is true.
    fn stranger_heard(&self, page: &Page, input: &Input) -> Option<CrEvent> {
        let Input::Receiver(receiver::Input::Frame { frame: Frame::CrEvent(data), .. }) = input else {
            return None;
        };
        let event = CrEvent::from_event_data(data);
        let is_stranger = event.sender != page.machines.socket.partner();
        (self.setup.mutant == Some(Mutant::StrangersHeard) && is_stranger).then_some(event)
    }

    /// Something arrives at the server, or an answer at its client.
    fn arrives(&self, now: &mut Situation, one: UnderWay) {
        let UnderWay { client, what, .. } = one;
        match what {
            What::Answer(outcome) => self.answered(now, client, outcome),
            What::Gone { client_id, pid } => {
                self.serve(now, None, &ServerInput::Gone { client_id, pid });
            }
            What::Send { awaited, post } => {
                if self.setup.mutant == Some(Mutant::RequestsTwice) && number_sent(&post).is_some() {
                    self.serve(now, None, &ServerInput::Send { client, post: post.clone() });
                }
                let answer = self.serve(now, None, &ServerInput::Send { client, post });
                if let (ServerAnswer::Sent(outcome), true) = (answer, awaited) {
                    now.send(client, What::Answer(outcome));
                }
            }
            What::Open { wanted, credentials } => self.server_opens(now, client, wanted, credentials),
        }
    }

    fn server_opens(&self, now: &mut Situation, client: usize, wanted: bool, credentials: Credentials) {
        let client_id = credentials.client_id;
        let pid = now.free_pid(client);
        let opening = wanted.then_some((client, client_id, pid));
        let answer = self.serve(now, opening, &ServerInput::Open { client, credentials, pid });
        let ServerAnswer::Opened(opened) = answer else { return };
        let ended = Item::Ended(StreamEnd::Broken);
        let refused = match opened {
            Opened::Stream { retry, .. } if wanted => {
                if let Some(stream) = &mut now.streams[client] {
                    stream.items.push_front(Item::Retry(retry));
                }
                return;
            }
            Opened::Stream { pid, .. } => {
                now.send(client, What::Gone { client_id, pid });
                return;
            }
            Opened::Aborted { pid, reason } => {
                vec![Item::Frame(Frame::Aborted { pid, reason, releaser: None }), ended]
            }
            Opened::Retry { retry } => vec![Item::Retry(retry), ended],
            Opened::UnknownApp => vec![Item::Ended(StreamEnd::Status(404))],
        };
        if wanted {
            now.streams[client] = Some(Stream { items: refused.into(), ..Stream::new(None, client_id) });
        }
    }

    /// The server takes an input, and what it asks for is done. A stream that it opens is this client's.
    fn serve(
        &self,
        now: &mut Situation,
        opening: Option<(usize, ClientId, Pid)>,
        input: &ServerInput,
    ) -> ServerAnswer {
        let before = now.server.clone();
        let served = self.server_steps.of(&before, input, || self.server_takes(&before, input));
        let mut in_order = match (input, &served.answer) {
            (ServerInput::Send { post, .. }, ServerAnswer::Sent(Outcome::Understood)) => {
                now.mail.accepted(post)
            }
            _ => true,
        };
        for action in &served.actions {
            match action {
                ServerAction::Write { client_id, pid, frame, .. } => {
                    if let Frame::CrEvent(data) = frame {
                        in_order &= now.mail.written(&CrEvent::from_event_data(data), *client_id);
                    }
                    if let Some((client, client_id, _)) = opening.filter(|(_, _, opened)| opened == pid) {
                        now.streams[client].get_or_insert_with(|| Stream::new(Some(*pid), client_id));
                    }
                    self.write(now, *pid, frame);
                }
                ServerAction::End { pid, .. } | ServerAction::Cut { pid, .. } => {
                    for stream in streams_of(now, *pid) {
                        stream.pid = None;
                        if !stream.dead {
                            stream.items.push_back(Item::Ended(StreamEnd::Broken));
                        }
                    }
                }
                ServerAction::Note(_) => {}
            }
        }
        now.broken = now.broken.or(served.broken).or((!in_order).then_some(Rule::OrderOfDelivery));
        now.server = served.server.clone();
        served.answer.clone()
    }

    fn server_takes(&self, before: &SessionTable, input: &ServerInput) -> Served {
        let step = self.server_step(Millis::ZERO);
        let mut server = before.clone();
        let mut actions = Vec::new();
        let answer = self.tell_server(&mut server, input, &step, &mut actions);
        let mut broken = None;
        let mut done = 0;
        while let Some(action) = actions.get(done).cloned() {
            done += 1;
            if let ServerAction::Write { client_id, pid, frame, .. } = action {
                broken = broken.or(rules::check_delivery(&self.setup, &server, client_id, pid, &frame));
                // Every transport takes what is written at once.
                server.taken(client_id, pid, 1, &step, &mut actions);
            }
        }
        let broken = broken
            .or_else(|| self.check_speaker(before, &server, input, &answer))
            .or_else(|| rules::check_server(&self.setup, &server));
        let server = server.with_pids(Setup::unused_pids()).aged(&step);
        Served { server: self.servers.share(server), actions, answer, broken }
    }

    /// Whether who sent this was told that it may speak for a clientId whose session is another's.
    fn check_speaker(
        &self,
        before: &SessionTable,
        after: &SessionTable,
        input: &ServerInput,
        answer: &ServerAnswer,
    ) -> Option<Rule> {
        let (ServerInput::Send { client, post }, ServerAnswer::Sent(Outcome::Understood)) = (input, answer)
        else {
            return None;
        };
        let client_id = post.credentials.client_id;
        let session = before.session(client_id)?;
        // It may have ended just now, because its time had come.
        let may_have_ended = before.next_due().is_some_and(|due| due <= Millis::ZERO);
        let lived_on = after.session(client_id).is_some_and(|after| after.pid() == session.pid());
        let is_own = is_own(&self.setup.clients[*client], session)
            && *session.user() == User::Token(post.credentials.access_token.clone());
        (!is_own && (lived_on || !may_have_ended)).then_some(Rule::NoImpersonation)
    }

    fn tell_server(
        &self,
        server: &mut SessionTable,
        input: &ServerInput,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> ServerAnswer {
        match input {
            ServerInput::Open { client, credentials, pid } => {
                let client = &self.setup.clients[*client];
                let params = EventSourceParams {
                    client_id: Some(credentials.client_id.to_string().into()),
                    client_role: Some(client.role.as_str().into()),
                    access_token: Some(credentials.access_token.as_str().into()),
                };
                *server = server.clone().with_pids(PidSequence::starting_with(*pid));
                ServerAnswer::Opened(server.open(&client.app, &params, step, actions))
            }
            ServerInput::Send { client, post } => {
                let mut post = post.clone();
                let client = &self.setup.clients[*client];
                let owner = self.setup.owner(post.credentials.client_id);
                if let (Some(Mutant::AnySpeaker), Some(owner)) = (self.setup.mutant, owner) {
                    post.credentials.access_token = owner.token.clone();
                }
                if self.setup.mutant == Some(Mutant::UnassignForgotten) && is_unassign(&post) {
                    return ServerAnswer::Sent(Outcome::Understood);
                }
                let send = SendEvent {
                    client_id: post.credentials.client_id,
                    role: client.role,
                    access_token: post.credentials.access_token.clone(),
                    recipient: post.recipient,
                    event: on_the_wire(&post),
                };
                ServerAnswer::Sent(outcome_of(&server.send(&client.app, send, step, actions)))
            }
            ServerInput::Gone { client_id, pid } => {
                server.broken(*client_id, *pid, step, actions);
                ServerAnswer::Nothing
            }
            ServerInput::Sweep => {
                server.sweep(step, actions);
                ServerAnswer::Nothing
            }
        }
    }

    fn write(&self, now: &mut Situation, pid: Pid, frame: &Frame) {
        let is_reject = matches!(frame, Frame::CrEvent(data)
            if CrEvent::from_event_data(data).kind() == EventKind::Reject);
        if is_reject
            && self.setup.mutant == Some(Mutant::RejectsMisrouted)
            && let Some(Some(stream)) = now.streams.first_mut()
        {
            stream.items.push_back(Item::Frame(frame.clone()));
            return;
        }
        let is_numbered = matches!(frame, Frame::CrEvent(data)
            if number_of(&CrEvent::from_event_data(data)).is_some());
        let is_doubled = is_numbered && self.setup.mutant == Some(Mutant::EventsTwice);
        let times = if is_doubled { 2 } else { 1 };
        for stream in streams_of(now, pid).filter(|stream| !stream.dead) {
            stream.items.extend(std::iter::repeat_n(Item::Frame(frame.clone()), times));
        }
    }

    fn comes(&self, now: &mut Situation, client: usize) {
        let Some(stream) = &mut now.streams[client] else { return };
        stream.late = false;
        let Some(item) = stream.items.pop_front() else { return };
        let number = StreamNo(0);
        let input = match item {
            Item::Retry(after) => receiver::Input::Retry { stream: number, after },
            Item::Frame(frame) => receiver::Input::Frame { stream: number, frame },
            Item::Ended(how) => {
                now.streams[client] = None;
                receiver::Input::Ended { stream: number, how }
            }
        };
        self.feed(now, client, &Input::Receiver(input));
    }

    fn breaks(&self, now: &mut Situation, client: usize) {
        if let Some(Stream { pid: Some(pid), client_id, .. }) = now.streams[client].take() {
            now.send(client, What::Gone { client_id, pid });
        }
        let ended = receiver::Input::Ended { stream: StreamNo(0), how: StreamEnd::Broken };
        self.feed(now, client, &Input::Receiver(ended));
    }

    fn no_connection(&self, now: &mut Situation, one: &UnderWay) {
        match one.what {
            What::Open { .. } => {
                let ended = receiver::Input::Ended { stream: StreamNo(0), how: StreamEnd::NoConnection };
                self.feed(now, one.client, &Input::Receiver(ended));
            }
            What::Send { .. } => self.answered(now, one.client, Outcome::NoConnection),
            What::Answer(_) | What::Gone { .. } => {}
        }
    }

    fn answered(&self, now: &mut Situation, client: usize, outcome: Outcome) {
        let answer = send_line::Input::Answer { number: RequestNo(0), outcome };
        self.feed(now, client, &Input::SendLine(answer));
    }

    fn step(&self, now: Millis) -> Step<'_> {
        Step { now, random: CLIENT_RANDOM, timing: &self.setup.timing }
    }

    fn server_step(&self, now: Millis) -> ServerStep<'_> {
        let (timing, limits, apps) = (&self.setup.timing, &self.limits, &self.apps);
        ServerStep { now, random: SERVER_RANDOM, timing, limits, apps }
    }

    /// What would be kept in memory all the same.
    pub fn kinds(&self) -> (usize, usize) {
        (self.pages.len(), self.servers.len())
    }

    /// Whether this rule held on the way here.
    pub fn held(&self, situation: &Situation, rule: Rule) -> bool {
        situation.broken != Some(rule)
    }
}

/// Does what a client asks for.
fn perform(now: &mut Situation, client: usize, effect: &Effect) {
    match effect {
        Effect::Open { credentials, .. } => {
            now.send(client, What::Open { wanted: true, credentials: credentials.clone() });
        }
        Effect::Drop { .. } => {
            for one in now.under_way.iter_mut().filter(|one| one.client == client) {
                if let What::Open { wanted, .. } = &mut one.what {
                    *wanted = false;
                }
            }
            if let Some(Stream { pid: Some(pid), client_id, dead: false, .. }) = now.streams[client].take() {
                now.send(client, What::Gone { client_id, pid });
            }
        }
        Effect::Send { post, .. } => {
            stop_awaiting(now, client);
            let post = Post { request: None, ..post.clone() };
            now.send(client, What::Send { awaited: true, post });
        }
        Effect::RequestClientId | Effect::SetTimer { .. } | Effect::CancelTimer(_) | Effect::Notify(_) => {}
    }
}

/// The client waits for no answer any more: those that are under way mean nothing to it.
fn stop_awaiting(now: &mut Situation, client: usize) {
    now.under_way.retain_mut(|one| {
        if one.client != client {
            return true;
        }
        match &mut one.what {
            What::Send { awaited, .. } => *awaited = false,
            What::Answer(_) => return false,
            What::Open { .. } | What::Gone { .. } => {}
        }
        true
    });
}

fn streams_of(now: &mut Situation, pid: Pid) -> impl Iterator<Item = &mut Stream> {
    now.streams.iter_mut().flatten().filter(move |stream| stream.pid == Some(pid))
}

fn would_change(page: &Shared<Page>, deed: &Deed) -> bool {
    let client = page.machines.socket.client();
    match deed {
        Deed::Visible(visible) => client.visible != *visible,
        Deed::Online(online) => client.online != *online,
        Deed::Paused(paused) => client.paused != *paused,
        Deed::Partner(partner) => {
            page.machines.socket.partner() != *partner || page.machines.sender.facts().rejection.is_some()
        }
        Deed::Id(id) => client.client_id.valid() != Some(id),
        Deed::Token(token) => client.access_token.valid() != Some(token),
        Deed::Says { .. } => page.machines.sender.state().is_ready(),
    }
}

fn input_of(deed: &Deed, page: &Page) -> socket::Input {
    match deed.clone() {
        Deed::Visible(visible) => socket::Input::Visible(visible),
        Deed::Online(online) => socket::Input::Online(online),
        Deed::Paused(paused) => socket::Input::Paused(paused),
        Deed::Partner(partner) => socket::Input::Partner(partner.into()),
        Deed::Id(id) => socket::Input::ClientId(Assigned::Valid(id)),
        Deed::Token(token) => socket::Input::AccessToken(Assigned::Valid(token)),
        Deed::Says { buffered } => {
            let number = page.outbox.sent;
            socket::Input::Send { ticket: Ticket(number.into()), event: event_with(number, buffered) }
        }
    }
}

fn is_unassign(post: &Post) -> bool {
    matches!(&post.message, Message::CrEvent(event) if event.kind() == EventKind::Unassign)
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
        status => Outcome::Refused { status, detail: "".into() },
    }
}
