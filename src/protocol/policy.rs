//! Who may take part, who may pair with whom, and who looks on: the policies of an app (sections 1 and 4).
//!
//! Traits here, with their simplest forms; the others belong to `apps`. None of them does I/O or waits.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use thiserror::Error;

use super::event::CrEvent;
use super::ids::{AccessToken, AppId, ClientId, Role, User};

/// An app's access policy: which accessTokens it admits, and whom they stand for.
pub trait Access: Debug + Send + Sync {
    /// Whom this token stands for in this role.
    ///
    /// # Errors
    /// [`Denied`] where the token may not take part.
    fn admit(&self, token: &AccessToken, role: Role) -> Result<User, Denied>;
}

/// Why an accessToken is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Denied {
    /// It does not match the app's `token_pattern`: `invalidAccessToken`, or `400`.
    InvalidToken,
    /// It matches, but may not take part, or not in this role: `notAuthorized`, or `403`.
    NotAuthorized,
}

/// Admits every accessToken; each is its own user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AnyAccess;

impl Access for AnyAccess {
    fn admit(&self, token: &AccessToken, _role: Role) -> Result<User, Denied> {
        Ok(User::Token(token.clone()))
    }
}

/// Admits the accessTokens of a list, each in one role or in both; each is its own user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ListAccess {
    tokens: BTreeMap<AccessToken, Option<Role>>,
}

impl ListAccess {
    /// A list that admits nobody yet.
    pub fn new() -> ListAccess {
        ListAccess::default()
    }

    /// The list, and this token: in that role, or in both.
    #[must_use]
    pub fn with(mut self, token: AccessToken, role: Option<Role>) -> ListAccess {
        self.tokens.insert(token, role);
        self
    }
}

impl Access for ListAccess {
    fn admit(&self, token: &AccessToken, role: Role) -> Result<User, Denied> {
        let listed = self.tokens.get(token).ok_or(Denied::NotAuthorized)?;
        match listed {
            Some(only) if *only != role => Err(Denied::NotAuthorized),
            Some(_) | None => Ok(User::Token(token.clone())),
        }
    }
}

/// An app's pairing policy: whose crEvents reach whom (section 4, Arrival, rule 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pairing {
    /// Clients of any two users.
    #[default]
    Any,
    /// Only clients of one user (`same-user`, also written `same-token`).
    SameUser,
}

/// No pairing policy has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("a pairing policy is any or same-user (also written same-token)")]
pub struct InvalidPairing;

impl Pairing {
    /// Reads `any`, `same-user` or `same-token`.
    ///
    /// # Errors
    /// [`InvalidPairing`] for anything else.
    pub fn parse(text: &str) -> Result<Pairing, InvalidPairing> {
        match text {
            "any" => Ok(Pairing::Any),
            "same-user" | "same-token" => Ok(Pairing::SameUser),
            _ => Err(InvalidPairing),
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Pairing::Any => "any",
            Pairing::SameUser => "same-user",
        }
    }

    /// Whether clients of these users may exchange crEvents.
    pub fn allows(self, sender: &User, recipient: &User) -> bool {
        match self {
            Pairing::Any => true,
            Pairing::SameUser => sender == recipient,
        }
    }
}

/// Sees the crEvents of an app that are interceptable, and may change, drop or answer them.
///
/// Policies and keeping do not depend on it, and it never sees a `reject` (section 4, Arrival, rule 4).
pub trait Interceptor: Debug + Send + Sync {
    /// What becomes of this crEvent.
    fn intercept(&self, passing: &Passing<'_>) -> Interception;
}

/// A crEvent on its way, as an interceptor sees it.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// The app whose interceptor looks on.
    pub app: &'a AppId,
    /// The crEvent; its sender is `sender`.
    pub event: &'a CrEvent,
    /// Who sent it.
    pub sender: ClientId,
    /// In which role.
    pub sender_role: Role,
    /// On whose behalf.
    pub sender_user: &'a User,
    /// Whom it is for.
    pub recipient: ClientId,
}

/// What an interceptor decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interception {
    /// What becomes of the crEvent.
    pub verdict: Verdict,
    /// CrEvents to its sender, in the name of the recipient. They reach it only on the stream it sent from, and are
    /// lost when that is gone or full.
    pub replies: Vec<CrEvent>,
}

/// What becomes of an intercepted crEvent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It goes on as it is.
    #[default]
    Accept,
    /// It goes on with another content.
    Change(Content),
    /// It ends here. A `ping` is answered by a `reject` with this subType, or `blocked` without one.
    Drop {
        /// The subType of that `reject`, `[0-9A-Za-z]*`.
        sub_type: Option<Box<str>>,
    },
}

