//! Who the users of the simulation are: an accessToken is a name, perhaps with a dot and the number of its renewal.

use crate::protocol::ids::{AccessToken, InvalidId, Role, User};
use crate::protocol::policy::{Access, Denied};

/// An accessToken that matches its pattern and may not take part.
pub(super) const REFUSED: &str = "refused";
/// An accessToken that matches the client's pattern, but not the app's.
pub(super) const MISSHAPEN: &str = "misshapen";

/// Admits everybody but these two.
#[derive(Debug)]
pub(super) struct Names;

impl Access for Names {
    fn admit(&self, token: &AccessToken, _role: Role) -> Result<User, Denied> {
        match token.as_str() {
            REFUSED => Err(Denied::NotAuthorized),
            MISSHAPEN => Err(Denied::InvalidToken),
            _ => Ok(user_of(token)),
        }
    }
}

/// Whom an accessToken stands for: the name alone.
pub(super) fn user_of(token: &AccessToken) -> User {
    let text = token.as_str();
    let dot = text.bytes().position(|byte| byte == b'.');
    let name = dot.and_then(|dot| AccessToken::parse(text.get(..dot)?).ok());
    User::Token(name.unwrap_or_else(|| token.clone()))
}

/// Another accessToken of the same user.
pub(super) fn renewed(token: &AccessToken, number: u64) -> Result<AccessToken, InvalidId> {
    let text = token.as_str();
    let name = text.split_once('.').map_or(text, |(name, _)| name);
    AccessToken::parse(&format!("{name}.{number}"))
}
