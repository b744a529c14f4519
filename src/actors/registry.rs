//! The Registry: the one actor that holds the server's session table and routes crEvents by clientId.
//!
//! A handler has three beats: message to input, table, perform the actions.

mod heartbeats;
mod inspect;
mod local;
mod logs;
mod reports;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use actix::{Actor, Addr, AsyncContext, Context, Handler, MessageResult, SpawnHandle};
use tokio::sync::oneshot;

use self::heartbeats::Heartbeats;
use self::local::{LocalWriter, Ports};
use self::logs::Logs;
use self::reports::Reports;
use super::clock::{Clock, duration, unix_seconds, until};
use super::feed::Feed;
use super::inspection::Seen;
use super::messages::{
    ClientIdsReserved, GetLoad, GiveClientId, Load, OpenAnswer, OpenStream, ReportsWait, Send, SetApps, Stop,
};
use super::output::{Report, Reported, StreamWriter, stream};
use crate::metrics::{Counter, Counters, MsgKind};
use crate::protocol::client_id::ClientIdSequence;
use crate::protocol::ids::{AppId, ClientId, Pid};
use crate::protocol::limits::Limits;
use crate::protocol::policy::Apps;
use crate::protocol::sessions::{
    NoClientIdNow, Note, Opened, PidSequence, SendAnswer, ServerAction, ServerStep, SessionTable,
};
use crate::protocol::time::{Millis, Timing};
use crate::protocol::wire::{Frame, SendEvent, write_retry};

/// How many messages wait in the mailbox before whoever asks waits outside.
const MAILBOX: usize = 1_024;

/// When a timer counts as overdue, in milliseconds: a mailbox that is fed faster than it drains keeps timers from coming.
const OVERDUE: Millis = Millis(100);

/// What a Registry is started with.
#[derive(Debug)]
pub struct RegistrySettings {
    /// The apps and their policies.
    pub apps: Arc<Apps>,
    /// The timings of the rules.
    pub timing: Timing,
    /// The bounds of the rules.
    pub limits: Limits,
    /// The sequence of clientIds.
    pub client_ids: ClientIdSequence,
    /// The pids of this run.
    pub pids: PidSequence,
    /// Where everything is counted.
    pub counters: Arc<Counters>,
    /// Who watches what happens.
    pub feed: Arc<Feed>,
    /// Told when the Registry has died, whatever killed it.
    pub died: Option<oneshot::Sender<()>>,
}

impl RegistrySettings {
    /// The defaults, with these apps and clientIds; pids begin at the present second (section 3).
    pub fn new(apps: Apps, client_ids: ClientIdSequence) -> RegistrySettings {
        RegistrySettings {
            apps: Arc::new(apps),
            timing: Timing::default(),
            limits: Limits::default(),
            client_ids,
            pids: PidSequence::starting_at(unix_seconds()),
            counters: Arc::default(),
            feed: Arc::default(),
            died: None,
        }
    }
}

/// The server's session table, and the outputs of its streams.
#[derive(Debug)]
pub struct Registry {
    table: SessionTable,
    apps: Arc<Apps>,
    timing: Timing,
    limits: Limits,
    streams: HashMap<Pid, Stream>,
    /// How many of them are local.
    local_streams: usize,
    ports: Ports,
    heartbeats: Heartbeats,
    reports: Arc<Reports>,
    clock: Clock,
    /// When the handling of this message began: the clock is read once for each.
    now: Millis,
    /// The same, finer.
    began: Instant,
    random: fastrand::Rng,
    /// The timer that is armed, and when it is due.
    armed: Option<(Millis, SpawnHandle)>,
    counters: Arc<Counters>,
    feed: Arc<Feed>,
    logs: Logs,
    /// Empty between steps; kept for its memory.
    actions: Vec<ServerAction>,
    _obituary: Obituary,
}

/// A stream as its shell sees it.
#[derive(Debug)]
struct Stream {
    writer: Writer,
    /// Of its session.
    app: AppId,
    /// When something was last written.
    last_written: Millis,
    /// The longest time without anything written.
    heartbeat: Millis,
    /// What is told to whoever inspects it.
    seen: Seen,
}

/// Where what is written to a stream goes.
#[derive(Debug)]
enum Writer {
    /// To a response.
    Response(StreamWriter),
    /// To a crSocket of this process.
    Local(LocalWriter),
}

