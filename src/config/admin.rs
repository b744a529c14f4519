//! `[admin]`: the listener of the admin part.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// The shortest token that is accepted, in characters: about what cannot be guessed.
pub const SHORTEST_TOKEN: usize = 16;

/// The longest.
pub const LONGEST_TOKEN: usize = 256;

/// `[admin]`: where sockets and sessions are inspected and steered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminSettings {
    /// Where. Empty switches it off. `127.0.0.1:8081`.
    pub bind: Vec<SocketAddr>,
    /// What must be shown by whoever uses it. None; needed where `bind` is no loopback address.
    pub token: Option<AdminToken>,
    /// Whether params of crEvents are shown to who asks for them. No.
    pub show_params: bool,
}

impl Default for AdminSettings {
    fn default() -> AdminSettings {
        AdminSettings {
            bind: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8081))],
            token: None,
            show_params: false,
        }
    }
}

/// What must be shown by whoever uses the admin part. It is never shown itself.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken(Arc<str>);

impl AdminToken {
    /// 16 to 256 visible ASCII characters.
    pub fn parse(text: &str) -> Option<AdminToken> {
        let fits = (SHORTEST_TOKEN..=LONGEST_TOKEN).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| AdminToken(text.into()))
    }

    /// Its text: secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(***)")
    }
}
