//! Section 3: what the three resources answer, to the byte.

use serde_json::Value;

use crate::client::{Client, EventStream, Said, encode, get, request};
use crate::process::Server;

fn recorded() -> Value {
    serde_json::from_str(include_str!("../data/vectors.json")).unwrap()
}

#[test]
fn section_3_clientid() {
    let server = Server::start();
    let mut given = Vec::new();
    for slash in ["", "/"] {
        let answer = get(server.address, &format!("/crsocket/demo/clientid{slash}"));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("text/xml; charset=UTF-8"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let text = answer.text();
        let id = text.strip_prefix("<clientId value='").and_then(|rest| rest.strip_suffix("'/>\n"));
        given.push(id.unwrap_or_else(|| panic!("{text:?}")).to_owned());
    }
    assert!(
        given.iter().all(|id| id.len() == 6 && id.bytes().all(|byte| byte.is_ascii_digit())),
        "{given:?}"
    );
    assert_ne!(given[0], given[1]);
}

#[test]
fn section_3_eventsource_retry_hello_and_its_headers() {
    let server = Server::start();
    let mut stream = Client::responder(server.address, "700002").stream();
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    assert_eq!(stream.header("x-accel-buffering"), Some("no"));
    assert_eq!(stream.header("cache-control"), Some("no-store"));
    assert_eq!(stream.header("content-length"), None);
    assert_eq!(stream.header("content-encoding"), None);
    match stream.next() {
        Said::Retry(retry) => assert!((500..=2_000).contains(&retry), "{retry}"),
        other => panic!("{other:?}"),
    }
    let pid = stream.hello();
    let hello = recorded()["frames"][0]["frame"].as_str().unwrap().replace("11527", &pid.to_string());
    assert!(String::from_utf8_lossy(&stream.seen).ends_with(&hello));
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(pid >> 20 <= seconds && pid >> 20 > seconds - 60, "a pid starts at the Unix time: {pid}");
}

#[test]
fn section_2_the_recorded_crevents_come_out_as_recorded() {
    let server = Server::start();
    let sender = Client::controller(server.address, "700002");
    let (mut stream, _) = Client::responder(server.address, "700001").connected();
    let recorded = recorded();
    for vector in recorded["vectors"].as_array().unwrap() {
        let before = stream.seen.len();
        let answer = sender.send("700001", "crEvent", vector["event_data"].as_str().unwrap());
        assert_eq!(answer.status, 204, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        stream.frame();
        let came = String::from_utf8_lossy(&stream.seen[before..]).into_owned();
        assert_eq!(came, vector["frame"].as_str().unwrap());
    }
}

#[test]
fn section_3_alive_is_echoed_only_to_its_own_client_with_the_right_pid() {
    let server = Server::start();
    let client = Client::responder(server.address, "111111");
    let (mut stream, pid) = client.connected();
    let other = Client::controller(server.address, "222222");
    for (sender, data) in [
        (&client, String::new()),
        (&client, "x".to_owned()),
        (&client, (pid + 1).to_string()),
        (&client, format!("{pid}0")),
        (&other, pid.to_string()),
    ] {
        assert_eq!(sender.send("111111", "alive", &data).status, 204, "{data:?}");
    }
    assert_eq!(client.send("111111", "alive", &pid.to_string()).status, 204);
    assert_eq!(stream.next(), Said::frame("alive", pid));
    assert_eq!(client.send("111111", "alive", &pid.to_string()).status, 204);
    assert_eq!(stream.next(), Said::frame("alive", pid), "the ignored ones gave no echo");
}

#[test]
fn section_3_close_ends_the_stream_with_closed() {
    let server = Server::start();
    let client = Client::responder(server.address, "111111");
    let (mut stream, pid) = client.connected();
    let other = Client::controller(server.address, "222222");
    assert_eq!(other.send("111111", "close", &pid.to_string()).status, 204);
    assert_eq!(client.send("111111", "close", &(pid + 1).to_string()).status, 204);
    assert_eq!(client.send("111111", "close", &pid.to_string()).status, 204);
    assert_eq!(stream.next(), Said::frame("closed", pid));
    assert_eq!(stream.next(), Said::End);
    // Who closes in peace gives the clientId up.
    let (_stream, _) = Client::responder(server.address, "111111").with_token("bob").connected();
}

#[test]
fn section_3_a_newer_stream_of_the_same_user_releases_the_older_one() {
    let server = Server::start();
    let client = Client::responder(server.address, "111111");
    let (mut older, older_pid) = client.connected();
    let (mut newer, newer_pid) = client.connected();
    assert!(newer_pid > older_pid);
    assert_eq!(older.next(), Said::frame("aborted", format!("{older_pid}%2CreleasedByOther%2C{newer_pid}")));
    assert_eq!(older.next(), Said::End);
    assert_eq!(client.send("111111", "alive", &newer_pid.to_string()).status, 204);
    assert_eq!(newer.next(), Said::frame("alive", newer_pid));
}

#[test]
fn section_3_each_reason_of_an_abort_for_bad_credentials() {
    let server = Server::configured(
        "[apps.demo]\naccess = \"list\"\ntokens = [\"alice\", { token = \"bob\", roles = [\"controller\"] }]\n\
         token_pattern = \"[a-z]+\"\n",
    );
    let good = [("clientId", "111111"), ("clientRole", "responder"), ("accessToken", "alice")];
    for (name, value, reason) in [
        ("clientRole", Some("tester"), "invalidRole"),
        ("clientRole", Some(""), "invalidRole"),
        ("clientRole", None, "invalidRole"),
        ("clientId", Some("11111"), "invalidClientId"),
        ("clientId", Some("1111111"), "invalidClientId"),
        ("clientId", Some("%ff11111"), "invalidClientId"),
        ("clientId", None, "invalidClientId"),
        ("accessToken", Some(""), "invalidAccessToken"),
        ("accessToken", Some("a%20b"), "invalidAccessToken"),
        ("accessToken", Some("Alice"), "invalidAccessToken"),
        ("accessToken", None, "invalidAccessToken"),
        ("accessToken", Some("eve"), "notAuthorized"),
        ("accessToken", Some("bob"), "notAuthorized"),
    ] {
        let said = good.iter().filter_map(|(known, fine)| {
            let value = if *known == name { value? } else { fine };
            Some(format!("{known}={value}"))
        });
        let query = said.collect::<Vec<_>>().join("&");
        let mut stream = EventStream::open(server.address, &format!("/crsocket/demo/eventsource/?{query}"));
        assert_eq!(stream.header("content-length"), None);
        let (name, data) = stream.frame();
        let (pid, rest) = data.split_once("%2C").unwrap();
        assert_eq!((name.as_str(), rest), ("aborted", format!("{reason}%2C0").as_str()), "{query}");
        assert!(pid.parse::<u64>().unwrap() > 0);
        assert_eq!(stream.next(), Said::End, "{query}");
    }
    let bad_everything = EventStream::open(server.address, "/crsocket/demo/eventsource/").frame();
    assert!(bad_everything.1.contains("invalidRole"), "the role is checked first: {bad_everything:?}");
}

#[test]
fn section_3_an_access_token_as_existing_clients_put_it_into_the_url() {
    let server = Server::start();
    for token in ["100%", "a%zz", "%41"] {
        let client = Client::responder(server.address, "111111").with_token(token);
        let (mut stream, pid) = client.connected();
        // Events leave with the token encoded.
        let sender = Client { token: Box::leak(encode(token).into_boxed_str()), ..client.clone() };
        assert_eq!(sender.send("111111", "alive", &pid.to_string()).status, 204, "{token}");
        assert_eq!(stream.next(), Said::frame("alive", pid), "{token}");
        assert_eq!(sender.send("111111", "close", &pid.to_string()).status, 204);
        assert_eq!(stream.rest(), (vec![("closed".to_owned(), pid.to_string())], true));
    }
}

#[test]
fn section_3_parameters_are_found_as_the_specification_says() {
    let server = Server::start();
    let event = encode("a,,false,false,true,1,NaN,222222,1+1=2");
    let (mut stream, _) = Client::responder(server.address, "111111").connected();
    let fine = format!(
        "clientId=222222&clientRole=controller&accessToken=x&recipientClientId=111111&eventType=crEvent&eventData={event}"
    );
    for query in [
        fine.clone(),
        format!("unknown=1&;&&=&{fine}&another"),
        format!("clientId=000000&clientRole=nobody&{fine}"),
        fine.replace("1%2B1", "1+1"),
        fine.replace("%3D2", "=2"),
        fine.replace("clientRole", "client%52ole"),
    ] {
        for method in ["GET", "POST"] {
            let answer = request(server.address, method, &format!("/crsocket/demo/sendevent?{query}"), b"");
            assert_eq!(answer.status, 204, "{query}: {}", answer.text());
            assert_eq!(answer.body, b"");
            let (_, data) = stream.frame();
            assert_eq!(data, "a%2C%2Cfalse%2Cfalse%2Ctrue%2C1%2CNaN%2C222222%2C1%2B1%3D2", "{query}");
        }
    }
}

#[test]
fn section_3_bodies_up_to_64_kib_are_read_and_ignored() {
    let server = Server::start();
    let client = Client::controller(server.address, "222222");
    let target = client.sendevent("111111", "crEvent", "a,,false,false,true,1,NaN,222222");
    for len in [1, 1_000, 64 * 1024] {
        assert_eq!(request(server.address, "POST", &target, &vec![b'x'; len]).status, 204, "{len}");
    }
    let answer = request(server.address, "POST", &target, &vec![b'x'; 64 * 1024 + 1]);
    assert_eq!(answer.status, 413);
    assert_eq!(answer.problem()["max"], 65_536);
}

#[test]
fn section_3_request_lines_up_to_32_kib_are_accepted() {
    let server = Server::start();
    let (mut stream, _) = Client::responder(server.address, "111111").connected();
    let head = "a,,false,false,true,1,NaN,222222,";
    let longest = format!("{head}{}", "ü".repeat((8_192 - head.len()) / 2));
    assert!(longest.len() >= 8_191);
    let sender = Client::controller(server.address, "222222");
    let target = sender.sendevent("111111", "crEvent", &longest);
    assert!(target.len() > 24_000);
    assert_eq!(sender.send("111111", "crEvent", &longest).status, 204);
    assert_eq!(crate::client::fields(&stream.frame().1).join(","), longest);
}

#[test]
fn section_3_what_is_not_utf8_in_event_data_is_replaced() {
    let server = Server::start();
    let (mut stream, _) = Client::responder(server.address, "111111").connected();
    let sender = Client::controller(server.address, "222222");
    let target = sender.sendevent("111111", "crEvent", "a,,false,false,true,1,NaN,222222,") + "%ff%fex";
    assert_eq!(get(server.address, &target).status, 204);
    assert!(stream.frame().1.ends_with("222222%2C%EF%BF%BD%EF%BF%BDx"));
}

#[test]
fn http_1_0_gets_a_stream_without_chunks() {
    use std::io::{Read, Write};
    let server = Server::start();
    let client = Client::responder(server.address, "111111");
    let mut stream = crate::client::connect(server.address);
    write!(stream, "GET {} HTTP/1.0\r\n\r\n", client.eventsource()).unwrap();
    let mut seen = String::new();
    let mut chunk = [0; 4096];
    while !seen.contains("event: hello\ndata: ") || !seen.ends_with("\n\n") {
        let len = stream.read(&mut chunk).unwrap();
        assert!(len > 0, "{seen}");
        seen += std::str::from_utf8(&chunk[..len]).unwrap();
    }
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    assert!(body.starts_with("retry: "), "{body:?}");
}

#[test]
fn keep_alive_0_closes_each_connection_after_its_answer() {
    use std::io::{Read, Write};
    let server = Server::configured("[apps.demo]\n[server]\nkeep_alive_ms = 0\n");
    let mut stream = crate::client::connect(server.address);
    write!(stream, "GET /crsocket/demo/clientid/ HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut seen = String::new();
    stream.read_to_string(&mut seen).unwrap();
    assert!(seen.contains("<clientId value='"), "{seen}");
}

#[test]
fn an_app_lets_pages_of_named_origins_in() {
    let server = Server::configured(
        "[apps.demo]\ncors_origins = [\"https://lab.example\"]\n[apps.closed]\n[apps.open]\ncors_origins = [\"*\"]\n",
    );
    let asked = |app: &str, origin: &str| {
        let head = format!(
            "GET /crsocket/{app}/clientid/ HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n"
        );
        let answer = crate::client::raw(server.address, head.as_bytes());
        assert_eq!(answer.status, 200);
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(asked("demo", "https://lab.example").as_deref(), Some("https://lab.example"));
    assert_eq!(asked("demo", "https://other.example"), None);
    assert_eq!(asked("closed", "https://lab.example"), None);
    assert!(asked("open", "https://other.example").is_some());
}
