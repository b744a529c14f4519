//! Plain takeover (section 4): where clientIds are not bound to users, whoever is admitted comes in at once, and who was
//! there is told.

use super::invariant::{Broken, Invariant};
use super::streams::{Rules, Streams};
use crate::protocol::ids::ClientId;
use crate::protocol::sessions::{Ended, Note, Opened, ServerAction};
use crate::protocol::wire::{AbortReason, Frame};

impl Streams {
    /// Somebody has asked for a stream, and the server has answered with these actions, none of which is performed yet.
    /// `is_kept_out` where another user's session or reservation stood in its way.
    pub(super) fn check_takeover(
        &self,
        client_id: ClientId,
        opened: &Opened,
        is_kept_out: bool,
        actions: &[ServerAction],
        rules: Rules<'_>,
    ) -> Result<(), Broken> {
        if rules.limits.bind_client_ids {
            return Ok(());
        }
        if is_kept_out {
            return Err((Invariant::PlainTakeover, format!("a newcomer was kept from {client_id}")));
        }
        let Opened::Stream { pid, .. } = opened else { return Ok(()) };
        let says_hello = |action: &ServerAction| matches!(action, ServerAction::Write { pid: on, frame: Frame::Hello { .. }, .. } if on == pid);
        if !actions.iter().any(says_hello) {
            return Err((Invariant::PlainTakeover, format!("no hello on {pid}, opened for {client_id}")));
        }
        let Some(old) = self.standings.get(&client_id).filter(|standing| standing.is_live()) else {
            return Ok(());
        };
        let tells_old = |action: &ServerAction| match action {
            ServerAction::Write { pid, frame: Frame::Aborted { reason, .. }, .. } => {
                *pid == old.pid && *reason == AbortReason::ReleasedByOther
            }
            // Its time was over in this very step.
            ServerAction::Note(Note::Ended { client_id: of, why, .. }) => {
                *of == client_id && !matches!(why, Ended::Released { .. })
            }
            ServerAction::Write { .. }
            | ServerAction::End { .. }
            | ServerAction::Cut { .. }
            | ServerAction::Note(_) => false,
        };
        if actions.iter().any(tells_old) {
            return Ok(());
        }
        let seen = format!("{pid} took {client_id} over, and {} was not told", old.pid);
        Err((Invariant::PlainTakeover, seen))
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::check::watch::Party;
    use crate::protocol::ids::{AccessToken, AppId, Pid, Role, User};
    use crate::protocol::limits::Limits;
    use crate::protocol::policy::Pairing;
    use crate::protocol::time::{Millis, Timing};

    fn pid(number: u64) -> Pid {
        Pid::from_number(number).unwrap()
    }

    #[test]
    fn section_4_a_takeover_is_seen_that_is_refused_silent_or_not_told() {
        let client_id = ClientId::from_number(7).unwrap();
        let write = |on, frame| ServerAction::Write { client_id, pid: pid(on), frame, waited: Millis::ZERO };
        let aborted = |reason| write(1, Frame::Aborted { pid: pid(1), reason, releaser: Some(pid(2)) });
        let timing = Timing::default();
        let limits = |bind_client_ids| Limits { bind_client_ids, ..Limits::default() };
        let (plain, bound) = (limits(false), limits(true));
        let rules = |limits| Rules { timing: &timing, limits, now: Millis(1_000) };
        let user = User::Token(AccessToken::parse("alice").unwrap());
        let party = Party { app: AppId::parse("lab").unwrap(), role: Role::Controller, user };
        let mut streams = Streams::default();
        streams.asked(pid(1), Rc::new(party), Pairing::Any);
        streams.performed(&write(1, Frame::Hello { pid: pid(1) }), rules(&plain)).unwrap();

        let opened = Opened::Stream { client_id, pid: pid(2), retry: Millis(1_000) };
        let released = aborted(AbortReason::ReleasedByOther);
        let hello = write(2, Frame::Hello { pid: pid(2) });
        let other = aborted(AbortReason::ClientNotAlive);
        for (what, is_kept_out, actions, holds) in [
            ("both at once", false, vec![released.clone(), hello.clone()], true),
            ("kept out", true, vec![], false),
            ("no hello", false, vec![released], false),
            ("the old one is not told", false, vec![hello.clone()], false),
            ("the old one is told something else", false, vec![other, hello], false),
        ] {
            let check =
                |limits| streams.check_takeover(client_id, &opened, is_kept_out, &actions, rules(limits));
            assert_eq!(check(&plain).is_ok(), holds, "{what}: {:?}", check(&plain));
            assert_eq!(check(&bound), Ok(()), "{what}, where clientIds are bound to users");
        }
    }
}
