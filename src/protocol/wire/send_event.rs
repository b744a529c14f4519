//! What a `sendevent` request says, strictly read (section 3).

use std::fmt;

use thiserror::Error;

use super::event_data::{EventData, InvalidEventData};
use super::percent::{self, BadEscape, NotText};
use super::query::Query;
use super::shortened;
use crate::protocol::action::{Message, Post};
use crate::protocol::event::{InvalidEvent, is_event_type};
use crate::protocol::ids::{AccessToken, ClientId, Pid, Role};

/// A well-formed `sendevent` request. Whether its sender may send it, is another question (section 4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SendEvent {
    /// Who sends.
    pub client_id: ClientId,
    /// In which role.
    pub role: Role,
    /// On whose behalf.
    pub access_token: AccessToken,
    /// To whom.
    pub recipient: ClientId,
    /// What.
    pub event: MsgEvent,
}

/// What is sent to an event stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MsgEvent {
    /// A crEvent, signed with the clientId of the request.
    CrEvent(EventData),
    /// "I am alive": the pid that was shown, if it was one.
    Alive(Option<Pid>),
    /// "I close the stream": the pid that was shown, if it was one.
    Close(Option<Pid>),
    /// An eventType this version does not know; it is understood and has no effect.
    Other,
}

/// Why a `sendevent` request is refused before anybody asks who sends it (section 3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub enum Refusal {
    /// `400`: a parameter is missing or malformed.
    #[error(transparent)]
    BadParam(#[from] BadParam),
    /// `413`: eventData is too long.
    #[error("eventData is {len} bytes long; accepted: at most {max} bytes, decoded")]
    TooLong {
        /// Its length in bytes, decoded, before what is not UTF-8 was replaced.
        len: usize,
        /// What is accepted, in bytes.
        max: usize,
    },
}

/// A parameter that is missing or malformed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub struct BadParam {
    /// Which one.
    pub param: Param,
    /// What is wrong with it.
    pub problem: Problem,
    /// The beginning of its value; never of an accessToken or eventData.
    pub seen: Option<Box<str>>,
}

/// What is wrong with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Problem {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It is badly encoded.
    #[error("is badly encoded: {0}")]
    Encoding(BadEscape),
    /// It is not UTF-8.
    #[error("is not UTF-8 when decoded")]
    NotUtf8,
    /// It does not match its pattern.
    #[error("does not match its pattern")]
    Pattern,
    /// It is no event data string.
    #[error("{0}")]
    EventData(InvalidEventData),
}

/// The parameters of `sendevent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Param {
    /// Who sends.
    ClientId,
    /// In which role.
    ClientRole,
    /// On whose behalf.
    AccessToken,
    /// To whom.
    RecipientClientId,
    /// What kind of event.
    EventType,
    /// Its content.
    EventData,
}

impl SendEvent {
    /// What a server would read in this client's own sendevent.
    pub fn from_post(post: &Post, role: Role) -> SendEvent {
        let client_id = post.credentials.client_id;
        let event = match &post.message {
            Message::Alive(pid) => MsgEvent::Alive(Some(*pid)),
            Message::Close(pid) => MsgEvent::Close(Some(*pid)),
            // What an EventSender accepted has an event data string.
            Message::CrEvent(event) => {
                EventData::from_event(event, client_id).map_or(MsgEvent::Other, MsgEvent::CrEvent)
            }
        };
        SendEvent {
            client_id,
            role,
            access_token: post.credentials.access_token.clone(),
            recipient: post.recipient,
            event,
        }
    }

    /// Reads the parameters of a request, in the order of section 3: first whatever is missing or malformed, then the
    /// length of eventData, of which `max_event_data_length` bytes are accepted, decoded.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies.
    pub fn parse(query: Query<'_>, max_event_data_length: usize) -> Result<SendEvent, Refusal> {
        let [client_id, role, access_token, recipient, event_type, event_data] =
            query.get_each(Param::ALL.map(Param::as_str));
        let client_id = Param::ClientId.parse(client_id, ClientId::parse)?;
        let role = Param::ClientRole.parse(role, Role::parse)?;
        let access_token = Param::AccessToken.parse(access_token, AccessToken::parse)?;
        let recipient = Param::RecipientClientId.parse(recipient, ClientId::parse)?;
        let event_type = Param::EventType.parse(event_type, MsgType::parse)?;
        let event = match event_type {
            MsgType::CrEvent => MsgEvent::CrEvent(parse_event_data(event_data, client_id)?),
            MsgType::Alive => MsgEvent::Alive(parse_pid(event_data)),
            MsgType::Close => MsgEvent::Close(parse_pid(event_data)),
            MsgType::Other => MsgEvent::Other,
        };
        check_length(event_data, max_event_data_length)?;
        Ok(SendEvent { client_id, role, access_token, recipient, event })
    }
}

