//! TLS and HTTP/2: a stream on each.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{SendRequest, handshake};
use http::Request;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::Client;
use crate::process::{PATIENCE, Server};

/// Writes a new certificate for localhost and its key; the certificate.
fn certify(folder: &Path) -> CertificateDer<'static> {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(folder.join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
    fs::write(folder.join("certificate.pem"), certified.cert.pem()).unwrap();
    CertificateDer::from_pem_slice(certified.cert.pem().as_bytes()).unwrap()
}

/// A server that speaks TLS alone; the certificate it shows.
fn tls_server(more: &str) -> (Server, CertificateDer<'static>) {
    let folder = tempfile::tempdir().unwrap();
    let certificate = certify(folder.path());
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let config = format!(
        "[apps.demo]\n[tls]\nbind = \"127.0.0.1:0\"\ncertificate_file = {:?}\nprivate_key_file = {:?}\n{more}",
        path("certificate.pem"),
        path("key.pem"),
    );
    (Server::in_folder(folder, &config, |_| {}), certificate)
}

/// Where it speaks TLS.
fn tls_address(server: &Server) -> SocketAddr {
    let line = server.log().wait_for(" serves ");
    line.split("https://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap()
}

async fn connect(
    address: SocketAddr,
    certificate: &CertificateDer<'static>,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
    Ok(stream)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("it took too long") })
}

/// An HTTP/2 connection over anything.
async fn http2(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> SendRequest<Bytes> {
    let (sender, connection) = handshake(io).await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap()
}

async fn get(sender: &mut SendRequest<Bytes>, target: &str) -> (u16, h2::RecvStream) {
    let request = Request::get(format!("https://localhost{target}")).body(()).unwrap();
    let (answer, _) = sender.send_request(request, true).unwrap();
    let answer = answer.await.unwrap();
    (answer.status().as_u16(), answer.into_body())
}

/// Reads a body until this text has come; all that came.
async fn read_until(body: &mut h2::RecvStream, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        let chunk = body.data().await.unwrap_or_else(|| panic!("ended with {seen:?}")).unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        seen += std::str::from_utf8(&chunk).unwrap();
    }
    seen
}

/// A stream and an event on it, all over one HTTP/2 connection.
async fn relay_over(mut sender: SendRequest<Bytes>, server: &Server) {
    let responder = Client::responder(server.address, "111111");
    let (status, mut stream) = get(&mut sender, &responder.eventsource()).await;
    assert_eq!(status, 200);
    read_until(&mut stream, "event: hello").await;
    let controller = Client::controller(server.address, "222222");
    let target = controller.sendevent("111111", "crEvent", "a,,false,false,true,1,NaN,222222,x");
    assert_eq!(get(&mut sender, &target).await.0, 204);
    read_until(&mut stream, "a%2C%2Cfalse%2Cfalse%2Ctrue%2C1%2CNaN%2C222222%2Cx\n\n").await;
    server.signal(rustix::process::Signal::TERM);
    let rest = read_until(&mut stream, "event: shutdown").await;
    assert!(rest.ends_with("\n\n"), "{rest:?}");
    while let Some(chunk) = stream.data().await {
        assert_eq!(chunk.expect("the stream ends properly"), Bytes::new());
    }
}

#[test]
fn http2_in_cleartext() {
    let server = Server::start();
    block_on(async {
        relay_over(http2(TcpStream::connect(server.address).await.unwrap()).await, &server).await;
    });
}

#[test]
fn http2_by_tls() {
    let (server, certificate) = tls_server("");
    block_on(async {
        relay_over(http2(connect(tls_address(&server), &certificate, b"h2").await.unwrap()).await, &server)
            .await;
    });
}

#[test]
fn http1_by_tls() {
    let (server, certificate) = tls_server("");
    block_on(async {
        let mut stream = connect(tls_address(&server), &certificate, b"http/1.1").await.unwrap();
        let target = Client::responder(server.address, "111111").eventsource();
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut seen = String::new();
        let mut chunk = [0; 4096];
        while !seen.contains("event: hello") {
            let len = stream.read(&mut chunk).await.unwrap();
            assert!(len > 0, "{seen}");
            seen += std::str::from_utf8(&chunk[..len]).unwrap();
        }
        assert!(seen.starts_with("HTTP/1.1 200 OK"), "{seen}");
    });
}

