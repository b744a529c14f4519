//! Files over a real folder, asked for as a client would.

mod never;

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{self, HeaderName};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpServer, web};
use rustix::fs::{FileType, Mode, mknodat};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// What no answer may contain.
const SECRET: &str = "a secret";

/// A folder that holds a public folder, `public`, and a secret beside it.
struct Site {
    folder: TempDir,
    root: WebRoot,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let public = folder.path().join("public");
        for sub in ["js", "app/controller", "app/responder", "app/empty", ".git"] {
            fs::create_dir_all(public.join(sub)).unwrap();
        }
        fs::create_dir(folder.path().join("private")).unwrap();
        for secret in ["secret.txt", "private/secret.txt", "private/index.html", "private/c.txt"] {
            fs::write(folder.path().join(secret), SECRET).unwrap();
        }
        let site = Site { root: WebRoot::open(&public).unwrap(), folder };
        for name in ["js/client.js", "app/controller/index.html", "app/responder/index.html", "top.txt"] {
            site.write(name, name);
        }
        for hidden in [".env", ".git/config", "app/.htaccess", "app/config.php", "app/config.php~"] {
            site.write(hidden, SECRET);
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("public").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn link(&self, name: &str, to: &str) {
        symlink(to, self.path(name)).unwrap();
    }

    async fn ask(&self, request: TestRequest) -> Answer {
        let root = self.root.clone();
        let files = move |request: HttpRequest| {
            let root = root.clone();
            async move {
                let tail = request.path().strip_prefix("/crsocket/").unwrap_or_default().to_owned();
                serve(Some(&root), BuiltIn::default(), &request, &tail).await
            }
        };
        let app = init_service(App::new().default_service(web::to(files))).await;
        let answered =
            tokio::time::timeout(Duration::from_secs(60), call_service(&app, request.to_request()));
        read(answered.await.expect("an answer within a minute")).await
    }

    /// The answer to GET of a path below `/crsocket/`.
    async fn get(&self, path: &str) -> Answer {
        self.ask(TestRequest::get().uri(&format!("/crsocket/{path}"))).await
    }

    async fn assert_nothing(&self, paths: &[&str]) {
        for path in paths {
            let answer = self.get(path).await;
            assert_eq!(answer.status, 404, "{path}: {answer:?}");
            assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
            assert!(!answer.body.contains(SECRET), "{path}: {answer:?}");
        }
    }

    async fn assert_served(&self, cases: &[(&str, &str)]) {
        for (path, body) in cases {
            let answer = self.get(path).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, *body), "{path}: {answer:?}");
        }
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

async fn read(response: ServiceResponse) -> Answer {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = response.headers().iter().map(text).collect();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body()).await.unwrap();
    Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}

#[actix_rt::test]
async fn files_are_served_as_they_are() {
    let site = Site::new();
    site.assert_served(&[
        ("js/client.js", "js/client.js"),
        ("top.txt", "top.txt"),
        ("top.txt?v=2", "top.txt"),
        ("app/controller/", "app/controller/index.html"),
        ("app/controller/?accessToken=a", "app/controller/index.html"),
        ("app/controller/index.html", "app/controller/index.html"),
        ("app//controller//", "app/controller/index.html"),
        ("%74op%2etxt", "top.txt"),
    ])
    .await;
    let answer = site.get("js/client.js").await;
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert!(answer.header("etag").starts_with('"'), "{answer:?}");
    assert!(!answer.header("last-modified").is_empty(), "{answer:?}");
    assert_eq!(answer.header("content-disposition"), "", "{answer:?}");
}

