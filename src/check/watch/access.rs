//! Access (sections 3 and 4): who is not admitted gets no stream and says nothing, and is told why; who is, is not refused
//! for it.

use super::invariant::{Broken, Invariant};
use crate::check::users::{MISSHAPEN, REFUSED};
use crate::protocol::ids::AccessToken;
use crate::protocol::sessions::{Opened, SendAnswer};
use crate::protocol::wire::AbortReason;

/// Why this accessToken is not admitted, if it is not.
fn why_not(token: &AccessToken) -> Option<AbortReason> {
    match token.as_str() {
        MISSHAPEN => Some(AbortReason::InvalidAccessToken),
        REFUSED => Some(AbortReason::NotAuthorized),
        _ => None,
    }
}

/// Whether a request for a stream was answered as its accessToken asks for.
pub(super) fn check_opened(token: &AccessToken, opened: &Opened) -> Result<(), Broken> {
    let why = why_not(token);
    let holds = match opened {
        Opened::Stream { .. } | Opened::Retry { .. } => why.is_none(),
        Opened::Aborted { reason, .. } if why.is_none() => *reason == AbortReason::ClientIdInUse,
        Opened::Aborted { reason, .. } => why.as_ref() == Some(reason),
        Opened::UnknownApp => false,
    };
    if holds { Ok(()) } else { Err(broken(token, &format!("{opened:?}"))) }
}

/// The same of a sendevent: these refusals come before all others.
pub(super) fn check_answer(token: &AccessToken, answer: &SendAnswer) -> Result<(), Broken> {
    let holds = match why_not(token) {
        None => !matches!(answer, SendAnswer::InvalidToken | SendAnswer::UnknownApp),
        Some(AbortReason::InvalidAccessToken) => *answer == SendAnswer::InvalidToken,
        Some(_) => *answer == SendAnswer::Forbidden,
    };
    if holds { Ok(()) } else { Err(broken(token, &format!("{answer:?}"))) }
}

/// AccessTokens of the simulation are no secrets.
fn broken(token: &AccessToken, seen: &str) -> Broken {
    (Invariant::OnlyTheAdmitted, format!("the accessToken {} was answered: {seen}", token.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ids::{ClientId, Pid};
    use crate::protocol::sessions::Effect;
    use crate::protocol::time::Millis;

    #[test]
    fn sections_3_and_4_only_the_admitted_are_served_and_they_are() {
        let pid = Pid::from_number(1).unwrap();
        let client_id = ClientId::from_number(7).unwrap();
        let opened = [
            Opened::Stream { client_id, pid, retry: Millis(1) },
            Opened::Retry { retry: Millis(1) },
            Opened::Aborted { pid, reason: AbortReason::ClientIdInUse },
            Opened::Aborted { pid, reason: AbortReason::InvalidAccessToken },
            Opened::Aborted { pid, reason: AbortReason::NotAuthorized },
            Opened::UnknownApp,
        ];
        let answers = [
            SendAnswer::Accepted(Effect::Waits),
            SendAnswer::Stopping,
            SendAnswer::Forbidden,
            SendAnswer::InvalidToken,
            SendAnswer::UnknownApp,
        ];
        for (token, opens, speaks) in [
            ("guest", [true, true, true, false, false, false], [true, true, true, false, false]),
            (MISSHAPEN, [false, false, false, true, false, false], [false, false, false, true, false]),
            (REFUSED, [false, false, false, false, true, false], [false, false, true, false, false]),
        ] {
            let token = AccessToken::parse(token).unwrap();
            assert_eq!(opened.each_ref().map(|opened| check_opened(&token, opened).is_ok()), opens);
            assert_eq!(answers.each_ref().map(|answer| check_answer(&token, answer).is_ok()), speaks);
        }
    }
}
