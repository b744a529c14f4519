//! Who is who: clientIds, appIds, accessTokens, users, pids, roles (section 1 of the specification).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use thiserror::Error;

/// A value of the protocol that does not match its pattern (section 1).
///
/// It never carries the value itself: an accessToken must not reach a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum InvalidId {
    /// Not exactly six digits.
    #[error("a clientId is exactly six digits, 000000 to 999999")]
    ClientId,
    /// Not `[0-9A-Za-z_-]{1,64}`.
    #[error("an appId is 1 to 64 characters of 0-9, A-Z, a-z, _ and -")]
    AppId,
    /// Not one or more printable ASCII characters without a space.
    #[error("an accessToken is one or more printable ASCII characters without a space")]
    AccessToken,
    /// Neither `controller` nor `responder`.
    #[error("a clientRole is controller or responder")]
    Role,
    /// Not a positive integer below 2^53.
    #[error("a pid is a positive integer below 9007199254740992")]
    Pid,
}

/// A clientId: exactly six digits on the wire, a number below a million inside; unique in a server, across apps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(NonZeroU32); // the number plus one, so that an Option costs nothing

impl ClientId {
    /// How many clientIds there are.
    pub const COUNT: u32 = 1_000_000;

    /// Reads exactly six ASCII digits.
    ///
    /// # Errors
    /// [`InvalidId::ClientId`] for anything else.
    pub fn parse(text: &str) -> Result<ClientId, InvalidId> {
        if text.len() != 6 {
            return Err(InvalidId::ClientId);
        }
        let number = text
            .bytes()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| 10 * number + u32::from(byte - b'0')));
        number.and_then(ClientId::from_number).ok_or(InvalidId::ClientId)
    }

    /// The clientId with this number, if it is below a million.
    pub fn from_number(number: u32) -> Option<ClientId> {
        if number >= ClientId::COUNT {
            return None;
        }
        NonZeroU32::new(number + 1).map(ClientId)
    }

    /// Its number, 0 to 999,999.
    pub fn number(self) -> u32 {
        self.0.get() - 1
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.number())
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for ClientId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<ClientId, InvalidId> {
        ClientId::parse(text)
    }
}

/// An appId, `[0-9A-Za-z_-]{1,64}`: a pair of web apps made for each other. Cheap to clone, and to compare with a clone.
#[derive(Clone, Eq)]
pub struct AppId(Arc<str>);

impl PartialEq for AppId {
    fn eq(&self, other: &AppId) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Ord for AppId {
    fn cmp(&self, other: &AppId) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for AppId {
    fn partial_cmp(&self, other: &AppId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for AppId {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }
}

impl AppId {
    /// Reads an appId.
    ///
    /// # Errors
    /// [`InvalidId::AppId`] where the pattern does not match.
    pub fn parse(text: &str) -> Result<AppId, InvalidId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(AppId(text.into()))
        } else {
            Err(InvalidId::AppId)
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An accessToken: one or more printable ASCII characters, no space. Cheap to clone; never printed.
///
/// Comparing two takes the same time wherever they differ, so that nobody can guess one bit by bit.
#[derive(Clone, Eq, PartialOrd, Ord)]
pub struct AccessToken(Arc<str>);

impl PartialEq for AccessToken {
    fn eq(&self, other: &AccessToken) -> bool {
        // Clones of one token are no guesses.
        Arc::ptr_eq(&self.0, &other.0) || self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Hash for AccessToken {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }
}

impl AccessToken {
    /// Reads an accessToken.
    ///
    /// # Errors
    /// [`InvalidId::AccessToken`] where the pattern does not match.
    pub fn parse(text: &str) -> Result<AccessToken, InvalidId> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(AccessToken(text.into()))
        } else {
            Err(InvalidId::AccessToken)
        }
    }

    /// Its text: for the wire and for access policies, never for a log.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Whom an accessToken stands for, as the app's access policy says (section 1). The two kinds never equal each other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum User {
    /// The token itself is the user (`any`, `list`).
    Token(AccessToken),
    /// An issuer and what it claims (`jwt`).
    Claim {
        /// Who vouches.
        issuer: Arc<str>,
        /// The claim's value, such as `sub`.
        value: Arc<str>,
    },
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            User::Token(_) => f.write_str("Token(***)"),
            User::Claim { issuer, .. } => write!(f, "Claim({issuer}, ***)"),
        }
    }
}

/// The identity of one opened event stream: a positive integer below 2^53, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(NonZeroU64);

impl Pid {
    /// The first number that is no pid any more: browsers hold integers exactly below 2^53.
    pub const LIMIT: u64 = 1 << 53;

    /// Reads a pid as it stands in a frame or in eventData: decimal digits.
    ///
    /// # Errors
    /// [`InvalidId::Pid`] for anything else.
    pub fn parse(text: &str) -> Result<Pid, InvalidId> {
        if text.is_empty() || text.len() > 16 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidId::Pid);
        }
        text.parse().ok().and_then(Pid::from_number).ok_or(InvalidId::Pid)
    }

    /// The pid with this number, if it is positive and below [`Pid::LIMIT`].
    pub fn from_number(number: u64) -> Option<Pid> {
        if number >= Pid::LIMIT {
            return None;
        }
        NonZeroU64::new(number).map(Pid)
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The role of a client; the other one is its partner role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The tester's side.
    Controller,
    /// The participant's side.
    Responder,
}

