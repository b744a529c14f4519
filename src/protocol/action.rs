//! Everything a machine may ask for, as data. A shell performs actions in their order and decides nothing.

use super::event::{CrEvent, InvalidEvent, Rejection};
use super::ids::{ClientId, Credentials, Pid};
use super::time::{Millis, TimerKind};
use super::{receiver, send_line, sender, socket};

/// The number of a stream that an EventReceiver opened. What arrives with another number than the current one belongs
/// to a stream that was given up, and is ignored (section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamNo(pub u32);

impl StreamNo {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> StreamNo {
        StreamNo(self.0.wrapping_add(1))
    }
}

/// The number by which the outcome of a sendevent finds back to whoever asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestNo(pub u32);

impl RequestNo {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> RequestNo {
        RequestNo(self.0.wrapping_add(1))
    }
}

/// The enclosing client's own number for a crEvent it sends; fates are reported under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a sendevent carries (section 1, msgEvent).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// For the recipient.
    CrEvent(CrEvent),
    /// To oneself: "my stream with this pid is alive", to be echoed.
    Alive(Pid),
    /// To oneself: "end my stream with this pid".
    Close(Pid),
}

/// One sendevent. It carries the credentials it was made with, which may be older than the present ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Post {
    /// Who sends.
    pub credentials: Credentials,
    /// To whom.
    pub recipient: ClientId,
    /// What.
    pub message: Message,
    /// The sender's number for it, if it wants to know the outcome.
    pub request: Option<RequestNo>,
}

/// What became of a sendevent (section 6: "The outcome of a sendevent is an input").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// `204`: understood.
    Understood,
    /// There was no connection: not delivered for sure.
    NoConnection,
    /// It was sent, and no answer came within sendAnswerDt: nobody knows.
    NoAnswer,
    /// The server refused it.
    Refused {
        /// The status of the answer.
        status: u16,
        /// What the server said, in its words.
        detail: Box<str>,
    },
}

impl Outcome {
    /// Whether it is certain that the server did not take it, though it may later (no connection, `429`, `503`).
    pub fn is_worth_another_try(&self) -> bool {
        match self {
            Outcome::NoConnection | Outcome::Refused { status: 429 | 503, .. } => true,
            Outcome::Understood | Outcome::NoAnswer | Outcome::Refused { .. } => false,
        }
    }
}

/// What an EventReceiver asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReceiverAction {
    /// Open a stream (eventsource) with these credentials and the crSocket's role.
    Open {
        /// Its number.
        stream: StreamNo,
        /// Who opens it.
        credentials: Credentials,
        /// Whether the last stream broke, so that Last-Event-ID is sent.
        resume: bool,
    },
    /// Drop the connection of this stream.
    Drop {
        /// Which one.
        stream: StreamNo,
    },
    /// Hand a sendevent (`alive`, `close`) to the SendLine.
    Post(Post),
    /// Tell the crSocket.
    Socket(socket::Input),
    /// Arm a timer; one of this kind that is armed is replaced.
    SetTimer {
        /// Which one.
        timer: TimerKind,
        /// After how long.
        after: Millis,
    },
    /// Disarm a timer.
    CancelTimer(TimerKind),
}

/// What an EventSender asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SenderAction {
    /// Hand a sendevent to the SendLine.
    Post(Post),
    /// Tell the crSocket.
    Socket(socket::Input),
    /// Tell the enclosing client what became of its crEvent.
    Fate {
        /// The event's number.
        ticket: Ticket,
        /// What became of it.
        fate: Fate,
    },
    /// Arm a timer; one of this kind that is armed is replaced.
    SetTimer {
        /// Which one.
        timer: TimerKind,
        /// After how long.
        after: Millis,
    },
    /// Disarm a timer.
    CancelTimer(TimerKind),
}

