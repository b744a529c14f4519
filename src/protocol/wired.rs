//! The three machines of one crSocket and their SendLine, wired without actors: what a program needs to embed a
//! crSocket elsewhere, and what simulation and tests run.

use super::action::{
    Message, Notice, Post, ReceiverAction, RequestNo, SendLineAction, SenderAction, SocketAction, StreamNo,
};
use super::ids::{Credentials, Role};
use super::receiver::Receiver;
use super::send_line::SendLine;
use super::sender::Sender;
use super::socket::Socket;
use super::time::{Millis, Step, TimerKind};
use super::{receiver, send_line, sender, socket};

mod aged;

/// What the world tells a crSocket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// From the enclosing client, or the answer to a request for a clientId.
    Socket(socket::Input),
    /// From an event stream.
    Receiver(receiver::Input),
    /// The outcome of a sendevent.
    SendLine(send_line::Input),
    /// A timer fired.
    Timer(TimerKind),
}

/// What a crSocket asks of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Open a stream (eventsource).
    Open {
        /// Its number.
        stream: StreamNo,
        /// Who opens it.
        credentials: Credentials,
        /// Whether the last one broke, so that Last-Event-ID is sent.
        resume: bool,
    },
    /// Drop the connection of a stream, if it still stands.
    Drop {
        /// Which one.
        stream: StreamNo,
    },
    /// Send this sendevent, and report its outcome under the number.
    Send {
        /// The number.
        number: RequestNo,
        /// The sendevent; a crEvent is stamped (sendCt).
        post: Post,
    },
    /// Ask for a clientId.
    RequestClientId,
    /// Arm a timer; one of this kind that is armed is replaced.
    SetTimer {
        /// Which one.
        timer: TimerKind,
        /// After how long.
        after: Millis,
    },
    /// Disarm a timer.
    CancelTimer(TimerKind),
    /// Tell the enclosing client; a crEvent is stamped (receiveCt).
    Notify(Notice),
}

/// A crSocket: socket, receiver, sender and line, each handing over to the others in the order of the actions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WiredSocket {
    /// The crSocket itself.
    pub socket: Socket,
    /// Its EventReceiver.
    pub receiver: Receiver,
    /// Its EventSender.
    pub sender: Sender,
    /// The line in which its sendevents leave.
    pub line: SendLine,
}

enum Letter {
    Socket(socket::Input),
    Receiver(receiver::Input),
    Sender(sender::Input),
    SendLine(send_line::Input),
}

impl WiredSocket {
    /// A crSocket that has been given nothing yet.
    pub fn new(role: Role) -> WiredSocket {
        WiredSocket {
            socket: Socket::new(role),
            receiver: Receiver::new(),
            sender: Sender::new(),
            line: SendLine::new(),
        }
    }

    /// Takes one input, lets the machines talk until all is said, and asks the world for what follows from it.
    ///
    /// `calendar` is the calendar time in milliseconds since 1970: what events are stamped with.
    pub fn handle(
        &mut self,
        input: Input,
        step: &Step<'_>,
        calendar: Option<i64>,
        effects: &mut Vec<Effect>,
    ) {
        let mut next = Some(match input {
            Input::Socket(input) => Letter::Socket(input),
            Input::Receiver(input) => Letter::Receiver(input),
            Input::SendLine(input) => Letter::SendLine(input),
            Input::Timer(timer) => addressed(timer),
        });
        // The last one is next: what follows from a letter is handled before what was there, so that one change is one
        // step.
        let mut letters = Vec::new();
        while let Some(letter) = next {
            let place = letters.len();
            self.deliver(letter, step, calendar, effects, &mut letters);
            if let Some(replies) = letters.get_mut(place..) {
                replies.reverse();
            }
            next = letters.pop();
        }
    }

