//! The files that are compiled into the program: the browser client, the pages of demo and admin part, what the page of a load
//! test is made of. How they are served.

use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_files::file_extension_to_mime;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::Method;
use actix_web::http::header::{self, EntityTag, Header, HeaderValue, IfNoneMatch};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::Embed;

/// Where the files are that pages share; in each page's folder they are below the same name.
pub const SHARED: &str = "shared/";

/// All of `src/web`.
#[derive(Embed)]
#[folder = "src/web/"]
struct All;

/// A file that is compiled in.
#[derive(Clone, Debug)]
pub struct WebFile {
    /// What is in it.
    pub bytes: Cow<'static, [u8]>,
    /// The SHA-256 of that.
    pub hash: [u8; 32],
}

impl WebFile {
    /// Answers GET and HEAD, with the type that this name stands for. Browsers may keep it, and ask each time whether it is
    /// still the same.
    pub fn answer(&self, name: &str, request: &HttpRequest) -> HttpResponse {
        let tag = EntityTag::new_strong(hex(&self.hash));
        let mut response = if is_known(&tag, request) {
            HttpResponse::NotModified().finish()
        } else {
            self.whole(name, request.method())
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&tag.to_string()) {
            headers.insert(header::ETAG, tag);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }

    fn whole(&self, name: &str, method: &Method) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response.insert_header((header::CONTENT_TYPE, content_type(name)));
        if *method == Method::HEAD {
            let len = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
            return response.body(BoxBody::new(Unsent(BodySize::Sized(len))));
        }
        response.body(match &self.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::copy_from_slice(bytes),
        })
    }
}

/// A body that is measured but not sent, and so need not be read.
#[derive(Debug)]
pub struct Unsent(pub BodySize);

impl MessageBody for Unsent {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

/// The file at this path, relative to `src/web`.
pub fn find(path: &str) -> Option<WebFile> {
    let file = All::get(path)?;
    Some(WebFile { hash: file.metadata.sha256_hash(), bytes: file.data })
}

/// The paths of all of them.
pub fn paths() -> impl Iterator<Item = Cow<'static, str>> {
    All::iter()
}

/// The type that a name stands for. Text is UTF-8, whatever it says of itself.
fn content_type(name: &str) -> String {
    let ending = name.rsplit('.').next().unwrap_or_default();
    // By its ending a declaration of types would be a film.
    let kind = match ending {
        "ts" => "text/plain".to_owned(),
        _ => file_extension_to_mime(ending).essence_str().to_owned(),
    };
    let is_text = kind.starts_with("text/") || ending == "json";
    if is_text { format!("{kind}; charset=utf-8") } else { kind }
}

/// Whether the client has this one already.
fn is_known(tag: &EntityTag, request: &HttpRequest) -> bool {
    if !request.headers().contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

/// Half of a hash is as good as all of it here.
fn hex(hash: &[u8; 32]) -> String {
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_path_and_nothing_outside() {
        let style = find("front_page.css").unwrap();
        assert_eq!(&*style.bytes, include_bytes!("web/front_page.css"));
        for path in
            ["", "front_page", "/front_page.css", "../web.rs", "demo/../../web.rs", "./front_page.css"]
        {
            assert!(find(path).is_none(), "{path}");
        }
        assert!(paths().any(|path| path == "front_page.css"));
    }

    #[test]
    fn types_go_by_names() {
        for (name, kind) in [
            ("demo/index.html", "text/html; charset=utf-8"),
            ("crsocket-client.js", "text/javascript; charset=utf-8"),
            ("crsocket-client.d.ts", "text/plain; charset=utf-8"),
            ("demo/demo.css", "text/css; charset=utf-8"),
            ("demo/icon.svg", "image/svg+xml"),
            ("demo/app.webmanifest", "application/manifest+json"),
            ("demo/picture.png", "image/png"),
            ("demo/what", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), kind, "{name}");
        }
    }
}