/// What a SendLine asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SendLineAction {
    /// Send this sendevent; a crEvent is stamped with the calendar time (sendCt) now.
    Send {
        /// The number under which its outcome is reported.
        number: RequestNo,
        /// What to send.
        post: Post,
    },
    /// Tell the EventSender.
    Sender(sender::Input),
    /// Tell the EventReceiver.
    Receiver(receiver::Input),
    /// Arm a timer; one of this kind that is armed is replaced.
    SetTimer {
        /// Which one.
        timer: TimerKind,
        /// After how long.
        after: Millis,
    },
    /// Disarm a timer.
    CancelTimer(TimerKind),
}

/// What a crSocket asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SocketAction {
    /// Tell the EventReceiver.
    Receiver(receiver::Input),
    /// Tell the EventSender.
    Sender(sender::Input),
    /// Tell the SendLine.
    SendLine(send_line::Input),
    /// Ask the server for a clientId; the answer is [`socket::Input::ClientIdAnswer`].
    RequestClientId,
    /// Tell the enclosing client.
    Notify(Notice),
    /// Arm a timer; one of this kind that is armed is replaced.
    SetTimer {
        /// Which one.
        timer: TimerKind,
        /// After how long.
        after: Millis,
    },
    /// Disarm a timer.
    CancelTimer(TimerKind),
}

/// What an enclosing client is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// The crSocket changed its state or subState.
    State {
        /// The state before.
        from: socket::State,
        /// The state now.
        to: socket::State,
    },
    /// The server gave a clientId, to be kept between runs.
    ClientId(ClientId),
    /// The partnerClientId changed.
    Partner(Option<ClientId>),
    /// A crEvent of the partner; the shell stamps receiveCt.
    CrEvent(CrEvent),
    /// What became of a crEvent.
    Fate {
        /// The event's number.
        ticket: Ticket,
        /// What became of it.
        fate: Fate,
    },
}

/// What became of a crEvent that the enclosing client sent (section 6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Accepted; it waits for its turn.
    Queued,
    /// Kept while offline, or until the server takes it: it is flagged `buffered`.
    Buffered,
    /// It left.
    Sent,
    /// The server understood it (`204`). Nothing more follows.
    Understood,
    /// Not accepted, and never will be. Nothing more follows.
    Refused(Refusal),
    /// Accepted, but it did not leave. Nothing more follows.
    Dropped(WhyDropped),
    /// It left, and the server did not take it. Nothing more follows.
    Lost(Outcome),
    /// It left, and nobody knows whether the server took it. Never sent again. Nothing more follows.
    Unconfirmed,
}

impl Fate {
    /// Whether nothing more follows under this ticket.
    pub fn is_final(&self) -> bool {
        match self {
            Fate::Queued | Fate::Buffered | Fate::Sent => false,
            Fate::Understood | Fate::Refused(_) | Fate::Dropped(_) | Fate::Lost(_) | Fate::Unconfirmed => {
                true
            }
        }
    }
}

/// Why a crEvent was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The sender is not ready; its subState.
    NotReady(sender::WhyNotReady),
    /// The partner rejected this client.
    PartnerRejected(Rejection),
    /// Its type, subType or a param does not match its pattern.
    Invalid(InvalidEvent),
    /// Its type is one that only the crSocket itself sends (`ping`, `inactive`, `unassign`, `reject`).
    Reserved,
    /// Its event data string is too long.
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The longest that is accepted.
        max: usize,
    },
    /// The queue is full.
    QueueFull {
        /// How many events it holds.
        max: usize,
    },
}

/// Why an accepted crEvent did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhyDropped {
    /// The client was offline at its turn, and the event is not flagged `buffered`.
    Offline,
    /// As many events are kept as may be.
    BufferFull,
    /// Its recipient is no longer the partner.
    Unassigned,
    /// A part of its crSocket died, and what waited there with it. Never said by a machine.
    Reset,
    /// Its crSocket was removed while it still waited. Never said by a machine.
    Removed,
}
