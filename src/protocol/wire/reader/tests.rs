use proptest::prelude::*;

use super::*;

fn read(stream: &[u8]) -> Vec<StreamItem> {
    let mut out = Vec::new();
    FrameReader::default().feed(stream, &mut out).unwrap();
    out
}

fn cr_event(text: &str) -> StreamItem {
    StreamItem::Frame(Frame::CrEvent(text.into()))
}

fn hello(number: u64) -> StreamItem {
    StreamItem::Frame(Frame::Hello { pid: Pid::from_number(number).unwrap() })
}

#[test]
fn the_rules_of_server_sent_events() {
    for (rule, stream, items) in [
        ("LF ends a line", "event: hello\ndata: 7\n\n", vec![hello(7)]),
        ("CR ends a line", "event: hello\rdata: 7\r\r", vec![hello(7)]),
        ("CRLF ends a line", "event: hello\r\ndata: 7\r\n\r\n", vec![hello(7)]),
        ("mixed line ends", "event: hello\rdata: 7\n\r\n\n", vec![hello(7)]),
        ("the space is optional", "event:hello\ndata:7\n\n", vec![hello(7)]),
        ("one space is cut, no more", "event:crEvent\ndata:  a \n\n", vec![cr_event(" a ")]),
        ("order does not matter", "data: 7\nevent: hello\n\n", vec![hello(7)]),
        ("the last name counts", "event: x\nevent: hello\ndata: 7\n\n", vec![hello(7)]),
        ("comments mean nothing", ": x\nevent: hello\n:\ndata: 7\n\n:\n\n", vec![hello(7)]),
        ("unknown fields mean nothing", "event: hello\nx: y\nz\ndata: 7\n\n", vec![hello(7)]),
        ("data lines are joined", "event: crEvent\ndata: a\ndata\ndata: b\n\n", vec![cr_event("a\n\nb")]),
        ("empty data is data", "event: crEvent\ndata:\n\n", vec![cr_event("")]),
        ("without data nothing happens", "event: hello\n\ndata: 7\n\n", vec![unnamed()]),
        ("a byte order mark at the start", "\u{feff}event: hello\ndata: 7\n\n", vec![hello(7)]),
        ("and nowhere else", "\n\u{feff}event: hello\ndata: 7\n\n", vec![unnamed()]),
        ("an unfinished block was never sent", "event: hello\ndata: 7\n", vec![]),
        ("retry counts at once", "retry: 500\n", vec![StreamItem::Retry(Millis(500))]),
        ("retry is digits", "retry: -5\nretry: 1.5\nretry:\nretry: 99999999999999999999\n\n", vec![]),
        ("an id belongs to its block", "id: 7-1\n\n", vec![StreamItem::Id("7-1".into())]),
        ("an unfinished id", "id: 7-1\n", vec![]),
        ("an empty id forgets", "id\n\n", vec![StreamItem::Id("".into())]),
        ("an id with NUL means nothing", "id: a\0b\n\n", vec![]),
    ] {
        assert_eq!(read(stream.as_bytes()), items, "{rule}");
    }
}

fn unnamed() -> StreamItem {
    StreamItem::Unreadable(Unreadable::Name { seen: "message".into() })
}

#[test]
fn section_3_data_is_decoded_whatever_it_is() {
    assert_eq!(read(b"event: crEvent\ndata: a%2Cb%0A%\n\n"), [cr_event("a,b\n%")]);
    assert_eq!(read(b"event: crEvent\ndata: %FF\xff+\n\n"), [cr_event("\u{fffd}\u{fffd}+")]);
}

#[test]
fn section_2_missing_fields_of_an_abort_are_empty() {
    for (data, reason, releaser) in [
        ("7%2CreleasedByOther%2C8", AbortReason::ReleasedByOther, Pid::from_number(8)),
        ("7%2CinvalidRole%2C0", AbortReason::InvalidRole, None),
        ("7%2Cnew%20one", AbortReason::Other("new one".into()), None),
        ("7", AbortReason::Other("".into()), None),
    ] {
        let pid = Pid::from_number(7).unwrap();
        let frame = Frame::Aborted { pid, reason, releaser };
        assert_eq!(read(format!("event: aborted\ndata: {data}\n\n").as_bytes()), [StreamItem::Frame(frame)]);
    }
}

