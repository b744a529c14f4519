//! `[apps.NAME]`: who may take part in an app, who may pair with whom, whose pages may speak with it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use config::{Map, Value};
use regex_lite::Regex;

use super::mistake::{Given, Mistake};
use super::origins::{CorsOrigins, cors_origins};
use super::section::Section;
use super::value::{self, place};
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
        match (AppId::parse(name), value::table(value)) {
            (Ok(id), Some(values)) => {
                read.insert(id, app(Section::new(key, Some(values), mistakes)));
            }
            (Ok(_), None) => mistakes.push(Mistake::Refused {
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
    AppSettings { access, token_pattern: token_pattern.map(|(pattern, _)| pattern), pairing, cors_origins }
}

const PAIRING: &str = "\"any\" or \"same-user\" (also written \"same-token\")";

/// The pattern, and as what it was given.
fn token_pattern(section: &mut Section<'_>) -> Option<(TokenPattern, Given)> {
    const ACCEPTED: &str = "a regular expression for whole tokens, or \"\" for none";
    let value = section.value("token_pattern")?;
    let Some(text) = value::text(value) else {
        section.refuse("token_pattern", value, ACCEPTED);
        return None;
    };
    if text.is_empty() {
        return None;
    }
    match TokenPattern::parse(text) {
        Ok(pattern) => Some((pattern, section.given("token_pattern", value))),
        Err(error) => {
            section.refuse("token_pattern", value, format!("{ACCEPTED} (this one: {error})"));
            None
        }
    }
}

fn access(section: &mut Section<'_>, pattern: Option<&(TokenPattern, Given)>) -> AccessSettings {
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
const TOKEN_OR_TABLE: &str = "a token, or a table such as { token = \"…\", roles = [\"controller\"] }";
const TOKEN: &str = "a token: one or more printable ASCII characters without a space";
const ROLES: &str = "a list of \"controller\" and \"responder\", with one of them or both";

fn tokens(
    section: &mut Section<'_>,
    value: &Value,
    pattern: Option<&(TokenPattern, Given)>,
) -> Vec<ListedToken> {
    let Some(items) = value::list(value) else {
        section.refuse("tokens", value, TOKENS);
        return Vec::new();
    };
    let mut listed: Vec<ListedToken> = Vec::new();
    // Where a token stood first, and in which role.
    let mut first: BTreeMap<AccessToken, (Given, Option<Role>)> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let Some(token) = listed_token(section, index, item) else { continue };
        let given = section.given(&format!("tokens[{index}]"), item);
        if let Some((_, other)) = pattern.filter(|(pattern, _)| !pattern.matches(&token.token)) {
            let other = other.clone();
            section.mistake(Mistake::Contradiction {
                given: given.clone(),
                must: "does not match".to_owned(),
                other,
            });
        }
        match first.get(&token.token) {
            Some((other, role)) if *role != token.role => {
                let must = "is the same token in other roles as".to_owned();
                section.mistake(Mistake::Contradiction { given, must, other: other.clone() });
            }
            Some(_) => {}
            None => {
                first.insert(token.token.clone(), (given, token.role));
                listed.push(token);
            }
        }
    }
    listed
}

fn listed_token(section: &mut Section<'_>, index: usize, item: &Value) -> Option<ListedToken> {
    let key = format!("tokens[{index}]");
    if let Some(values) = value::table(item) {
        let name = section.key(&key);
        return token_with_roles(Section::secret(name, values, section.mistakes()));
    }
    let accepted = if value::text(item).is_some() { TOKEN } else { TOKEN_OR_TABLE };
    let token = value::text(item).and_then(|text| AccessToken::parse(text).ok());
    if token.is_none() {
        section.refuse(&key, item, accepted);
    }
    token.map(|token| ListedToken { token, role: None })
}

fn token_with_roles(mut entry: Section<'_>) -> Option<ListedToken> {
    let token = entry.text("token", None, TOKEN, |text| AccessToken::parse(text).ok().map(Some));
    if !entry.is_given("token") {
        let missing = Mistake::Missing { key: entry.key("token"), because: "roles are those of a token" };
        entry.mistake(missing);
    }
    let role = entry.read("roles", None, ROLES, roles);
    entry.close();
    token.map(|token| ListedToken { token, role })
}

/// The one role of a list of roles; `Some(None)` is both.
fn roles(value: &Value) -> Option<Option<Role>> {
    let items = value::list(value)?.iter();
    let roles = items.map(|item| Role::parse(value::text(item)?).ok()).collect::<Option<Vec<_>>>();
    one_or_both(&roles?)
}

/// What a list of roles amounts to: one, or both (`Some(None)`); no role at all is none.
pub(crate) fn one_or_both(roles: &[Role]) -> Option<Option<Role>> {
    let (first, rest) = roles.split_first()?;
    Some(rest.iter().all(|role| role == first).then_some(*first))
}
