//! The OpenAPI document, from the handlers themselves, and a page to browse it.

use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Data, ServiceConfig as Config};
use actix_web::{HttpResponse, Responder};
use serde_json::{Map, Value};
use utoipa::openapi::{OpenApi as Document, PathItem};
use utoipa::{OpenApi, ToResponse, ToSchema};
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::SwaggerUi;

use super::{explain, sessions, settings, socket, sockets, stats, steer};

pub(super) const SOCKETS: &str = "sockets";
pub(super) const SESSIONS: &str = "sessions";
pub(super) const SERVER: &str = "server";

/// What the page of the document may do: it brings styles of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "CRSocket admin API",
        description = "Inspects and steers the crSockets and sessions of a CRSocket server. Times are milliseconds since 1970."
    ),
    components(responses(ProblemResponse)),
    tags(
        (name = SOCKETS, description = "The crSockets that this process hosts"),
        (name = SESSIONS, description = "Every event stream of this server, browsers too"),
        (name = SERVER, description = "The server"),
    )
)]
struct Described;

/// What is wrong with a request (RFC 9457).
#[derive(ToSchema, ToResponse)]
#[response(
    description = "What is wrong with the request (RFC 9457).",
    content_type = "application/problem+json"
)]
#[allow(dead_code, reason = "it describes what crate::problem writes")]
pub(super) struct ProblemResponse {
    r#type: String,
    title: String,
    status: u16,
    /// What was seen, and what is accepted.
    detail: String,
    #[serde(flatten)]
    #[schema(ignore)]
    members: Map<String, Value>,
}

/// The document without its paths.
pub(super) fn document() -> Document {
    Described::openapi()
}

/// All routes of the API, which the document then has.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(
        scope("/admin/api")
            .service(sockets::list)
            .service(steer::spawn)
            .service(socket::get)
            .service(steer::set)
            .service(steer::remove)
            .service(steer::send)
            .service(steer::clear_client_id)
            .service(sessions::list)
            .service(sessions::end)
            .service(explain::answer)
            .service(stats::get)
            .service(settings::get)
            .route("/openapi.json", web::get().to(answer)),
    );
}

/// Which methods are accepted where.
#[derive(Clone, Debug)]
pub(super) struct Methods(Vec<(String, String)>);

impl Methods {
    /// Those of the document, and of what is beside it.
    pub(super) fn of(document: &Document) -> Methods {
        let beside = [
            ("/admin/api/openapi.json", "GET"),
            ("/admin/live", "GET"),
            ("/metrics", "GET"),
            ("/healthz", "GET"),
            ("/readyz", "GET"),
            ("/admin/login", "POST"),
            ("/admin/logout", "POST"),
        ];
        let beside = beside.into_iter().map(|(path, methods)| (path.to_owned(), methods.to_owned()));
        let described = document.paths.paths.iter().map(|(path, item)| (path.clone(), accepted(item)));
        Methods(beside.chain(described).collect())
    }

    /// Those that are accepted at this path, if there is something.
    pub(super) fn at(&self, path: &str) -> Option<&str> {
        let (_, methods) = self.0.iter().find(|(known, _)| is_at(known, path))?;
        Some(methods)
    }
}

fn accepted(item: &PathItem) -> String {
    let methods = [
        ("DELETE", &item.delete),
        ("GET", &item.get),
        ("PATCH", &item.patch),
        ("POST", &item.post),
        ("PUT", &item.put),
    ];
    let methods = methods.into_iter().filter(|(_, operation)| operation.is_some());
    methods.map(|(method, _)| method).collect::<Vec<_>>().join(", ")
}

/// Whether a path of the document, such as `/sockets/{socketId}`, has this one.
fn is_at(known: &str, path: &str) -> bool {
    let (mut known, mut path) = (known.split('/'), path.split('/'));
    loop {
        match (known.next(), path.next()) {
            (None, None) => return true,
            (Some(known), Some(part)) if known == part || (known.starts_with('{') && !part.is_empty()) => {}
            _ => return false,
        }
    }
}

/// The document, with its paths.
pub(super) async fn answer(document: Data<Document>) -> impl Responder {
    HttpResponse::Ok().json(&**document)
}

/// Serves the page of the document.
pub(super) fn serve(config: &mut Config, document: Document) {
    config.service(
        web::scope("/admin/docs")
            .wrap(
                DefaultHeaders::new()
                    .add((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))),
            )
            .service(SwaggerUi::new("/{_:.*}").url("/admin/api/openapi.json", document)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_document_is_found_by_any_that_fits() {
        for (path, fits) in [
            ("/sockets/17/events", true),
            ("/sockets/x/events", true),
            ("/sockets//events", false),
            ("/sockets/17", false),
            ("/sockets/17/events/", false),
            ("/sockets/17/event", false),
        ] {
            assert_eq!(is_at("/sockets/{socketId}/events", path), fits, "{path}");
        }
    }
}
