//! Which pages of other origins may speak with an app (`cors_origins`).

use actix_cors::Cors;
use actix_web::web;

use super::route::Route;
use super::site::Site;
use crate::protocol::ids::AppId;

/// Adds the headers of cross-origin requests, and answers what browsers ask before them.
///
/// Existing clients need nothing else: their requests are simple ones. A page whose origin is not named gets its answer
/// without the headers, and its browser keeps it from the page.
pub(super) fn cors(site: web::Data<Site>) -> Cors {
    Cors::default()
        .allowed_origin_fn(move |origin, head| {
            let app = Route::of(head.uri.path()).app().and_then(|app| AppId::parse(app).ok());
            let origin = origin.to_str().ok();
            app.zip(origin).is_some_and(|(app, origin)| site.apps.load().allows_origin(&app, origin))
        })
        .allowed_methods(["GET", "HEAD", "POST"])
        .allow_any_header()
        .max_age(600)
}
