//! Access policies: lists of tokens, and patterns for them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use siphasher::sip128::SipHasher24;
use subtle::ConstantTimeEq;

use crate::config::{ListedToken, TokenPattern};
use crate::protocol::ids::{AccessToken, Role, User};
use crate::protocol::policy::{Access, Denied};

/// Tokens that are found without a trace, in the time it takes, of how much of one was guessed right.
///
/// They are looked up by a hash with a key that nobody knows, so that no guess is nearer to a token than another; what
/// is found is compared as a whole.
pub(super) struct Tokens {
    key: [u8; 16],
    by_hash: HashMap<u128, (AccessToken, Option<Role>)>,
}

impl Tokens {
    /// These tokens, under a key of their own.
    pub(super) fn new(listed: impl IntoIterator<Item = ListedToken>) -> Result<Tokens, getrandom::Error> {
        let mut key = [0; 16];
        getrandom::fill(&mut key)?;
        let by_hash = listed
            .into_iter()
            .map(|listed| (hash(&key, &listed.token), (listed.token, listed.role)))
            .collect();
        Ok(Tokens { key, by_hash })
    }

    /// No tokens at all.
    pub(super) fn none() -> Tokens {
        Tokens { key: [0; 16], by_hash: HashMap::new() }
    }

    /// The role of a token, `None` for both, if it is listed.
    fn role_of(&self, token: &AccessToken) -> Option<Option<Role>> {
        let (listed, role) = self.by_hash.get(&hash(&self.key, token))?;
        let same = listed.as_str().as_bytes().ct_eq(token.as_str().as_bytes());
        bool::from(same).then_some(*role)
    }
}

fn hash(key: &[u8; 16], token: &AccessToken) -> u128 {
    SipHasher24::new_with_key(key).hash(token.as_str().as_bytes()).as_u128()
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.by_hash.len())
    }
}

/// Admits the tokens of a list, each in one role or in both; each is its own user.
#[derive(Debug)]
pub(super) struct Listed(pub(super) Arc<Tokens>);

impl Access for Listed {
    fn admit(&self, token: &AccessToken, role: Role) -> Result<User, Denied> {
        match self.0.role_of(token) {
            Some(listed) if listed.is_none_or(|only| only == role) => Ok(User::Token(token.clone())),
            Some(_) | None => Err(Denied::NotAuthorized),
        }
    }
}

/// Refuses what does not match a pattern as invalid, and leaves the rest to another policy.
#[derive(Debug)]
pub(super) struct Patterned {
    pub(super) pattern: TokenPattern,
    pub(super) rest: Arc<dyn Access>,
}

impl Access for Patterned {
    fn admit(&self, token: &AccessToken, role: Role) -> Result<User, Denied> {
        if self.pattern.matches(token) { self.rest.admit(token, role) } else { Err(Denied::InvalidToken) }
    }
}