#[actix_rt::test]
async fn content_types_go_by_the_name() {
    let site = Site::new();
    let cases = [
        ("a.js", "text/javascript"),
        ("a.mjs", "application/javascript"),
        ("a.css", "text/css"),
        ("a.html", "text/html"),
        ("a.json", "application/json"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.csv", "text/csv; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.mp3", "audio/mpeg"),
        ("a.mp4", "video/mp4"),
        ("a.wasm", "application/wasm"),
        ("a.woff2", "font/woff2"),
        ("a", "application/octet-stream"),
    ];
    for (name, expected) in cases {
        site.write(name, "x");
        assert_eq!(site.get(name).await.header("content-type"), expected, "{name}");
    }
}

#[actix_rt::test]
async fn a_folder_is_redirected_to_its_slash_and_the_query_kept() {
    let site = Site::new();
    fs::create_dir(site.path("mit Umlaut ä")).unwrap();
    fs::create_dir(site.path("a:b")).unwrap();
    for (path, location) in [
        ("app", "./app/"),
        ("app/controller", "./controller/"),
        ("app/controller?accessToken=a%20b&x", "./controller/?accessToken=a%20b&x"),
        ("app/controller?", "./controller/?"),
        ("app/empty", "./empty/"),
        ("mit%20Umlaut%20%C3%A4", "./mit%20Umlaut%20%C3%A4/"),
        ("a:b", "./a%3Ab/"),
    ] {
        let answer = site.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (301, location), "{path}: {answer:?}");
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
    }
    // The root itself, whatever it is mounted at.
    let answer = site.ask(TestRequest::get().uri("/crsocket?a=b")).await;
    assert_eq!((answer.status, answer.header("location")), (301, "./crsocket/?a=b"));
    // A query is no way to put a line of one's own into the answer.
    let answer = site.get("app?a%0D%0AX:%20y").await;
    assert_eq!((answer.status, answer.header("location")), (301, "./app/?a%0D%0AX:%20y"));
}

#[actix_rt::test]
async fn a_folder_without_a_page_and_a_file_with_a_slash_are_nothing() {
    let site = Site::new();
    fs::create_dir_all(site.path("odd/index.html")).unwrap();
    site.assert_nothing(&["app/empty/", "", "app/", "top.txt/", "top.txt/x", "odd/", "app/none", "none/x"])
        .await;
    site.write("index.html", "root");
    site.assert_served(&[("", "root")]).await;
}

#[actix_rt::test]
async fn names_of_any_bytes_are_found() {
    let site = Site::new();
    for (name, path) in [
        (&b"with space.txt"[..], "with%20space.txt"),
        ("\u{e4}\u{f6}\u{fc}\u{df} \u{6f22}.txt".as_bytes(), "%C3%A4%C3%B6%C3%BC%C3%9F%20%E6%BC%A2.txt"),
        (b"latin\xe4.txt", "latin%E4.txt"),
        (b"a\nb\r\"'<>&.txt", "a%0Ab%0D%22%27%3C%3E%26.txt"),
        (b"100%.txt", "100%.txt"),
        (b"100%25.txt", "100%2525.txt"),
        (b"a+b.txt", "a+b.txt"),
        (b"a\\..\\b.txt", "a%5C..%5Cb.txt"),
        (b"a?b#c.txt", "a%3Fb%23c.txt"),
        (b"*<>:.txt", "*%3C%3E:.txt"),
    ] {
        let full = site.path("js").join(OsString::from_vec(name.to_vec()));
        fs::write(full, path).unwrap();
        site.assert_served(&[(&format!("js/{path}"), path)]).await;
    }
}

#[actix_rt::test]
async fn very_long_names_and_paths_are_nothing() {
    let site = Site::new();
    let longest = "n".repeat(255);
    site.write(&longest, "longest");
    site.assert_served(&[(&longest, "longest"), (&"%6e".repeat(255), "longest")]).await;
    let deep = "js/".repeat(2000);
    for path in [
        "n".repeat(256),
        "n".repeat(5000),
        deep.clone(),
        format!("{deep}x"),
        "x/".repeat(20_000),
        "%61".repeat(9000),
    ] {
        site.assert_nothing(&[&path]).await;
    }
}

