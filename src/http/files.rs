//! Static files: pages, scripts and styles below `/crsocket/`, from one configured folder (section 3); where that has
//! nothing, from those that are compiled in.

mod names;
mod root;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use actix_files::NamedFile;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::error::BlockingError;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};
use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode,
};

use root::{Found, NotFound};
pub use root::{WebRoot, WebRootError};

use super::built_in::{self, BuiltIn};
use super::throttle::Throttle;
use crate::problem::Problem;
use crate::web::Unsent;

/// What a folder answers with.
pub(super) const INDEX: &str = "index.html";

/// What is kept of a name in a redirect.
const KEPT_IN_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Answers GET and HEAD of a path below `/crsocket/`; `tail` is what stands behind that, still percent-encoded.
///
/// Ranges and conditions of the request are followed. Whatever is hidden, a server-side source, outside of the root, or
/// no plain file is not found. A folder stands for its `index.html`, and is redirected to if its slash is missing, since
/// pages use relative URLs. What the root does not have may be compiled in.
pub async fn serve(
    root: Option<&WebRoot>,
    built_in: BuiltIn,
    request: &HttpRequest,
    tail: &str,
) -> HttpResponse {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return not_allowed(request);
    }
    let Some(path) = names::relative_path(tail) else {
        return nothing(root);
    };
    let slash = request.path().ends_with('/');
    match in_root(root, path.clone(), slash).await {
        Ok(Ok(LookedUp::File(file))) => file_answer(*file, request),
        Ok(Ok(LookedUp::FolderWithoutSlash)) => redirect_to_folder(request),
        Ok(Err(NotFound::Nothing)) => match path.to_str().and_then(|path| built_in.find(path, slash)) {
            Some(built_in::Found::File(file)) => file.answer(request),
            Some(built_in::Found::Folder) => redirect_to_folder(request),
            None => nothing(root),
        },
        Ok(Err(error)) => failure(root, &error),
        Err(_) => busy("The server is stopping."),
    }
}

/// What the root has at this path.
async fn in_root(
    root: Option<&WebRoot>,
    path: PathBuf,
    slash: bool,
) -> Result<Result<LookedUp, NotFound>, BlockingError> {
    let Some(root) = root.cloned() else { return Ok(Err(NotFound::Nothing)) };
    web::block(move || look_up(&root, &path, slash)).await
}

/// Whether this folder of the web root, relative to it, has a page. Blocks on the file system.
pub(super) fn has_page(root: &WebRoot, folder: &Path) -> bool {
    matches!(look_up(root, folder, true), Ok(LookedUp::File(_)))
}

/// What is to be answered with.
enum LookedUp {
    File(Box<NamedFile>),
    FolderWithoutSlash,
}

/// Finds the file, or the folder's page. A slash stands behind folders and nothing else.
fn look_up(root: &WebRoot, path: &Path, slash: bool) -> Result<LookedUp, NotFound> {
    match root.find(path)? {
        Found::Folder if !slash => Ok(LookedUp::FolderWithoutSlash),
        Found::Folder => match root.find(&path.join(INDEX))? {
            Found::File(file) => named(file, &path.join(INDEX)),
            Found::Folder => Err(NotFound::Nothing),
        },
        Found::File(_) if slash => Err(NotFound::Nothing),
        Found::File(file) => named(file, path),
    }
}

/// The file with the content type that its name stands for.
fn named(file: std::fs::File, path: &Path) -> Result<LookedUp, NotFound> {
    let failed = |source| NotFound::Failed { path: path.to_owned(), source };
    let file = NamedFile::from_file(file, path).map_err(failed)?;
    // A page says by itself which encoding it is in, and what it loads goes by that unless told otherwise.
    let says_itself = matches!(
        file.content_type().essence_str(),
        "text/html" | "text/css" | "text/javascript" | "application/javascript"
    );
    // Browsers know without a Content-Disposition what they can show.
    let file = file.prefer_utf8(!says_itself).disable_content_disposition();
    Ok(LookedUp::File(Box::new(file)))
}

fn file_answer(file: NamedFile, request: &HttpRequest) -> HttpResponse {
    let mut response = file.into_response(request);
    // Browsers may keep a file, and ask each time whether it is still the same.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if request.method() == Method::HEAD {
        return response.map_body(|_, body| BoxBody::new(Unsent(body.size())));
    }
    response
}

/// To the same path with a slash behind it, relative: whatever stands before it may be a proxy's.
fn redirect_to_folder(request: &HttpRequest) -> HttpResponse {
    let last = request.path().rsplit('/').next().unwrap_or_default();
    let name: Vec<u8> = percent_decode_str(last).collect();
    // Behind `./` no name is taken for a scheme or a host.
    let mut location = format!("./{}/", percent_encode(&name, KEPT_IN_NAME));
    if let Some(query) = request.uri().query() {
        location.push('?');
        location.extend(utf8_percent_encode(query, CONTROLS));
    }
    HttpResponse::MovedPermanently()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .finish()
}

fn not_allowed(request: &HttpRequest) -> HttpResponse {
    Problem::method_not_allowed(request.method().as_str(), "GET, HEAD").response()
}

fn nothing(root: Option<&WebRoot>) -> HttpResponse {
    let detail = match root {
        Some(_) => "There is no such file here.",
        None => "There is no such file here: the server was started without a web root (--web-root DIR).",
    };
    Problem::new(StatusCode::NOT_FOUND, detail).response()
}

fn busy(detail: &str) -> HttpResponse {
    Problem::not_now(detail, 2).response()
}

fn failure(root: Option<&WebRoot>, error: &NotFound) -> HttpResponse {
    match error {
        NotFound::Nothing => nothing(root),
        NotFound::Unreadable { .. } => {
            log::debug!("a file of the web root cannot be read: {error}");
            let detail = "The server may not read this file.";
            Problem::new(StatusCode::FORBIDDEN, detail).response()
        }
        NotFound::Failed { .. } => {
            static WARNED: Throttle = Throttle::new();
            if WARNED.says() {
                log::warn!("a file of the web root cannot be served: {error}");
            }
            busy("The server cannot read files just now.")
        }
    }
}
