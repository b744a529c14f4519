//! What a network and a server may do: streams that break, answers that do not come, refusals.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crsocket::actors::messages::News;
use crsocket::protocol::action::{Fate, Outcome};
use crsocket::protocol::ids::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::process::Server;
use crate::setup::{CONFIG, Client, Proxy, event, host, run, server_at};

#[test]
fn streams_that_break_are_opened_again() {
    let server = Server::configured(CONFIG);
    run(async {
        let proxy = Proxy::default();
        let host = host(server_at(proxy.clone().start(server.address).await));
        let (mut controller, mut responder) = Client::pair(&host, 100, 101).await;
        for round in ["first", "second", "third"] {
            proxy.cut();
            controller.reaches("connecting").await;
            responder.reaches("connecting").await;
            controller.reaches("interacting").await;
            responder.reaches("interacting").await;
            controller.socket.send(event(&[round]));
            assert_eq!(*responder.gets_event().await.params, [round.into()]);
        }
    });
}

/// Answers whoever asks for something with this, and says nothing more; who sends something gets no answer.
async fn server_that_says(answer: &str) -> SocketAddr {
    server_that(answer.to_owned(), Arc::default()).await
}

/// The same, and writes down what it is asked.
async fn server_that(answer: String, asked: Arc<Mutex<Vec<String>>>) -> SocketAddr {
    let answer: Arc<str> = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                while let Ok(len @ 1..) = client.read(&mut request).await {
                    asked.lock().unwrap().push(String::from_utf8_lossy(&request[..len]).into_owned());
                    if request.starts_with(b"GET") {
                        let _ = client.write_all(answer.as_bytes()).await;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn an_answer_that_is_no_event_stream_leaves_the_client_down() {
    run(async {
        let address =
            server_that_says("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi")
                .await;
        let host = host(server_at(address));
        let mut client = Client::new(&host, Role::Responder, Some(5), None);
        client.reaches("readyToConnect/error").await;
    });
}

/// Redirections are not followed: the accessToken stands in the address.
#[test]
fn a_redirection_leaves_the_client_down() {
    run(async {
        let address = server_that_says(
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
        let host = host(server_at(address));
        let mut client = Client::new(&host, Role::Responder, Some(5), None);
        client.reaches("readyToConnect/error").await;
    });
}

const HELLO: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\nevent: hello\ndata: 7\n\n";

/// As some servers write it: without a length, up to the end of the connection; with frames of another version between.
#[test]
fn a_stream_on_which_nothing_comes_any_more_is_opened_again() {
    run(async {
        let strange = format!("{HELLO}event: nonsense\ndata: 1\n\nid: 3\ndata:");
        let host = host(server_at(server_that_says(&strange).await));
        let mut client = Client::new(&host, Role::Responder, Some(5), None);
        client.reaches("readyToPair").await;
        // `alive` is never answered by a frame.
        client.reaches("connecting").await;
        client.reaches("readyToPair").await;
    });
}

/// What a client asks with when its stream has broken behind a frame with this id.
async fn asked_again_behind(id: &str) -> String {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answer = format!("{HELLO}id: {id}\nevent: nonsense\ndata: 1\n\n");
    let host = host(server_at(server_that(answer, Arc::clone(&asked)).await));
    let mut client = Client::new(&host, Role::Responder, Some(5), None);
    client.reaches("readyToPair").await;
    // `alive` is never answered by a frame.
    client.reaches("connecting").await;
    client.reaches("readyToPair").await;
    let asked = asked.lock().unwrap();
    let streams: Vec<&String> = asked.iter().filter(|request| request.starts_with("GET")).collect();
    assert!(!streams[0].to_lowercase().contains("last-event-id"), "{}", streams[0]);
    streams[1].to_lowercase()
}

/// Section 5: after a broken stream it sends Last-Event-ID.
#[test]
fn section_5_the_last_id_is_sent_back() {
    run(async {
        let request = asked_again_behind("17").await;
        assert!(request.contains("\r\nlast-event-id: 17\r\n"), "{request}");
    });
}

/// Nor does it keep the client from coming back.
#[test]
fn an_id_that_no_header_can_carry_is_not_sent_back() {
    run(async {
        for id in ["\u{1}bad", &"9".repeat(5_000)] {
            let request = asked_again_behind(id).await;
            assert!(!request.contains("last-event-id"), "{request}");
        }
    });
}

/// Section 6: everything of one crSocket in order, one request at a time, also while it says goodbye. This server takes its
/// time and closes each connection behind its answer, so that nothing but the client keeps them apart.
#[test]
fn section_6_goodbyes_are_not_overtaken() {
    run(async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let host = host(server_at(server_that_hears(Arc::clone(&heard)).await));
        for round in 0..5_u32 {
            let mut client = Client::new(&host, Role::Controller, Some(100 + round), Some(7));
            client.reaches("searching").await;
            client.socket.send(event(&["last words"]));
            client.socket.remove();
            client.hears("its end", |news| matches!(news, News::Removed { .. }).then_some(())).await;
            let said = std::mem::take(&mut *heard.lock().unwrap());
            let behind_the_ping: Vec<&str> =
                said.iter().map(String::as_str).skip_while(|what| *what == "ping").collect();
            assert_eq!(behind_the_ping, ["say", "inactive", "close"], "round {round}");
        }
    });
}

/// Serves streams that stay, and understands what is sent; writes down what it was, and what came before the one in front was
/// answered.
async fn server_that_hears(heard: Arc<Mutex<Vec<String>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let under_way = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (heard, under_way) = (Arc::clone(&heard), Arc::clone(&under_way));
            tokio::spawn(async move {
                let mut request = vec![0; 4_096];
                let len = client.read(&mut request).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..len]).into_owned();
                let value = |name: &str| {
                    text.split_once(name).and_then(|(_, rest)| rest.split(['&', '%', ' ']).next())
                };
                if text.starts_with("GET") {
                    client.write_all(HELLO.as_bytes()).await.unwrap();
                    let _ = client.read(&mut request).await;
                    return;
                }
                let kind = value("eventType=").unwrap_or_default();
                let what = if kind == "crEvent" { value("eventData=").unwrap_or_default() } else { kind };
                let overtakes = under_way.fetch_add(1, Ordering::SeqCst) > 0;
                heard.lock().unwrap().push(if overtakes {
                    format!("{what} too early")
                } else {
                    what.to_owned()
                });
                tokio::time::sleep(Duration::from_millis(20)).await;
                under_way.fetch_sub(1, Ordering::SeqCst);
                let _ = client.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
            });
        }
    });
    address
}