#[actix_rt::test]
async fn what_is_no_plain_file_is_nothing_and_never_waited_for() {
    let site = Site::new();
    let make = |name: &str, kind: FileType, device| {
        mknodat(rustix::fs::CWD, site.path(name), kind, Mode::from(0o666), device)
    };
    make("pipe.txt", FileType::Fifo, 0).unwrap();
    let _listener = UnixListener::bind(site.path("socket.txt")).unwrap();
    site.link("link.txt", "pipe.txt");
    site.assert_nothing(&["pipe.txt", "pipe.txt/", "socket.txt", "link.txt"]).await;
    // Only the superuser makes devices: the console, and one that never ends.
    for (name, major, minor) in [("zero.txt", 1, 5), ("tty.txt", 5, 0)] {
        if make(name, FileType::CharacterDevice, rustix::fs::makedev(major, minor)).is_ok() {
            site.assert_nothing(&[name]).await;
        }
    }
}

#[actix_rt::test]
async fn what_may_not_be_read_is_forbidden() {
    let site = Site::new();
    fs::set_permissions(site.path("top.txt"), fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser reads everything.
    let expected = if fs::read(site.path("top.txt")).is_ok() { 200 } else { 403 };
    let answer = site.get("top.txt").await;
    assert_eq!(answer.status, expected, "{answer:?}");
    let error = not_found_of(rustix::io::Errno::ACCESS);
    assert_eq!(failure(None, &error).status(), StatusCode::FORBIDDEN);
}

#[actix_rt::test]
async fn a_failing_system_is_a_503_that_may_be_tried_again() {
    let errors = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE, rustix::io::Errno::IO];
    for error in errors.map(not_found_of) {
        let answer = failure(None, &error);
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{error}");
        assert!(answer.headers().contains_key(header::RETRY_AFTER), "{error}");
    }
    assert!(!not_found_of(rustix::io::Errno::IO).to_string().contains('\n'), "a name breaks the log's line");
}

fn not_found_of(errno: rustix::io::Errno) -> NotFound {
    root::not_found(errno, Path::new("a\nb"))
}

#[actix_rt::test]
async fn ranges_and_conditions_are_followed() {
    let site = Site::new();
    site.write("long.txt", "0123456789");
    let get = || TestRequest::get().uri("/crsocket/long.txt");
    for (range, status, body, content_range) in [
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=-2", 206, "89", "bytes 8-9/10"),
        ("bytes=0-99", 206, "0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, "", "bytes */10"),
        ("lines=1-2", 200, "0123456789", ""),
    ] {
        let answer = site.ask(get().insert_header((header::RANGE, range))).await;
        let seen = (answer.status, answer.body.as_str(), answer.header("content-range"));
        assert_eq!(seen, (status, body, content_range), "{range}");
    }
    let first = site.ask(get()).await;
    let (etag, modified) = (first.header("etag"), first.header("last-modified"));
    for (name, value, status) in [
        (header::IF_NONE_MATCH, etag, 304),
        (header::IF_NONE_MATCH, "*", 304),
        (header::IF_NONE_MATCH, "\"other\"", 200),
        (header::IF_MODIFIED_SINCE, modified, 304),
        (header::IF_MATCH, "\"other\"", 412),
    ] {
        let answer = site.ask(get().insert_header((name.clone(), value))).await;
        assert_eq!(answer.status, status, "{name}: {value}: {answer:?}");
        assert_eq!(answer.header("cache-control"), "no-cache", "{name}: {value}");
        assert_eq!(answer.header("etag"), etag, "{name}: {value}");
        assert_eq!(answer.body.is_empty(), status != 200, "{name}: {value}");
    }
    site.write("long.txt", "0123456789, and on");
    let changed = site.ask(get().insert_header((header::IF_NONE_MATCH, etag))).await;
    assert_eq!((changed.status, changed.body.as_str()), (200, "0123456789, and on"));
}

#[actix_rt::test]
async fn other_methods_are_refused() {
    let site = Site::new();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = TestRequest::default().method(method.clone()).uri("/crsocket/top.txt");
        let answer = site.ask(request).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"), "{method}");
    }
    let answer = site.ask(TestRequest::with_uri("/crsocket/none").method(Method::HEAD)).await;
    assert_eq!(answer.status, 404);
}

