//! Frames as a running server of version 1.13 sends them, byte for byte.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // clippy's exemption of tests leaves out their helpers

use crsocket::protocol::event::{CrEvent, Rejection};
use crsocket::protocol::ids::{ClientId, Pid};
use crsocket::protocol::wire::{AbortReason, EventData, Frame, FrameReader, StreamItem};
use proptest::prelude::*;
use serde_json::Value;

/// The recorded crEvents: event data string and frame.
fn vectors() -> Vec<(String, String)> {
    let recorded = recorded();
    let field = |vector: &Value, name: &str| vector[name].as_str().unwrap().to_owned();
    let vectors = recorded["vectors"].as_array().unwrap().iter();
    vectors.map(|vector| (field(vector, "event_data"), field(vector, "frame"))).collect()
}

/// The other recorded frames, in their order.
fn frames() -> Vec<String> {
    let recorded = recorded();
    recorded["frames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|frame| frame["frame"].as_str().unwrap().into())
        .collect()
}

fn recorded() -> Value {
    serde_json::from_str(include_str!("data/vectors.json")).unwrap()
}

/// What the other recorded frames mean.
fn frames_meant() -> Vec<Frame> {
    let pid = |number| Pid::from_number(number).unwrap();
    let aborted = |number, reason| Frame::Aborted { pid: pid(number), reason, releaser: None };
    vec![
        Frame::Hello { pid: pid(11527) },
        EventData::reject(&Rejection::InvalidPartnerRole, ClientId::parse("700012").unwrap()).to_frame(),
        aborted(11494, AbortReason::InvalidRole),
        aborted(11478, AbortReason::InvalidClientId),
        aborted(11596, AbortReason::InvalidAccessToken),
    ]
}

/// Everything recorded as one stream, and what it means.
fn stream() -> (Vec<u8>, Vec<StreamItem>) {
    let cr_events = vectors().into_iter().map(|(text, bytes)| (bytes, Frame::CrEvent(text.into())));
    let others = frames().into_iter().zip(frames_meant());
    let (bytes, items): (Vec<_>, Vec<_>) =
        cr_events.chain(others).map(|(bytes, frame)| (bytes.into_bytes(), StreamItem::Frame(frame))).unzip();
    (bytes.concat(), items)
}

fn written(frame: &Frame) -> String {
    let mut out = Vec::new();
    frame.write_to(&mut out);
    assert_eq!(out.len(), frame.encoded_len());
    String::from_utf8(out).unwrap()
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<StreamItem> {
    let (mut reader, mut out) = (FrameReader::default(), Vec::new());
    for piece in pieces {
        reader.feed(piece, &mut out).unwrap();
    }
    out
}

#[test]
fn sections_2_and_3_recorded_cr_events_are_forwarded_byte_for_byte() {
    let sender = ClientId::parse("700002").unwrap();
    assert_eq!(vectors().len(), 31);
    for (text, bytes) in vectors() {
        let data = EventData::accept(&text, sender).unwrap();
        assert_eq!(data.text(), text);
        assert_eq!(written(&data.to_frame()), bytes);
        assert_eq!(data.frame_len(), bytes.len());
    }
}

#[test]
fn section_2_recorded_cr_events_are_written_again_as_they_were() {
    for (text, _) in vectors() {
        let event = CrEvent::from_event_data(&text);
        assert_eq!(event.check(), Ok(()));
        assert_eq!(event.to_event_data(event.sender.unwrap()), text);
        assert_eq!(event.event_data_len(), text.len());
    }
}

#[test]
fn section_3_the_other_recorded_frames_are_written_byte_for_byte() {
    let ours: Vec<_> = frames_meant().iter().map(written).collect();
    assert_eq!(ours, frames());
}

#[test]
fn section_3_recorded_frames_are_read_wherever_the_stream_is_cut() {
    let (bytes, items) = stream();
    for cut in 0..=bytes.len() {
        let (before, after) = bytes.split_at(cut);
        assert_eq!(read([before, after]), items, "cut at {cut}");
    }
    assert_eq!(read(bytes.chunks(1)), items);
}

proptest! {
    #[test]
    fn section_3_recorded_frames_are_read_however_often_the_stream_is_cut(
        lengths in prop::collection::vec(0..200usize, 0..100),
    ) {
        let (bytes, items) = stream();
        let mut rest = bytes.as_slice();
        let mut pieces = Vec::new();
        for length in lengths {
            let (piece, tail) = rest.split_at(length.min(rest.len()));
            pieces.push(piece);
            rest = tail;
        }
        pieces.push(rest);
        prop_assert_eq!(read(pieces), items);
    }

    #[test]
    fn section_3_no_text_can_break_a_frame(texts in prop::collection::vec(any::<String>(), 0..5)) {
        let frames: Vec<_> = texts.into_iter().map(|text| Frame::CrEvent(text.into())).collect();
        let bytes: String = frames.iter().map(written).collect();
        let items: Vec<_> = frames.into_iter().map(StreamItem::Frame).collect();
        prop_assert_eq!(read([bytes.as_bytes()]), items);
    }
}
