use super::super::api::{Stats, Waiting};
use super::super::tests::{SOCKETS, STATS};
use super::*;

const URL: &str = "http://127.0.0.1:8081/admin/api/stats";

fn answer(status: u16, content_type: Option<&'static str>, body: &'static str) -> Answer<'static> {
    Answer {
        url: URL,
        token_from: None,
        status: StatusCode::from_u16(status).unwrap(),
        content_type,
        retry_after: None,
        body: body.as_bytes(),
    }
}

fn refusal(answer: &Answer<'_>) -> String {
    answer.read::<Stats>().unwrap_err().to_string()
}

#[test]
fn answers_of_the_contract_are_read() {
    assert_eq!(answer(200, None, STATS).read::<Stats>().unwrap().sockets.by_state.interacting, 99_994);
    assert_eq!(
        answer(200, None, SOCKETS).read::<Waiting>().unwrap().sockets[1].client_id.as_deref(),
        Some("482913")
    );
}

/// Each field that is shown is asked for: without it, or with something else in it, the answer is of another version.
#[test]
fn a_missing_field_is_named() {
    let stats: Value = serde_json::from_str(STATS).unwrap();
    for (pointer, field) in [
        ("", "uptimeMs"),
        ("", "latestTimerMs"),
        ("/sockets", "byState"),
        ("/sockets/byState", "readyToPair"),
        ("/sessions", "lineBytes"),
        ("/rates", "eventsDropped"),
        ("/latency", "p999Us"),
        ("/process", "cpuCores"),
        ("/counters/0", "perSecond"),
    ] {
        let mut without = stats.clone();
        without.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(field).unwrap();
        let body = without.to_string();
        let said = refusal(&Answer { body: body.as_bytes(), ..answer(200, Some("application/json"), "") });
        assert!(
            said.contains("the server is 0.1.0") && said.contains(&format!("`{field}`")),
            "{pointer}: {said}"
        );
        assert!(said.contains(URL) && said.contains("Use the crsocket of the server's version"), "{said}");
    }
    let said = answer(200, None, r#"{"sockets":[{"socketId":1}],"total":1}"#)
        .read::<Waiting>()
        .unwrap_err()
        .to_string();
    assert!(said.contains("missing field `app`") && !said.contains("the server is"), "{said}");
}

#[test]
fn what_is_not_this_api_is_called_so() {
    for (status, content_type, body, seen) in [
        (200, Some("text/html"), "<html>", "200 OK with text/html of 6 bytes"),
        (200, Some("application/json"), "{\"a\":1}", "200 OK with application/json of 7 bytes"),
        (200, None, "", "200 OK with something without a type of 0 bytes"),
        (404, Some("application/problem+json"), "{\"detail\":\"no such page\"}", "404 Not Found"),
        (301, Some("text/plain"), "elsewhere", "301 Moved Permanently"),
        (502, Some("text/html"), "<h1>", "502 Bad Gateway"),
        (400, Some("application/problem+json"), "<h1>", "400 Bad Request"),
    ] {
        let said = refusal(&answer(status, content_type, body));
        let parts = [URL, "is not the admin interface of a CRSocket server", seen, "[admin] bind"];
        assert!(parts.iter().all(|part| said.contains(part)), "{status}: {said}");
    }
}

#[test]
fn a_refusal_says_why() {
    let problem = Some("application/problem+json; charset=utf-8");
    let said =
        refusal(&answer(403, problem, r#"{"title":"Forbidden","detail":"Host a.example is not served"}"#));
    assert_eq!(said, format!("{URL} answered 403 Forbidden: Host a.example is not served"));
    assert_eq!(
        refusal(&answer(503, problem, r#"{"title":"Stopping"}"#)),
        format!("{URL} answered 503 Service Unavailable: Stopping")
    );
    let said = refusal(&answer(400, problem, "{\"detail\":\"\\u001b[2J\"}"));
    assert!(said.ends_with(": \u{fffd}[2J"), "{said:?} steers the terminal");
}

#[test]
fn a_token_is_asked_for_or_refused() {
    let said = refusal(&answer(401, None, ""));
    assert!(said.contains("asks for a token (401)") && said.contains("--token-file FILE"), "{said}");
    let said = refusal(&Answer { token_from: Some("CRSOCKET_ADMIN_TOKEN"), ..answer(401, None, "") });
    assert!(said.contains("does not accept the token of CRSOCKET_ADMIN_TOKEN (401)"), "{said}");
}

#[test]
fn a_server_that_guards_itself_is_left_alone_for_a_while() {
    let pause = |answer: Answer<'_>| answer.read::<Stats>().unwrap_err().pause();
    assert_eq!(pause(answer(401, None, "")), Duration::from_secs(10));
    assert_eq!(pause(answer(429, None, "")), Duration::from_secs(10));
    let after = |retry_after| pause(Answer { retry_after: Some(retry_after), ..answer(429, None, "") });
    assert_eq!(after("17"), Duration::from_secs(17));
    assert_eq!(after("86400"), Duration::from_secs(60));
    assert_eq!(after("Wed, 21 Oct 2026 07:28:00 GMT"), Duration::from_secs(10));
    assert_eq!(pause(answer(404, None, "")), Duration::ZERO);
}