#[actix_rt::test]
async fn without_a_web_root_the_answer_says_how_to_give_one() {
    let request = TestRequest::get().uri("/crsocket/app/").to_http_request();
    let response = serve(None, BuiltIn::default(), &request, "app/").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let body = to_bytes(response.into_body()).await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("--web-root"), "{body:?}");
}

#[test]
fn a_web_root_that_is_no_folder_is_refused() {
    let site = Site::new();
    let missing = WebRoot::open(&site.path("none")).unwrap_err().to_string();
    assert!(missing.contains("/public/none cannot be read: No such file"), "{missing}");
    let file = WebRoot::open(&site.path("top.txt")).unwrap_err().to_string();
    assert!(file.contains("/public/top.txt is not a folder"), "{file}");
}

#[actix_rt::test]
async fn the_servers_own_data_and_secrets_are_not_served() {
    let site = Site::new();
    for (name, text) in [("data/client-ids", SECRET), ("tokens.txt", SECRET), ("data.txt", "public")] {
        fs::create_dir_all(site.path(name).parent().unwrap()).unwrap();
        site.write(name, text);
    }
    site.link("link", "data");
    site.link("by-link.txt", "tokens.txt");
    site.assert_served(&[("data/client-ids", SECRET)]).await;
    let private =
        [site.path("link"), site.path("tokens.txt"), site.path("none"), site.path(""), site.path("..")];
    let site = Site { root: site.root.clone().without(private), ..site };
    site.assert_nothing(&[
        "data/client-ids",
        "link/client-ids",
        "data",
        "data/",
        "tokens.txt",
        "by-link.txt",
    ])
    .await;
    site.assert_served(&[("data.txt", "public"), ("top.txt", "top.txt")]).await;
}

#[actix_rt::test]
async fn a_web_root_that_is_replaced_needs_no_restart() {
    let site = Site::new();
    let new = site.folder.path().join("new");
    fs::create_dir(&new).unwrap();
    fs::write(new.join("top.txt"), "new").unwrap();
    let current = site.folder.path().join("current");
    symlink("public", &current).unwrap();
    let site = Site { root: WebRoot::open(&current).unwrap(), ..site };
    site.assert_served(&[("top.txt", "top.txt")]).await;

    fs::remove_file(&current).unwrap();
    let answer = site.get("top.txt").await;
    assert_eq!(answer.status, 503, "no web root just now: {answer:?}");
    symlink("new", &current).unwrap();
    site.assert_served(&[("top.txt", "new")]).await;
    site.assert_nothing(&["js/client.js"]).await;
}

/// Over a connection, where the length is told but no byte may follow.
#[actix_rt::test]
async fn head_tells_what_get_would_and_reads_nothing() {
    let site = Site::new();
    site.write("big.txt", &"x".repeat(5_000_000));
    let root = site.root.clone();
    let server = HttpServer::new(move || {
        let root = root.clone();
        App::new().default_service(web::to(move |request: HttpRequest| {
            let root = root.clone();
            async move {
                serve(Some(&root), BuiltIn::default(), &request, &request.path()["/crsocket/".len()..]).await
            }
        }))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);

    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    for (method, path, length, body) in [
        ("HEAD", "big.txt", 5_000_000, ""),
        ("HEAD", "app/controller/", 25, ""),
        ("GET", "top.txt", 7, "top.txt"),
    ] {
        let request = format!("{method} /crsocket/{path} HTTP/1.1\r\nHost: a\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        while !answer.ends_with(&format!("\r\n\r\n{body}")) {
            let mut byte = [0];
            let read = tokio::time::timeout(Duration::from_secs(60), connection.read_exact(&mut byte)).await;
            read.unwrap_or_else(|_| panic!("{path}: nothing after {answer}")).unwrap();
            answer.push(char::from(byte[0]));
        }
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        assert!(answer.contains(&format!("content-length: {length}\r\n")), "{path}: {answer}");
    }
    handle.stop(false).await;
}