/// Tells that the Registry has died; dropped with it, also when it panics.
#[derive(Debug)]
struct Obituary(Option<oneshot::Sender<()>>);

impl Drop for Obituary {
    fn drop(&mut self) {
        if let Some(died) = self.0.take() {
            // Nobody may be listening any more.
            let _ = died.send(());
        }
    }
}

impl Registry {
    /// Starts it on this thread.
    pub fn start(settings: RegistrySettings) -> Addr<Registry> {
        Registry::create(|context| {
            context.set_mailbox_capacity(MAILBOX);
            Registry {
                table: SessionTable::new(settings.pids, settings.client_ids),
                apps: settings.apps,
                timing: settings.timing,
                limits: settings.limits,
                streams: HashMap::new(),
                local_streams: 0,
                ports: Ports::default(),
                heartbeats: Heartbeats::default(),
                reports: Arc::new(Reports::new(
                    context.address().recipient(),
                    Arc::clone(&settings.counters),
                )),
                clock: Clock::default(),
                now: Millis::ZERO,
                began: Instant::now(),
                random: fastrand::Rng::new(),
                armed: None,
                counters: settings.counters,
                feed: settings.feed,
                logs: Logs::default(),
                actions: Vec::new(),
                _obituary: Obituary(settings.died),
            }
        })
    }

