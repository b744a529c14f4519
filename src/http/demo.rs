//! The demo's own resources, below `/crsocket/demo/`: addresses for other devices, QR codes, partners to practise with.

mod qr;

use std::sync::OnceLock;

use actix::Addr;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::built_in::protect;
use super::reach::Reach;
use super::site::Site;
use crate::metrics::Counter;
use crate::practice::{Lend, Lender, NoPartner, Wanted};
use crate::problem::Problem;
use crate::protocol::ids::{ClientId, Role};
use crate::protocol::time::Millis;
use crate::protocol::wire::Query;
use crate::protocol::wire::percent::decode_text;

/// Where the demo's pages are, seen from `/`.
const HOME: &str = "crsocket/demo/";

/// When a practice partner may be free again, in seconds.
const FREE_AGAIN: i64 = 10;

/// What the demo's resources are made from.
#[derive(Debug, Default)]
pub struct Demo {
    /// Where the server listens; set once it does.
    pub reach: OnceLock<Reach>,
    /// Who lends practice partners; set once the Registry has been started.
    pub lender: OnceLock<Addr<Lender>>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// Under which addresses other devices reach this server.
    Addresses,
    /// A QR code.
    Qr,
    /// Lends a practice partner.
    Partner,
}

impl Resource {
    /// Which one a path below `/crsocket/` leads to, with or without the trailing slash.
    pub(super) fn of(tail: &str) -> Option<Resource> {
        let name = tail.strip_prefix("demo/")?;
        match name.strip_suffix('/').unwrap_or(name) {
            "addresses" => Some(Resource::Addresses),
            "qr" => Some(Resource::Qr),
            "partner" => Some(Resource::Partner),
            _ => None,
        }
    }

    fn method(self) -> (Method, &'static str) {
        match self {
            Resource::Addresses | Resource::Qr => (Method::GET, "GET"),
            Resource::Partner => (Method::POST, "POST"),
        }
    }
}

/// Answers `/`: the demo's pages are elsewhere.
pub(super) fn front(request: &HttpRequest) -> HttpResponse {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::method_not_allowed(request.method().as_str(), "GET, HEAD").response();
    }
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, HOME))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .finish()
}

/// Answers a resource.
pub(super) async fn answer(
    site: &Site,
    demo: &Demo,
    resource: Resource,
    request: &HttpRequest,
) -> HttpResponse {
    let (method, allowed) = resource.method();
    if *request.method() != method {
        site.counters.count(Counter::MethodNotAllowed);
        return Problem::method_not_allowed(request.method().as_str(), allowed).response();
    }
    let query = Query::new(request.query_string());
    let answer = match resource {
        Resource::Addresses => Ok(addresses(demo)),
        Resource::Qr => qr(query),
        Resource::Partner => partner(site, demo, query).await,
    };
    let mut response = answer.unwrap_or_else(|problem| problem.response());
    protect(response.headers_mut());
    response
}

fn addresses(demo: &Demo) -> HttpResponse {
    let addresses = demo.reach.get().map(Reach::elsewhere).unwrap_or_default();
    json_answer(&json!({ "addresses": addresses }))
}

fn qr(query: Query<'_>) -> Result<HttpResponse, Problem> {
    let accepted = format!("1 to {} bytes of UTF-8, percent-encoded", qr::MOST);
    let refused = |detail: String| bad_param("text", detail, &accepted);
    let text = query.get("text").ok_or_else(|| refused("the parameter text is missing".to_owned()))?;
    let text =
        decode_text(text.as_bytes()).map_err(|error| refused(format!("the parameter text: {error}")))?;
    let svg = qr::svg(&text).map_err(|error| refused(format!("the parameter text: {error}")))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "image/svg+xml"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(svg))
}

async fn partner(site: &Site, demo: &Demo, query: Query<'_>) -> Result<HttpResponse, Problem> {
    let wanted = wanted(query)?;
    let lender = demo.lender.get().ok_or_else(|| site.registry_gone())?;
    let lent = lender.send(Lend(wanted)).await.map_err(|_| site.registry_gone())?;
    let client_id = lent.map_err(|why| not_lent(&why))?;
    Ok(json_answer(&json!({ "clientId": client_id.to_string() })))
}

fn wanted(query: Query<'_>) -> Result<Wanted, Problem> {
    let value = |name: &'static str, accepted: &str| {
        let text = query.get(name).ok_or_else(|| {
            bad_param(name, format!("the parameter {name} is missing; accepted: {accepted}"), accepted)
        })?;
        decode_text(text.as_bytes())
            .map_err(|error| bad_param(name, format!("the parameter {name}: {error}"), accepted))
    };
    let refused = |name: &'static str, accepted: &str| {
        bad_param(name, format!("the parameter {name} is none that is accepted: {accepted}"), accepted)
    };
    let (roles, ids) = ("controller or responder", "six digits");
    match Role::parse(&value("clientRole", roles)?) {
        Ok(Role::Responder) => Ok(Wanted::Responder),
        Ok(Role::Controller) => {
            let partner = ClientId::parse(&value("partnerClientId", ids)?);
            Ok(Wanted::Controller { partner: partner.map_err(|_| refused("partnerClientId", ids))? })
        }
        Err(_) => Err(refused("clientRole", roles)),
    }
}

fn bad_param(name: &'static str, detail: String, accepted: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail).with("param", name).with("accepted", accepted)
}

fn not_lent(why: &NoPartner) -> Problem {
    let seconds = |wait: Millis| wait.0.saturating_add(999) / 1_000;
    let after = match why {
        NoPartner::AllTaken { .. } | NoPartner::NoClientId(_) => FREE_AGAIN,
        NoPartner::TooOften { wait } => seconds(*wait),
        NoPartner::Closed => 1,
    };
    Problem::not_now(why.to_string(), after)
}

fn json_answer(value: &serde_json::Value) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_with_and_without_the_slash_and_other_apps_have_none() {
        for (tail, resource) in [
            ("demo/qr", Some(Resource::Qr)),
            ("demo/qr/", Some(Resource::Qr)),
            ("demo/addresses/", Some(Resource::Addresses)),
            ("demo/partner/", Some(Resource::Partner)),
            ("demo/partner//", None),
            ("demo/", None),
            ("demo", None),
            ("other/qr/", None),
            ("demo/qr/index.html", None),
        ] {
            assert_eq!(Resource::of(tail), resource, "{tail}");
        }
    }

    #[test]
    fn who_is_wanted_is_said_by_role_and_partner() {
        let partner = ClientId::parse("482913").unwrap();
        for (query, expected) in [
            ("clientRole=responder", Ok(Wanted::Responder)),
            ("clientRole=controller&partnerClientId=482913", Ok(Wanted::Controller { partner })),
            ("", Err("clientRole")),
            ("clientRole=boss", Err("clientRole")),
            ("clientRole=%FF", Err("clientRole")),
            ("clientRole=controller", Err("partnerClientId")),
            ("clientRole=controller&partnerClientId=48291", Err("partnerClientId")),
            ("clientRole=controller&partnerClientId=%", Err("partnerClientId")),
        ] {
            let wanted = wanted(Query::new(query));
            match expected {
                Ok(expected) => assert_eq!(wanted, Ok(expected), "{query}"),
                Err(param) => {
                    let problem = format!("{:?}", wanted.unwrap_err());
                    assert!(problem.contains(&format!("{param:?}")) && problem.contains("400"), "{problem}");
                }
            }
        }
    }
}
