//! Query strings (section 3): how parameters are found, what `eventsource` reads in them, and how our own clients
//! write them. What `sendevent` reads is [`SendEvent`](super::SendEvent).

use std::borrow::Cow;
use std::fmt;

use subtle::ConstantTimeEq;

use super::frame::AbortReason;
use super::percent;
use super::send_event::Param;
use crate::protocol::ids::{AccessToken, ClientId, Credentials, Pid, Role};

/// The query of a request, the part of its URL behind the `?`, not decoded.
///
/// `&` alone separates, the first `=` splits, unknown parameters are ignored, of a repeated one the last counts, and
/// `+` means itself. A parameter without `=` has an empty value. Names may be percent-encoded as well.
#[derive(Clone, Copy)]
pub struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// The query in this text.
    pub fn new(raw: &'a str) -> Query<'a> {
        Query(raw)
    }

    /// The value of a parameter, still encoded.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let [value] = self.get_each([name]);
        value
    }

    /// The values of several parameters, still encoded, found in one pass.
    pub fn get_each<const N: usize>(&self, names: [&str; N]) -> [Option<&'a str>; N] {
        let mut values = [None; N];
        for parameter in self.0.split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let name = percent::decode_text_lossy(name.as_bytes());
            let found = names.iter().zip(&mut values).find(|(wanted, _)| **wanted == name);
            if let Some((_, slot)) = found {
                *slot = Some(value);
            }
        }
        values
    }
}

impl fmt::Debug for Query<'_> {
    // It holds an accessToken, and maybe params.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({} bytes)", self.0.len())
    }
}

/// What a request for an event stream says of itself (section 3).
///
/// Nothing is malformed here: what is missing or not UTF-8 is `None`, and a `%` that starts no escape stands for itself,
/// because existing clients put the accessToken into the URL as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct EventSourceParams<'a> {
    /// The clientId, unchecked.
    pub client_id: Option<Cow<'a, str>>,
    /// The clientRole, unchecked.
    pub client_role: Option<Cow<'a, str>>,
    /// The accessToken, unchecked.
    pub access_token: Option<Cow<'a, str>>,
}

impl<'a> EventSourceParams<'a> {
    /// Reads the three parameters.
    pub fn read(query: Query<'a>) -> EventSourceParams<'a> {
        let names = [Param::ClientId, Param::ClientRole, Param::AccessToken].map(Param::as_str);
        let [client_id, client_role, access_token] = query
            .get_each(names)
            .map(|value| value.and_then(|value| percent::decode_text_lenient(value.as_bytes())));
        EventSourceParams { client_id, client_role, access_token }
    }

    /// What a client with these credentials says of itself.
    pub fn of(credentials: &'a Credentials, role: Role) -> EventSourceParams<'a> {
        EventSourceParams {
            client_id: Some(credentials.client_id.to_string().into()),
            client_role: Some(role.as_str().into()),
            access_token: Some(credentials.access_token.as_str().into()),
        }
    }

    /// The same, owned: for a message to another thread.
    #[must_use]
    pub fn into_owned(self) -> EventSourceParams<'static> {
        let owned = |value: Option<Cow<'a, str>>| value.map(|value| Cow::Owned(value.into_owned()));
        EventSourceParams {
            client_id: owned(self.client_id),
            client_role: owned(self.client_role),
            access_token: owned(self.access_token),
        }
    }

    /// Checks the three patterns: clientRole, then clientId, then accessToken.
    ///
    /// # Errors
    /// The reason of the `aborted` that answers the first one that is missing or invalid.
    pub fn check(&self) -> Result<(Role, Credentials), AbortReason> {
        let role = valid(self.client_role.as_deref(), Role::parse).ok_or(AbortReason::InvalidRole)?;
        let client_id =
            valid(self.client_id.as_deref(), ClientId::parse).ok_or(AbortReason::InvalidClientId)?;
        let access_token =
            valid(self.access_token.as_deref(), AccessToken::parse).ok_or(AbortReason::InvalidAccessToken)?;
        Ok((role, Credentials { client_id, access_token }))
    }
}

impl fmt::Debug for EventSourceParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSourceParams")
            .field("client_id", &self.client_id)
            .field("client_role", &self.client_role)
            .field("access_token", &self.access_token.as_ref().map(|_| format_args!("***")))
            .finish()
    }
}

/// Whether the accessToken that a `sendevent` shows is that of the session (section 4).
///
/// `eventsource` sees only what an unencoded token leaves of itself in a URL, so the shown one counts also when, cut
/// at its first `&` or `#` and percent-decoded once, it equals the session's.
pub fn same_token(shown: &AccessToken, own: &AccessToken) -> bool {
    if shown == own {
        return true;
    }
    let left = shown.as_str().split(['&', '#']).next().unwrap_or_default();
    percent::decode_lenient(left.as_bytes()).ct_eq(own.as_str().as_bytes()).into()
}

/// The query by which a client asks for its event stream.
pub fn eventsource_query(credentials: &Credentials, role: Role) -> String {
    format!(
        "clientId={}&clientRole={role}&accessToken={}",
        credentials.client_id,
        percent::encode(credentials.access_token.as_str()),
    )
}

/// What a client sends by `sendevent`.
#[derive(Clone, Copy)]
pub enum Outgoing<'a> {
    /// A crEvent: its event data string.
    CrEvent(&'a str),
    /// "I am alive", to its own event stream with this pid.
    Alive(Pid),
    /// "I close the stream", to its own event stream with this pid.
    Close(Pid),
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outgoing::CrEvent(text) => super::event_data::describe(text, f),
            Outgoing::Alive(pid) => write!(f, "alive {pid}"),
            Outgoing::Close(pid) => write!(f, "close {pid}"),
        }
    }
}

