//! Inputs, effects and states as JSON: the shape in which the browser client's machine takes and gives them.

use crsocket::protocol::action::{Fate, Message, Notice, Outcome, Post, Refusal, WhyDropped};
use crsocket::protocol::event::{CrEvent, InvalidEvent};
use crsocket::protocol::ids::{AccessToken, Assigned, ClientId, Pid};
use crsocket::protocol::receiver::{self, StreamEnd};
use crsocket::protocol::time::Timing;
use crsocket::protocol::wire::Frame;
use crsocket::protocol::wired::{Effect, Input, WiredSocket};
use crsocket::protocol::{send_line, socket};
use serde_json::{Map, Value, json};

/// What differs from the defaults, under the published names.
pub fn timing(timing: &Timing) -> Value {
    let usual = Timing::default();
    let lengths = [
        (
            "serverInteractionCompleteDt",
            timing.server_interaction_complete_dt.0,
            usual.server_interaction_complete_dt.0,
        ),
        ("minCrEventDt", timing.min_cr_event_dt.0, usual.min_cr_event_dt.0),
        (
            "interactingMaxEventOutDt",
            timing.interacting_max_event_out_dt.0,
            usual.interacting_max_event_out_dt.0,
        ),
        ("searchingMaxEventOutDt", timing.searching_max_event_out_dt.0, usual.searching_max_event_out_dt.0),
        (
            "partnerActiveMaxEventInDt",
            timing.partner_active_max_event_in_dt.0,
            usual.partner_active_max_event_in_dt.0,
        ),
        ("invalidClientIdRetryDt", timing.invalid_client_id_retry_dt.0, usual.invalid_client_id_retry_dt.0),
        ("eventSourceSendAliveDt", timing.event_source_send_alive_dt.0, usual.event_source_send_alive_dt.0),
        ("maxPrevAliveDt", timing.max_prev_alive_dt.0, usual.max_prev_alive_dt.0),
        ("recipientWaitDt", timing.recipient_wait_dt.0, usual.recipient_wait_dt.0),
        ("helloSettleDt", timing.hello_settle_dt.0, usual.hello_settle_dt.0),
        ("sendAnswerDt", timing.send_answer_dt.0, usual.send_answer_dt.0),
        ("helloMaxDt", timing.hello_max_dt.0, usual.hello_max_dt.0),
        ("unassignWaitDt", timing.unassign_wait_dt.0, usual.unassign_wait_dt.0),
        ("releaseDt", timing.release_dt.0, usual.release_dt.0),
    ];
    let sizes = [
        ("maxEventDataLength", timing.max_event_data_length, usual.max_event_data_length),
        ("maxQueued", timing.max_queued, usual.max_queued),
    ];
    let lengths = lengths.iter().filter(|(_, is, usual)| is != usual);
    let sizes = sizes.iter().filter(|(_, is, usual)| is != usual);
    let lengths = lengths.map(|(name, is, _)| ((*name).to_owned(), json!(is)));
    let sizes = sizes.map(|(name, is, _)| ((*name).to_owned(), json!(is)));
    Value::Object(lengths.chain(sizes).collect::<Map<_, _>>())
}

/// The state and subState of crSocket, receiver and sender.
pub fn states(machines: &WiredSocket) -> [Value; 3] {
    let receiver = machines.receiver.state();
    let sender = machines.sender.state();
    [
        socket_state(machines.socket.state()),
        json!([receiver.as_str(), receiver.sub_state()]),
        json!([sender.as_str(), sender.sub_state()]),
    ]
}

fn socket_state(state: &socket::State) -> Value {
    json!([state.as_str(), state.sub_state()])
}

/// An input; a frame as its name and decoded data.
pub fn input(input: &Input) -> Value {
    match input {
        Input::Socket(input) => socket_input(input),
        Input::Receiver(input) => receiver_input(input),
        Input::SendLine(send_line::Input::Answer { number, outcome: of }) => {
            json!({ "answer": { "number": number.0, "outcome": outcome(of) } })
        }
        Input::SendLine(other) => panic!("nobody but a crSocket says {other:?}"),
        Input::Timer(timer) => json!({ "timer": timer.as_str() }),
    }
}

