//! The streams and requests of crSockets in this process.

use actix::{Context, Handler, Recipient};

use super::{Registry, Stream, Writer};
use crate::actors::inspection::Seen;
use crate::actors::link::local::worth_keeping;
use crate::actors::link::{EndsKey, PortNo};
use crate::actors::messages::{
    ClosePort, LocalDeliveries, LocalDelivery, LocalRequest, LocalRequests, OpenPort,
};
use crate::actors::output::{Report, Reported};
use crate::protocol::action::{RequestNo, StreamNo};
use crate::protocol::ids::{AppId, ClientId, Credentials, Pid, Role};
use crate::protocol::receiver::StreamEnd;
use crate::protocol::sessions::Opened;
use crate::protocol::time::Millis;
use crate::protocol::wire::{EventSourceParams, Frame, SendEvent};

/// The ports of this process's threads, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Ports(Vec<Option<Port>>);

#[derive(Debug)]
struct Port {
    deliveries: Recipient<LocalDeliveries>,
    /// What goes to it at the end of this step.
    waiting: Vec<LocalDelivery>,
    /// Empty, on its way back.
    asked: Vec<LocalRequest>,
}

/// The Registry's end of a stream to a crSocket of this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalWriter {
    port: PortNo,
    ends: EndsKey,
    stream: StreamNo,
    client_id: ClientId,
}

impl Ports {
    fn open(&mut self, PortNo(number): PortNo, deliveries: Recipient<LocalDeliveries>) {
        if self.0.len() <= number {
            self.0.resize_with(number + 1, || None);
        }
        if let Some(port) = self.0.get_mut(number) {
            *port = Some(Port { deliveries, waiting: Vec::new(), asked: Vec::new() });
        }
    }

    fn close(&mut self, PortNo(number): PortNo) {
        if let Some(port) = self.0.get_mut(number) {
            *port = None;
        }
    }

    fn push(&mut self, PortNo(number): PortNo, delivery: LocalDelivery) {
        if let Some(Some(port)) = self.0.get_mut(number) {
            port.waiting.push(delivery);
        }
    }

    /// Writes a frame to a stream.
    pub(super) fn write(&mut self, writer: LocalWriter, frame: Frame) {
        let LocalWriter { port, ends, stream, .. } = writer;
        self.push(port, LocalDelivery::Frame { ends, stream, frame });
    }

    /// Ends a stream behind what was written, or without it: what was handed over is taken.
    pub(super) fn end(&mut self, writer: LocalWriter) {
        let LocalWriter { port, ends, stream, .. } = writer;
        self.push(port, LocalDelivery::Ended { ends, stream, how: StreamEnd::Broken });
    }

    /// Room for what goes to this port.
    fn give_room(&mut self, PortNo(number): PortNo, room: Vec<LocalDelivery>) {
        if let Some(Some(port)) = self.0.get_mut(number)
            && port.waiting.capacity() == 0
        {
            port.waiting = room;
        }
    }

    /// What came from this port is done, and its room goes back.
    fn give_back(&mut self, PortNo(number): PortNo, asked: Vec<LocalRequest>) {
        if let Some(Some(port)) = self.0.get_mut(number) {
            port.asked = worth_keeping(asked);
        }
    }

    /// Sends off what waits.
    pub(super) fn send_off(&mut self) {
        for port in self.0.iter_mut().flatten().filter(|port| !port.waiting.is_empty()) {
            // Each socket has one request under way, and its output is bounded by the rules.
            let (deliveries, room) = (std::mem::take(&mut port.waiting), std::mem::take(&mut port.asked));
            port.deliveries.do_send(LocalDeliveries { deliveries, room });
        }
    }
}

impl Registry {
    fn open_local(&mut self, writer: LocalWriter, app: &AppId, role: Role, credentials: &Credentials) {
        let params = EventSourceParams::of(credentials, role);
        let opened = self.step_quietly(|table, step, actions| table.open(app, &params, step, actions));
        let LocalWriter { port, ends, stream, .. } = writer;
        match opened {
            Opened::Stream { client_id, pid, retry } => {
                self.local_streams += 1;
                self.streams.insert(
                    pid,
                    Stream {
                        writer: Writer::Local(writer),
                        app: app.clone(),
                        last_written: self.now,
                        heartbeat: Millis::MAX,
                        seen: Seen::default(),
                    },
                );
                self.ports.push(port, LocalDelivery::Opened { ends, stream, client_id, pid });
                self.ports.push(port, LocalDelivery::Retry { ends, stream, after: retry });
            }
            Opened::Aborted { pid, reason } => {
                self.ports.write(writer, Frame::Aborted { pid, reason, releaser: None });
                self.ports.end(writer);
            }
            Opened::Retry { retry } => {
                self.ports.push(port, LocalDelivery::Retry { ends, stream, after: retry });
                self.ports.end(writer);
            }
            Opened::UnknownApp => {
                let how = StreamEnd::Status(404);
                self.ports.push(port, LocalDelivery::Ended { ends, stream, how });
            }
        }
        self.perform();
    }

    fn send_local(&mut self, port: PortNo, ends: EndsKey, number: RequestNo, app: &AppId, event: SendEvent) {
        let answer = self.send(app, event);
        self.perform();
        let outcome = answer.outcome();
        self.ports.push(port, LocalDelivery::Answer { ends, number, outcome });
    }
}

impl Handler<LocalRequests> for Registry {
    type Result = ();

    fn handle(&mut self, message: LocalRequests, context: &mut Context<Registry>) {
        self.catch_up(context);
        let LocalRequests { port, mut requests, room } = message;
        self.ports.give_room(port, room);
        for request in requests.drain(..) {
            match request {
                LocalRequest::Open { ends, stream, app, role, credentials } => {
                    let client_id = credentials.client_id;
                    let writer = LocalWriter { port, ends, stream, client_id };
                    self.open_local(writer, &app, role, &credentials);
                }
                LocalRequest::Send { ends, number, app, event } => {
                    self.send_local(port, ends, number, &app, *event);
                }
                LocalRequest::Report(report) => self.hear(report),
            }
        }
        self.ports.give_back(port, requests);
        self.finish(context);
    }
}

impl Handler<OpenPort> for Registry {
    type Result = ();

    fn handle(&mut self, OpenPort { port, deliveries }: OpenPort, _: &mut Context<Registry>) {
        self.ports.open(port, deliveries);
    }
}

impl Handler<ClosePort> for Registry {
    type Result = ();

    fn handle(&mut self, ClosePort(port): ClosePort, context: &mut Context<Registry>) {
        self.catch_up(context);
        self.ports.close(port);
        let there = |stream: &Stream| match &stream.writer {
            Writer::Local(writer) if writer.port == port => Some(writer.client_id),
            Writer::Local(_) | Writer::Response(_) => None,
        };
        let gone: Vec<(ClientId, Pid)> =
            self.streams.iter().filter_map(|(pid, stream)| Some((there(stream)?, *pid))).collect();
        for (client_id, pid) in gone {
            self.hear(Report { client_id, pid, what: Reported::Broken });
        }
        self.finish(context);
    }
}
