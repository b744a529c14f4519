//! Opening a stream: whom a clientId belongs to (section 4).

use super::action::{Ended, NotOpened, Note, Opened, ServerAction};
use super::session::{Contest, Session, Standing};
use super::{ServerStep, SessionTable};
use crate::protocol::ids::{AppId, ClientId, Credentials, Pid, Role, User};
use crate::protocol::output::Output;
use crate::protocol::policy::{App, Denied};
use crate::protocol::wire::{AbortReason, EventSourceParams, Frame};

/// A client that asks for a stream, admitted.
struct Newcomer {
    app: AppId,
    role: Role,
    credentials: Credentials,
    user: User,
}

/// What a clientId has, seen by a newcomer.
enum Place {
    /// Nothing, or a reservation for the same user.
    Free,
    /// A session it takes over.
    Own,
    /// A session of another user.
    Taken(Contest),
    /// A reservation for another user.
    Reserved,
}

impl SessionTable {
    /// A client asks for its event stream.
    pub fn open(
        &mut self,
        app: &AppId,
        params: &EventSourceParams<'_>,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Opened {
        let Some(policies) = step.apps.get(app) else { return Opened::UnknownApp };
        let newcomer = match admit(app, policies, params) {
            Ok(newcomer) => newcomer,
            Err((client_id, reason)) => return self.refuse_for_good(client_id, reason, step, actions),
        };
        let client_id = newcomer.credentials.client_id;
        self.catch_up(client_id, step, actions);
        if let Some(why) = self.cannot_serve(step) {
            return self.refuse_for_now(client_id, why, step, actions);
        }
        match self.place_of(&newcomer, step) {
            Place::Free | Place::Own => self.begin(newcomer, step, actions),
            Place::Taken(Contest::Defended) => {
                self.refuse_for_good(Some(client_id), AbortReason::ClientIdInUse, step, actions)
            }
            Place::Taken(Contest::Quiet | Contest::Contested { .. }) => {
                self.contest(client_id, step, actions);
                self.refuse_for_now(client_id, NotOpened::Contested, step, actions)
            }
            Place::Reserved => self.refuse_for_now(client_id, NotOpened::Reserved, step, actions),
        }
    }

    fn cannot_serve(&self, step: &ServerStep<'_>) -> Option<NotOpened> {
        if self.stopping {
            Some(NotOpened::Stopping)
        } else if self.is_full(step) {
            Some(NotOpened::TooManyStreams)
        } else {
            None
        }
    }

    fn place_of(&self, newcomer: &Newcomer, step: &ServerStep<'_>) -> Place {
        let Some(slot) = self.slots.get(newcomer.credentials.client_id) else { return Place::Free };
        match &slot.standing {
            Standing::Free => Place::Free,
            Standing::Session(session) if session.user == newcomer.user => Place::Own,
            Standing::Session(_) | Standing::Reserved { .. } if !step.limits.bind_client_ids => Place::Own,
            Standing::Session(session) => Place::Taken(session.contest),
            Standing::Reserved { user, .. } if *user == newcomer.user => Place::Free,
            Standing::Reserved { .. } => Place::Reserved,
        }
    }

    /// Another user wants this clientId: its session has to show that it lives.
    fn contest(&mut self, client_id: ClientId, step: &ServerStep<'_>, actions: &mut Vec<ServerAction>) {
        let Some(session) = self.session_mut(client_id) else { return };
        match session.contest {
            Contest::Quiet => {
                session.contest = Contest::Contested { since: step.now };
                let pid = session.pid;
                actions.push(ServerAction::Note(Note::Contested { client_id, pid }));
                self.reschedule(client_id, step);
            }
            Contest::Contested { .. } | Contest::Defended => {}
        }
    }

    fn begin(
        &mut self,
        newcomer: Newcomer,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Opened {
        let client_id = newcomer.credentials.client_id;
        let Some(pid) = self.pids.next() else {
            return self.refuse_for_now(client_id, NotOpened::TooManyStreams, step, actions);
        };
        self.end_session(client_id, Ended::Released { by: pid }, step, actions);
        let slot = self.slots.get_or_insert_with(client_id, Default::default);
        let session = Standing::Session(newcomer.into_session(pid, step));
        match std::mem::replace(&mut slot.standing, session) {
            Standing::Reserved { .. } => self.reservations -= 1,
            Standing::Free | Standing::Session(_) => {}
        }
        self.sessions += 1;
        actions.push(ServerAction::Note(Note::Began { client_id, pid }));
        // (Recovery: what this client missed goes between `hello` and what waits in the line.)
        self.write_control(client_id, Frame::Hello { pid }, step, actions);
        self.drain(client_id, step, actions);
        self.reschedule(client_id, step);
        Opened::Stream { client_id, pid, retry: step.retry(self.is_overloaded(step)) }
    }

    fn refuse_for_good(
        &mut self,
        client_id: Option<ClientId>,
        reason: AbortReason,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Opened {
        let why = NotOpened::Aborted(reason.clone());
        actions.push(ServerAction::Note(Note::NotOpened { client_id, why }));
        match self.pids.next() {
            Some(pid) => Opened::Aborted { pid, reason },
            None => Opened::Retry { retry: step.retry(true) },
        }
    }

    fn refuse_for_now(
        &self,
        client_id: ClientId,
        why: NotOpened,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Opened {
        actions.push(ServerAction::Note(Note::NotOpened { client_id: Some(client_id), why }));
        Opened::Retry { retry: step.retry(self.is_overloaded(step)) }
    }

    fn is_full(&self, step: &ServerStep<'_>) -> bool {
        self.sessions + self.endings.len() >= step.limits.streams
    }

    /// Whether clients had better come back later: no more streams are served, or readers take less than is written.
    fn is_overloaded(&self, step: &ServerStep<'_>) -> bool {
        self.is_full(step) || self.output_bytes > step.limits.all_outputs_bytes / 2
    }
}

impl Newcomer {
    fn into_session(self, pid: Pid, step: &ServerStep<'_>) -> Session {
        Session {
            app: self.app,
            role: self.role,
            token: self.credentials.access_token,
            user: self.user,
            pid,
            opened: step.now,
            last_arrival: step.now,
            last_own_arrival: step.now,
            contest: Contest::Quiet,
            output: Output::default(),
        }
    }
}

/// Checks the credentials in the order of section 3.
fn admit(
    app: &AppId,
    policies: &App,
    params: &EventSourceParams<'_>,
) -> Result<Newcomer, (Option<ClientId>, AbortReason)> {
    let (role, credentials) = params.check().map_err(|reason| {
        (params.client_id.as_deref().and_then(|text| ClientId::parse(text).ok()), reason)
    })?;
    match policies.access.admit(&credentials.access_token, role) {
        Ok(user) => Ok(Newcomer { app: app.clone(), role, credentials, user }),
        Err(Denied::InvalidToken) => Err((Some(credentials.client_id), AbortReason::InvalidAccessToken)),
        Err(Denied::NotAuthorized) => Err((Some(credentials.client_id), AbortReason::NotAuthorized)),
    }
}
