//! `/admin/`: the page, from the program itself. And what is said where nothing is.

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};

use super::openapi::Methods;
use crate::problem::Problem;
use crate::web::{self, SHARED, WebFile};

/// Below which its files are, here as in the program.
const FOLDER: &str = "admin/";

/// Where it is.
const PAGE: &str = "/admin/";

/// What the page may load and do: what comes from here, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Answers everything that nothing else does.
pub(super) async fn answer(request: HttpRequest) -> HttpResponse {
    let path = request.path();
    if leads_to_it(path) {
        return HttpResponse::SeeOther().insert_header((header::LOCATION, "/admin/")).finish();
    }
    let Some((name, file)) = find(path) else {
        let methods = request.app_data::<Methods>();
        if let Some(allowed) = methods.and_then(|methods| methods.at(path)) {
            return Problem::method_not_allowed(request.method().as_str(), allowed).response();
        }
        let shown: String = path.chars().take(80).collect();
        let detail =
            format!("there is nothing at {shown}; the page is at /admin/, its API below /admin/api/");
        return Problem::new(StatusCode::NOT_FOUND, detail).response();
    };
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        return Problem::method_not_allowed(request.method().as_str(), "GET, HEAD").response();
    }
    let mut response = file.answer(name, &request);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Whether the page, one of its files or the way to it is at this path.
pub(super) fn is_at(path: &str) -> bool {
    leads_to_it(path) || path == PAGE || find(path).is_some()
}

fn leads_to_it(path: &str) -> bool {
    path == "/" || path == "/admin"
}

/// Its file at this path, with the file's name.
fn find(path: &str) -> Option<(&str, WebFile)> {
    let name = path.strip_prefix(PAGE)?;
    let name = if name.is_empty() { "index.html" } else { name };
    let file = match name.starts_with(SHARED) {
        true => web::find(name)?,
        false => web::find(&format!("{FOLDER}{name}"))?,
    };
    Some((name, file))
}
