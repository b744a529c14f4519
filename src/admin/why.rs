//! What one crSocket is waiting for, in one plain sentence.

use super::explain::{Obstacle, meaning, said};
use crate::actors::details::SocketDetails;
use crate::actors::inspection::{ENDED_BY_ADMIN, InUse, UsedBy};
use crate::protocol::ids::{Assigned, ClientId, Role};
use crate::protocol::receiver::{WhyAborted, WhyClosed};
use crate::protocol::sender::WhyNotReady;
use crate::protocol::sessions::Contest;
use crate::protocol::socket::{State, WhyPassive, WhyUnconnected, WhyUnpaired};
use crate::protocol::time::{Millis, TimerKind};
use crate::protocol::wire::AbortReason;

/// Says it. `in_state_for` is how long it has been in its state; `obstacles` are what the server sees between it and its
/// partner, where it has one; `own` is how its clientId is used.
pub(super) fn why(
    socket: &SocketDetails,
    in_state_for: Millis,
    obstacles: &[Obstacle],
    own: Option<&InUse>,
) -> String {
    let reason = match &socket.state {
        State::Passive(why) => passive(*why, socket),
        State::ReadyToConnect(WhyUnconnected::Closed(why)) => closed(*why, socket),
        State::ReadyToConnect(WhyUnconnected::Aborted(why)) => aborted(why, socket),
        State::Connecting => connecting(socket, own),
        State::ReadyToPair(WhyUnpaired::NotReady(why)) => not_ready(*why, socket),
        State::ReadyToPair(WhyUnpaired::Rejected(rejection)) => match socket.partner.valid() {
            Some(partner) => format!("it was rejected, {}", meaning(rejection, *partner)),
            None => format!("it was rejected ({})", rejection.as_str()),
        },
        State::Searching => searching(socket, in_state_for, obstacles),
        State::Interacting => interacting(socket),
    };
    format!("{}: {reason}", socket.state.as_str())
}

fn passive(why: WhyPassive, socket: &SocketDetails) -> String {
    match (why, &socket.client.client_id) {
        (WhyPassive::NoClientId, Assigned::Valid(id)) => {
            format!("its clientId {id} counts once the stream of the one before has ended")
        }
        (WhyPassive::NoClientId, Assigned::Nothing | Assigned::Invalid) => {
            "it has no clientId yet; the server has been asked for one".to_owned()
        }
        (WhyPassive::InvalidClientId, _) => "its clientId is not six digits".to_owned(),
        (WhyPassive::NotVisible, _) => "it is not visible".to_owned(),
        (WhyPassive::NotOnline, _) => "it is not online".to_owned(),
        (WhyPassive::Paused, _) => "it is paused".to_owned(),
        (WhyPassive::Unloading, _) => "it is going away".to_owned(),
    }
}

fn closed(why: WhyClosed, socket: &SocketDetails) -> String {
    match why {
        WhyClosed::NoAccessToken if socket.client.access_token.valid().is_some() => {
            "its accessToken counts once the stream of the one before has ended".to_owned()
        }
        WhyClosed::NoAccessToken => "it has no accessToken".to_owned(),
        WhyClosed::InvalidAccessToken => {
            "its accessToken does not match the pattern of accessTokens".to_owned()
        }
        WhyClosed::NoClientId => "its clientId counts once the stream of the one before has ended".to_owned(),
        WhyClosed::ClientNotActive => "its stream from before is still closing".to_owned(),
    }
}

