//! What is served over HTTP: the three resources of the protocol below `/crsocket/{appId}/`, files, and a front page or the
//! demo.
//!
//! A handler turns a request into a message, waits for the Registry's answer and writes it down.

pub mod built_in;
mod client_id;
pub mod connection;
mod cors;
pub mod demo;
mod event_source;
pub mod files;
mod front_page;
pub mod listener;
pub mod reach;
mod remote;
mod route;
mod send_event;
pub mod site;
mod throttle;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use self::connection::{Cutter, InUse};
use self::route::{Resource, Route};
use self::site::Site;
use crate::actors::output::Connection as _;
use crate::metrics::Counter;
use crate::problem::Problem;
use crate::protocol::ids::AppId;

/// Answers every request.
pub async fn answer(request: HttpRequest, body: web::Payload, site: web::Data<Site>) -> HttpResponse {
    let _under_way = site.requests.begin();
    let cutter = request.conn_data::<Arc<Cutter>>();
    if let Some(cutter) = cutter {
        cutter.asked();
    }
    let shared = cutter.filter(|_| request.version() == Version::HTTP_2);
    let in_use = match shared.map(|cutter| (cutter, cutter.begin())) {
        Some((cutter, None)) => {
            site.counters.count(Counter::TooManyRequests);
            cutter.cut();
            return Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests on one connection")
                .response();
        }
        Some((_, in_use)) => in_use,
        None => None,
    };
    let mut response = answer_route(&request, body, &site).await;
    if site.is_stopping() {
        response.head_mut().set_connection_type(actix_http::ConnectionType::Close);
    }
    match in_use {
        Some(in_use) => response.map_body(|_, body| Held { body, _in_use: in_use }.boxed()),
        None => response,
    }
}

async fn answer_route(request: &HttpRequest, body: web::Payload, site: &Site) -> HttpResponse {
    match Route::of(request.path()) {
        Route::FrontPage if site.demo.is_some() => demo::front(request),
        Route::FrontPage => front_page::answer(site.front(), request).await,
        Route::Resource { app, resource } => match site.app(app) {
            Some(app) => resource_answer(site, app, resource, request, body).await,
            None => {
                site.counters.count(Counter::UnknownApp);
                Problem::unknown_app(app).response()
            }
        },
        Route::File { tail } => match site.demo.as_ref().zip(demo::Resource::of(tail)) {
            Some((demo, resource)) => demo::answer(site, demo, resource, request).await,
            None => files::serve(site.web_root.as_ref(), site.built_in(), request, tail).await,
        },
        Route::Nothing => Problem::nothing_here().response(),
    }
}

/// A body that counts for its connection until it is read or given up.
struct Held {
    body: BoxBody,
    _in_use: InUse,
}

impl MessageBody for Held {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
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
