//! Bad input of every kind gets the answer of section 3: never a 5xx, a hang or a panic.

use std::io::{Read, Write};
use std::net::SocketAddr;

use crate::client::{Client, connect, get, raw, request};
use crate::process::Server;

const GOOD: [(&str, &str); 6] = [
    ("clientId", "111111"),
    ("clientRole", "controller"),
    ("accessToken", "s3cret"),
    ("recipientClientId", "222222"),
    ("eventType", "crEvent"),
    ("eventData", "a%2C%2Cfalse%2Cfalse%2Ctrue%2C1%2CNaN%2C111111%2Cs3cret"),
];

/// The query in which one parameter has another value, or none.
fn query(changed: &str, value: Option<&str>) -> String {
    let pairs = GOOD.iter().filter_map(|(name, good)| {
        let value = if *name == changed { value? } else { good };
        Some(format!("{name}={value}"))
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn send(address: SocketAddr, query: &str) -> crate::client::Answer {
    get(address, &format!("/crsocket/demo/sendevent/?{query}"))
}

#[test]
fn section_3_each_parameter_that_is_missing_or_malformed_is_named() {
    let server = Server::start();
    assert_eq!(send(server.address, &query("", None)).status, 204);
    for (param, values) in [
        ("clientId", &["", "11111", "1111111", "11111a", "%31%31%3", "%ff%ff", "111111%00", "%zz1111"][..]),
        ("clientRole", &["", "tester", "Controller", "controller%20", "%ff", "%"]),
        ("accessToken", &["", "a%20b", "%c3%bc", "%ff", "%4", "a%00"]),
        ("recipientClientId", &["", "x", "22222", "%E2%80%A2"]),
        ("eventType", &["", "cr-event", "cr%20event", "%ff", "%0a"]),
        (
            "eventData",
            &[
                "",
                "a",
                "a%2C%2C%2C%2C%2C%2C",
                "%2C%2C%2C%2C%2C%2C%2C",
                "-%2C%2C%2C%2C%2C%2C%2C",
                "a%2",
                "%ZZ",
            ],
        ),
    ] {
        let missing = send(server.address, &query(param, None));
        assert_eq!(missing.status, 400, "{param} is missing");
        let problem = missing.problem();
        assert_eq!((&problem["param"], &problem["problem"]), (&param.into(), &"is missing".into()));
        for value in values {
            let answer = send(server.address, &query(param, Some(value)));
            assert_eq!(answer.status, 400, "{param}={value}: {}", answer.text());
            let problem = answer.problem();
            assert_eq!(problem["param"], param, "{param}={value}: {problem}");
            assert!(problem["accepted"].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
            assert!(problem["detail"].as_str().is_some_and(|text| text.starts_with(param)), "{problem}");
            assert!(!answer.text().contains("s3cret"), "{problem}");
        }
    }
}

#[test]
fn section_3_of_a_repeated_parameter_the_last_counts() {
    let server = Server::start();
    let good = query("", None);
    assert_eq!(send(server.address, &format!("{good}&clientId=x")).status, 400);
    assert_eq!(send(server.address, &format!("clientId=x&{good}")).status, 204);
}

#[test]
fn section_3_the_order_of_refusals() {
    let server = Server::configured("[apps.demo]\naccess = \"list\"\ntokens = [\"alice\"]\n");
    let long = format!("a%2C%2Cfalse%2Cfalse%2Ctrue%2C1%2CNaN%2C111111%2C{}", "x".repeat(9_000));
    let bad = query("clientId", Some("x"));
    for (method, path, query, status) in [
        ("DELETE", "/crsocket/nosuchapp/sendevent", bad.as_str(), 404),
        ("DELETE", "/crsocket/demo/sendevent", bad.as_str(), 405),
        ("GET", "/crsocket/demo/sendevent", bad.as_str(), 400),
        ("GET", "/crsocket/demo/sendevent", &query("eventData", Some(&long)), 413),
        ("GET", "/crsocket/demo/sendevent", &query("", None), 403),
        ("GET", "/crsocket/demo/sendevent", &query("accessToken", Some("alice")), 204),
    ] {
        let answer = request(server.address, method, &format!("{path}?{query}"), b"");
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    let too_long = send(server.address, &query("eventData", Some(&long))).problem();
    assert_eq!((&too_long["param"], &too_long["max"]), (&"eventData".into(), &8_192.into()));
    assert!(too_long["seen"].as_u64().unwrap() > 9_000);
}

#[test]
fn section_3_methods_of_the_resources() {
    let server = Server::start();
    for (resource, allowed) in [("clientid", "GET"), ("eventsource", "GET"), ("sendevent", "GET, POST")] {
        for method in ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "POST", "BREW"] {
            if allowed.contains(method) {
                continue;
            }
            let head = format!(
                "{method} /crsocket/demo/{resource}/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            );
            let mut stream = connect(server.address);
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 405 "), "{method} {resource}: {answer}");
            assert!(
                answer.to_lowercase().contains(&format!("allow: {}", allowed.to_lowercase())),
                "{answer}"
            );
        }
    }
}

#[test]
fn what_a_page_of_another_origin_may_not_ask_is_refused_before_it_asks() {
    let server = Server::configured("[apps.demo]\ncors_origins = [\"https://lab.example\"]\n");
    let head = "OPTIONS /crsocket/demo/sendevent/ HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\
                Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(server.address, head.as_bytes()).status, 400);
}

#[test]
fn section_3_unknown_apps_and_paths() {
    let server = Server::start();
    for path in [
        "/crsocket/nosuchapp/clientid/",
        "/crsocket/nosuchapp/eventsource/?clientId=111111",
        "/crsocket/nosuchapp/sendevent/",
        "/crsocket/%64emo/clientid",
        "/crsocket/de%00mo/clientid",
        "/crsocket/..%2fdemo/clientid",
        "/nothing",
        "/crsocket",
        "/crsocket/demo/",
        "/favicon.ico",
    ] {
        let answer = get(server.address, path);
        assert_eq!(answer.status, 404, "{path}");
        answer.problem();
    }
    let long = format!("/crsocket/{}/clientid", "a".repeat(20_000));
    let answer = get(server.address, &long);
    assert_eq!(answer.status, 404);
    assert!(answer.body.len() < 1_000, "an error is no echo: {} bytes", answer.body.len());
}

#[test]
fn any_app_serves_apps_that_are_not_listed() {
    let server = Server::configured("[server]\nany_app = true\n");
    assert_eq!(get(server.address, "/crsocket/whatever/clientid/").status, 200);
    assert_eq!(get(server.address, "/crsocket/what.ever/clientid/").status, 404);
}

#[test]
fn what_the_http_layer_cannot_read_gets_its_bare_answer() {
    let server = Server::start();
    let endless_line = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000));
    let endless_headers = {
        let headers: String =
            (0..4_000).map(|index| format!("X-Header-{index}: {}\r\n", "v".repeat(30))).collect();
        format!("GET /crsocket/demo/clientid/ HTTP/1.1\r\n{headers}\r\n")
    };
    for (bytes, statuses) in [
        (&b"\x00\x01\x02\r\n\r\n"[..], &[400][..]),
        (b"GET\r\n\r\n", &[400]),
        (b"GET / HTTP/9.9\r\n\r\n", &[400]),
        (b"GET /\x00 HTTP/1.1\r\n\r\n", &[400]),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", &[400]),
        (b"POST /crsocket/demo/sendevent HTTP/1.1\r\nContent-Length: x\r\n\r\n", &[400]),
        (endless_line.as_bytes(), &[400, 414, 431]),
        (endless_headers.as_bytes(), &[400, 431]),
    ] {
        let answer = raw(server.address, bytes);
        assert!(
            statuses.contains(&answer.status),
            "{:?}: {answer:?}",
            String::from_utf8_lossy(&bytes[..20.min(bytes.len())])
        );
    }
    assert_eq!(get(server.address, "/crsocket/demo/clientid/").status, 200, "it serves all the same");
}

#[test]
fn who_does_not_finish_a_request_is_not_waited_for_for_ever() {
    let server = Server::start();
    for beginning in [&b""[..], b"GET /crsocket/demo/clientid/ HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = connect(server.address);
        stream.write_all(beginning).unwrap();
        let mut answer = Vec::new();
        // Either 408 or the end of the connection, but an end.
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

#[test]
fn random_requests_are_never_a_server_error() {
    let server = Server::start();
    let mut random = fastrand::Rng::with_seed(7);
    let pieces = [
        "GET ",
        "POST ",
        "/crsocket/",
        "demo/",
        "sendevent",
        "eventsource",
        "clientid",
        "?",
        "&",
        "=",
        "clientId",
        "clientRole",
        "accessToken",
        "recipientClientId",
        "eventType",
        "eventData",
        "111111",
        "controller",
        "crEvent",
        "alive",
        "close",
        "%",
        "%2C",
        "%ff",
        "%00",
        ",",
        "a,,false,false,true,1,NaN,111111",
        "..",
        "//",
        "#",
        "+",
        "\u{fc}",
        "'",
        "\"",
        "<",
        "\\",
    ];
    for case in 0..400 {
        let target: String =
            (0..random.usize(1..20)).map(|_| pieces[random.usize(2..pieces.len())]).collect();
        // A stream that is served would not end.
        let target = target.replace("eventsource", if case % 2 == 0 { "sendevent" } else { "eventsourc" });
        let method = if random.bool() { "GET" } else { "POST" };
        let bytes =
            format!("{method} /crsocket/{target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = raw(server.address, bytes.as_bytes());
        assert!(answer.status < 500, "{target:?}: {answer:?}");
    }
    let fine = Client::controller(server.address, "111111");
    assert_eq!(fine.send("222222", "crEvent", "a,,false,false,true,1,NaN,111111").status, 204);
    assert!(!server.log().text().contains("panicked"), "{}", server.log().text());
}