fn aborted(why: &WhyAborted, socket: &SocketDetails) -> String {
    let (what, remedy) = match why {
        WhyAborted::Error => ("the server does not serve its stream".to_owned(), "its facts are set anew"),
        WhyAborted::Server(reason) => match reason {
            AbortReason::InvalidRole => ("the server does not accept its role".to_owned(), "it is made anew"),
            AbortReason::InvalidClientId => {
                ("the server does not accept its clientId".to_owned(), "it gets another clientId")
            }
            AbortReason::InvalidAccessToken => {
                ("the server does not accept its accessToken".to_owned(), "it gets another accessToken")
            }
            AbortReason::NotAuthorized => (
                "its accessToken may not take part in this app and role".to_owned(),
                "it gets another accessToken",
            ),
            AbortReason::ReleasedByOther => {
                ("another client has taken its clientId over".to_owned(), "it is set visible or online anew")
            }
            AbortReason::ClientNotAlive => (
                "the server had heard nothing from it for too long".to_owned(),
                "it is set visible or online anew",
            ),
            AbortReason::ClientIdInUse => (
                "its clientId belongs to a living client of another user".to_owned(),
                "it gets another clientId",
            ),
            AbortReason::Other(reason) if **reason == *ENDED_BY_ADMIN => {
                ("an administrator ended its session".to_owned(), "it is set visible or online anew")
            }
            AbortReason::Other(reason) => {
                (format!("the server gave its stream up ({reason})"), "it is set visible or online anew")
            }
        },
    };
    match due(&socket.receiver.timers, TimerKind::Reopen) {
        Some(after) => format!("{what}; it tries again in {}", said(after)),
        None => format!("{what}; it stays so until {remedy}"),
    }
}

fn connecting(socket: &SocketDetails, own: Option<&InUse>) -> String {
    let because = match (own.map(|own| &own.by), &socket.receiver.last_error) {
        (Some(UsedBy::Reserved { left }), _) => {
            format!("; its clientId is kept for the user of its last session for {} more", said(*left))
        }
        (Some(UsedBy::Session(session)), _) if session.contest != Contest::Quiet => {
            "; its clientId has a session of another user, who may show to be there".to_owned()
        }
        (_, Some(error)) => format!(" ({})", error.what),
        (_, None) => String::new(),
    };
    match due(&socket.receiver.timers, TimerKind::Reopen) {
        Some(after) => format!("its stream is opened again in {}{because}", said(after)),
        None => "its stream is being opened; the server has not said hello yet".to_owned(),
    }
}

fn not_ready(why: WhyNotReady, socket: &SocketDetails) -> String {
    match (why, socket.role) {
        (WhyNotReady::NoPartnerClientId, Role::Responder) => {
            "it waits for a controller to ping it".to_owned()
        }
        (WhyNotReady::NoPartnerClientId, Role::Controller) => "no partner is assigned to it".to_owned(),
        (WhyNotReady::InvalidPartnerClientId, _) => "its partner's clientId is not six digits".to_owned(),
        (WhyNotReady::NoClientId | WhyNotReady::NoAccessToken | WhyNotReady::InvalidAccessToken, _) => {
            format!("something it needs does not count yet ({})", why.as_str())
        }
    }
}

fn searching(socket: &SocketDetails, in_state_for: Millis, obstacles: &[Obstacle]) -> String {
    let Some(partner) = socket.partner.valid() else { return "its partner is not active".to_owned() };
    let silent = socket.partner_silent.unwrap_or(in_state_for);
    let text = format!("{partner} has not answered for {}", said(silent));
    match obstacles.iter().find(|obstacle| concerns(obstacle, *partner)).or_else(|| obstacles.first()) {
        Some(obstacle) => {
            // "482913 has no session" after "482913 has not answered": the second time it is "it".
            let rest = obstacle.text.strip_prefix(&format!("{partner} ")).map(|rest| format!("it {rest}"));
            format!("{text}; {}", rest.unwrap_or_else(|| obstacle.text.clone()))
        }
        None => text,
    }
}

fn concerns(obstacle: &Obstacle, partner: ClientId) -> bool {
    obstacle.client_id == partner.to_string()
}

fn interacting(socket: &SocketDetails) -> String {
    match (socket.partner.valid(), socket.partner_silent) {
        (Some(partner), Some(ago)) => format!("with {partner}, last heard of {} ago", said(ago)),
        (Some(partner), None) => format!("with {partner}"),
        (None, _) => "with its partner".to_owned(),
    }
}

fn due(timers: &[(TimerKind, Millis)], timer: TimerKind) -> Option<Millis> {
    timers.iter().find(|(armed, _)| *armed == timer).map(|(_, after)| *after)
}

#[cfg(test)]
mod tests;
