//! What stands on the wire, read and written, for both ends (sections 2 and 3 of the specification).
//!
//! From the outside in: [`Query`] and what the resources read in it ([`EventSourceParams`], [`SendEvent`]); event data
//! strings, as clients write and read them (methods of [`CrEvent`](super::event::CrEvent)) and as servers forward
//! them ([`EventData`]); [`Frame`]s, and the [`FrameReader`] that finds them in a stream; the answer of the clientid resource; [`percent`] below all.

mod client_id_answer;
mod event_data;
mod event_text;
mod frame;
pub mod percent;
mod query;
mod reader;
mod send_event;

pub use client_id_answer::{read_client_id_answer, write_client_id_answer};
pub use event_data::{EventData, InvalidEventData};
pub use frame::{AbortReason, Frame, HEARTBEAT, write_retry};
pub use query::{EventSourceParams, Outgoing, Query, eventsource_query, same_token, sendevent_query};
pub use reader::{FrameReader, ReadError, StreamItem, Unreadable};
pub use send_event::{BadParam, MsgEvent, Param, Problem, Refusal, SendEvent};

/// The beginning of a text that a peer sent, at most 40 characters: enough for a message, too little to flood a log.
fn shortened(text: &str) -> Box<str> {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        None => text.into(),
        Some((end, _)) => format!("{}…", text.split_at(end).0).into(),
    }
}