/// The query by which a client sends to `recipient`: its partner, or itself with `alive` and `close`.
pub fn sendevent_query(
    credentials: &Credentials,
    role: Role,
    recipient: ClientId,
    outgoing: Outgoing<'_>,
) -> String {
    let who = eventsource_query(credentials, role);
    match outgoing {
        Outgoing::CrEvent(text) => {
            let event_data = percent::encode(text);
            format!("{who}&recipientClientId={recipient}&eventType=crEvent&eventData={event_data}")
        }
        Outgoing::Alive(pid) => {
            format!("{who}&recipientClientId={recipient}&eventType=alive&eventData={pid}")
        }
        Outgoing::Close(pid) => {
            format!("{who}&recipientClientId={recipient}&eventType=close&eventData={pid}")
        }
    }
}

fn valid<T, E>(text: Option<&str>, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
    text.and_then(|text| parse(text).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(text: &str) -> AccessToken {
        AccessToken::parse(text).unwrap()
    }

    #[test]
    fn section_3_how_parameters_are_found() {
        for (rule, raw, value) in [
            ("& alone separates", "x=1&a=2;a=3&y=4", Some("2;a=3")),
            ("the first = splits", "a=b=c", Some("b=c")),
            ("unknown ones are ignored", "b=1&aa=2&A=3", None),
            ("of a repeated one the last counts", "a=1&a=2&b=3", Some("2")),
            ("+ means itself", "a=b+c", Some("b+c")),
            ("a parameter without = is empty", "b=1&a", Some("")),
            ("also as the last of a repeated one", "a=1&a=", Some("")),
            ("a value stays encoded", "a=%26%3D", Some("%26%3D")),
            ("an encoded separator does not separate", "b=1%26a=2", None),
            ("a name may be encoded", "%61=1", Some("1")),
            ("empty ones mean nothing", "&&a=1&&=2&", Some("1")),
            ("an empty query has none", "", None),
        ] {
            assert_eq!(Query::new(raw).get("a"), value, "{rule}");
        }
    }

    #[test]
    fn section_3_eventsource_checks_role_then_client_id_then_token() {
        for (raw, reason) in [
            ("", AbortReason::InvalidRole),
            ("clientId=1&clientRole=boss&accessToken=", AbortReason::InvalidRole),
            ("clientId=1&clientRole=controller&accessToken=", AbortReason::InvalidClientId),
            ("clientId=000001&clientRole=controller&accessToken=", AbortReason::InvalidAccessToken),
            ("clientId=000001&clientRole=controller", AbortReason::InvalidAccessToken),
            ("clientId=000001&clientRole=controller&accessToken=a%20b", AbortReason::InvalidAccessToken),
            ("clientId=000001&clientRole=controller&accessToken=%FF", AbortReason::InvalidAccessToken),
            ("clientId=%FF&clientRole=controller&accessToken=a", AbortReason::InvalidClientId),
        ] {
            assert_eq!(EventSourceParams::read(Query::new(raw)).check(), Err(reason), "{raw}");
        }
    }

    #[test]
    fn section_3_what_eventsource_sees_of_a_token_put_in_as_it_is() {
        for (as_it_is, seen) in [
            ("plain", "plain"),
            ("100%", "100%"),
            ("a%zz%4", "a%zz%4"),
            ("a%41", "aA"),
            ("a+b=c;d", "a+b=c;d"),
            ("a&b", "a"),
        ] {
            let raw = format!("clientId=700002&clientRole=responder&accessToken={as_it_is}");
            let (role, credentials) = EventSourceParams::read(Query::new(&raw)).check().unwrap();
            assert_eq!((role, credentials.access_token.as_str()), (Role::Responder, seen));
            assert!(same_token(&token(as_it_is), &credentials.access_token), "{as_it_is}");
        }
    }

    #[test]
    fn section_4_a_token_is_recognised_by_what_is_left_of_it() {
        for (shown, own, same) in [
            ("a", "a", true),
            ("a%41", "a%41", true),
            ("a#b", "a", true),
            ("a&b#c", "a", true),
            ("a%26b", "a&b", true),
            ("a%2541", "a%41", true),
            ("a%2541", "aA", false),
            ("a", "a&b", false),
            ("&a", "a", false),
            ("a", "A", false),
        ] {
            assert_eq!(same_token(&token(shown), &token(own)), same, "{shown} {own}");
        }
    }

    #[test]
    fn debug_never_shows_the_token() {
        let query = Query::new("accessToken=secret");
        let params = EventSourceParams::read(query);
        assert!(!format!("{query:?} {params:?}").contains("secret"));
        assert!(!format!("{:?}", Outgoing::CrEvent("a,,,,,,,1,secret")).contains("secret"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn an_eventsource_query_comes_back(
            number in 0..ClientId::COUNT, text in "[!-~]{1,20}", controller in any::<bool>(),
        ) {
            let client_id = ClientId::from_number(number).unwrap();
            let credentials = Credentials { client_id, access_token: token(&text) };
            let role = if controller { Role::Controller } else { Role::Responder };
            let raw = eventsource_query(&credentials, role);
            prop_assert_eq!(EventSourceParams::read(Query::new(&raw)).check(), Ok((role, credentials)));
        }

        #[test]
        fn any_query_is_read(raw in "(clientId|clientRole|accessToken|=|&|%|[0-9]{6}|controller|\\PC){0,20}") {
            let _ = EventSourceParams::read(Query::new(&raw)).check();
        }
    }
}