#[test]
fn what_is_unreadable_is_told_in_short_and_the_stream_goes_on() {
    let name = "n".repeat(1000);
    let items = read(format!("event: {name}\ndata: secret\n\nevent: alive\ndata: 0\n\n").as_bytes());
    let texts = items.iter().map(|item| {
        let StreamItem::Unreadable(unreadable) = item else { panic!("{item:?}") };
        unreadable.to_string()
    });
    let wanted = [
        format!("no frame is called \"{}…\"", "n".repeat(40)),
        "the frame alive needs a pid, a positive integer below 9007199254740992, not \"0\"".to_owned(),
    ];
    assert_eq!(texts.collect::<Vec<_>>(), wanted);
}

#[test]
fn the_longest_frame_of_a_server_fits() {
    let worst = b"%80".repeat(8_192);
    let data = percent::decode_text_lossy(&worst);
    let mut frame = Vec::new();
    Frame::CrEvent((&*data).into()).write_to(&mut frame);
    assert_eq!(read(&frame), [cr_event(&data)]);
}

#[test]
fn bounds_hold_and_a_failed_reader_stays_failed() {
    let line = ReadError::LineTooLong { limit: 20 };
    let block = ReadError::BlockTooLong { limit: 20 };
    for (endless, error) in [(": a comment", line), ("data: abc\n", block), ("data\n", block)] {
        let mut reader = FrameReader::new(20);
        let mut out = Vec::new();
        let failed = (0..100).find_map(|_| reader.feed(endless.as_bytes(), &mut out).err());
        assert_eq!(failed, Some(error), "{endless}");
        assert_eq!(reader.feed(b"\n\nevent: hello\ndata: 7\n\n", &mut out), Err(error));
        assert!(out.is_empty() && reader.line.capacity() == 0);
    }
    let mut reader = FrameReader::new(20);
    for _ in 0..100 {
        reader.feed(b":\nevent: alive\nx: y\nretry\n", &mut Vec::new()).unwrap();
    }
}

/// Found by fuzzing: the id counted with three bytes for each one that is not UTF-8.
#[test]
fn an_id_that_is_not_utf8_counts_with_the_bytes_it_came_in() {
    let mut out = Vec::new();
    let stream = [b"id: ", &[0xff; 16][..], b"\n\n"].concat();
    assert_eq!(FrameReader::new(20).feed(&stream, &mut out), Ok(()));
    assert_eq!(out, [StreamItem::Id("\u{fffd}".repeat(16).into())]);
}

#[test]
fn what_stands_before_a_failure_is_given_out() {
    let mut out = Vec::new();
    let stream = format!("event: hello\ndata: 7\n\n{}", "x".repeat(21));
    assert!(FrameReader::new(20).feed(stream.as_bytes(), &mut out).is_err());
    assert_eq!(out, [hello(7)]);
}

#[test]
fn an_idle_reader_holds_nothing() {
    let mut reader = FrameReader::default();
    let stream = format!("event: crEvent\ndata: {}\n\n", "x".repeat(8_000));
    for piece in stream.as_bytes().chunks(100) {
        reader.feed(piece, &mut Vec::new()).unwrap();
    }
    assert_eq!((reader.line.capacity(), reader.block.len()), (0, 0));
    assert!(size_of::<FrameReader>() <= 128);
}

#[test]
fn debug_never_shows_what_is_being_read() {
    let mut reader = FrameReader::default();
    reader.feed(b"event: crEvent\ndata: secret\ndata: secret", &mut Vec::new()).unwrap();
    assert!(!format!("{reader:?}").contains("secret"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_mean_the_same_wherever_they_are_cut(
        stream in "(event|data|id|retry|x|:|: |[\r\n]{1,2}|hello|crEvent|aborted|%2C|%|[0-9]{1,3}|\u{feff}){0,40}",
        cuts in prop::collection::vec(0..8usize, 0..80),
    ) {
        let mut reader = FrameReader::new(24);
        let (mut rest, mut pieces, mut out) = (stream.as_bytes(), Vec::new(), Vec::new());
        for cut in cuts {
            let (piece, tail) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = tail;
        }
        pieces.push(rest);
        let fed = pieces.into_iter().try_for_each(|piece| reader.feed(piece, &mut out));
        let mut whole = Vec::new();
        prop_assert_eq!(FrameReader::new(24).feed(stream.as_bytes(), &mut whole), fed);
        prop_assert_eq!(whole, out);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(pieces in any::<Vec<Vec<u8>>>(), limit in 0..64usize) {
        let mut reader = FrameReader::new(limit);
        for piece in pieces {
            let _ = reader.feed(&piece, &mut Vec::new());
            prop_assert!(reader.line.len() <= limit && reader.block.len() <= limit);
        }
    }
}
