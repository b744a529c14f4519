//! `[apps.NAME]`: who may take part in an app, who may pair with whom, whose pages may speak with it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use config::{Map, Value, ValueKind};
use regex_lite::Regex;

use super::mistake::{Given, Mistake};
use super::section::Section;
use super::source::place;
use crate::protocol::ids::{AccessToken, AppId, InvalidId, Role};
use crate::protocol::policy::Pairing;

/// `[apps.NAME]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppSettings {
    /// Who may take part. Anybody.
    pub access: AccessSettings,
    /// What every accessToken of this app matches, from its first to its last character; what does not is an invalid
    /// one. None.
    pub token_pattern: Option<TokenPattern>,
    /// Who may pair with whom. Anybody.
    pub pairing: Pairing,
    /// The pages of other origins that may speak with this app. None.
    pub cors_origins: CorsOrigins,
}

/// `access`, `tokens`, `token_file`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccessSettings {
    /// `access = "any"`: every accessToken, each its own user.
    #[default]
    Any,
    /// `access = "list"`: those listed here and in the file, each its own user.
    List {
        /// `tokens`.
        tokens: Vec<ListedToken>,
        /// `token_file`: a token in each line.
        token_file: Option<PathBuf>,
    },
}

/// A token of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedToken {
    /// The token.
    pub token: AccessToken,
    /// The one role in which it may take part; `None` is both.
    pub role: Option<Role>,
}

/// A pattern for whole accessTokens: a regular expression, anchored at both ends.
#[derive(Clone, Debug)]
pub struct TokenPattern {
    text: String,
    regex: Regex,
}

impl PartialEq for TokenPattern {
    fn eq(&self, other: &TokenPattern) -> bool {
        self.text == other.text
    }
}

impl Eq for TokenPattern {}

impl TokenPattern {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<TokenPattern, String> {
        // On its own first: `a)|(b` must not escape from its group.
        Regex::new(text).map_err(|error| error.to_string())?;
        let regex = Regex::new(&format!(r"\A(?:{text})\z")).map_err(|error| error.to_string())?;
        Ok(TokenPattern { text: text.to_owned(), regex })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether all of this token matches.
    pub fn matches(&self, token: &AccessToken) -> bool {
        self.regex.is_match(token.as_str())
    }
}

/// `cors_origins`: origins as browsers send them, `https://example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigins {
    /// `"*"`: all of them.
    Any,
    /// These.
    Only(Vec<String>),
}

impl Default for CorsOrigins {
    fn default() -> CorsOrigins {
        CorsOrigins::Only(Vec::new())
    }
}

impl CorsOrigins {
    /// Whether the pages of this origin are allowed.
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            CorsOrigins::Any => true,
            CorsOrigins::Only(origins) => origins.iter().any(|allowed| allowed == origin),
        }
    }
}

/// Reads `[apps]`.
pub(super) fn read(
    apps: Option<&Map<String, Value>>,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<AppId, AppSettings> {
    // In an order that does not change from run to run.
    let mut apps: Vec<(&String, &Value)> = apps.into_iter().flatten().collect();
    apps.sort_by_key(|(name, _)| *name);
    let mut read = BTreeMap::new();
    for (name, value) in apps {
        let key = format!("apps.{name}");
        match (AppId::parse(name), &value.kind) {
            (Ok(id), ValueKind::Table(values)) => {
                read.insert(id, app(Section::new(key, Some(values), mistakes)));
            }
            (Ok(_), _) => mistakes.push(Mistake::Refused {
                given: Given { key, value: None, place: place(value) },
                accepted: format!("a section, [apps.{name}]"),
            }),
            (Err(_), _) => mistakes.push(Mistake::Refused {
                given: Given { key: format!("apps.{name:?}"), value: None, place: place(value) },
                accepted: InvalidId::AppId.to_string(),
            }),
        }
    }
    read
}

fn app(mut section: Section<'_>) -> AppSettings {
    let token_pattern = token_pattern(&mut section);
    let access = access(&mut section, token_pattern.as_ref());
    let pairing = section.text("pairing", Pairing::default(), PAIRING, |text| Pairing::parse(text).ok());
    let cors_origins = cors_origins(&mut section);
    section.close();
    AppSettings { access, token_pattern, pairing, cors_origins }
}

const PAIRING: &str = "\"any\" or \"same-user\" (also written \"same-token\")";

fn token_pattern(section: &mut Section<'_>) -> Option<TokenPattern> {
    const ACCEPTED: &str = "a regular expression for whole tokens, or \"\" for none";
    let value = section.value("token_pattern")?;
    match &value.kind {
        ValueKind::String(text) if text.is_empty() => None,
        ValueKind::String(text) => match TokenPattern::parse(text) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                section.refuse("token_pattern", value, format!("{ACCEPTED} (this one: {error})"));
                None
            }
        },
        _ => {
            section.refuse("token_pattern", value, ACCEPTED);
            None
        }
    }
}

