//! Event data strings as servers accept and forward them (section 2).

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::event_text::{as_str, digits_of, fields};
use super::{frame, shortened};
use crate::protocol::event::{CrEvent, EventKind, InvalidEvent, Rejection, is_event_type, is_sub_type};
use crate::protocol::ids::ClientId;

/// The fields before the params.
const FIELDS: usize = 8;

/// A text that a server does not accept as the event data string of a crEvent (section 2).
///
/// It never carries the text itself: params are the participants' data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum InvalidEventData {
    /// Fewer than eight fields.
    #[error("has {seen} of the 8 fields")]
    TooFewFields {
        /// How many there are; an empty text is one empty field.
        seen: usize,
    },
    /// The first field is not `[0-9A-Za-z]+`.
    #[error("has no eventType of 0-9, A-Z and a-z up to byte {offset}")]
    EventType {
        /// The first byte that does not belong there.
        offset: usize,
    },
}

/// An event data string as a server forwards it: valid, signed with its sender's clientId, every other byte as it
/// came. Clones share the bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventData {
    text: Arc<str>,
    sender: ClientId,
    frame_len: u32,
}

impl EventData {
    /// Accepts what a client sent: checks the eventType and that there are eight fields, and overwrites
    /// senderClientId with `sender`, since nobody signs for another (section 2).
    ///
    /// # Errors
    /// [`InvalidEventData`] where a check fails.
    pub fn accept(text: &str, sender: ClientId) -> Result<EventData, InvalidEventData> {
        let (before, signed, params) = split_at_sender(text)
            .ok_or_else(|| InvalidEventData::TooFewFields { seen: text.split(',').count() })?;
        check_event_type(text)?;
        let digits = digits_of(sender);
        let sender_text = as_str(&digits);
        if signed == sender_text {
            Ok(EventData::signed(text.into(), sender))
        } else {
            Ok(EventData::signed([before, sender_text, params].concat().into(), sender))
        }
    }

    /// An event made by this server, such as an interceptor's reply; its times stay as they are.
    ///
    /// # Errors
    /// [`InvalidEvent`] where a reader would not find the same fields again: the eventType does not match its
    /// pattern, or subType or a param contains a comma. (subTypes of other clients need not match theirs.)
    pub fn from_event(event: &CrEvent, sender: ClientId) -> Result<EventData, InvalidEvent> {
        check_content(&event.event_type, &event.sub_type, &event.params)?;
        Ok(EventData::signed(event.to_shared_event_data(sender), sender))
    }

    /// The same event with the content that an interceptor gave it; flags, times and sender stay as they came.
    ///
    /// # Errors
    /// [`InvalidEvent`], as with [`EventData::from_event`].
    pub fn with_content<S: AsRef<str>>(
        &self,
        event_type: &str,
        sub_type: &str,
        params: &[S],
    ) -> Result<EventData, InvalidEvent> {
        check_content(event_type, sub_type, params)?;
        let mut text = format!("{event_type},{sub_type}");
        for field in self.text.split(',').take(FIELDS).skip(2).chain(params.iter().map(AsRef::as_ref)) {
            text.push(',');
            text.push_str(field);
        }
        Ok(EventData::signed(text.into(), self.sender))
    }

    /// The `reject` by which a server answers a blocked `ping` in the recipient's name (section 4, Arrival, 3).
    ///
    /// A reason that is no subType, as only an interceptor could give it, becomes `blocked`.
    pub fn reject(reason: &Rejection, recipient: ClientId) -> EventData {
        let reason = if is_sub_type(reason.as_str()) { reason } else { &Rejection::Blocked };
        EventData::signed(CrEvent::reject(reason).to_shared_event_data(recipient), recipient)
    }

    /// The whole string.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its length in bytes.
    #[allow(clippy::len_without_is_empty)] // never empty: it has seven commas at least
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Who sent it.
    pub fn sender(&self) -> ClientId {
        self.sender
    }

    /// What its type means to the protocol.
    pub fn kind(&self) -> EventKind {
        EventKind::of(self.event_type())
    }

    /// What it is.
    pub fn event_type(&self) -> &str {
        self.field(0)
    }

    /// Explains the type; any text without a comma.
    pub fn sub_type(&self) -> &str {
        self.field(1)
    }

    /// Whether it is flagged as buffered: exactly `true`.
    pub fn buffered(&self) -> bool {
        self.field(2) == "true"
    }