    fn deliver(
        &mut self,
        letter: Letter,
        step: &Step<'_>,
        calendar: Option<i64>,
        effects: &mut Vec<Effect>,
        replies: &mut Vec<Letter>,
    ) {
        match letter {
            Letter::Socket(input) => {
                let mut actions = Vec::new();
                self.socket.handle(input, step, &mut actions);
                replies.extend(
                    actions.into_iter().filter_map(|action| socket_action(action, calendar, effects)),
                );
            }
            Letter::Receiver(input) => {
                let mut actions = Vec::new();
                self.receiver.handle(input, step, &mut actions);
                replies.extend(actions.into_iter().filter_map(|action| receiver_action(action, effects)));
            }
            Letter::Sender(input) => {
                let mut actions = Vec::new();
                self.sender.handle(input, step, &mut actions);
                replies.extend(actions.into_iter().filter_map(|action| sender_action(action, effects)));
            }
            Letter::SendLine(input) => {
                let mut actions = Vec::new();
                self.line.handle(input, step, &mut actions);
                replies
                    .extend(actions.into_iter().filter_map(|action| line_action(action, calendar, effects)));
            }
        }
    }
}

/// Whose timer it is.
fn addressed(timer: TimerKind) -> Letter {
    match timer {
        TimerKind::Hello | TimerKind::Reopen | TimerKind::Alive | TimerKind::Close => {
            Letter::Receiver(receiver::Input::Timer(timer))
        }
        TimerKind::Pace | TimerKind::Unassign => Letter::Sender(sender::Input::Timer(timer)),
        TimerKind::Answer => Letter::SendLine(send_line::Input::Timer(timer)),
        TimerKind::Ping | TimerKind::Partner | TimerKind::ClientId | TimerKind::Release => {
            Letter::Socket(socket::Input::Timer(timer))
        }
    }
}

fn socket_action(action: SocketAction, calendar: Option<i64>, effects: &mut Vec<Effect>) -> Option<Letter> {
    match action {
        SocketAction::Receiver(input) => return Some(Letter::Receiver(input)),
        SocketAction::Sender(input) => return Some(Letter::Sender(input)),
        SocketAction::SendLine(input) => return Some(Letter::SendLine(input)),
        SocketAction::RequestClientId => effects.push(Effect::RequestClientId),
        SocketAction::Notify(Notice::CrEvent(mut event)) => {
            event.receive_ct = calendar;
            effects.push(Effect::Notify(Notice::CrEvent(event)));
        }
        SocketAction::Notify(notice) => effects.push(Effect::Notify(notice)),
        SocketAction::SetTimer { timer, after } => effects.push(Effect::SetTimer { timer, after }),
        SocketAction::CancelTimer(timer) => effects.push(Effect::CancelTimer(timer)),
    }
    None
}

fn receiver_action(action: ReceiverAction, effects: &mut Vec<Effect>) -> Option<Letter> {
    match action {
        ReceiverAction::Open { stream, credentials, resume } => {
            effects.push(Effect::Open { stream, credentials, resume });
        }
        ReceiverAction::Drop { stream } => effects.push(Effect::Drop { stream }),
        ReceiverAction::Post(post) => return Some(Letter::SendLine(send_line::Input::Post(post))),
        ReceiverAction::Socket(input) => return Some(Letter::Socket(input)),
        ReceiverAction::SetTimer { timer, after } => effects.push(Effect::SetTimer { timer, after }),
        ReceiverAction::CancelTimer(timer) => effects.push(Effect::CancelTimer(timer)),
    }
    None
}

fn sender_action(action: SenderAction, effects: &mut Vec<Effect>) -> Option<Letter> {
    match action {
        SenderAction::Post(post) => return Some(Letter::SendLine(send_line::Input::Post(post))),
        SenderAction::Socket(input) => return Some(Letter::Socket(input)),
        SenderAction::Fate { ticket, fate } => effects.push(Effect::Notify(Notice::Fate { ticket, fate })),
        SenderAction::SetTimer { timer, after } => effects.push(Effect::SetTimer { timer, after }),
        SenderAction::CancelTimer(timer) => effects.push(Effect::CancelTimer(timer)),
    }
    None
}

fn line_action(action: SendLineAction, calendar: Option<i64>, effects: &mut Vec<Effect>) -> Option<Letter> {
    match action {
        SendLineAction::Send { number, mut post } => {
            if let Message::CrEvent(event) = &mut post.message {
                event.send_ct = calendar;
            }
            effects.push(Effect::Send { number, post });
        }
        SendLineAction::Sender(input) => return Some(Letter::Sender(input)),
        SendLineAction::Receiver(input) => return Some(Letter::Receiver(input)),
        SendLineAction::SetTimer { timer, after } => effects.push(Effect::SetTimer { timer, after }),
        SendLineAction::CancelTimer(timer) => effects.push(Effect::CancelTimer(timer)),
    }
    None
}