fn access(section: &mut Section<'_>, pattern: Option<&TokenPattern>) -> AccessSettings {
    // `None` is a mistake, which was told.
    let is_list = section.text("access", None, "\"any\" or \"list\"", |text| match text {
        "any" => Some(Some(false)),
        "list" => Some(Some(true)),
        _ => None,
    });
    let is_list = if section.is_given("access") { is_list } else { Some(false) };
    let listed = section.value("tokens");
    let tokens = listed.map_or_else(Vec::new, |value| tokens(section, value, pattern));
    let token_file = section.path("token_file", None);
    match is_list {
        Some(true) if listed.is_none() && token_file.is_none() => {
            let key = section.key("tokens");
            let because = "access = \"list\" needs tokens or a token_file; tokens = [] admits nobody";
            section.mistake(Mistake::Missing { key, because });
        }
        // A list that does not count would leave the app open to all.
        Some(false) => {
            section.useless("tokens", "access = \"list\"");
            section.useless("token_file", "access = \"list\"");
        }
        Some(true) | None => {}
    }
    if is_list == Some(true) { AccessSettings::List { tokens, token_file } } else { AccessSettings::Any }
}

const TOKENS: &str = "a list of tokens and of tables such as { token = \"…\", roles = [\"controller\"] }";
const TOKEN: &str = "a token: one or more printable ASCII characters without a space";
const ROLES: &str = "a list of \"controller\" and \"responder\", with one of them or both";

fn tokens(section: &mut Section<'_>, value: &Value, pattern: Option<&TokenPattern>) -> Vec<ListedToken> {
    let ValueKind::Array(items) = &value.kind else {
        section.refuse("tokens", value, TOKENS);
        return Vec::new();
    };
    let mut listed: Vec<ListedToken> = Vec::new();
    let mut places: BTreeMap<AccessToken, (usize, Option<Role>)> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let Some(token) = listed_token(section, index, item) else { continue };
        let as_given = |section: &Section<'_>, index: usize| section.given(&format!("tokens[{index}]"), item);
        if let Some(pattern) = pattern.filter(|pattern| !pattern.matches(&token.token)) {
            let given = as_given(section, index);
            let key = section.key("token_pattern");
            let other =
                Given { value: Some(format!("{:?}", pattern.as_str())), key, place: given.place.clone() };
            section.mistake(Mistake::Contradiction { given, must: "does not match".to_owned(), other });
        }
        match places.get(&token.token) {
            Some((first, role)) if *role != token.role => {
                let (given, other) = (as_given(section, index), as_given(section, *first));
                let must = "is the same token in other roles as".to_owned();
                section.mistake(Mistake::Contradiction { given, must, other });
            }
            Some(_) => {}
            None => {
                places.insert(token.token.clone(), (index, token.role));
                listed.push(token);
            }
        }
    }
    listed
}

fn listed_token(section: &mut Section<'_>, index: usize, item: &Value) -> Option<ListedToken> {
    let key = format!("tokens[{index}]");
    match &item.kind {
        ValueKind::String(text) => {
            let token = AccessToken::parse(text).ok();
            if token.is_none() {
                section.refuse(&key, item, TOKEN);
            }
            token.map(|token| ListedToken { token, role: None })
        }
        ValueKind::Table(values) => {
            let name = section.key(&key);
            let mut entry = Section::secret(name, values, section.mistakes());
            let token = entry.text("token", None, TOKEN, |text| AccessToken::parse(text).ok().map(Some));
            if values.get("token").is_none() {
                let missing =
                    Mistake::Missing { key: entry.key("token"), because: "roles are those of a token" };
                entry.mistake(missing);
            }
            let role = entry.read("roles", None, ROLES, roles);
            entry.close();
            token.map(|token| ListedToken { token, role })
        }
        _ => {
            section.refuse(
                &key,
                item,
                "a token, or a table such as { token = \"…\", roles = [\"controller\"] }",
            );
            None
        }
    }
}

/// The one role of a list of roles; `Some(None)` is both.
fn roles(value: &Value) -> Option<Option<Role>> {
    let ValueKind::Array(items) = &value.kind else { return None };
    let roles: Option<Vec<Role>> = items
        .iter()
        .map(|item| match &item.kind {
            ValueKind::String(text) => Role::parse(text).ok(),
            _ => None,
        })
        .collect();
    one_or_both(&roles?)
}

/// What a list of roles amounts to: one, or both (`Some(None)`); no role at all is none.
pub(crate) fn one_or_both(roles: &[Role]) -> Option<Option<Role>> {
    let (first, rest) = roles.split_first()?;
    Some(rest.iter().all(|role| role == first).then_some(*first))
}

const ORIGIN: &str =
    "an origin without a path such as \"https://example.org\" or \"http://localhost:3000\", or \"*\"";

fn cors_origins(section: &mut Section<'_>) -> CorsOrigins {
    let origins =
        section.list("cors_origins", Vec::new(), ORIGIN, |text| origin(text).map(|origin| vec![origin]));
    if origins.iter().any(|origin| origin == "*") { CorsOrigins::Any } else { CorsOrigins::Only(origins) }
}

/// An origin as browsers write it: in small letters, without the port that its scheme has anyway.
fn origin(text: &str) -> Option<String> {
    if text == "*" {
        return Some(text.to_owned());
    }
    let text = text.to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = address.map_or_else(
        || !host.is_empty() && host.chars().all(is_name),
        |address| address.parse::<std::net::Ipv6Addr>().is_ok(),
    );
    let port = match port {
        None => None,
        Some(port) => {
            Some(port.parse::<u16>().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit()))?)
        }
    };
    if !is_scheme || !is_host {
        return None;
    }
    let usual = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    Some(match port.filter(|port| Some(*port) != usual) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}
