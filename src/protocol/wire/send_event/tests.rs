use proptest::prelude::*;

use super::*;
use crate::protocol::event::CrEvent;
use crate::protocol::ids::Credentials;
use crate::protocol::wire::{Outgoing, sendevent_query};

const WHO: &str = "clientId=700002&clientRole=controller&accessToken=secret&recipientClientId=700001";
const EVENT: &str = "a%2C%2Cfalse%2Cfalse%2Ctrue%2C1%2CNaN%2C";

fn parse(raw: &str) -> Result<SendEvent, Refusal> {
    SendEvent::parse(Query::new(raw), 100)
}

fn event(raw: &str) -> Result<MsgEvent, Refusal> {
    parse(&format!("{WHO}&{raw}")).map(|send_event| send_event.event)
}

fn refusal(raw: &str) -> String {
    parse(raw).unwrap_err().to_string()
}

#[test]
fn section_3_a_whole_request() {
    let request = parse(&format!("{WHO}&eventType=crEvent&eventData={EVENT}123456%2C%2B+")).unwrap();
    assert_eq!((request.client_id.number(), request.recipient.number()), (700_002, 700_001));
    assert_eq!((request.role, request.access_token.as_str()), (Role::Controller, "secret"));
    let MsgEvent::CrEvent(data) = request.event else { panic!("no crEvent") };
    assert_eq!(data.text(), "a,,false,false,true,1,NaN,700002,++");
}

#[test]
fn section_3_each_refusal_says_which_what_was_seen_and_what_is_accepted() {
    let six = "accepted: exactly six digits, 000000 to 999999";
    let token = "accepted: one or more printable ASCII characters without a space";
    let long = "9".repeat(50);
    for (rule, raw, wanted) in [
        ("missing", String::new(), format!("clientId is missing; {six}")),
        ("empty", "clientId=".into(), format!("clientId does not match its pattern, seen \"\"; {six}")),
        (
            "shortened",
            format!("clientId={long}"),
            format!("clientId does not match its pattern, seen \"{}…\"; {six}", "9".repeat(40)),
        ),
        (
            "badly encoded",
            "clientId=1%2".into(),
            "clientId is badly encoded: the % at byte 1 is not followed by two hexadecimal digits, seen \"1%2\"; "
                .to_owned()
                + six,
        ),
        (
            "not UTF-8",
            "clientId=%FF".into(),
            format!("clientId is not UTF-8 when decoded, seen \"%FF\"; {six}"),
        ),
        (
            "the last counts",
            "clientId=700002&clientRole=controller&clientRole=x%0A".into(),
            "clientRole does not match its pattern, seen \"x\\n\"; accepted: controller or responder".into(),
        ),
        (
            "a token is never shown",
            "clientId=700002&clientRole=controller&accessToken=my%20secret".into(),
            format!("accessToken does not match its pattern; {token}"),
        ),
        (
            "nor badly encoded",
            "clientId=700002&clientRole=controller&accessToken=secret%".into(),
            format!(
                "accessToken is badly encoded: the % at byte 6 is not followed by two hexadecimal digits; {token}"
            ),
        ),
        (
            "eventType",
            format!("{WHO}&eventType=cr-event"),
            "eventType does not match its pattern, seen \"cr-event\"; accepted: crEvent, alive, close, or other \
             characters of 0-9, A-Z and a-z"
                .into(),
        ),
    ] {
        assert_eq!(refusal(&raw), wanted, "{rule}");
    }
}

#[test]
fn section_3_the_order_of_the_checks() {
    let bad = |raw: &str| match parse(raw).unwrap_err() {
        Refusal::BadParam(bad) => bad.param,
        too_long @ Refusal::TooLong { .. } => panic!("{too_long}"),
    };
    let valid = ["clientId=700002", "clientRole=responder", "accessToken=a", "recipientClientId=000000"];
    for (count, param) in Param::ALL.into_iter().take(4).enumerate() {
        assert_eq!(bad(&valid[..count].join("&")), param);
        assert_eq!(bad(&format!("{}&eventType=-&eventData=%", valid[..count].join("&"))), param);
    }
    assert_eq!(bad(WHO), Param::EventType);
    assert_eq!(bad(&format!("{WHO}&eventType=crEvent")), Param::EventData);
}

