//! The OpenAPI document, from the handlers themselves, and a page to browse it.

use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Json, ServiceConfig as Config};
use serde_json::{Map, Value};
use utoipa::openapi::OpenApi as Document;
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
            .service(settings::get),
    );
}

/// Serves the document and its page.
pub(super) fn serve(config: &mut Config, document: Document) {
    let shown = document.clone();
    config.route("/admin/api/openapi.json", web::get().to(move || std::future::ready(Json(shown.clone()))));
    config.service(
        web::scope("/admin/docs")
            .wrap(
                DefaultHeaders::new()
                    .add((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))),
            )
            .service(SwaggerUi::new("/{_:.*}").url("/admin/api/openapi.json", document)),
    );
}