/// What an interceptor may change in a crEvent. What does not match the patterns of section 2, or is too long, drops
/// the event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content {
    /// The eventType, `[0-9A-Za-z]+`.
    pub event_type: Box<str>,
    /// The eventSubType, `[0-9A-Za-z]*`.
    pub sub_type: Box<str>,
    /// The params, without commas.
    pub params: Vec<Box<str>>,
}

/// The policies of one app. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// Who may take part.
    pub access: Arc<dyn Access>,
    /// Who may pair with whom.
    pub pairing: Pairing,
    /// See what is accepted, in this order, before it is routed.
    pub sender_interceptors: Vec<Arc<dyn Interceptor>>,
    /// See what arrives at a session, in this order, before it is forwarded.
    pub recipient_interceptors: Vec<Arc<dyn Interceptor>>,
}

impl Default for App {
    /// Admits and pairs anybody, and nobody looks on.
    fn default() -> App {
        App {
            access: Arc::new(AnyAccess),
            pairing: Pairing::Any,
            sender_interceptors: Vec::new(),
            recipient_interceptors: Vec::new(),
        }
    }
}

/// The apps a server knows.
#[derive(Clone, Debug, Default)]
pub struct Apps {
    named: BTreeMap<AppId, App>,
    any_app: Option<App>,
}

impl Apps {
    /// No apps.
    pub fn new() -> Apps {
        Apps::default()
    }

    /// These apps, and this one.
    #[must_use]
    pub fn with(mut self, id: AppId, app: App) -> Apps {
        self.named.insert(id, app);
        self
    }

    /// These apps, and any other appId with the policies of this one (`any_app`).
    #[must_use]
    pub fn with_any(mut self, app: App) -> Apps {
        self.any_app = Some(app);
        self
    }

    /// The policies of this app; `None` is the `404` of section 3.
    pub fn get(&self, id: &AppId) -> Option<&App> {
        self.named.get(id).or(self.any_app.as_ref())
    }

    /// Whether there is an app of any name.
    pub fn takes_any(&self) -> bool {
        self.any_app.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_4_pairing_policies_have_names() {
        let rows = [
            ("any", Ok(Pairing::Any)),
            ("same-user", Ok(Pairing::SameUser)),
            ("same-token", Ok(Pairing::SameUser)),
            ("sameUser", Err(InvalidPairing)),
            ("", Err(InvalidPairing)),
        ];
        for (text, expected) in rows {
            assert_eq!(Pairing::parse(text), expected, "{text:?}");
        }
        assert!([Pairing::Any, Pairing::SameUser].into_iter().all(|p| Pairing::parse(p.as_str()) == Ok(p)));
    }

    fn token(text: &str) -> AccessToken {
        AccessToken::parse(text).unwrap()
    }

    #[test]
    fn section_1_the_token_itself_is_the_user_under_any_and_list() {
        let listed = ListAccess::new().with(token("a"), None);
        for role in [Role::Controller, Role::Responder] {
            assert_eq!(AnyAccess.admit(&token("a"), role), Ok(User::Token(token("a"))));
            assert_eq!(listed.admit(&token("a"), role), Ok(User::Token(token("a"))));
        }
    }

    #[test]
    fn section_1_a_list_admits_its_tokens_in_their_roles() {
        let listed = ListAccess::new().with(token("c"), Some(Role::Controller));
        assert!(listed.admit(&token("c"), Role::Controller).is_ok());
        assert_eq!(listed.admit(&token("c"), Role::Responder), Err(Denied::NotAuthorized));
        assert_eq!(listed.admit(&token("x"), Role::Controller), Err(Denied::NotAuthorized));
    }

    #[test]
    fn section_4_same_user_goes_by_user() {
        let claim = User::Claim { issuer: "i".into(), value: "a".into() };
        let plain = User::Token(token("a"));
        assert!(Pairing::SameUser.allows(&plain, &plain));
        assert!(!Pairing::SameUser.allows(&plain, &claim));
        assert!(Pairing::Any.allows(&plain, &claim));
    }

    #[test]
    fn section_3_apps_are_known_by_name_or_all_alike() {
        let (known, other) = (AppId::parse("known").unwrap(), AppId::parse("other").unwrap());
        let apps = Apps::new().with(known.clone(), App { pairing: Pairing::SameUser, ..App::default() });
        assert!(apps.get(&known).is_some());
        assert!(apps.get(&other).is_none());
        let apps = apps.with_any(App::default());
        assert_eq!(apps.get(&known).map(|app| app.pairing), Some(Pairing::SameUser));
        assert_eq!(apps.get(&other).map(|app| app.pairing), Some(Pairing::Any));
    }
}