#[test]
fn section_3_a_cr_event_needs_event_data() {
    for (raw, problem) in [
        ("", Problem::Missing),
        ("&eventData=", Problem::EventData(InvalidEventData::TooFewFields { seen: 1 })),
        ("&eventData=secret%2C", Problem::EventData(InvalidEventData::TooFewFields { seen: 2 })),
        ("&eventData=my%20secret,,,,,,,", Problem::EventData(InvalidEventData::EventType { offset: 2 })),
        ("&eventData=secret%g", Problem::Encoding(BadEscape { offset: 6 })),
    ] {
        let refused = event(&format!("eventType=crEvent{raw}")).unwrap_err();
        let wanted = BadParam { param: Param::EventData, problem, seen: None };
        assert_eq!(refused, Refusal::BadParam(wanted), "{raw}");
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
}

#[test]
fn section_3_bytes_that_are_not_utf8_are_replaced_and_the_length_counts_before() {
    let head = EVENT.len() - 2 * EVENT.matches('%').count();
    for (bytes, fits) in [(100 - head, true), (101 - head, false)] {
        let refused = event(&format!("eventType=crEvent&eventData={EVENT}{}", "%FF".repeat(bytes)));
        assert_eq!(refused.is_ok(), fits);
        if let Err(refusal) = refused {
            assert_eq!(refusal, Refusal::TooLong { len: 101, max: 100 });
        }
    }
    let MsgEvent::CrEvent(data) = event(&format!("eventType=crEvent&eventData={EVENT},%FF")).unwrap() else {
        panic!("no crEvent")
    };
    assert!(data.text().ends_with(",700002,\u{fffd}"));
}

#[test]
fn section_3_the_length_comes_after_whatever_is_malformed() {
    let long = "x".repeat(101);
    assert_eq!(
        event(&format!("eventType=alive&eventData={long}")),
        Err(Refusal::TooLong { len: 101, max: 100 })
    );
    let refused = event(&format!("eventType=crEvent&eventData={long}"));
    assert!(matches!(refused, Err(Refusal::BadParam(_))));
}

#[test]
fn section_3_alive_close_and_others_need_no_event_data() {
    let pid = Pid::from_number(7);
    for (raw, wanted) in [
        ("eventType=alive&eventData=7", MsgEvent::Alive(pid)),
        ("eventType=close&eventData=%37", MsgEvent::Close(pid)),
        ("eventType=alive", MsgEvent::Alive(None)),
        ("eventType=close&eventData=0", MsgEvent::Close(None)),
        ("eventType=close&eventData=%", MsgEvent::Close(None)),
        ("eventType=alive&eventData=%FF", MsgEvent::Alive(None)),
        ("eventType=Alive&eventData=7", MsgEvent::Other),
        ("eventType=commit2&eventData=%", MsgEvent::Other),
    ] {
        assert_eq!(event(raw), Ok(wanted), "{raw}");
    }
}

#[test]
fn debug_never_shows_token_or_params() {
    let request = parse(&format!("{WHO}&eventType=crEvent&eventData={EVENT},secret")).unwrap();
    assert!(!format!("{request:?}").contains("secret"));
    let refused = parse("clientId=700002&clientRole=controller&accessToken=secret%").unwrap_err();
    assert!(!format!("{refused:?}").contains("secret"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sendevent_query_comes_back(
        numbers in prop::array::uniform2(0..ClientId::COUNT), token in "[!-~]{1,20}",
        params in prop::collection::vec("[^,]{0,8}", 0..5),
    ) {
        let [client_id, recipient] = numbers.map(|number| ClientId::from_number(number).unwrap());
        let access_token = AccessToken::parse(&token).unwrap();
        let credentials = Credentials { client_id, access_token: access_token.clone() };
        let text = CrEvent::ping().with_params(params).unwrap().to_event_data(client_id);
        let pid = Pid::from_number(7).unwrap();
        for (outgoing, event) in [
            (Outgoing::CrEvent(&text), MsgEvent::CrEvent(EventData::accept(&text, client_id).unwrap())),
            (Outgoing::Alive(pid), MsgEvent::Alive(Some(pid))),
            (Outgoing::Close(pid), MsgEvent::Close(Some(pid))),
        ] {
            let role = Role::Responder;
            let raw = sendevent_query(&credentials, role, recipient, outgoing);
            let request = SendEvent { client_id, role, access_token: access_token.clone(), recipient, event };
            prop_assert_eq!(SendEvent::parse(Query::new(&raw), 1_000), Ok(request));
        }
    }

    #[test]
    fn any_query_is_read(tail in "(&|=|%|eventData|eventType|crEvent|alive|,|%2C|%FF|[a-z]|\\PC){0,20}") {
        let _ = parse(&format!("{WHO}&eventType={tail}"));
        let _ = parse(&format!("{WHO}&eventType=crEvent&eventData={EVENT}{tail}"));
    }
}