#[test]
fn a_line_that_does_not_end_ends_the_stream() {
    run(async {
        let endless = format!("{HELLO}event: crEvent\ndata: {}", "x".repeat(200_000));
        let host = host(server_at(server_that_says(&endless).await));
        let mut client = Client::new(&host, Role::Responder, Some(5), None);
        client.reaches("readyToPair").await;
        client.reaches("connecting").await;
    });
}

#[test]
fn a_server_that_never_answers_leaves_an_event_unconfirmed() {
    run(async {
        let host = host(server_at(server_that_says(HELLO).await));
        let mut client = Client::new(&host, Role::Controller, Some(5), Some(6));
        client.reaches("searching").await;
        let ticket = client.socket.send(event(&["are you there?"]));
        assert_eq!(client.fate(ticket).await, Fate::Unconfirmed);
    });
}

#[test]
fn an_event_that_is_refused_says_what_the_server_said() {
    // Two requests at once, then one in a while.
    let limits = "[limits]\nsend_rate_per_second = 4\nsend_rate_burst = 4\n";
    let server = Server::configured(&format!("{CONFIG}{limits}"));
    run(async {
        let host = host(server_at(server.address));
        let (mut controller, mut responder) = Client::pair(&host, 100, 101).await;
        let tickets: Vec<_> = (0..12).map(|_| controller.socket.send(event(&["spam"]))).collect();
        let mut refused = 0;
        for ticket in tickets {
            match controller.fate(ticket).await {
                Fate::Understood => {}
                Fate::Lost(Outcome::Refused { status: 429, detail }) => {
                    assert!(detail.contains("sends more than it may"), "{detail}");
                    refused += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(refused > 0, "twelve at once are more than four a second");
        // One that may wait is tried again until there is room.
        let ticket = controller.socket.send(event(&["patience"]).buffered());
        while *responder.gets_event().await.params != ["patience".into()] {}
        assert_eq!(controller.fate(ticket).await, Fate::Understood);
    });
}
