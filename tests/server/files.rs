//! Section 3: static files, through the whole server.

use std::fs;

use crate::client::{Client, get, raw, request};
use crate::process::Server;

/// A public folder as existing ones are, with the server's own data in it by mistake.
fn serving(config: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("js/client.js", "client"),
        ("demo/controller/index.html", "a controller"),
        ("demo/responder/index.html", "a responder"),
        ("demo/sendevent/index.html", "a file"),
        ("demo/clientid", "a file"),
        ("demo/config.php", "a secret"),
        ("tokens.txt", "alice"),
        ("other/index.html", "no app"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let root = folder.path().display().to_string();
    let config = config.replace("ROOT", &root);
    Server::in_folder(folder, &config, |command| {
        command.args(["--web-root", &root]);
    })
}

#[test]
fn a_public_folder_is_served_as_it_is_and_the_resources_win() {
    let server = serving("[apps.demo]\n");
    for (path, text) in [
        ("js/client.js", "client"),
        ("demo/controller/", "a controller"),
        ("demo/responder/?accessToken=a", "a responder"),
        ("other/", "no app"),
    ] {
        let answer = get(server.address, &format!("/crsocket/{path}"));
        assert_eq!((answer.status, answer.text().as_str()), (200, text), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        assert!(answer.header("etag").is_some(), "{path}");
    }
    let answer = get(server.address, "/crsocket/demo/controller?accessToken=a");
    assert_eq!((answer.status, answer.header("location")), (301, Some("./controller/?accessToken=a")));
    assert!(get(server.address, "/crsocket/demo/clientid").text().starts_with("<clientId"));
    let sent = Client::controller(server.address, "111111").send("222222", "alive", "1");
    assert_eq!(sent.status, 204, "{sent:?}");
}

#[test]
fn no_path_leads_out_and_secrets_stay() {
    let server = serving("[apps.demo]\naccess = \"list\"\ntoken_file = \"ROOT/tokens.txt\"\n");
    for path in [
        "demo/config.php",
        "tokens.txt",
        "crsocket.toml",
        "data/client-ids",
        "data",
        "../crsocket.toml",
        "..%2f..%2fetc/passwd",
        "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "demo/../../../../../etc/passwd",
        "js//..//..//etc/passwd",
        "js/client.js%00",
    ] {
        let answer = raw(server.address, format!("GET /crsocket/{path} HTTP/1.0\r\n\r\n").as_bytes());
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        answer.problem();
    }
    let answer = request(server.address, "POST", "/crsocket/js/client.js", b"x");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn the_front_page_names_the_apps_and_links_their_pages() {
    let server = serving("[apps.demo]\n[apps.elsewhere]\n");
    let page = get(server.address, "/").text();
    for expected in ["href=\"crsocket/demo/controller/\"", "href=\"crsocket/demo/responder/\"", "elsewhere"] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    let text = raw(server.address, b"GET / HTTP/1.0\r\nAccept: text/plain\r\n\r\n");
    assert_eq!(text.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(text.text().contains("/crsocket/demo/controller/"), "{text:?}");
}
