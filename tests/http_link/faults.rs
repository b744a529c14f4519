//! What a network and a server may do: streams that break, answers that do not come, refusals.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

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
    let answer: Arc<str> = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                while client.read(&mut request).await.is_ok_and(|len| len > 0) {
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

/// An id that no header can carry is not sent back, nor does it keep the client from coming back.
#[test]
fn an_id_that_cannot_be_sent_back_is_forgotten() {
    run(async {
        let strange = format!(
            "{}id: \u{1}bad\n\nretry: 5\n\n",
            HELLO.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
        );
        let host = host(server_at(server_that_says(&strange).await));
        let mut client = Client::new(&host, Role::Responder, Some(5), None);
        for _ in 0..3 {
            // `alive` is never answered by a frame.
            client.reaches("readyToPair").await;
            client.reaches("connecting").await;
        }
    });
}

/// Section 6: everything of one crSocket in order. This server closes each connection behind its answer, so that each
/// sendevent comes on one of its own.
#[test]
fn section_6_goodbyes_are_not_overtaken() {
    run(async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let host = host(server_at(server_that_hears(Arc::clone(&heard)).await));
        for round in 0..20_u32 {
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

/// Serves streams that stay, and understands what is sent, as slowly as it pleases; writes down what it was.
async fn server_that_hears(heard: Arc<Mutex<Vec<String>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let heard = Arc::clone(&heard);
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
                heard.lock().unwrap().push(what.to_owned());
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