    /// Whether it is to be kept by the server: exactly `true`.
    pub fn logged(&self) -> bool {
        self.field(3) == "true"
    }

    /// Whether interceptors may see it: all but exactly `false`.
    pub fn interceptable(&self) -> bool {
        self.field(4) != "false"
    }

    /// All of it, read.
    pub fn to_event(&self) -> CrEvent {
        CrEvent::from_event_data(&self.text)
    }

    /// The frame that forwards it; it shares the bytes.
    pub fn to_frame(&self) -> frame::Frame {
        frame::Frame::CrEvent(Arc::clone(&self.text))
    }

    /// The length in bytes of that frame on the stream, known without encoding it.
    pub fn frame_len(&self) -> usize {
        usize::try_from(self.frame_len).unwrap_or(usize::MAX)
    }

    fn signed(text: Arc<str>, sender: ClientId) -> EventData {
        let frame_len = u32::try_from(frame::cr_event_len(&text)).unwrap_or(u32::MAX);
        EventData { text, sender, frame_len }
    }

    fn field(&self, index: usize) -> &str {
        fields(&self.text).nth(index).unwrap_or_default()
    }
}

impl fmt::Debug for EventData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(&self.text, f)
    }
}

/// What of an event data string may end in a log: never its params.
pub(super) fn describe(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut fields = text.split(',');
    let event_type = fields.next().filter(|field| is_event_type(field)).unwrap_or("?");
    let sub_type = fields.next().map_or("", |field| if is_sub_type(field) { field } else { "?" });
    write!(f, "{}", shortened(event_type))?;
    if !sub_type.is_empty() {
        write!(f, "/{}", shortened(sub_type))?;
    }
    if let Some(sender) = fields.nth(FIELDS - 3).and_then(|field| ClientId::parse(field).ok()) {
        write!(f, " from {sender}")?;
    }
    write!(f, " ({} bytes)", text.len())
}

/// What stands before the senderClientId, the senderClientId, and what stands behind it.
fn split_at_sender(text: &str) -> Option<(&str, &str, &str)> {
    let mut commas = text.bytes().enumerate().filter(|(_, byte)| *byte == b',').map(|(index, _)| index);
    let from = commas.nth(FIELDS - 2)? + 1;
    let to = commas.next().unwrap_or(text.len());
    Some((text.get(..from)?, text.get(from..to)?, text.get(to..)?))
}

fn check_event_type(text: &str) -> Result<(), InvalidEventData> {
    let event_type = fields(text).next().unwrap_or_default();
    if is_event_type(event_type) {
        return Ok(());
    }
    let offset = event_type.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(0);
    Err(InvalidEventData::EventType { offset })
}

