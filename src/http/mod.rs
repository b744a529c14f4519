//! What is served over HTTP: the three resources of the protocol below `/crsocket/{appId}/`, files, and a front page.
//!
//! A handler turns a request into a message, waits for the Registry's answer and writes it down.

mod client_id;
pub mod connection;
mod cors;
mod event_source;
pub mod files;
mod front_page;
pub mod listener;
pub mod problem;
mod remote;
mod route;
mod send_event;
pub mod site;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use self::connection::Cutter;
use self::problem::Problem;
use self::route::{Resource, Route};
use self::site::Site;
use crate::metrics::Counter;
use crate::protocol::ids::AppId;

/// Answers every request.
pub async fn answer(request: HttpRequest, body: web::Payload, site: web::Data<Site>) -> HttpResponse {
    let _under_way = site.requests.begin();
    if let Some(cutter) = request.conn_data::<Arc<Cutter>>() {
        cutter.asked();
    }
    let mut response = match Route::of(request.path()) {
        Route::FrontPage => front_page::answer(site.front(), &request).await,
        Route::Resource { app, resource } => match site.app(app) {
            Some(app) => resource_answer(&site, app, resource, &request, body).await,
            None => {
                site.counters.count(Counter::UnknownApp);
                Problem::unknown_app(app).response()
            }
        },
        Route::File { tail } => files::serve(site.web_root.as_ref(), &request, tail).await,
        Route::Nothing => Problem::nothing_here().response(),
    };
    if site.is_stopping() {
        response.head_mut().set_connection_type(actix_http::ConnectionType::Close);
    }
    response
}

async fn resource_answer(
    site: &Site,
    app: AppId,
    resource: Resource,
    request: &HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    let allowed = resource.methods();
    if !is_allowed(request.method(), resource) {
        site.counters.count(Counter::MethodNotAllowed);
        return Problem::method_not_allowed(request.method().as_str(), allowed).response();
    }
    match resource {
        Resource::ClientId => client_id::answer(site).await,
        Resource::EventSource => event_source::answer(site, app, request).await,
        Resource::SendEvent => send_event::answer(site, app, request, body).await,
    }
}

fn is_allowed(method: &Method, resource: Resource) -> bool {
    *method == Method::GET || (*method == Method::POST && resource == Resource::SendEvent)
}
