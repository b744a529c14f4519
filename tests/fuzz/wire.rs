//! What stands on the wire: queries, event data strings, frames, and the streams they come in.

use crsocket::protocol::event::CrEvent;
use crsocket::protocol::ids::{AccessToken, ClientId, Credentials, Pid};
use crsocket::protocol::time::Millis;
use crsocket::protocol::wire::{
    AbortReason, EventData, EventSourceParams, Frame, FrameReader, HEARTBEAT, MsgEvent, Outgoing, Query,
    ReadError, SendEvent, StreamItem, Unreadable, eventsource_query, percent, same_token, sendevent_query,
    write_retry,
};

use crate::bytes::Bytes;

/// A query, read by both resources: what is understood is the same when our own client writes it.
pub(crate) fn query(data: &[u8]) {
    let raw = &*String::from_utf8_lossy(data);
    let query = Query::new(raw);
    parameters_are_found(query, raw);
    let params = EventSourceParams::read(query);
    if let Ok((role, credentials)) = params.check() {
        let again = eventsource_query(&credentials, role);
        assert_eq!(EventSourceParams::read(Query::new(&again)).check(), Ok((role, credentials)));
    }
    for max in [8_192, 16] {
        match SendEvent::parse(query, max) {
            Ok(send) => assert_eq!(SendEvent::parse(Query::new(&written(&send)), usize::MAX), Ok(send)),
            Err(refusal) => assert!(refusal.to_string().len() < 1_000, "{refusal}"),
        }
    }
    token_is_recognised(raw);
}