    /// One step of the table, then what it asks for. An overdue timer and reports come first.
    fn step<R>(
        &mut self,
        context: &mut Context<Registry>,
        input: impl FnOnce(&mut SessionTable, &ServerStep<'_>, &mut Vec<ServerAction>) -> R,
    ) -> R {
        self.catch_up(context);
        let result = self.step_quietly(input);
        self.finish(context);
        result
    }

    /// One step of the table; what it asks for waits in `actions`.
    fn step_quietly<R>(
        &mut self,
        input: impl FnOnce(&mut SessionTable, &ServerStep<'_>, &mut Vec<ServerAction>) -> R,
    ) -> R {
        self.hear_reports();
        self.apply(input)
    }

    /// Gives the table an input.
    fn apply<R>(
        &mut self,
        input: impl FnOnce(&mut SessionTable, &ServerStep<'_>, &mut Vec<ServerAction>) -> R,
    ) -> R {
        let step = ServerStep {
            now: self.now,
            random: self.random.u64(..),
            timing: &self.timing,
            limits: &self.limits,
            apps: &self.apps,
        };
        input(&mut self.table, &step, &mut self.actions)
    }

    /// Tells the table what the transports took, and which streams are gone.
    fn hear_reports(&mut self) {
        for report in self.reports.take() {
            self.hear(report);
        }
    }

    fn hear(&mut self, report: Report) {
        let Report { client_id, pid, what } = report;
        match what {
            Reported::Taken(frames) => {
                self.apply(|table, step, actions| table.taken(client_id, pid, frames, step, actions));
            }
            Reported::Finished => {
                self.forget_stream(pid);
            }
            Reported::Broken => {
                self.forget_stream(pid);
                self.apply(|table, step, actions| table.broken(client_id, pid, step, actions));
            }
        }
    }

    /// The end of a message: all that was asked for is done and on its way.
    fn finish(&mut self, context: &mut Context<Registry>) {
        self.perform();
        self.ports.send_off();
        self.arm(context);
    }

    /// Performs what the table asked for, in order.
    fn perform(&mut self) {
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            match action {
                ServerAction::Write { pid, frame, waited, .. } => self.write(pid, frame, waited),
                ServerAction::End { pid, .. } => self.end(pid),
                ServerAction::Cut { pid, .. } => self.cut(pid),
                ServerAction::Note(note) => self.note(&note),
            }
        }
        self.actions = actions;
    }

    fn write(&mut self, pid: Pid, frame: Frame, waited: Millis) {
        let Some(stream) = self.streams.get_mut(&pid) else { return };
        let is_event = matches!(frame, Frame::CrEvent(_));
        let accepted = || is_event.then(|| self.began.checked_sub(duration(waited))).flatten();
        match &stream.writer {
            Writer::Response(writer) => {
                let bytes = writer.write(&frame, accepted());
                stream.last_written = self.now;
                stream.seen.note_written(&frame, bytes, self.now);
            }
            Writer::Local(writer) => {
                if let Some(accepted) = accepted() {
                    self.counters.latency().record(accepted.elapsed());
                }
                stream.seen.note_written(&frame, frame.encoded_len(), self.now);
                self.ports.write(*writer, frame);
            }
        }
    }

    /// The table's answer to a `sendevent`. Who pings whom, and who says goodbye to whom, is remembered for whoever inspects it.
    fn send(&mut self, app: &AppId, event: SendEvent) -> SendAnswer {
        let (kind, remembered) = (MsgKind::of(&event.event), inspect::remembered(&event));
        let answer = self.step_quietly(|table, step, actions| table.send(app, event, step, actions));
        self.counters.answer(kind, &answer);
        if let Some((from, to, is_goodbye)) = remembered
            && matches!(answer, SendAnswer::Accepted(_))
            && let Some(session) = self.table.session(from)
            && let Some(stream) = self.streams.get_mut(&session.pid())
        {
            let Seen { last_pinged, last_goodbye, .. } = &mut stream.seen;
            *(if is_goodbye { last_goodbye } else { last_pinged }) = Some((to, self.now));
        }
        answer
    }

    fn end(&mut self, pid: Pid) {
        match self.streams.get(&pid).map(|stream| &stream.writer) {
            Some(Writer::Response(writer)) => writer.end(),
            Some(Writer::Local(writer)) => self.ports.end(*writer),
            None => {}
        }
    }

    fn forget_stream(&mut self, pid: Pid) -> Option<Stream> {
        let gone = self.streams.remove(&pid)?;
        if gone.is_local() {
            self.local_streams -= 1;
        }
        Some(gone)
    }

    fn cut(&mut self, pid: Pid) {
        let Some(stream) = self.forget_stream(pid) else { return };
        match stream.writer {
            Writer::Response(writer) => writer.cut(),
            Writer::Local(writer) => self.ports.end(writer),
        }
        self.counters.count(Counter::StreamsCut);
    }

    fn note(&mut self, note: &Note) {
        self.counters.note(note);
        self.feed.tell_note(note, |pid| self.streams.get(&pid).map(|stream| stream.app.clone()));
        self.logs.note(note, self.now);
    }

    /// Sees to it that the timer comes when something is next due.
    fn arm(&mut self, context: &mut Context<Registry>) {
        let due = self.table.next_due().into_iter().chain(self.heartbeats.next_due()).min();
        let Some(due) = due else { return };
        if let Some((armed, handle)) = self.armed {
            if armed <= due {
                return;
            }
            context.cancel_future(handle);
        }
        let handle = context.run_later(until(due, self.now), Registry::timer);
        self.armed = Some((due, handle));
    }

    /// Does what the timer should have done long ago, before anything else: whatever is handled first after a sleep must
    /// see the time without it, and a flood must not put off what is due.
    fn catch_up(&mut self, context: &mut Context<Registry>) {
        self.now = self.clock.now();
        self.began = Instant::now();
        if self.armed.is_some_and(|(due, _)| due + OVERDUE < self.now) {
            self.timer(context);
        }
    }

    /// Something may be due.
    fn timer(&mut self, context: &mut Context<Registry>) {
        let Some((due, handle)) = self.armed.take() else { return };
        context.cancel_future(handle);
        if let Some(slept) = self.clock.leave_out_sleep(due) {
            log::warn!("the process stood still for about {slept}; sessions are given that time as well");
        }
        self.step(context, SessionTable::sweep);
        self.beat();
        self.arm(context);
    }

    /// Writes comments to the streams that have been quiet for long enough.
    fn beat(&mut self) {
        let now = self.now;
        while let Some(pid) = self.heartbeats.pop_due(now) {
            let Some(stream) = self.streams.get_mut(&pid) else { continue };
            // A crSocket of this process needs none.
            let Writer::Response(writer) = &stream.writer else { continue };
            if stream.last_written + stream.heartbeat <= now {
                if writer.write_heartbeat() {
                    self.counters.count(Counter::Heartbeats);
                }
                stream.last_written = now;
            }
            self.heartbeats.push(stream.last_written + stream.heartbeat, pid);
        }
    }

    fn begin_stream(
        &mut self,
        client_id: ClientId,
        pid: Pid,
        retry: Millis,
        asked: OpenStream,
    ) -> OpenAnswer {
        let reports = Arc::<Reports>::clone(&self.reports);
        let (writer, reader) = stream(client_id, pid, retry, asked.connection, reports);
        if let Some(remote) = asked.remote {
            log::debug!("stream of {client_id}, pid {pid}, goes to {remote}");
        }
        let now = self.now;
        let heartbeat = asked.heartbeat;
        let writer = Writer::Response(writer);
        let seen = Seen { remote: asked.remote, user_agent: asked.user_agent, ..Seen::default() };
        self.streams.insert(pid, Stream { writer, app: asked.app, last_written: now, heartbeat, seen });
        self.heartbeats.push(now + heartbeat, pid);
        OpenAnswer::Stream(reader)
    }
}

impl Actor for Registry {
    type Context = Context<Registry>;
}

impl Handler<OpenStream> for Registry {
    type Result = MessageResult<OpenStream>;

    fn handle(&mut self, message: OpenStream, context: &mut Self::Context) -> Self::Result {
        self.catch_up(context);
        let opened = self
            .step_quietly(|table, step, actions| table.open(&message.app, &message.params, step, actions));
        let answer = match opened {
            Opened::Stream { client_id, pid, retry } => self.begin_stream(client_id, pid, retry, message),
            Opened::Aborted { pid, reason } => {
                let mut bytes = Vec::new();
                Frame::Aborted { pid, reason, releaser: None }.write_to(&mut bytes);
                OpenAnswer::Aborted(bytes.into())
            }
            Opened::Retry { retry } => {
                let mut bytes = Vec::new();
                write_retry(retry, &mut bytes);
                OpenAnswer::Retry(bytes.into())
            }
            Opened::UnknownApp => OpenAnswer::UnknownApp,
        };
        self.finish(context);
        MessageResult(answer)
    }
}

impl Handler<Send> for Registry {
    type Result = MessageResult<Send>;

    fn handle(&mut self, message: Send, context: &mut Self::Context) -> Self::Result {
        let Send { app, event } = message;
        self.catch_up(context);
        let answer = self.send(&app, event);
        self.finish(context);
        MessageResult(answer)
    }
}

impl Handler<GiveClientId> for Registry {
    type Result = MessageResult<GiveClientId>;

    fn handle(&mut self, GiveClientId { own }: GiveClientId, context: &mut Self::Context) -> Self::Result {
        let given = self.step(context, |table, step, _| match own {
            true => table.give_own_client_id(step),
            false => table.give_client_id(step),
        });
        match &given {
            Ok(_) => self.counters.count(Counter::ClientIdsGiven),
            // Not an answer yet: the shell reserves more, and asks again.
            Err(NoClientIdNow::NotReserved { .. }) => {}
            Err(why) => {
                self.counters.no_client_id(*why);
                self.logs.no_client_id(*why, self.now);
            }
        }
        MessageResult(given)
    }
}

impl Handler<ClientIdsReserved> for Registry {
    type Result = ();

    fn handle(&mut self, ClientIdsReserved(bound): ClientIdsReserved, _: &mut Self::Context) {
        self.table.reserve_client_ids(bound);
    }
}

impl Handler<SetApps> for Registry {
    type Result = ();

    fn handle(&mut self, SetApps(apps): SetApps, context: &mut Self::Context) {
        self.apps = apps;
        self.step(context, SessionTable::recheck_access);
    }
}

impl Handler<ReportsWait> for Registry {
    type Result = ();

    fn handle(&mut self, _: ReportsWait, context: &mut Self::Context) {
        self.step(context, |_, _, _| ());
    }
}

impl Handler<Stop> for Registry {
    type Result = ();

    fn handle(&mut self, _: Stop, context: &mut Self::Context) {
        self.step(context, SessionTable::stop);
    }
}

impl Handler<GetLoad> for Registry {
    type Result = MessageResult<GetLoad>;

    fn handle(&mut self, _: GetLoad, context: &mut Self::Context) -> Self::Result {
        self.step(context, |_, _, _| ());
        MessageResult(Load {
            sessions: self.table.session_count(),
            reservations: self.table.reservation_count(),
            endings: self.table.ending_count(),
            streams: self.streams.len(),
            output_bytes: self.table.output_bytes(),
            line_bytes: self.table.line_bytes(),
            waiting_events: self.table.line_events(),
            hosted: self.local_streams,
            client_ids_consumed: self.table.client_ids().position(),
            is_stopping: self.table.is_stopping(),
        })
    }
}

#[cfg(test)]
mod tests;
