//! What the Registry logs: every session and every blocked event at debug, what an operator should act on as warnings.
//! Never an accessToken, never an event's params.

use std::collections::BTreeMap;

use crate::protocol::sessions::{Bound, Dropped, NoClientIdNow, NotOpened, Note, Refused};
use crate::protocol::time::Millis;

/// The least time between two warnings of one kind, in milliseconds: a flood must not fill the log.
const WARNING_DT: Millis = Millis(60_000);

/// Writes the log, and remembers which warnings it gave.
#[derive(Debug, Default)]
pub(super) struct Logs {
    warned: BTreeMap<&'static str, Warned>,
}

#[derive(Clone, Copy, Debug)]
struct Warned {
    at: Millis,
    /// How often it would have been said since.
    held_back: u64,
}

impl Logs {
    /// Logs what the rules noted.
    pub(super) fn note(&mut self, note: &Note, now: Millis) {
        match note {
            Note::Began { client_id, pid } => log::debug!("session of {client_id} began, pid {pid}"),
            Note::NotOpened { client_id, why } => {
                match client_id {
                    Some(client_id) => log::debug!("stream of {client_id} was not opened: {why:?}"),
                    None => log::debug!("a stream was not opened: {why:?}"),
                }
                if *why == NotOpened::TooManyStreams {
                    self.warn(now, "limits.streams is reached; new streams are put off");
                }
            }
            Note::Contested { client_id, pid } => {
                log::debug!("another user asks for {client_id}, pid {pid}");
            }
            Note::Defended { client_id, pid } => log::debug!("{client_id} showed that it lives, pid {pid}"),
            Note::Ended { client_id, pid, why, lost } => {
                log::debug!("session of {client_id} ended, pid {pid}: {why:?}, {lost} events lost");
            }
            Note::LeftUnread { client_id, pid, lost } => {
                log::debug!("ended stream of {client_id} was left unread, pid {pid}, {lost} events lost");
            }
            Note::Refused { sender, recipient, why } => {
                log::debug!("event from {sender} to {recipient} was refused: {why:?}");
                self.refused(*why, now);
            }
            Note::Dropped { sender, recipient, kind, why } => {
                let verb = if matches!(why, Dropped::Blocked(_)) { "blocked" } else { "dropped" };
                log::debug!("{kind:?} from {sender} to {recipient} was {verb}: {why:?}");
            }
            Note::ReplyLost { client_id, why } => log::debug!("an answer to {client_id} was lost: {why:?}"),
        }
    }

    /// Logs why no clientId was given.
    pub(super) fn no_client_id(&mut self, why: NoClientIdNow, now: Millis) {
        match why {
            NoClientIdNow::AllInUse { .. } => self.warn(now, "all clientIds are in use; none can be given"),
            NoClientIdNow::TooMany { .. } => {
                self.warn(now, "more clientIds are asked for than limits.client_id_rate allows");
            }
            NoClientIdNow::NotReserved { .. } => {}
        }
    }

    fn refused(&mut self, why: Refused, now: Millis) {
        match why {
            Refused::Full(Bound::AllOutputs) => {
                self.warn(now, "limits.all_outputs_bytes is reached; events are refused");
            }
            Refused::Full(Bound::AllLines) => {
                self.warn(now, "limits.all_lines_bytes is reached; events are refused");
            }
            Refused::Full(Bound::Rate | Bound::Output | Bound::Line)
            | Refused::InvalidToken
            | Refused::NotAuthorized
            | Refused::Stopping => {}
        }
    }

    fn warn(&mut self, now: Millis, text: &'static str) {
        match self.warned.get_mut(text) {
            Some(warned) if now - warned.at < WARNING_DT => warned.held_back += 1,
            Some(warned) => {
                log::warn!("{text} (and {} times since it was last said)", warned.held_back);
                *warned = Warned { at: now, held_back: 0 };
            }
            None => {
                log::warn!("{text}");
                self.warned.insert(text, Warned { at: now, held_back: 0 });
            }
        }
    }
}
