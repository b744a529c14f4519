//! The demo: `crsocket demo` as a newcomer's browser meets it, and what serves its pages.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crate::client::{Answer, Client, EventStream, encode, fields, get, head, raw, request};
use crate::process::{PATIENCE, Server};

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The headers that keep a page to this server.
fn assert_protected(answer: &Answer) {
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
}

#[test]
fn the_browser_client_is_always_served() {
    let server = Server::configured("[apps.demo]\n");
    for (name, kind) in [
        ("crsocket-client.js", "text/javascript; charset=utf-8"),
        ("crsocket-client.d.ts", "text/plain; charset=utf-8"),
    ] {
        let path = format!("/crsocket/js/{name}");
        let file = crsocket::web::find(name).unwrap_or_else(|| panic!("{name} is not compiled in"));
        let answer = get(server.address, &path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{name}");
        assert_eq!(answer.body, &*file.bytes, "{name}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let tag = answer.header("etag").unwrap();

        let known = conditional(server.address, &path, tag);
        assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(tag)));
        assert_eq!(known.header("cache-control"), Some("no-cache"));
        assert_eq!(conditional(server.address, &path, "\"other\"").status, 200);

        let head = head(server.address, &path);
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), Some(file.bytes.len().to_string().as_str()));
        for method in ["POST", "OPTIONS", "DELETE"] {
            let refused = request(server.address, method, &path, b"");
            assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")), "{method}");
        }
    }
    for path in [
        "js/",
        "js",
        "js/front_page.css",
        "js/demo/index.html",
        "js/crsocket-client.js/",
        "crsocket-client.js",
    ] {
        let answer = get(server.address, &format!("/crsocket/{path}"));
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        answer.problem();
    }
}

fn conditional(address: SocketAddr, path: &str, tag: &str) -> Answer {
    raw(address, format!("GET {path} HTTP/1.0\r\nIf-None-Match: \"a\", {tag}\r\n\r\n").as_bytes())
}

/// Without the demo its pages and resources are not there, whatever the apps are.
#[test]
fn a_server_of_ones_own_has_no_demo() {
    let server = Server::configured("[apps.demo]\n");
    for path in ["demo/", "demo/index.html", "demo/addresses/", "demo/qr/?text=a"] {
        assert_eq!(get(server.address, &format!("/crsocket/{path}")).status, 404, "{path}");
    }
    let lent = request(server.address, "POST", "/crsocket/demo/partner/?clientRole=responder", b"");
    assert_eq!((lent.status, lent.header("allow")), (405, Some("GET, HEAD")), "as for any file");
    assert_eq!(get(server.address, "/").status, 200, "the front page is there");
}

#[test]
fn the_first_page_leads_to_the_demo() {
    let server = Server::demo(ANY_PORT);
    for answer in [get(server.address, "/"), head(server.address, "/")] {
        assert_eq!((answer.status, answer.header("location")), (303, Some("crsocket/demo/")), "{answer:?}");
    }
    assert_eq!(request(server.address, "POST", "/", b"").status, 405);
    let moved = get(server.address, "/crsocket/demo?a=b");
    assert_eq!((moved.status, moved.header("location")), (301, Some("./demo/?a=b")));
}

#[test]
fn the_pages_of_the_demo_may_load_and_send_nothing_elsewhere() {
    let server = Server::demo(ANY_PORT);
    let pages: Vec<String> =
        crsocket::web::paths().filter(|path| path.starts_with("demo/")).map(Into::into).collect();
    assert!(pages.iter().any(|path| path == "demo/index.html"), "{pages:?}");
    for path in &pages {
        let answer = get(server.address, &format!("/crsocket/{path}"));
        let file = crsocket::web::find(path).unwrap();
        assert_eq!((answer.status, &*answer.body), (200, &*file.bytes), "{path}");
        assert_protected(&answer);
        assert_ne!(answer.header("content-type"), Some("application/octet-stream"), "{path}");
        assert!(
            answer.header("etag").is_some() && answer.header("cache-control") == Some("no-cache"),
            "{path}"
        );
        if let Some(folder) = path.strip_suffix("index.html") {
            assert_eq!(get(server.address, &format!("/crsocket/{folder}?x=y")).body, answer.body, "{folder}");
            let bare = folder.trim_end_matches('/');
            let name = bare.rsplit('/').next().unwrap();
            let moved = get(server.address, &format!("/crsocket/{bare}"));
            assert_eq!((moved.status, moved.header("location")), (301, Some(format!("./{name}/").as_str())));
        }
    }
    // The resources of the app come first.
    assert!(get(server.address, "/crsocket/demo/clientid/").text().starts_with("<clientId"));
}

