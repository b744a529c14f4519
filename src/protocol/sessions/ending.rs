//! How sessions end, and what becomes of their outputs (section 4, Ends).

use super::action::{Dropped, Ended, Note, ReplyLost, ServerAction};
use super::due::Due;
use super::ledger::dropped;
use super::session::{Session, Standing};
use super::{ServerStep, SessionTable};
use crate::protocol::ids::{ClientId, Pid};
use crate::protocol::output::Output;
use crate::protocol::time::{Millis, Timing};
use crate::protocol::wire::{AbortReason, Frame};

/// A stream that has ended, whose reader has not taken everything. It goes on counting for the bound of all outputs:
/// else memory could be had by opening again and again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ending {
    pub(super) client_id: ClientId,
    pub(super) output: Output,
    /// When it is looked at next.
    pub(super) queued: Millis,
}

impl Ending {
    /// When it is cut if its reader takes nothing until then.
    pub(super) fn due(&self, timing: &Timing) -> Millis {
        self.output.stuck_since().unwrap_or(Millis::MIN) + timing.max_prev_alive_dt
    }
}

/// How a stream ends.
enum LastWords {
    /// With this frame behind all others.
    Frame(Frame),
    /// Its connection is gone.
    Gone,
    /// It is cut off.
    Cut,
}

impl SessionTable {
    /// The transport took so many more frames of a stream, in the order in which they were written.
    pub fn taken(
        &mut self,
        client_id: ClientId,
        pid: Pid,
        frames: usize,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        for _ in 0..frames {
            let Some(written) = self.output_mut(client_id, pid).and_then(|output| output.take(step.now))
            else {
                break;
            };
            self.release_output(written, step.now);
        }
        if self.endings.get(&pid).is_some_and(|ending| ending.output.is_empty()) {
            self.forget_ending(pid, step.now);
        }
        if self.session_with(client_id, pid).is_some() && self.waiting_for(client_id) > 0 {
            self.drain(client_id, step, actions);
            self.reschedule(client_id, step);
        }
    }

    /// The connection of a stream is gone, and its session ends at once. Nothing happens where that has ended already.
    pub fn broken(
        &mut self,
        client_id: ClientId,
        pid: Pid,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        if let Some(ending) = self.endings.get(&pid) {
            let lost = ending.output.events();
            actions.push(ServerAction::Note(Note::LeftUnread { client_id: ending.client_id, pid, lost }));
            self.forget_ending(pid, step.now);
        } else if self.session_with(client_id, pid).is_some() {
            self.end_session(client_id, Ended::Broken, step, actions);
        }
    }

    /// Graceful stop: accepted crEvents are handed over, every stream gets `shutdown` and ends, and no new one is served.
    ///
    /// CrEvents of sessions that settle are written at once. Those for absent recipients, and those that find no room,
    /// are dropped and noted.
    pub fn stop(&mut self, step: &ServerStep<'_>, actions: &mut Vec<ServerAction>) {
        self.stopping = true;
        for client_id in self.ids_of_sessions() {
            self.empty_line(client_id, step, actions);
            self.end_session(client_id, Ended::Stopped, step, actions);
        }
        let waited_for: Vec<ClientId> =
            self.slots.iter().filter(|(_, slot)| !slot.line.is_empty()).map(|(id, _)| id).collect();
        for client_id in waited_for {
            while let Some(waiting) = self.slots.get_mut(client_id).and_then(|slot| slot.line.pop()) {
                self.release_line(waiting.share(), step.now);
                actions.push(dropped(&waiting, client_id, Dropped::Stopping));
            }
            self.reschedule(client_id, step);
        }
    }

