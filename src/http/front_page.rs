//! `/`: says in a few words what this server is and which apps it serves, to people (HTML) and to terminals (text).

mod html;
#[cfg(test)]
mod tests;
mod text;

use std::fs;
use std::path::Path;

use actix_web::http::Method;
use actix_web::http::header::{self, Accept, Header, Quality};
use actix_web::{HttpRequest, HttpResponse, web};

use super::files::{self, WebRoot};
use crate::apps::AppTable;
use crate::problem::Problem;
use crate::protocol::ids::{AppId, Role};

/// How many apps are named; to look for their pages takes time.
const SHOWN: usize = 100;

/// How many entries of the web root are looked at for apps that the configuration does not name.
const LOOKED_AT: usize = 300;

/// What the front page is made from.
#[derive(Debug)]
pub(super) struct FrontPage {
    /// The apps that are configured by name; those that are shown, in order.
    names: Vec<AppId>,
    /// How many more there are.
    more: usize,
    /// Whether any other app is served, too.
    any_app: bool,
    web_root: Option<WebRoot>,
}

/// An app, and which of its pages this server has.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    app: AppId,
    controller: bool,
    responder: bool,
}

/// What there is to tell.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    apps: Vec<Shown>,
    /// How many more apps there are than are shown.
    more: usize,
    any_app: bool,
    has_web_root: bool,
}

impl FrontPage {
    /// What is configured.
    pub(super) fn new(table: &AppTable, web_root: Option<&WebRoot>) -> FrontPage {
        FrontPage {
            names: table.names.iter().take(SHOWN).cloned().collect(),
            more: table.names.len().saturating_sub(SHOWN),
            any_app: table.apps.takes_any(),
            web_root: web_root.cloned(),
        }
    }

    /// Looks which pages there are. Blocks on the file system.
    fn look(self) -> Facts {
        let has = |app: &AppId, role: Role| {
            let folder = Path::new(app.as_str()).join(role.as_str());
            self.web_root.as_ref().is_some_and(|root| files::has_page(root, &folder))
        };
        let shown = |app: AppId| Shown {
            controller: has(&app, Role::Controller),
            responder: has(&app, Role::Responder),
            app,
        };
        let mut apps: Vec<Shown> = self.names.iter().cloned().map(shown).collect();
        if let (true, Some(root)) = (self.any_app, &self.web_root) {
            let others = folders(root).into_iter().filter(|name| !self.names.contains(name)).map(shown);
            apps.extend(others.filter(|app| app.controller || app.responder));
            apps.sort_by(|a, b| a.app.cmp(&b.app));
        }
        let more = self.more + apps.len().saturating_sub(SHOWN);
        apps.truncate(SHOWN);
        Facts { apps, more, any_app: self.any_app, has_web_root: self.web_root.is_some() }
    }
}

/// The entries of the web root whose names may be an app's.
fn folders(root: &WebRoot) -> Vec<AppId> {
    let entries = fs::read_dir(root.path()).into_iter().flatten().take(LOOKED_AT);
    entries.filter_map(|entry| AppId::parse(entry.ok()?.file_name().to_str()?).ok()).collect()
}

/// Answers GET and HEAD of `/`.
pub(super) async fn answer(front: FrontPage, request: &HttpRequest) -> HttpResponse {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::method_not_allowed(request.method().as_str(), "GET, HEAD").response();
    }
    let Ok(facts) = web::block(move || front.look()).await else {
        return Problem::not_now("the server is stopping", 2).response();
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::VARY, "accept"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if accepts_html(request) {
        response
            .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
            .insert_header((header::CONTENT_SECURITY_POLICY, html::POLICY))
            .body(html::page(&facts))
    } else {
        response.insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8")).body(text::page(&facts))
    }
}

/// Whether the client takes HTML, and likes plain text no better. Who says nothing takes everything.
fn accepts_html(request: &HttpRequest) -> bool {
    let Ok(accept) = Accept::parse(request) else { return true };
    if accept.is_empty() {
        return true;
    }
    let html = quality(&accept, "html");
    html > Quality::ZERO && html >= quality(&accept, "plain")
}

/// How much `text/SUBTYPE` is liked: the most specific range that covers it says so.
fn quality(accept: &Accept, subtype: &str) -> Quality {
    let rank = |range: &str| match range.split_once('/') {
        Some(("text", name)) if name == subtype => Some(2),
        Some(("text", "*")) => Some(1),
        Some(("*", "*")) => Some(0),
        _ => None,
    };
    let ranges = accept.iter().filter_map(|range| Some((rank(range.item.essence_str())?, range.quality)));
    ranges.max().map_or(Quality::ZERO, |(_, quality)| quality)
}