fn socket_input(input: &socket::Input) -> Value {
    match input {
        socket::Input::Visible(visible) => json!({ "visible": visible }),
        socket::Input::Online(online) => json!({ "online": online }),
        socket::Input::Paused(paused) => json!({ "paused": paused }),
        socket::Input::Unloading(unloading) => json!({ "unloading": unloading }),
        socket::Input::ClientId(id) => json!({ "clientId": assigned(id, ClientId::to_string) }),
        socket::Input::AccessToken(token) => {
            json!({ "accessToken": assigned(token, |token: &AccessToken| token.as_str().to_owned()) })
        }
        socket::Input::Partner(id) => json!({ "partnerClientId": assigned(id, ClientId::to_string) }),
        socket::Input::Send { ticket, event } => {
            json!({ "send": { "ticket": ticket.0, "event": cr_event(event) } })
        }
        socket::Input::ClientIdAnswer(id) => json!({ "clientIdAnswer": client_id(*id) }),
        socket::Input::ReceiverReport { .. }
        | socket::Input::Received { .. }
        | socket::Input::PingLeft { .. }
        | socket::Input::Woke
        | socket::Input::Timer(_) => panic!("nobody but its children says {input:?} to a crSocket"),
    }
}

fn receiver_input(input: &receiver::Input) -> Value {
    match input {
        receiver::Input::Frame { stream, frame: of } => frame(stream.0, of.name(), &frame_data(of)),
        receiver::Input::Retry { stream, after } => {
            json!({ "retry": { "stream": stream.0, "after": after.0 } })
        }
        receiver::Input::Ended { stream, how } => {
            let how = match how {
                StreamEnd::NoConnection => json!("noConnection"),
                StreamEnd::Broken => json!("broken"),
                StreamEnd::NotEventStream => json!("notEventStream"),
                StreamEnd::Status(status) => json!(status),
            };
            json!({ "ended": { "stream": stream.0, "how": how } })
        }
        receiver::Input::Set { .. }
        | receiver::Input::Sent
        | receiver::Input::Woke
        | receiver::Input::Timer(_) => panic!("nobody but its crSocket says {input:?} to a receiver"),
    }
}

/// A frame, perhaps one that nobody can read.
pub fn frame(stream: u32, name: &str, data: &str) -> Value {
    json!({ "frame": { "stream": stream, "name": name, "data": data } })
}

/// What stands in a frame, decoded.
fn frame_data(frame: &Frame) -> String {
    match frame {
        Frame::CrEvent(text) => text.to_string(),
        Frame::Aborted { pid, reason, releaser } => {
            format!("{pid},{},{}", reason.as_str(), releaser.map_or(0, Pid::number))
        }
        Frame::Hello { pid } | Frame::Alive { pid } | Frame::Closed { pid } | Frame::Shutdown { pid } => {
            pid.to_string()
        }
    }
}

/// An effect.
pub fn effect(effect: &Effect) -> Value {
    match effect {
        Effect::Open { stream, credentials, resume } => json!({ "open": {
            "stream": stream.0,
            "clientId": credentials.client_id.to_string(),
            "accessToken": credentials.access_token.as_str(),
            "resume": resume,
        } }),
        Effect::Drop { stream } => json!({ "drop": stream.0 }),
        Effect::Send { number, post } => send(number.0, post),
        Effect::RequestClientId => json!({ "requestClientId": true }),
        Effect::SetTimer { timer, after } => {
            json!({ "setTimer": { "timer": timer.as_str(), "after": after.0 } })
        }
        Effect::CancelTimer(timer) => json!({ "cancelTimer": timer.as_str() }),
        Effect::Notify(notice) => self::notice(notice),
    }
}