#[test]
fn a_file_of_the_web_root_wins() {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("js/crsocket-client.js", "their client"),
        ("demo/index.html", "their page"),
        ("demo/qr/index.html", "none"),
    ] {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let server = Server::demo_with(ANY_PORT, |command| {
        command.env("CRSOCKET__SERVER__WEB_ROOT", root.path());
    });
    assert_eq!(get(server.address, "/crsocket/js/crsocket-client.js").text(), "their client");
    let page = get(server.address, "/crsocket/demo/");
    assert_eq!((page.text().as_str(), page.header("content-security-policy")), ("their page", None));
    // What it does not have is served as ever.
    let types = get(server.address, "/crsocket/js/crsocket-client.d.ts");
    assert_eq!(types.body, &*crsocket::web::find("crsocket-client.d.ts").unwrap().bytes);
    // The resources win, as those of any app.
    assert_eq!(get(server.address, "/crsocket/demo/qr/").status, 400);
}

#[test]
fn it_prints_where_to_open_it_and_the_pages_can_ask_for_that_too() {
    let mut server = Server::demo(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
    let port = server.address.port();
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let answer = get(here, "/crsocket/demo/addresses/");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{answer:?}");
    assert_protected(&answer);
    let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let addresses: Vec<String> = serde_json::from_value(told["addresses"].clone()).unwrap();
    for address in &addresses {
        let authority = address.strip_prefix("http://").unwrap().strip_suffix('/').unwrap();
        let address: SocketAddr = authority.parse().unwrap();
        assert!(!address.ip().is_loopback() && address.port() == port, "{address}");
        assert_eq!(get(address, "/crsocket/demo/addresses/").status, 200, "{address} is served");
    }
    // Whatever this machine has for others is among them.
    let own = if_addrs::get_if_addrs().unwrap();
    let outside =
        own.iter().filter(|one| one.name.starts_with("eth") && one.ip().is_ipv4() && one.is_oper_up());
    for interface in outside {
        let url = format!("http://{}:{port}/", interface.ip());
        assert!(addresses.contains(&url), "{url} is not in {addresses:?}");
    }
    assert_eq!(request(here, "POST", "/crsocket/demo/addresses/", b"").header("allow"), Some("GET"));
    assert!(server.stop().success());
    let said = server.said();
    assert!(said.contains(&format!("http://127.0.0.1:{port}/")), "{said}");
    for address in &addresses {
        assert!(said.contains(address), "{address} is not in {said}");
    }
    assert!(addresses.is_empty() || !said.contains("--bind"), "{said}");
}

#[test]
fn on_loopback_it_says_how_to_serve_other_devices() {
    let mut server = Server::demo(ANY_PORT);
    let told: serde_json::Value =
        serde_json::from_slice(&get(server.address, "/crsocket/demo/addresses/").body).unwrap();
    assert_eq!(told, serde_json::json!({ "addresses": [] }));
    server.log().wait_for("both hosted here, are interacting");
    assert!(server.stop().success());
    let said = server.said();
    assert!(said.contains(&format!("Open http://{}/ in a browser", server.address)), "{said}");
    assert!(said.contains("crsocket demo --bind 0.0.0.0:8080"), "{said}");
    assert_eq!(fs::read_dir(server.folder()).unwrap().count(), 0, "nothing is kept");
}

#[test]
fn an_address_in_use_is_said_plainly() {
    let taken = TcpListener::bind(ANY_PORT).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_crsocket"))
        .args(["demo", "--admin-bind", "", "--bind", &taken.local_addr().unwrap().to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("choose another address with --bind"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn qr_codes_are_drawn() {
    let server = Server::demo(ANY_PORT);
    let text = encode("http://192.168.1.5:8080/crsocket/demo/responder/?partner=482913&ü");
    let answer = get(server.address, &format!("/crsocket/demo/qr/?text={text}"));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/svg+xml")), "{answer:?}");
    assert_protected(&answer);
    assert!(answer.text().contains("<svg ") && answer.text().contains("crispEdges"), "{answer:?}");
    assert_eq!(get(server.address, &format!("/crsocket/demo/qr?text={}", "x".repeat(512))).status, 200);
    for query in ["", "?text=", "?other=a", "?text=%FF", "?text=%", &format!("?text={}", "x".repeat(513))] {
        let answer = get(server.address, &format!("/crsocket/demo/qr/{query}"));
        assert_eq!((answer.status, &answer.problem()["param"]), (400, &"text".into()), "{query}");
    }
    assert_eq!(
        request(server.address, "POST", "/crsocket/demo/qr/?text=a", b"").header("allow"),
        Some("GET")
    );
}

fn lend(address: SocketAddr, query: &str) -> Answer {
    request(address, "POST", &format!("/crsocket/demo/partner/?{query}"), b"")
}

fn lent(address: SocketAddr, query: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    let answer = loop {
        let answer = lend(address, query);
        // It listens a moment before it lends, and says so.
        let is_early = answer.status == 503 && !answer.text().contains("are lent");
        if !is_early || Instant::now() > deadline {
            break answer;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{answer:?}");
    let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    told["clientId"].as_str().unwrap().to_owned()
}

#[test]
fn who_asks_for_no_partner_properly_is_told_what_is_accepted() {
    let server = Server::demo(ANY_PORT);
    for (query, param) in [
        ("", "clientRole"),
        ("clientRole=boss", "clientRole"),
        ("clientRole=controller", "partnerClientId"),
        ("clientRole=controller&partnerClientId=12345", "partnerClientId"),
        ("clientRole=controller&partnerClientId=%FF", "partnerClientId"),
    ] {
        let answer = lend(server.address, query);
        assert_eq!((answer.status, &answer.problem()["param"]), (400, &param.into()), "{query}");
        assert_protected(&answer);
    }
    for method in ["GET", "OPTIONS", "PUT"] {
        let answer = request(server.address, method, "/crsocket/demo/partner/?clientRole=responder", b"");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
}

/// The next crEvent of this type; what it carries, from its sender on.
fn event(stream: &mut EventStream, event_type: &str) -> Vec<String> {
    loop {
        let (name, data) = stream.frame();
        let got = fields(&data);
        if name == "crEvent" && got[0] == event_type {
            return got[7..].to_vec();
        }
    }
}

#[test]
fn a_lent_responder_pairs_reacts_and_is_free_again_when_it_is_let_go() {
    let mut server = Server::demo(ANY_PORT);
    let address = server.address;
    let first = lent(address, "clientRole=responder");
    let others: Vec<String> = (1..16).map(|_| lent(address, "clientRole=responder")).collect();
    assert!(!others.contains(&first));
    let refused = lend(address, "clientRole=responder");
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    assert!(refused.problem()["detail"].as_str().unwrap().contains("responders are lent"), "{refused:?}");

    // The other role has places of its own.
    let responder = Client::responder(address, "000777").with_token("demo");
    let (mut called, _) = responder.connected();
    let caller = lent(address, "clientRole=controller&partnerClientId=000777");
    assert_eq!(event(&mut called, "ping")[0], caller);
    assert_eq!(responder.send_event(&caller, "ping"), 204);
    let shown = event(&mut called, "stimulus");
    assert_eq!((shown[0].as_str(), shown[1].as_str()), (caller.as_str(), "1"));
    assert!((700..=2_000).contains(&shown[2].parse::<i32>().unwrap()), "{shown:?}");

    let controller = Client::controller(address, "000123").with_token("demo");
    let (mut stream, _) = controller.connected();
    assert_eq!(controller.send_event(&first, "ping"), 204);
    assert_eq!(event(&mut stream, "ping")[0], first, "it answers as a partner");
    let began = Instant::now();
    let stimulus = controller.send(&first, "crEvent", "stimulus,,false,false,true,1,NaN,000123,trial 7,300");
    assert_eq!(stimulus.status, 204);
    let reacted = event(&mut stream, "reaction");
    assert_eq!((reacted[0].as_str(), reacted[1].as_str()), (first.as_str(), "trial 7"));
    let reaction = reacted[2].parse::<u64>().unwrap();
    assert!((180..=1_500).contains(&reaction), "{reacted:?}");
    assert!(began.elapsed() >= Duration::from_millis(300 + reaction), "after {:?}", began.elapsed());

    assert_eq!(
        controller.send(&first, "crEvent", "unassign,notPaired,false,false,true,1,NaN,000123").status,
        204
    );
    let deadline = Instant::now() + PATIENCE;
    let next = loop {
        let answer = lend(address, "clientRole=responder");
        if answer.status == 200 {
            break answer.text();
        }
        assert!(answer.status == 503 && Instant::now() < deadline, "it does not come back: {answer:?}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(!next.contains(&first), "another one, so that nobody else still means it");
    assert!(server.stop().success());
    assert_eq!(server.counted("practice_partners_lent"), 18);
    assert!(server.counted("practice_partners_refused.allTaken") >= 1);
    assert!(!server.log().text().contains("trial 7"), "no params in the log");
}
