//! What goes no further, and what the server says to it: a crEvent is blocked only where rule 3 of Arrival blocks it, waits
//! for as long as it may, and each blocked `ping` is answered at most once (section 4).

use super::invariant::{Broken, Invariant};
use super::streams::{Acceptance, Party, REMEMBERED, Rules, Standing, Streams, Waiting};
use super::text::{head_of, sub_type_of};
use crate::protocol::event::{EventKind, Rejection};
use crate::protocol::ids::ClientId;
use crate::protocol::policy::Pairing;
use crate::protocol::sessions::{Dropped, Effect, Note, ServerAction, WhyNothing};
use crate::protocol::time::{Millis, Timing};

/// Rule 3: why nothing of this sender may reach a session, if so.
pub(super) fn blocks(sender: &Party, party: &Party, pairing: Pairing) -> Option<Rejection> {
    if sender.app != party.app {
        Some(Rejection::AppIdMismatch)
    } else if sender.role == party.role {
        Some(Rejection::InvalidPartnerRole)
    } else if pairing == Pairing::SameUser && sender.user != party.user {
        Some(Rejection::AccessTokenMismatch)
    } else {
        None
    }
}

/// For how long a crEvent waits for its recipient's session.
pub(super) fn longest_wait(text: &str, timing: &Timing) -> Millis {
    match EventKind::of(head_of(text)) {
        EventKind::Unassign => timing.unassign_wait_dt,
        EventKind::Reject => Millis::ZERO,
        EventKind::Ping | EventKind::Inactive | EventKind::Ordinary => timing.recipient_wait_dt,
    }
}

impl Streams {
    /// A crEvent was dropped as soon as it was accepted: for a cause. None of the actions is performed yet.
    pub(super) fn check_dropped(
        &self,
        event: &Acceptance<'_>,
        actions: &[ServerAction],
    ) -> Result<(), Broken> {
        let Effect::Nothing(WhyNothing::Dropped(why)) = event.effect else { return Ok(()) };
        let head = head_of(event.text);
        let kind = EventKind::of(head);
        // What ended by time in this very step stands here still.
        let has_ended = actions.iter().any(|action| matches!(action, ServerAction::Note(Note::Ended { .. })));
        let is_live = |client_id| self.standings.get(&client_id).is_some_and(Standing::is_live);
        let speaks_for_itself =
            self.standings.get(&event.sender).is_some_and(|standing| standing.party == *event.origin);
        let holds = match why {
            Dropped::Blocked(rejection) => return self.check_block(event.origin, event.recipient, rejection),
            Dropped::SenderAbsent => {
                matches!(kind, EventKind::Ping | EventKind::Reject)
                    && (has_ended || !(is_live(event.sender) && speaks_for_itself))
            }
            Dropped::RecipientAbsent => kind == EventKind::Reject && (has_ended || !is_live(event.recipient)),
            Dropped::Intercepted(_) | Dropped::Expired | Dropped::Replaced | Dropped::Stopping => false,
        };
        if holds {
            return Ok(());
        }
        let seen =
            format!("{head} from {} to {} was dropped at once: {why:?}", event.sender, event.recipient);
        Err((Invariant::NothingVanishes, seen))
    }

    /// Rule 3 blocks it, and for this reason.
    fn check_block(&self, origin: &Party, recipient: ClientId, by: &Rejection) -> Result<(), Broken> {
        let standing = self.standings.get(&recipient);
        let expected = standing.and_then(|standing| blocks(origin, &standing.party, standing.pairing));
        if expected.as_ref() == Some(by) {
            return Ok(());
        }
        let seen = format!("{by:?} blocks {origin:?} at {standing:?}, where {expected:?} does");
        Err((Invariant::BlockedForCause, seen))
    }

    /// A crEvent goes no further. It may have waited.
    pub(super) fn dropped(
        &mut self,
        sender: ClientId,
        recipient: ClientId,
        kind: EventKind,
        why: &Dropped,
        rules: Rules<'_>,
    ) -> Result<(), Broken> {
        if matches!(why, Dropped::SenderAbsent | Dropped::RecipientAbsent) {
            // These never wait.
            return Ok(());
        }
        if let Some(waited) = self.left_line(sender, recipient, kind) {
            self.check_waited(&waited, recipient, why, rules)?;
        }
        if let (EventKind::Ping, Dropped::Blocked(rejection)) = (kind, why) {
            self.owe_answer(sender, recipient, rejection.clone());
        }
        Ok(())
    }

    /// What waited goes no further: rule 3 blocks it, a newer `unassign` comes instead, or its time is over.
    fn check_waited(
        &self,
        waited: &Waiting,
        recipient: ClientId,
        why: &Dropped,
        rules: Rules<'_>,
    ) -> Result<(), Broken> {
        let head = head_of(&waited.text);
        let is_unassign = |text: &str| EventKind::of(head_of(text)) == EventKind::Unassign;
        let holds = match why {
            Dropped::Blocked(rejection) => return self.check_block(&waited.origin, recipient, rejection),
            Dropped::Expired => {
                let is_live = self.standings.get(&recipient).is_some_and(Standing::is_live);
                !is_live && rules.now - waited.since >= longest_wait(&waited.text, rules.timing)
            }
            Dropped::Replaced => {
                let mut others = self.lines.get(&recipient).into_iter().flatten();
                is_unassign(&waited.text)
                    && others.any(|other| other.sender == waited.sender && is_unassign(&other.text))
            }
            Dropped::Stopping => self.stopping,
            Dropped::SenderAbsent | Dropped::RecipientAbsent | Dropped::Intercepted(_) => false,
        };
        if holds {
            return Ok(());
        }
        let (from, since) = (waited.sender, waited.since);
        let seen = format!("{head} from {from} to {recipient}, waiting since {since}, was dropped: {why:?}");
        Err((Invariant::NothingVanishes, seen))
    }

    /// A blocked `ping` is answered, unless the recipient is contested: it may be a ghost.
    fn owe_answer(&mut self, to: ClientId, from: ClientId, rejection: Rejection) {
        if self.standings.get(&from).is_some_and(|standing| standing.contested) {
            return;
        }
        let Some(standing) = self.standings.get_mut(&to).filter(|standing| standing.is_live()) else {
            return;
        };
        if standing.owed.len() == REMEMBERED {
            standing.owed.pop_front();
        }
        standing.owed.push_back((from, rejection));
    }

    /// What nobody sent can only be a `reject` of the server, one for each `ping` that was blocked.
    pub(super) fn answered_by_server(
        &mut self,
        recipient: ClientId,
        sender: Option<ClientId>,
        text: &str,
    ) -> Result<(), Broken> {
        let owed = self.standings.get_mut(&recipient).map(|standing| &mut standing.owed);
        if let (EventKind::Reject, Some(owed)) = (EventKind::of(head_of(text)), owed) {
            let is_it = |(from, rejection): &(ClientId, Rejection)| {
                Some(*from) == sender && rejection.as_str() == sub_type_of(text)
            };
            if let Some(place) = owed.iter().position(is_it) {
                owed.remove(place);
                return Ok(());
            }
        }
        let seen = format!("{text} to {recipient} comes a second time, too late, or from nobody");
        Err((Invariant::OrderOfDelivery, seen))
    }
}