/// Section 3: `&` alone separates, the first `=` splits, of a repeated one the last counts.
fn parameters_are_found(query: Query<'_>, raw: &str) {
    for name in ["clientId", "accessToken", "eventData", ""] {
        let named = raw.rsplit('&').find_map(|parameter| {
            let (found, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (percent::decode_text_lossy(found.as_bytes()) == name).then_some(value)
        });
        assert_eq!(query.get(name), named);
    }
}

/// The query by which our client would send the same; an `alive` or `close` without a pid has none.
fn written(send: &SendEvent) -> String {
    let credentials = Credentials { client_id: send.client_id, access_token: send.access_token.clone() };
    let query = |outgoing| sendevent_query(&credentials, send.role, send.recipient, outgoing);
    match &send.event {
        MsgEvent::CrEvent(event) => {
            assert_eq!(event.sender(), send.client_id);
            query(Outgoing::CrEvent(event.text()))
        }
        MsgEvent::Alive(Some(pid)) => query(Outgoing::Alive(*pid)),
        MsgEvent::Close(Some(pid)) => query(Outgoing::Close(*pid)),
        MsgEvent::Alive(None) | MsgEvent::Close(None) | MsgEvent::Other => {
            let event_type = match &send.event {
                MsgEvent::Alive(_) => "alive",
                MsgEvent::Close(_) => "close",
                MsgEvent::CrEvent(_) | MsgEvent::Other => "other",
            };
            let who = eventsource_query(&credentials, send.role);
            format!("{who}&recipientClientId={}&eventType={event_type}", send.recipient)
        }
    }
}

/// Section 4: a token that a client put into the URL of its stream as it is, is recognised when it shows it encoded.
fn token_is_recognised(raw: &str) {
    let Ok(token) = AccessToken::parse(raw) else { return };
    let text = token.as_str();
    let is_parameter = |piece: &str| {
        piece.contains(['=', '%']) || ["clientId", "clientRole", "accessToken"].contains(&piece)
    };
    if text.split(['&', '#']).skip(1).any(is_parameter) {
        return; // what follows may be a parameter of its own
    }
    let url = format!("clientId=700002&clientRole=responder&accessToken={text}");
    let before_fragment = url.split('#').next().unwrap_or_default();
    if let Ok((_, seen)) = EventSourceParams::read(Query::new(before_fragment)).check() {
        assert!(same_token(&token, &seen.access_token), "{text} left {}", seen.access_token.as_str());
    }
}

/// An event data string: accepted, forwarded, changed and read, without a loss.
pub(crate) fn event_data(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let sender = ClientId::parse("700002").unwrap();
    event_is_read(text, sender);
    let Ok(data) = EventData::accept(text, sender) else {
        assert!(
            text.split(',').count() < 8
                || !text.starts_with(|first: char| first.is_ascii_alphanumeric())
                || text.split(',').next().unwrap().contains(|c: char| !c.is_ascii_alphanumeric())
        );
        return;
    };
    let (ours, theirs) = (data.text().split(','), text.split(','));
    assert!(ours.clone().count() == theirs.clone().count() && ours.clone().nth(7) == Some("700002"));
    assert!(ours.zip(theirs).enumerate().all(|(field, (ours, theirs))| field == 7 || ours == theirs));
    assert_eq!(EventData::accept(data.text(), sender).as_ref(), Ok(&data));

    let event = data.to_event();
    assert_eq!(event.sender, Some(sender));
    assert_eq!(
        (data.kind(), data.event_type(), data.sub_type()),
        (event.kind(), &*event.event_type, &*event.sub_type)
    );
    assert_eq!(
        (data.buffered(), data.logged(), data.interceptable()),
        (event.buffered, event.logged, event.interceptable)
    );
    let unchanged = data.with_content(&event.event_type, &event.sub_type, &event.params);
    assert_eq!(unchanged.as_ref(), Ok(&data));
    let mut frame = Vec::new();
    data.to_frame().write_to(&mut frame);
    assert_eq!(frame.len(), data.frame_len());
    assert_eq!(read_whole(&frame), Ok(vec![StreamItem::Frame(data.to_frame())]));

    // Params are participants' data, and never reach a log.
    let secret = EventData::accept(&format!("{text},\u{1f512}"), sender).unwrap();
    assert!(!format!("{secret:?} {:?} {:?}", secret.to_frame(), secret.to_event()).contains('\u{1f512}'));
}

/// Any text is read as a crEvent, and that is written and read again.
fn event_is_read(text: &str, sender: ClientId) {
    let mut event = CrEvent::from_event_data(text);
    let again = event.to_event_data(sender);
    if event.send_ct.is_some() {
        assert_eq!(again.len(), event.event_data_len());
    }
    event.sender = Some(sender);
    assert_eq!(CrEvent::from_event_data(&again), event);
    if event.check().is_ok() {
        let data = EventData::from_event(&event, sender);
        assert_eq!(data.as_ref().map(EventData::text), Ok(&*again));
        assert_eq!(EventData::accept(&again, sender), data.map_err(|_| unreachable!()));
    }
}

/// Frames, written and read back.
pub(crate) fn frames(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let (mut stream, mut items) = (Vec::new(), Vec::new());
    while !bytes.is_empty() {
        let before = stream.len();
        let frame = match bytes.byte() % 8 {
            0 => Frame::Hello { pid: pid(&mut bytes) },
            1 => Frame::Alive { pid: pid(&mut bytes) },
            2 => Frame::CrEvent(bytes.text().into()),
            3 => Frame::Closed { pid: pid(&mut bytes) },
            4 => aborted(&mut bytes),
            5 => Frame::Shutdown { pid: pid(&mut bytes) },
            6 => {
                let wait = Millis(i64::from_be_bytes(bytes.number().to_be_bytes()));
                write_retry(wait, &mut stream);
                items.push(StreamItem::Retry(wait.at_least_zero()));
                continue;
            }
            _ => {
                stream.extend_from_slice(HEARTBEAT);
                continue;
            }
        };
        frame.write_to(&mut stream);
        assert_eq!(stream.len() - before, frame.encoded_len());
        assert!(stream[before..].is_ascii());
        items.push(StreamItem::Frame(frame));
    }
    assert_eq!(read_whole(&stream), Ok(items));
}

fn pid(bytes: &mut Bytes<'_>) -> Pid {
    let number = if bytes.flag() { bytes.number() % Pid::LIMIT } else { u64::from(bytes.byte()) };
    Pid::from_number(number).unwrap_or(Pid::from_number(1).unwrap())
}

fn aborted(bytes: &mut Bytes<'_>) -> Frame {
    const REASONS: [&str; 4] = ["releasedByOther", "invalidRole", "clientIdInUse", ""];
    let pid_given_up = pid(bytes);
    let reason = if bytes.flag() { bytes.text().replace(',', "") } else { (bytes.pick(&REASONS)).to_owned() };
    let releaser = bytes.flag().then(|| pid(bytes));
    Frame::Aborted { pid: pid_given_up, reason: AbortReason::from_text(&reason), releaser }
}

/// Any bytes as a stream: they mean the same wherever they are cut, and what the rules of server-sent events say.
pub(crate) fn reader(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let limit = match bytes.byte() {
        255 => FrameReader::DEFAULT_LIMIT,
        limit => usize::from(limit),
    };
    let cuts = bytes.piece();
    let stream = bytes.rest();

    let mut whole = Vec::new();
    let read = FrameReader::new(limit).feed(stream, &mut whole);
    let (mut reader, mut out, mut rest) = (FrameReader::new(limit), Vec::new(), stream);
    let mut fed = Ok(());
    for length in cuts.iter().map(|cut| usize::from(*cut)).chain([stream.len()]) {
        let (piece, tail) = rest.split_at(length.min(rest.len()));
        let before = fed;
        fed = reader.feed(piece, &mut out);
        assert!(before.is_ok() || fed == before, "a failed reader stays failed");
        assert!(held(&reader) <= 2 * limit, "{reader:?}");
        rest = tail;
    }
    assert_eq!((fed, &out), (read, &whole));
    assert!(whole.len() <= stream.len());
    if limit >= stream.len() {
        assert_eq!((read, whole), (Ok(()), meant(stream)));
    }
}

fn read_whole(stream: &[u8]) -> Result<Vec<StreamItem>, ReadError> {
    let mut out = Vec::new();
    FrameReader::default().feed(stream, &mut out)?;
    Ok(out)
}

/// How many bytes a reader holds, as it says itself.
fn held(reader: &FrameReader) -> usize {
    let text = format!("{reader:?}");
    let digits = text.split("held: ").nth(1).unwrap().trim_end_matches(" }");
    digits.parse().unwrap()
}

/// What a whole stream means, by the rules of server-sent events in the words of their specification.
fn meant(stream: &[u8]) -> Vec<StreamItem> {
    let stream = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let (mut items, mut name, mut data, mut id) = (Vec::new(), Vec::new(), None, None);
    for line in lines(stream) {
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => {
                (&line[..colon], line[colon + 1..].strip_prefix(b" ").unwrap_or(&line[colon + 1..]))
            }
            None => (line, &[][..]),
        };
        match field {
            b"" if line.is_empty() => {
                items.extend(id.take().map(StreamItem::Id));
                let name = std::mem::take(&mut name);
                items.extend(data.take().map(|data: Vec<u8>| frame_meant(&name, &data)));
            }
            b"event" => name = value.to_vec(),
            b"data" => {
                data = Some(match data.take() {
                    Some(before) => [&before, &b"\n"[..], value].concat(),
                    None => value.to_vec(),
                });
            }
            b"id" if !value.contains(&0) => id = Some(String::from_utf8_lossy(value).into()),
            b"retry" if value.iter().all(u8::is_ascii_digit) => {
                let number = String::from_utf8_lossy(value).parse();
                items.extend(number.ok().map(|number| StreamItem::Retry(Millis(number))));
            }
            _ => {}
        }
    }
    items
}