fn send(number: u32, post: &Post) -> Value {
    let own = post.credentials.client_id;
    let (event_type, data) = match &post.message {
        Message::CrEvent(event) => ("crEvent", event.to_event_data(own)),
        Message::Alive(pid) => ("alive", pid.to_string()),
        Message::Close(pid) => ("close", pid.to_string()),
    };
    json!({ "send": {
        "number": number,
        "clientId": own.to_string(),
        "accessToken": post.credentials.access_token.as_str(),
        "recipientClientId": post.recipient.to_string(),
        "eventType": event_type,
        "eventData": data,
    } })
}

fn notice(notice: &Notice) -> Value {
    match notice {
        Notice::State { from, to } => {
            json!({ "state": { "from": socket_state(from), "to": socket_state(to) } })
        }
        Notice::ClientId(id) => json!({ "clientId": id.to_string() }),
        Notice::Partner(id) => json!({ "partnerClientId": client_id(*id) }),
        Notice::CrEvent(event) => json!({ "crEvent": cr_event(event) }),
        Notice::Fate { ticket, fate } => {
            let (name, why) = self::fate(fate);
            json!({ "fate": { "ticket": ticket.0, "fate": name, "why": why } })
        }
    }
}

/// A fate's name, and why.
pub fn fate(fate: &Fate) -> (&'static str, Value) {
    match fate {
        Fate::Queued => ("queued", Value::Null),
        Fate::Buffered => ("buffered", Value::Null),
        Fate::Sent => ("sent", Value::Null),
        Fate::Understood => ("understood", Value::Null),
        Fate::Unconfirmed => ("unconfirmed", Value::Null),
        Fate::Refused(why) => ("refused", json!(refusal(why))),
        Fate::Dropped(WhyDropped::Offline) => ("dropped", json!("offline")),
        Fate::Dropped(WhyDropped::BufferFull) => ("dropped", json!("bufferFull")),
        Fate::Dropped(WhyDropped::Unassigned) => ("dropped", json!("unassigned")),
        Fate::Dropped(why @ (WhyDropped::Reset | WhyDropped::Removed)) => panic!("no machine says {why:?}"),
        Fate::Lost(of) => ("lost", outcome(of)),
    }
}

fn refusal(why: &Refusal) -> &str {
    match why {
        Refusal::NotReady(why) => why.as_str(),
        Refusal::PartnerRejected(rejection) => rejection.as_str(),
        Refusal::Invalid(InvalidEvent::EventType) => "eventType",
        Refusal::Invalid(InvalidEvent::SubType) => "eventSubType",
        Refusal::Invalid(InvalidEvent::Param { .. }) => "eventParams",
        Refusal::Reserved => "reserved",
        Refusal::TooLong { .. } => "tooLong",
        Refusal::QueueFull { .. } => "queueFull",
    }
}

fn outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Understood => json!("understood"),
        Outcome::NoConnection => json!("noConnection"),
        Outcome::NoAnswer => json!("noAnswer"),
        Outcome::Refused { status, detail } => json!({ "status": status, "detail": detail }),
    }
}

fn cr_event(event: &CrEvent) -> Value {
    json!({
        "eventType": event.event_type,
        "eventSubType": event.sub_type,
        "eventParams": event.params,
        "buffered": event.buffered,
        "logged": event.logged,
        "interceptable": event.interceptable,
        "sendCt": event.send_ct,
        "receiveCt": event.receive_ct,
        "senderClientId": client_id(event.sender),
    })
}

fn client_id(id: Option<ClientId>) -> Value {
    id.map_or(Value::Null, |id| json!(id.to_string()))
}

/// Nothing is `null`; what is invalid is no text at all.
fn assigned<T>(assigned: &Assigned<T>, text: impl FnOnce(&T) -> String) -> Value {
    match assigned {
        Assigned::Nothing => Value::Null,
        Assigned::Invalid => json!(""),
        Assigned::Valid(value) => json!(text(value)),
    }
}
