//! Files that are compiled into the program: the browser client, always; the demo's pages, where the demo is on.

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::files::INDEX;
use crate::web::{self, SHARED, WebFile};

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
            _ if is_demo && rest.starts_with(SHARED) => rest,
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
        let mut response = self.file.answer(&self.name, request);
        if self.is_demo {
            protect(response.headers_mut());
        }
        response
    }
}

/// Adds the headers that keep a page of the demo to this server.
pub(super) fn protect(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DEMO_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
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
            "shared/palette.css",
            "demo/shared/../front_page.css",
            "demo/./front_page.css",
            "load",
            "load/report.html",
            "js/load/report.html",
            "demo/load/report.html",
            "demo/shared/../load/report.html",
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
}
