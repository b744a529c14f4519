use std::fs;

use actix_web::body::to_bytes;
use actix_web::test::TestRequest;
use tempfile::TempDir;

use super::*;

fn front(names: &[&str], any_app: bool, web_root: Option<&TempDir>) -> FrontPage {
    let mut names: Vec<AppId> = names.iter().map(|name| AppId::parse(name).unwrap()).collect();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    FrontPage { names, more, any_app, web_root: web_root.map(|folder| WebRoot::open(folder.path()).unwrap()) }
}

fn public(pages: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for page in pages {
        let page = folder.path().join(page);
        fs::create_dir_all(&page).unwrap();
        fs::write(page.join("index.html"), "a page").unwrap();
    }
    folder
}

/// Status, content type and body.
async fn ask(front: FrontPage, request: TestRequest) -> (u16, String, String) {
    let response = answer(front, &request.to_http_request()).await;
    let kind = response.headers().get(header::CONTENT_TYPE).unwrap().to_str().unwrap().to_owned();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body()).await.unwrap();
    (status, kind, String::from_utf8(body.to_vec()).unwrap())
}

async fn html(front: FrontPage) -> String {
    ask(front, TestRequest::get().insert_header((header::ACCEPT, "text/html"))).await.2
}

async fn text(front: FrontPage) -> String {
    ask(front, TestRequest::get().insert_header((header::ACCEPT, "text/plain"))).await.2
}

#[actix_rt::test]
async fn html_for_who_takes_it_and_text_for_others() {
    let firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (accept, is_html) in [
        (None, true),
        (Some(firefox), true),
        (Some("*/*"), true),
        (Some("text/*"), true),
        (Some("TEXT/HTML"), true),
        (Some("text/plain"), false),
        (Some("application/json"), false),
        (Some("text/html;q=0, */*"), false),
        (Some("text/html;q=0.5, text/plain"), false),
        (Some("text/plain;q=0.5, */*;q=0.1"), false),
        (Some("text/plain, */*"), true),
        (Some("nonsense"), true),
    ] {
        let mut request = TestRequest::get();
        if let Some(accept) = accept {
            request = request.insert_header((header::ACCEPT, accept));
        }
        let (status, kind, body) = ask(front(&["commtest"], false, None), request).await;
        let expected = if is_html { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" };
        assert_eq!((status, kind.as_str()), (200, expected), "{accept:?}");
        assert_eq!(body.starts_with("<!DOCTYPE html>"), is_html, "{accept:?}");
        assert!(body.contains("commtest") && body.contains("--web-root public"), "{body}");
    }
}

#[actix_rt::test]
async fn pages_that_exist_are_linked() {
    let root = public(&["both/controller", "both/responder", "one/responder", "unlisted/controller", "js"]);
    fs::create_dir_all(root.path().join("empty/controller")).unwrap();
    let front = || front(&["both", "empty", "none", "one"], false, Some(&root));
    let page = html(front()).await;
    let links: Vec<&str> =
        page.split(" href=\"crsocket/").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
    assert_eq!(links, ["both/controller/", "both/responder/", "one/responder/"], "{page}");
    assert_eq!(page.matches("has no pages here").count(), 2, "{page}");
    assert!(!page.contains("unlisted") && !page.contains("--web-root"), "{page}");
    let plain = text(front()).await;
    let apps = "Apps:\n  both\n    /crsocket/both/controller/\n    /crsocket/both/responder/\n  empty\n  none\n  one\n    \
                /crsocket/one/responder/\n";
    assert!(plain.ends_with(apps), "{plain}");
}

#[actix_rt::test]
async fn where_any_app_is_served_those_with_pages_are_found() {
    let root =
        public(&["zoo/controller", "ape/responder", "js", "not an app/controller", "named/controller"]);
    let front = |names| front(names, true, Some(&root));
    let plain = text(front(&["named"])).await;
    let apps = "Apps:\n  ape\n    /crsocket/ape/responder/\n  named\n    /crsocket/named/controller/\n  zoo\n    \
                /crsocket/zoo/controller/\n  and any other app, by whatever name\n";
    assert!(plain.ends_with(apps), "{plain}");
    assert!(html(front(&["named"])).await.contains("any other app"));
}

#[actix_rt::test]
async fn without_apps_the_page_says_how_to_have_one() {
    for page in [html(front(&[], false, None)).await, text(front(&[], false, None)).await] {
        assert!(page.contains("[apps.myapp]") && page.contains("any_app = true"), "{page}");
    }
    let root = public(&["js"]);
    for page in [html(front(&[], true, Some(&root))).await, text(front(&[], true, Some(&root))).await] {
        assert!(page.contains("Any app is served"), "{page}");
        assert!(!page.contains("[apps.myapp]") && !page.contains("--web-root"), "{page}");
    }
}

#[actix_rt::test]
async fn of_very_many_apps_some_are_named() {
    let names: Vec<String> = (0..250).map(|number| format!("app{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for page in [html(front(&names, false, None)).await, text(front(&names, false, None)).await] {
        assert!(page.contains("app099") && !page.contains("app100"), "{page}");
        assert!(page.contains("150 more"), "{page}");
    }
}

#[actix_rt::test]
async fn other_methods_are_refused() {
    for (method, status) in [(Method::HEAD, 200), (Method::POST, 405), (Method::OPTIONS, 405)] {
        let request = TestRequest::default().method(method.clone()).to_http_request();
        let response = answer(front(&[], false, None), &request).await;
        assert_eq!(response.status().as_u16(), status, "{method}");
        assert_eq!(response.headers().contains_key(header::ALLOW), status == 405, "{method}");
    }
}

/// A browser applies the style only if its hash is the one that the policy names.
#[actix_rt::test]
async fn the_policy_allows_the_style_and_no_other() {
    let request = TestRequest::get().to_http_request();
    let response = answer(front(&[], false, None), &request).await;
    let policy = response.headers().get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
    let sha_256 = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap();
    let hash = sha_256.common.hash_provider.hash(html::STYLE.as_bytes());
    let expected = format!("style-src 'sha256-{}'", base64(hash.as_ref()));
    assert!(policy.contains(&expected), "the policy has to say {expected}: {policy}");
    assert!(policy.contains("default-src 'none'"), "{policy}");
}

fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number =
            three.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = char::from(digits[number >> (18 - 6 * place) & 63]);
            text.push(if place <= three.len() { digit } else { '=' });
        }
    }
    text
}
