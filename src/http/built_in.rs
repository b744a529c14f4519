//! Files that are compiled into the program: the browser client, always; the demo's pages, where the demo is on.

use std::borrow::Cow;

use actix_files::file_extension_to_mime;
use actix_web::body::{BodySize, BoxBody};
use actix_web::http::Method;
use actix_web::http::header::{self, EntityTag, Header, HeaderMap, HeaderValue, IfNoneMatch};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

use super::files::{INDEX, Unsent};
use crate::web::{self, WebFile};

/// Below `js/`: the browser client, and the declarations of its types.
const CLIENT: [&str; 2] = ["crsocket-client.js", "crsocket-client.d.ts"];

/// Where the demo's pages are, in the program as below `/crsocket/`.
const DEMO: &str = "demo";

/// What the demo's pages may load and do: what comes from this server, and nothing else.
const DEMO_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Which of the files that are compiled in are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuiltIn {
    /// Whether the demo's pages are; the browser client always is.
    pub demo: bool,
}

/// What lies at a path.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// A file.
    File(BuiltInFile),
    /// A folder that has a page.
    Folder,
}

/// A file that is served.
#[derive(Clone, Debug)]
pub(super) struct BuiltInFile {
    file: WebFile,
    /// Its name, from which its type follows.
    name: String,
    is_demo: bool,
}

impl BuiltIn {
    /// What lies at this path below `/crsocket/`, decoded. A slash stands behind folders and nothing else.
    pub(super) fn find(self, path: &str, slash: bool) -> Option<Found> {
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let is_demo = first == DEMO && self.demo;
        let name = match first {
            "js" if CLIENT.contains(&rest) => rest,
            _ if is_demo => path,
            _ => return None,
        };
        let file = |name: String| {
            let file = web::find(&name)?;
            Some(Found::File(BuiltInFile { file, name, is_demo }))
        };
        let page = format!("{name}/{INDEX}");
        if slash {
            return file(page);
        }
        file(name.to_owned()).or_else(|| web::find(&page).map(|_| Found::Folder))
    }
}

impl BuiltInFile {
    /// Answers GET and HEAD. Browsers may keep it, and ask each time whether it is still the same.
    pub(super) fn answer(self, request: &HttpRequest) -> HttpResponse {
        let tag = EntityTag::new_strong(hex(&self.file.hash));
        let mut response = if is_known(&tag, request) {
            HttpResponse::NotModified().finish()
        } else {
            self.whole(request.method())
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&tag.to_string()) {
            headers.insert(header::ETAG, tag);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self.is_demo {
            protect(headers);
        }
        response
    }

    fn whole(&self, method: &Method) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response.insert_header((header::CONTENT_TYPE, content_type(&self.name)));
        if *method == Method::HEAD {
            let len = u64::try_from(self.file.bytes.len()).unwrap_or(u64::MAX);
            return response.body(BoxBody::new(Unsent(BodySize::Sized(len))));
        }
        response.body(match &self.file.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::copy_from_slice(bytes),
        })
    }
}

/// Adds the headers that keep a page of the demo to this server.
pub(super) fn protect(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DEMO_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
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

    const WITH_DEMO: BuiltIn = BuiltIn { demo: true };

    #[test]
    fn nothing_but_the_client_and_the_demo_is_served() {
        for path in [
            "",
            "front_page.css",
            "js",
            "js/front_page.css",
            "js/demo/index.html",
            "crsocket-client.js",
            "demo/../front_page.css",
            "demo/./front_page.css",
            "demox",
        ] {
            for slash in [false, true] {
                assert!(WITH_DEMO.find(path, slash).is_none(), "{path}");
            }
        }
        for path in ["demo", "demo/controller", "demo/index.html"] {
            for slash in [false, true] {
                assert!(BuiltIn::default().find(path, slash).is_none(), "{path} without the demo");
            }
        }
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