/// The lines that have ended, by CR, LF or both.
fn lines(stream: &[u8]) -> Vec<&[u8]> {
    let (mut lines, mut start, mut at) = (Vec::new(), 0, 0);
    while at < stream.len() {
        if matches!(stream[at], b'\r' | b'\n') {
            lines.push(&stream[start..at]);
            at += usize::from(stream[at..].starts_with(b"\r\n"));
            start = at + 1;
        }
        at += 1;
    }
    lines
}

fn frame_meant(name: &[u8], data: &[u8]) -> StreamItem {
    let name = if name.is_empty() { "message".into() } else { String::from_utf8_lossy(name) };
    let data = percent::decode_text_lossy(data);
    let fields: Vec<&str> = data.split(',').collect();
    let field = |index: usize| fields.get(index).copied().unwrap_or_default();
    let whose = if *name == *"aborted" { field(0) } else { &*data };
    let pid = Pid::parse(whose);
    let frame = match (&*name, pid) {
        ("crEvent", _) => Frame::CrEvent(data.as_ref().into()),
        ("hello", Ok(pid)) => Frame::Hello { pid },
        ("alive", Ok(pid)) => Frame::Alive { pid },
        ("closed", Ok(pid)) => Frame::Closed { pid },
        ("shutdown", Ok(pid)) => Frame::Shutdown { pid },
        ("aborted", Ok(pid)) => {
            let reason = AbortReason::from_text(field(1));
            Frame::Aborted { pid, reason, releaser: Pid::parse(field(2)).ok() }
        }
        (known @ ("hello" | "alive" | "closed" | "shutdown" | "aborted"), Err(_)) => {
            let name =
                ["hello", "alive", "closed", "shutdown", "aborted"].into_iter().find(|name| *name == known);
            return StreamItem::Unreadable(Unreadable::Pid { name: name.unwrap(), seen: shortened(whose) });
        }
        _ => return StreamItem::Unreadable(Unreadable::Name { seen: shortened(&name) }),
    };
    StreamItem::Frame(frame)
}

fn shortened(text: &str) -> Box<str> {
    let start: String = text.chars().take(40).collect();
    if start.len() < text.len() { format!("{start}…").into() } else { text.into() }
}