fn check_content(event_type: &str, sub_type: &str, params: &[impl AsRef<str>]) -> Result<(), InvalidEvent> {
    if !is_event_type(event_type) {
        return Err(InvalidEvent::EventType);
    }
    // Faster for short texts than `contains`, which uses `memchr`.
    let has_comma = |text: &str| text.bytes().any(|byte| byte == b',');
    if has_comma(sub_type) {
        return Err(InvalidEvent::SubType);
    }
    match params.iter().position(|param| has_comma(param.as_ref())) {
        Some(index) => Err(InvalidEvent::Param { index }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> ClientId {
        ClientId::parse(text).unwrap()
    }

    fn accept(text: &str) -> Result<EventData, InvalidEventData> {
        EventData::accept(text, id("700002"))
    }

    #[test]
    fn section_2_nobody_signs_for_another() {
        for signed in ["123456", "", "x", "700002", "a much longer text"] {
            for params in ["", ",", ",p,q"] {
                let data = accept(&format!("a,,false,false,true,1,NaN,{signed}{params}")).unwrap();
                assert_eq!(data.text(), format!("a,,false,false,true,1,NaN,700002{params}"));
                assert_eq!(data.sender(), id("700002"));
            }
        }
    }

    #[test]
    fn section_2_every_other_byte_is_forwarded_as_it_came() {
        let text = "a,sub type\n%41,TRUE,,no,soon,\u{fffd},700002,+,%";
        let data = accept(text).unwrap();
        assert_eq!(data.text(), text);
        assert_eq!(data.sub_type(), "sub type\n%41");
        assert!(!data.buffered() && !data.logged() && data.interceptable());
    }

    #[test]
    fn section_2_eight_fields_and_an_event_type() {
        for (text, error) in [
            ("", InvalidEventData::TooFewFields { seen: 1 }),
            ("a,,false,false,true,1,NaN", InvalidEventData::TooFewFields { seen: 7 }),
            (",,false,false,true,1,NaN,", InvalidEventData::EventType { offset: 0 }),
            ("ab c,,false,false,true,1,NaN,", InvalidEventData::EventType { offset: 2 }),
            ("é,,false,false,true,1,NaN,", InvalidEventData::EventType { offset: 0 }),
        ] {
            assert_eq!(accept(text), Err(error), "{text}");
        }
        assert!(accept(",,,,,,,").is_err());
        assert!(accept("a,,,,,,,").is_ok());
    }

    #[test]
    fn section_4_a_reject_of_the_server() {
        let data = EventData::reject(&Rejection::InvalidPartnerRole, id("700012"));
        assert_eq!(data.text(), "reject,invalidPartnerRole,false,false,true,NaN,NaN,700012");
        assert_eq!(data.kind(), EventKind::Reject);
        let odd = EventData::reject(&Rejection::Other("no, thanks".into()), id("700012"));
        assert_eq!(odd.sub_type(), "blocked");
    }

    #[test]
    fn an_interceptor_changes_the_content_and_nothing_else() {
        let data = accept("a,b,true,?,false,1.5,soon,1,p").unwrap();
        let changed = data.with_content("c", "d e", &["q", ""]).unwrap();
        assert_eq!(changed.text(), "c,d e,true,?,false,1.5,soon,700002,q,");
        assert_eq!(data.with_content("c,", "", &[""; 0]), Err(InvalidEvent::EventType));
        assert_eq!(data.with_content("c", ",", &[""; 0]), Err(InvalidEvent::SubType));
        assert_eq!(data.with_content("c", "", &["", ","]), Err(InvalidEvent::Param { index: 1 }));
    }

    #[test]
    fn debug_never_shows_params() {
        let data = accept("answer,sub,false,false,true,1,NaN,1,secret").unwrap();
        assert_eq!(format!("{data:?}"), format!("answer/sub from 700002 ({} bytes)", data.len()));
        let data = accept("answer,a secret,false,false,true,1,NaN,1").unwrap();
        assert!(format!("{data:?}").starts_with("answer/? from 700002"));
    }

    #[test]
    fn it_is_small_since_queues_are_full_of_it() {
        assert_eq!(size_of::<EventData>(), 24);
        assert_eq!(size_of::<Option<EventData>>(), 24);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn made_from_an_event_is_accepted_as_it_is(
            event_type in "[0-9A-Za-z]{1,8}", sub_type in "[^,]{0,8}",
            params in prop::collection::vec("[^,]{0,8}", 0..5), flags in any::<[bool; 3]>(),
            send_ct in any::<Option<i64>>(), number in 0..ClientId::COUNT,
        ) {
            let sender = ClientId::from_number(number).unwrap();
            let mut event = CrEvent::unchecked(&event_type, &sub_type).with_params(params).unwrap();
            [event.buffered, event.logged, event.interceptable] = flags;
            (event.send_ct, event.sender) = (send_ct, Some(sender));
            let data = EventData::from_event(&event, sender).unwrap();
            prop_assert_eq!([data.buffered(), data.logged(), data.interceptable()], flags);
            prop_assert_eq!(data.to_event(), event);
            prop_assert_eq!(EventData::accept(data.text(), sender), Ok(data));
        }

        #[test]
        fn what_is_accepted_is_whole_and_signed(text in "[0-9a-z, ]{0,40}|\\PC*") {
            match accept(&text) {
                Ok(data) => {
                    let event = data.to_event();
                    prop_assert_eq!(event.sender, Some(id("700002")));
                    prop_assert_eq!(data.text().split(',').count(), text.split(',').count());
                    prop_assert_eq!(data.kind(), event.kind());
                    let mut frame = Vec::new();
                    data.to_frame().write_to(&mut frame);
                    prop_assert_eq!(frame.len(), data.frame_len());
                }
                Err(InvalidEventData::TooFewFields { seen }) => prop_assert!(seen < 8),
                Err(InvalidEventData::EventType { offset }) => prop_assert!(offset < text.len()),
            }
        }
    }
}
