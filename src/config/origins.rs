//! `cors_origins`: whose pages may speak with an app.

use std::net::Ipv6Addr;

use super::section::Section;

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

const ORIGIN: &str =
    "an origin without a path such as \"https://example.org\" or \"http://localhost:3000\", or \"*\"";

/// Reads `cors_origins`.
pub(super) fn cors_origins(section: &mut Section<'_>) -> CorsOrigins {
    let origins =
        section.list("cors_origins", Vec::new(), ORIGIN, |text| origin(text).map(|origin| vec![origin]));
    if !origins.iter().any(|origin| origin == "*") {
        return CorsOrigins::Only(origins);
    }
    if origins.len() > 1 {
        section.refuse_again("cors_origins", "\"*\" alone, or origins without it");
    }
    CorsOrigins::Any
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
        |address| address.parse::<Ipv6Addr>().is_ok(),
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