/// The eventType of a request.
enum MsgType {
    CrEvent,
    Alive,
    Close,
    Other,
}

impl MsgType {
    fn parse(text: &str) -> Result<MsgType, InvalidEvent> {
        match text {
            "crEvent" => Ok(MsgType::CrEvent),
            "alive" => Ok(MsgType::Alive),
            "close" => Ok(MsgType::Close),
            other if is_event_type(other) => Ok(MsgType::Other),
            _ => Err(InvalidEvent::EventType),
        }
    }
}

fn parse_event_data(raw: Option<&str>, sender: ClientId) -> Result<EventData, BadParam> {
    let param = Param::EventData;
    let raw = raw.ok_or_else(|| param.bad(Problem::Missing, ""))?;
    let bytes = percent::decode(raw.as_bytes()).map_err(|error| param.bad(Problem::Encoding(error), raw))?;
    // Existing clients cannot decode what is not UTF-8, so it is replaced.
    EventData::accept(&percent::into_text_lossy(bytes), sender)
        .map_err(|error| param.bad(Problem::EventData(error), raw))
}

/// The pid that an `alive` or `close` shows. Without one it is ignored later, which is no error.
fn parse_pid(raw: Option<&str>) -> Option<Pid> {
    let text = percent::decode_text(raw?.as_bytes()).ok()?;
    Pid::parse(&text).ok()
}

fn check_length(raw: Option<&str>, max: usize) -> Result<(), Refusal> {
    let raw = raw.unwrap_or_default().as_bytes();
    if raw.len() <= max {
        return Ok(()); // decoded it is not longer
    }
    match percent::decoded_len(raw) {
        len if len > max => Err(Refusal::TooLong { len, max }),
        _ => Ok(()),
    }
}

impl Param {
    /// All of them, in the order in which they are checked.
    pub const ALL: [Param; 6] = [
        Param::ClientId,
        Param::ClientRole,
        Param::AccessToken,
        Param::RecipientClientId,
        Param::EventType,
        Param::EventData,
    ];

    /// Its name in the query.
    pub fn as_str(self) -> &'static str {
        match self {
            Param::ClientId => "clientId",
            Param::ClientRole => "clientRole",
            Param::AccessToken => "accessToken",
            Param::RecipientClientId => "recipientClientId",
            Param::EventType => "eventType",
            Param::EventData => "eventData",
        }
    }

    /// What is accepted as its value, in words.
    pub fn accepted(self) -> &'static str {
        match self {
            Param::ClientId | Param::RecipientClientId => "exactly six digits, 000000 to 999999",
            Param::ClientRole => "controller or responder",
            Param::AccessToken => "one or more printable ASCII characters without a space",
            Param::EventType => "crEvent, alive, close, or other characters of 0-9, A-Z and a-z",
            Param::EventData => {
                "eventType,eventSubType,buffered,logged,interceptable,sendCt,receiveCt,senderClientId and any params, \
                 with an eventType of 0-9, A-Z and a-z"
            }
        }
    }

    fn parse<T, E>(self, raw: Option<&str>, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, BadParam> {
        let raw = raw.ok_or_else(|| self.bad(Problem::Missing, ""))?;
        match percent::decode_text(raw.as_bytes()) {
            Ok(text) => parse(&text).map_err(|_| self.bad(Problem::Pattern, &text)),
            Err(NotText::Escape(error)) => Err(self.bad(Problem::Encoding(error), raw)),
            Err(NotText::Utf8) => Err(self.bad(Problem::NotUtf8, raw)),
        }
    }

    fn bad(self, problem: Problem, seen: &str) -> BadParam {
        let shows = !self.is_secret() && problem != Problem::Missing;
        BadParam { param: self, problem, seen: shows.then(|| shortened(seen)) }
    }

    fn is_secret(self) -> bool {
        match self {
            Param::AccessToken | Param::EventData => true,
            Param::ClientId | Param::ClientRole | Param::RecipientClientId | Param::EventType => false,
        }
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for BadParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.param, self.problem)?;
        if let Some(seen) = &self.seen {
            write!(f, ", seen {seen:?}")?;
        }
        write!(f, "; accepted: {}", self.param.accepted())
    }
}

#[cfg(test)]
mod tests;