impl Role {
    /// Reads `controller` or `responder`.
    ///
    /// # Errors
    /// [`InvalidId::Role`] for anything else.
    pub fn parse(text: &str) -> Result<Role, InvalidId> {
        match text {
            "controller" => Ok(Role::Controller),
            "responder" => Ok(Role::Responder),
            _ => Err(InvalidId::Role),
        }
    }

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Controller => "controller",
            Role::Responder => "responder",
        }
    }

    /// The other role.
    #[must_use]
    pub fn partner(self) -> Role {
        match self {
            Role::Controller => Role::Responder,
            Role::Responder => Role::Controller,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an enclosing client has assigned: nothing, something that does not match its pattern, or a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assigned<T> {
    /// Nothing.
    #[default]
    Nothing,
    /// Something invalid; what it was matters to nobody.
    Invalid,
    /// A valid value.
    Valid(T),
}

impl<T> Assigned<T> {
    /// The value, if there is a valid one.
    pub fn valid(&self) -> Option<&T> {
        match self {
            Assigned::Valid(value) => Some(value),
            Assigned::Nothing | Assigned::Invalid => None,
        }
    }

    /// Reads what an enclosing client assigned: no text is nothing, other text is parsed.
    pub fn parse<E>(text: Option<&str>, parse: impl FnOnce(&str) -> Result<T, E>) -> Assigned<T> {
        match text {
            None => Assigned::Nothing,
            Some(text) => parse(text).map_or(Assigned::Invalid, Assigned::Valid),
        }
    }
}

impl<T> From<Option<T>> for Assigned<T> {
    fn from(value: Option<T>) -> Assigned<T> {
        value.map_or(Assigned::Nothing, Assigned::Valid)
    }
}

/// What a client shows with each request, its role and app apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credentials {
    /// Which client.
    pub client_id: ClientId,
    /// On whose behalf.
    pub access_token: AccessToken,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_1_client_id_is_exactly_six_digits() {
        let rows = [
            ("000000", Some(0)),
            ("999999", Some(999_999)),
            ("048291", Some(48_291)),
            ("12345", None),
            ("1234567", None),
            ("+12345", None),
            ("12345a", None),
            ("٣٣٣٣٣٣", None),
            ("", None),
        ];
        for (text, number) in rows {
            assert_eq!(ClientId::parse(text).ok().map(ClientId::number), number, "{text:?}");
        }
        assert_eq!(ClientId::from_number(ClientId::COUNT), None);
        assert_eq!(ClientId::from_number(7).unwrap().to_string(), "000007");
    }

    #[test]
    fn section_1_app_id_is_1_to_64_of_its_characters_d() {
        let longest = "a".repeat(64);
        for valid in ["a", "Comm-Test_2", longest.as_str()] {
            assert_eq!(AppId::parse(valid).map(|id| id.to_string()), Ok(valid.to_owned()));
        }
        let too_long = "a".repeat(65);
        for invalid in ["", "a b", "a/b", "a.b", "ä", "a\0", too_long.as_str()] {
            assert_eq!(AppId::parse(invalid), Err(InvalidId::AppId), "{invalid:?}");
        }
    }

    #[test]
    fn section_1_access_token_is_printable_ascii_without_a_space() {
        for valid in ["!", "~", "a&b#c%41"] {
            assert_eq!(AccessToken::parse(valid).unwrap().as_str(), valid);
        }
        for invalid in ["", " ", "a b", "a\n", "ä", "\u{7f}"] {
            assert_eq!(AccessToken::parse(invalid), Err(InvalidId::AccessToken), "{invalid:?}");
        }
    }

    #[test]
    fn section_1_a_token_user_never_equals_a_claim() {
        let token = User::Token(AccessToken::parse("alice").unwrap());
        let claim = |issuer: &str| User::Claim { issuer: issuer.into(), value: "alice".into() };
        assert_ne!(token, claim("alice"));
        assert_ne!(claim("here"), claim("there"));
        assert_eq!(claim("here"), claim("here"));
    }

    #[test]
    fn no_secret_is_printed() {
        let token = AccessToken::parse("geheim").unwrap();
        let claim = User::Claim { issuer: "here".into(), value: "geheim".into() };
        let client_id = ClientId::from_number(1).unwrap();
        let credentials = Credentials { client_id, access_token: token.clone() };
        let printed = format!("{token:?} {:?} {claim:?} {credentials:?}", User::Token(token.clone()));
        assert!(!printed.contains("geheim"), "{printed}");
        assert!(printed.contains("***"), "{printed}");
    }

    #[test]
    fn section_3_pid_is_positive_and_below_2_to_the_53() {
        for (text, number) in [
            ("1", Some(1)),
            ("9007199254740991", Some(Pid::LIMIT - 1)),
            ("9007199254740992", None),
            ("0", None),
            ("-1", None),
            ("1.0", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(Pid::parse(text).ok().map(Pid::number), number, "{text:?}");
        }
    }

    #[test]
    fn section_1_roles_are_each_others_partners() {
        for role in [Role::Controller, Role::Responder] {
            assert_eq!(Role::parse(role.as_str()), Ok(role));
            assert_ne!(role.partner(), role);
            assert_eq!(role.partner().partner(), role);
        }
        assert_eq!(Role::parse("Controller"), Err(InvalidId::Role));
    }

    #[test]
    fn what_is_assigned_is_nothing_invalid_or_valid() {
        assert_eq!(Assigned::parse(None, ClientId::parse), Assigned::Nothing);
        assert_eq!(Assigned::parse(Some("12"), ClientId::parse), Assigned::Invalid);
        let id = ClientId::from_number(12).unwrap();
        assert_eq!(Assigned::parse(Some("000012"), ClientId::parse), Assigned::Valid(id));
    }
}
