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

/// Where the machines put what they say to each other. Whoever runs many crSockets, or one for long, keeps it for
/// the next step, which then need not allocate. It is empty between steps.
#[derive(Debug, Default)]
pub struct Scratch {
    letters: Vec<Letter>,
    socket: Vec<SocketAction>,
    receiver: Vec<ReceiverAction>,
    sender: Vec<SenderAction>,
    line: Vec<SendLineAction>,
}

#[derive(Debug)]
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
        self.handle_with(&mut Scratch::default(), input, step, calendar, effects);
    }

    /// The same, with a scratch that is kept for the next step.
    pub fn handle_with(
        &mut self,
        scratch: &mut Scratch,
        input: Input,
        step: &Step<'_>,
        calendar: Option<i64>,
        effects: &mut Vec<Effect>,
    ) {
        match input {
            Input::Socket(input) => self.tell_socket(scratch, input, step, calendar, effects),
            Input::Receiver(input) => self.tell_receiver(scratch, input, step, effects),
            Input::SendLine(input) => self.tell_line(scratch, input, step, calendar, effects),
            Input::Timer(timer) => scratch.letters.push(addressed(timer)),
        }
        // The last one is next: what follows from a letter is handled before what was there, so that one change is one
        // step.
        while let Some(letter) = scratch.letters.pop() {
            match letter {
                Letter::Socket(input) => self.tell_socket(scratch, input, step, calendar, effects),
                Letter::Receiver(input) => self.tell_receiver(scratch, input, step, effects),
                Letter::Sender(input) => self.tell_sender(scratch, input, step, effects),
                Letter::SendLine(input) => self.tell_line(scratch, input, step, calendar, effects),
            }
        }
    }

    fn tell_socket(
        &mut self,
        scratch: &mut Scratch,
        input: socket::Input,
        step: &Step<'_>,
        calendar: Option<i64>,
        effects: &mut Vec<Effect>,
    ) {
        self.socket.handle(input, step, &mut scratch.socket);
        let below = scratch.letters.len();
        for action in scratch.socket.drain(..) {
            socket_action(action, calendar, effects, &mut scratch.letters);
        }
        first_on_top(&mut scratch.letters, below);
    }

    fn tell_receiver(
        &mut self,
        scratch: &mut Scratch,
        input: receiver::Input,
        step: &Step<'_>,
        effects: &mut Vec<Effect>,
    ) {
        self.receiver.handle(input, step, &mut scratch.receiver);
        let below = scratch.letters.len();
        for action in scratch.receiver.drain(..) {
            receiver_action(action, effects, &mut scratch.letters);
        }
        first_on_top(&mut scratch.letters, below);
    }

    fn tell_sender(
        &mut self,
        scratch: &mut Scratch,
        input: sender::Input,
        step: &Step<'_>,
        effects: &mut Vec<Effect>,
    ) {
        self.sender.handle(input, step, &mut scratch.sender);
        let below = scratch.letters.len();
        for action in scratch.sender.drain(..) {
            sender_action(action, effects, &mut scratch.letters);
        }
        first_on_top(&mut scratch.letters, below);
    }

    fn tell_line(
        &mut self,
        scratch: &mut Scratch,
        input: send_line::Input,
        step: &Step<'_>,
        calendar: Option<i64>,
        effects: &mut Vec<Effect>,
    ) {
        self.line.handle(input, step, &mut scratch.line);
        let below = scratch.letters.len();
        for action in scratch.line.drain(..) {
            line_action(action, calendar, effects, &mut scratch.letters);
        }
        first_on_top(&mut scratch.letters, below);
    }
}

/// Turns the letters that were put on a pile of so many, so that the first of them is taken first.
#[inline]
fn first_on_top(pile: &mut [Letter], below: usize) {
    if let Some(new) = pile.get_mut(below..) {
        new.reverse();
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

#[inline]
fn socket_action(
    action: SocketAction,
    calendar: Option<i64>,
    effects: &mut Vec<Effect>,
    letters: &mut Vec<Letter>,
) {
    match action {
        SocketAction::Receiver(input) => letters.push(Letter::Receiver(input)),
        SocketAction::Sender(input) => letters.push(Letter::Sender(input)),
        SocketAction::SendLine(input) => letters.push(Letter::SendLine(input)),
        SocketAction::RequestClientId => effects.push(Effect::RequestClientId),
        SocketAction::Notify(Notice::CrEvent(mut event)) => {
            event.receive_ct = calendar;
            effects.push(Effect::Notify(Notice::CrEvent(event)));
        }
        SocketAction::Notify(notice) => effects.push(Effect::Notify(notice)),
        SocketAction::SetTimer { timer, after } => effects.push(Effect::SetTimer { timer, after }),
        SocketAction::CancelTimer(timer) => effects.push(Effect::CancelTimer(timer)),
    }
}

#[inline]
fn receiver_action(action: ReceiverAction, effects: &mut Vec<Effect>, letters: &mut Vec<Letter>) {
    match action {
        ReceiverAction::Open { stream, credentials, resume } => {
            effects.push(Effect::Open { stream, credentials, resume });
        }
        ReceiverAction::Drop { stream } => effects.push(Effect::Drop { stream }),
        ReceiverAction::Post(post) => letters.push(Letter::SendLine(send_line::Input::Post(post))),
        ReceiverAction::Socket(input) => letters.push(Letter::Socket(input)),
        ReceiverAction::SetTimer { timer, after } => effects.push(Effect::SetTimer { timer, after }),
        ReceiverAction::CancelTimer(timer) => effects.push(Effect::CancelTimer(timer)),
    }
}

#[inline]
fn sender_action(action: SenderAction, effects: &mut Vec<Effect>, letters: &mut Vec<Letter>) {
    match action {
        SenderAction::Post(post) => letters.push(Letter::SendLine(send_line::Input::Post(post))),
        SenderAction::Socket(input) => letters.push(Letter::Socket(input)),
        SenderAction::Fate { ticket, fate } => effects.push(Effect::Notify(Notice::Fate { ticket, fate })),
        SenderAction::SetTimer { timer, after } => effects.push(Effect::SetTimer { timer, after }),
        SenderAction::CancelTimer(timer) => effects.push(Effect::CancelTimer(timer)),
    }
}

#[inline]
fn line_action(
    action: SendLineAction,
    calendar: Option<i64>,
    effects: &mut Vec<Effect>,
    letters: &mut Vec<Letter>,
) {
    match action {
        SendLineAction::Send { number, mut post } => {
            if let Message::CrEvent(event) = &mut post.message {
                event.send_ct = calendar;
            }
            effects.push(Effect::Send { number, post });
        }
        SendLineAction::Sender(input) => letters.push(Letter::Sender(input)),
        SendLineAction::Receiver(input) => letters.push(Letter::Receiver(input)),
        SendLineAction::SetTimer { timer, after } => effects.push(Effect::SetTimer { timer, after }),
        SendLineAction::CancelTimer(timer) => effects.push(Effect::CancelTimer(timer)),
    }
}