    /// Has a client open its stream again: `shutdown`. Whether it has a session.
    pub fn recycle(
        &mut self,
        client_id: ClientId,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> bool {
        self.end_session(client_id, Ended::Recycled, step, actions)
    }

    /// Gives up a client's stream for good. Whether it has a session.
    pub fn abort(
        &mut self,
        client_id: ClientId,
        reason: AbortReason,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> bool {
        self.end_session(client_id, Ended::Aborted(reason), step, actions)
    }

    /// Aborts every session whose accessToken is not admitted any more, or stands for another user: the session ends
    /// when the token does (section 4). For the shell to call when policies change or tokens may have expired.
    pub fn recheck_access(&mut self, step: &ServerStep<'_>, actions: &mut Vec<ServerAction>) {
        let is_admitted = |session: &Session| {
            let app = step.apps.get(&session.app);
            app.and_then(|app| app.access.admit(&session.token, session.role).ok()).as_ref()
                == Some(&session.user)
        };
        let denied: Vec<ClientId> =
            self.sessions().filter(|(_, session)| !is_admitted(session)).map(|(id, _)| id).collect();
        for client_id in denied {
            self.end_session(client_id, Ended::Aborted(AbortReason::NotAuthorized), step, actions);
        }
    }

    /// Ends the session of this client, and leaves a reservation unless it was closed or taken over.
    pub(super) fn end_session(
        &mut self,
        client_id: ClientId,
        why: Ended,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> bool {
        let Some(session) = self.withdraw(client_id) else { return false };
        let pid = session.pid;
        let (reserved_for, reserved_until) =
            (session.user.clone(), step.now + session.reservation(step.timing));
        let lost = self.end_stream(client_id, session, last_words(pid, &why), step, actions);
        self.lose_replies(client_id, step, actions);
        if !is_succeeded(&why) {
            if leaves_reservation(&why) && step.limits.bind_client_ids {
                self.reserve(client_id, Standing::Reserved { user: reserved_for, until: reserved_until });
            }
            self.expire_line(client_id, step, actions);
            self.reschedule(client_id, step);
        }
        actions.push(ServerAction::Note(Note::Ended { client_id, pid, why, lost }));
        true
    }

    /// Forgets an ending, and gives back what it held.
    pub(super) fn forget_ending(&mut self, pid: Pid, now: Millis) {
        if let Some(mut ending) = self.endings.remove(&pid) {
            self.due.remove(&(ending.queued, Due::Ending(pid)));
            self.release_all(&mut ending.output, now);
        }
    }

    /// Takes the session out of its slot.
    fn withdraw(&mut self, client_id: ClientId) -> Option<Session> {
        let slot = self.slots.get_mut(client_id)?;
        match std::mem::take(&mut slot.standing) {
            Standing::Session(session) => {
                self.sessions -= 1;
                Some(session)
            }
            other @ (Standing::Free | Standing::Reserved { .. }) => {
                slot.standing = other;
                None
            }
        }
    }

    /// Says the last words of a stream. Returns how many crEvents in its output are lost.
    fn end_stream(
        &mut self,
        client_id: ClientId,
        session: Session,
        last_words: LastWords,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> usize {
        let Session { pid, mut output, .. } = session;
        let lost = output.events();
        match last_words {
            LastWords::Frame(frame) => {
                output.write_control(step.now);
                actions.push(ServerAction::Write { client_id, pid, frame, waited: Millis::ZERO });
                actions.push(ServerAction::End { client_id, pid });
                let mut ending = Ending { client_id, output, queued: Millis::MAX };
                ending.queued = ending.due(step.timing);
                self.due.insert((ending.queued, Due::Ending(pid)));
                self.endings.insert(pid, ending);
                return 0;
            }
            LastWords::Cut => actions.push(ServerAction::Cut { client_id, pid }),
            LastWords::Gone => {}
        }
        self.release_all(&mut output, step.now);
        lost
    }

    fn reserve(&mut self, client_id: ClientId, reservation: Standing) {
        self.slots.get_or_insert_with(client_id, Default::default).standing = reservation;
        self.reservations += 1;
    }

    /// Replies are for one session only.
    fn lose_replies(&mut self, client_id: ClientId, step: &ServerStep<'_>, actions: &mut Vec<ServerAction>) {
        while let Some(reply) = self.slots.get_mut(client_id).and_then(|slot| slot.line.pop_reply()) {
            self.release_line(reply.share(client_id), step.now);
            actions.push(ServerAction::Note(Note::ReplyLost { client_id, why: ReplyLost::SessionGone }));
        }
    }

    fn release_all(&mut self, output: &mut Output, now: Millis) {
        while let Some(written) = output.take(now) {
            self.release_output(written, now);
        }
    }

    fn output_mut(&mut self, client_id: ClientId, pid: Pid) -> Option<&mut Output> {
        let session = self.slots.get_mut(client_id).and_then(|slot| slot.session_mut());
        match session {
            Some(session) if session.pid == pid => Some(&mut session.output),
            Some(_) | None => self.endings.get_mut(&pid).map(|ending| &mut ending.output),
        }
    }
}

fn last_words(pid: Pid, why: &Ended) -> LastWords {
    LastWords::Frame(match why {
        Ended::Closed => Frame::Closed { pid },
        Ended::Released { by } => {
            Frame::Aborted { pid, reason: AbortReason::ReleasedByOther, releaser: Some(*by) }
        }
        Ended::Silent | Ended::Ghost | Ended::Contested | Ended::Recycled | Ended::Stopped => {
            Frame::Shutdown { pid }
        }
        Ended::Aborted(reason) => Frame::Aborted { pid, reason: reason.clone(), releaser: None },
        Ended::Broken => return LastWords::Gone,
        Ended::Stalled => return LastWords::Cut,
    })
}

/// Whether another session of the same clientId follows at the same moment: what waits goes on waiting then.
fn is_succeeded(why: &Ended) -> bool {
    matches!(why, Ended::Released { .. })
}

/// Whether the clientId stays reserved. Who closes in peace gives it up.
fn leaves_reservation(why: &Ended) -> bool {
    match why {
        Ended::Closed | Ended::Released { .. } => false,
        Ended::Silent
        | Ended::Ghost
        | Ended::Contested
        | Ended::Broken
        | Ended::Stalled
        | Ended::Recycled
        | Ended::Aborted(_)
        | Ended::Stopped => true,
    }
}
