//! What requests ask for, read: texts to the values of the protocol, with clear words for what is none.

use crate::actors::board::SocketId;
use crate::actors::host::FoundSocket;
use crate::problem::Problem;
use crate::protocol::ids::{AccessToken, AppId, ClientId, InvalidId, Role};

use super::Admin;

/// How many a list shows unless something else is asked for.
const LIMIT: usize = 100;

/// How many it shows at most.
pub(super) const MOST: usize = 1_000;

/// How much of what was asked is repeated in an answer, in characters.
const SHOWN: usize = 64;

/// Says what was seen, and what is accepted.
pub(super) fn refused(what: &str, seen: &str, accepted: impl std::fmt::Display) -> Problem {
    let seen: String = seen.chars().take(SHOWN).collect();
    Problem::bad_request(format!("{what} = {seen:?} is not accepted; accepted: {accepted}"))
}

/// A value that may be left out. An empty one is left out, too: forms send it so.
fn optional<T>(
    what: &str,
    text: Option<&str>,
    accepted: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => parse(text).map(Some).ok_or_else(|| refused(what, text, accepted)),
    }
}

/// One of these names.
pub(super) fn one_of(what: &str, text: &str, all: &[&'static str]) -> Result<&'static str, Problem> {
    let found = all.iter().find(|name| **name == text).copied();
    found.ok_or_else(|| refused(what, text, all.join(", ")))
}

pub(super) fn client_id(what: &str, text: Option<&str>) -> Result<Option<ClientId>, Problem> {
    optional(what, text, "a clientId of six digits", |text| ClientId::parse(text).ok())
}

/// The same, where it cannot be left out.
pub(super) fn needed_client_id(what: &str, text: &str) -> Result<ClientId, Problem> {
    ClientId::parse(text).map_err(|_| refused(what, text, "a clientId of six digits"))
}

pub(super) fn role(text: Option<&str>) -> Result<Option<Role>, Problem> {
    optional("role", text, "controller or responder", |text| Role::parse(text).ok())
}

pub(super) fn app(text: Option<&str>) -> Result<Option<AppId>, Problem> {
    optional("app", text, "an appId", |text| AppId::parse(text).ok())
}

/// Never repeats what was given.
pub(super) fn access_token(text: &str) -> Result<AccessToken, Problem> {
    AccessToken::parse(text)
        .map_err(|why: InvalidId| Problem::bad_request(format!("the accessToken is not accepted: {why}")))
}

pub(super) fn limit(text: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    limit.ok_or_else(|| refused("limit", text, format!("1 to {MOST}")))
}

/// The crSocket of this number.
pub(super) fn socket(admin: &Admin, id: u32) -> Result<FoundSocket, Problem> {
    FoundSocket::find(&admin.parts.published.board, SocketId(id)).ok_or_else(|| no_socket(id))
}

pub(super) fn no_socket(id: u32) -> Problem {
    let status = actix_web::http::StatusCode::NOT_FOUND;
    Problem::new(status, format!("there is no crSocket {id}; it may have been removed"))
}