#[test]
fn section_4_ends_a_stream_reset_on_http2_is_found_by_its_heartbeat() {
    let mut server = Server::configured("[apps.demo]\n[server]\nheartbeat_http2_ms = 200\n");
    block_on(async {
        let mut sender = http2(TcpStream::connect(server.address).await.unwrap()).await;
        let responder = Client::responder(server.address, "111111");
        let (_, mut stream) = get(&mut sender, &responder.eventsource()).await;
        read_until(&mut stream, "event: hello").await;
        drop(stream);
        tokio::task::spawn_blocking({
            let log = Arc::clone(server.log());
            move || log.wait_for("session of 111111 ended")
        })
        .await
        .unwrap();
        // The connection itself goes on.
        assert_eq!(get(&mut sender, "/crsocket/demo/clientid/").await.0, 200);
    });
    server.stop();
    assert_eq!(server.counted("sessions_ended.broken"), 1);
}

#[test]
fn one_http2_connection_has_so_many_requests_under_way_and_no_more() {
    let mut server = Server::configured("[server]\nany_app = true\n");
    block_on(async {
        let mut sender = http2(TcpStream::connect(server.address).await.unwrap()).await;
        let mut open = Vec::new();
        for number in 0..400 {
            let target = format!(
                "https://localhost/crsocket/demo/eventsource/?clientId={number:06}&clientRole=responder&accessToken=a"
            );
            let answer = async {
                sender = sender.clone().ready().await?;
                let (answer, _) = sender.send_request(Request::get(target).body(()).unwrap(), true)?;
                answer.await
            };
            match answer.await {
                Ok(answer) if answer.status() == 200 => {
                    let mut body = answer.into_body();
                    read_until(&mut body, "event: hello").await;
                    open.push(body);
                }
                other => {
                    println!("after {}: {other:?}", open.len());
                    break;
                }
            }
        }
        assert_eq!(open.len(), 256);
    });
    server.stop();
    assert_eq!(server.counted("connections_cut.tooManyRequests"), 1);
}

#[test]
fn an_http2_connection_on_which_nothing_is_asked_is_ended() {
    let mut server = Server::configured("[apps.demo]\n[server]\nkeep_alive_ms = 1500\n");
    block_on(async {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let (sender, connection) = handshake(stream).await.unwrap();
        // It answers pings all the while.
        let _ = connection.await;
        drop(sender);
    });
    server.stop();
    assert_eq!(server.counted("connections_cut.idle"), 1);
}

#[test]
fn who_says_nothing_on_tls_keeps_nobody_else_out() {
    let (server, _) = tls_server("");
    let address = tls_address(&server);
    let silent: Vec<std::net::TcpStream> =
        (0..400).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    let begun = std::time::Instant::now();
    assert_eq!(crate::client::get(server.address, "/crsocket/demo/clientid/").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(silent);
}

#[test]
fn a_certificate_that_changes_is_shown_to_who_connects_next() {
    let (server, old) = tls_server("");
    block_on(async {
        let address = tls_address(&server);
        let mut kept = http2(connect(address, &old, b"h2").await.unwrap()).await;
        let new = certify(server.folder());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while connect(address, &new, b"h2").await.is_err() {
            assert!(tokio::time::Instant::now() < deadline, "the new certificate is not shown");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(connect(address, &old, b"h2").await.is_err(), "the old one is not shown any more");
        assert_eq!(get(&mut kept, "/crsocket/demo/clientid/").await.0, 200, "old connections go on");

        // Rubbish changes nothing.
        fs::write(server.folder().join("certificate.pem"), "rubbish").unwrap();
        tokio::task::spawn_blocking({
            let log = Arc::clone(server.log());
            move || log.wait_for("the former one stays in force")
        })
        .await
        .unwrap();
        connect(address, &new, b"h2").await.unwrap();
    });
}

#[test]
fn a_key_that_does_not_belong_to_the_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    fs::rename(folder.path().join("key.pem"), folder.path().join("other.pem")).unwrap();
    certify(folder.path());
    for (key, expected) in [
        ("other.pem", "tls.certificate_file and tls.private_key_file cannot be used together"),
        ("certificate.pem", "tls.private_key_file"),
        ("missing.pem", "tls.private_key_file"),
    ] {
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let config = format!(
            "[apps.demo]\n[tls]\nbind = \"127.0.0.1:0\"\ncertificate_file = {:?}\nprivate_key_file = {:?}\n",
            path("certificate.pem"),
            path(key),
        );
        let mut command = crate::process::command(folder.path(), &config);
        let output = command.args(["--bind", "127.0.0.1:0"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{key}: {said}");
        assert!(said.contains(expected), "{key}: {said}");
        assert!(!said.contains("PRIVATE KEY"), "{said}");
    }
}
