//! The link to this process's Registry.
//!
//! The crSockets of one thread share a port. What they ask within one turn of their thread goes to the Registry in one
//! message, and what it has for them comes in one: waking another thread costs more than all the rest.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use actix::{Actor, ActorContext, Addr, Context, Handler, Message};
use slotmap::SlotMap;

use super::{Ends, EndsKey, PortNo};
use crate::actors::client_ids::ClientIds;
use crate::actors::messages::{
    ClosePort, LocalDeliveries, LocalDelivery, LocalRequest, LocalRequests, OpenPort, Remove, Told,
};
use crate::actors::output::{Report, Reported};
use crate::actors::registry::Registry;
use crate::protocol::action::{Post, RequestNo, StreamNo};
use crate::protocol::ids::{ClientId, Credentials, Pid};
use crate::protocol::receiver::{self, StreamEnd};
use crate::protocol::wire::SendEvent;
use crate::protocol::{send_line, socket};

/// For how many requests or deliveries room is kept.
const MOST_ROOM: usize = 4_096;

/// The way of one thread's crSockets to the Registry.
#[derive(Clone)]
pub(in crate::actors) struct LocalLink(Rc<Inner>);

struct Inner {
    port: PortNo,
    registry: Addr<Registry>,
    client_ids: Arc<ClientIds>,
    /// Rings the port, once in each turn.
    bell: Addr<Port>,
    attached: RefCell<SlotMap<EndsKey, Attached>>,
    /// What was asked in this turn.
    asked: RefCell<Vec<LocalRequest>>,
    /// Empty, on its way back.
    delivered: Cell<Vec<LocalDelivery>>,
}

struct Attached {
    ends: Rc<Ends>,
    /// The stream that was asked for last, and is not dropped.
    stream: Option<StreamNo>,
    /// What the server calls it, once it is served.
    served: Option<(ClientId, Pid)>,
}

/// Takes what comes from the Registry, and sends off what was asked.
struct Port(LocalLink);

/// Something was asked in this turn.
#[derive(Message)]
#[rtype(result = "()")]
struct SendOff;

/// The port is not needed any more.
#[derive(Message)]
#[rtype(result = "()")]
struct Close;

impl LocalLink {
    /// Opens a port on this thread.
    pub(in crate::actors) fn open_port(
        port: PortNo,
        registry: Addr<Registry>,
        client_ids: Arc<ClientIds>,
    ) -> LocalLink {
        let context = Context::<Port>::new();
        let bell = actix::AsyncContext::address(&context);
        registry.do_send(OpenPort { port, deliveries: bell.clone().recipient() });
        let inner = Inner {
            port,
            registry,
            client_ids,
            bell,
            attached: RefCell::default(),
            asked: RefCell::default(),
            delivered: Cell::default(),
        };
        let link = LocalLink(Rc::new(inner));
        context.run(Port(link.clone()));
        link
    }

    pub(super) fn attach(&self, ends: Rc<Ends>) -> EndsKey {
        self.0.attached.borrow_mut().insert(Attached { ends, stream: None, served: None })
    }

    pub(super) fn detach(&self, key: EndsKey) {
        // A panic may have come from in here.
        let Ok(mut attached) = self.0.attached.try_borrow_mut() else { return };
        let gone = attached.remove(key);
        drop(attached);
        if let Some((client_id, pid)) = gone.and_then(|gone| gone.served) {
            self.report(client_id, pid, Reported::Broken);
        }
    }

    pub(super) fn open(&self, ends: EndsKey, stream: StreamNo, credentials: Credentials) {
        let request = {
            let mut attached = self.0.attached.borrow_mut();
            let Some(one) = attached.get_mut(ends) else { return };
            one.stream = Some(stream);
            let (app, role) = (one.ends.app.clone(), one.ends.role);
            LocalRequest::Open { ends, stream, app, role, credentials }
        };
        self.ask(request);
    }

    pub(super) fn drop_stream(&self, ends: EndsKey, stream: StreamNo) {
        let served = {
            let mut attached = self.0.attached.borrow_mut();
            let Some(one) = attached.get_mut(ends).filter(|one| one.stream == Some(stream)) else { return };
            one.stream = None;
            one.served.take()
        };
        if let Some((client_id, pid)) = served {
            self.report(client_id, pid, Reported::Broken);
        }
    }

    pub(super) fn send(&self, ends: EndsKey, number: RequestNo, post: &Post) {
        let request = {
            let attached = self.0.attached.borrow();
            let Some(one) = attached.get(ends) else { return };
            let event = Box::new(SendEvent::from_post(post, one.ends.role));
            LocalRequest::Send { ends, number, app: one.ends.app.clone(), event }
        };
        self.ask(request);
    }

    pub(super) fn request_client_id(&self, key: EndsKey) {
        let link = self.clone();
        actix::spawn(async move {
            let given = link.0.client_ids.give_own(&link.0.registry).await;
            if let Err(why) = &given {
                log::debug!("a crSocket gets no clientId: {why}");
            }
            link.with(key, |Attached { ends, .. }| {
                let input = socket::Input::ClientIdAnswer(given.ok());
                ends.socket.do_send(Told { life: ends.life, input });
            });
        });
    }

    pub(super) fn remove_all(&self) {
        for (_, one) in self.0.attached.borrow().iter() {
            one.ends.socket.do_send(Remove);
        }
    }

    pub(super) fn close(&self) {
        self.0.bell.do_send(Close);
    }

    fn report(&self, client_id: ClientId, pid: Pid, what: Reported) {
        self.ask(LocalRequest::Report(Report { client_id, pid, what }));
    }

    fn ask(&self, request: LocalRequest) {
        let Ok(mut asked) = self.0.asked.try_borrow_mut() else { return };
        if asked.is_empty() {
            self.0.bell.do_send(SendOff);
        }
        asked.push(request);
    }

    fn send_off(&self) {
        let mut asked = self.0.asked.borrow_mut();
        if !asked.is_empty() {
            let (requests, room) = (std::mem::take(&mut *asked), self.0.delivered.take());
            self.0.registry.do_send(LocalRequests { port: self.0.port, requests, room });
        }
    }

    /// All that came from the Registry in one message.
    fn deliver_all(&self, LocalDeliveries { mut deliveries, room }: LocalDeliveries) {
        {
            let mut asked = self.0.asked.borrow_mut();
            if asked.capacity() == 0 {
                *asked = room;
            }
        }
        for delivery in deliveries.drain(..) {
            self.deliver(delivery);
        }
        self.0.delivered.set(worth_keeping(deliveries));
    }

    fn deliver(&self, delivery: LocalDelivery) {
        match delivery {
            LocalDelivery::Opened { ends, stream, client_id, pid } => {
                self.opened(ends, stream, client_id, pid);
            }
            LocalDelivery::Retry { ends, stream, after } => {
                self.with(ends, |one| {
                    one.ends.receiver.do_send(receiver::Input::Retry { stream, after });
                });
            }
            LocalDelivery::Frame { ends, stream, frame } => {
                let taken = self.with(ends, |one| {
                    one.ends.receiver.do_send(receiver::Input::Frame { stream, frame });
                    one.served.filter(|_| one.stream == Some(stream))
                });
                if let Some((client_id, pid)) = taken.flatten() {
                    self.report(client_id, pid, Reported::Taken(1));
                }
            }
            LocalDelivery::Ended { ends, stream, how } => self.ended(ends, stream, how),
            LocalDelivery::Answer { ends, number, outcome } => {
                self.with(ends, |one| {
                    one.ends.sender.do_send(send_line::Input::Answer { number, outcome });
                });
            }
        }
    }

    fn opened(&self, ends: EndsKey, stream: StreamNo, client_id: ClientId, pid: Pid) {
        let wanted = self.with(ends, |one| {
            let wanted = one.stream == Some(stream);
            if wanted {
                one.served = Some((client_id, pid));
            }
            wanted
        });
        if wanted != Some(true) {
            // It was given up before it was served.
            self.report(client_id, pid, Reported::Broken);
        }
    }

    fn ended(&self, ends: EndsKey, stream: StreamNo, how: StreamEnd) {
        let served = self.with(ends, |one| {
            one.ends.receiver.do_send(receiver::Input::Ended { stream, how });
            if one.stream != Some(stream) {
                return None;
            }
            one.stream = None;
            one.served.take()
        });
        if let Some((client_id, pid)) = served.flatten() {
            self.report(client_id, pid, Reported::Finished);
        }
    }

    fn with<R>(&self, ends: EndsKey, act: impl FnOnce(&mut Attached) -> R) -> Option<R> {
        self.0.attached.borrow_mut().get_mut(ends).map(act)
    }
}

/// An emptied list, for what comes next: turns are much alike. One that a burst made large is not kept.
pub(in crate::actors) fn worth_keeping<T>(emptied: Vec<T>) -> Vec<T> {
    if emptied.capacity() <= MOST_ROOM { emptied } else { Vec::new() }
}

impl fmt::Debug for LocalLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLink").field("port", &self.0.port).finish_non_exhaustive()
    }
}

impl Actor for Port {
    type Context = Context<Port>;
}

impl Drop for Port {
    fn drop(&mut self) {
        self.0.0.registry.do_send(ClosePort(self.0.0.port));
    }
}

impl Handler<LocalDeliveries> for Port {
    type Result = ();

    fn handle(&mut self, deliveries: LocalDeliveries, _: &mut Context<Port>) {
        self.0.deliver_all(deliveries);
    }
}

impl Handler<SendOff> for Port {
    type Result = ();

    fn handle(&mut self, _: SendOff, _: &mut Context<Port>) {
        self.0.send_off();
    }
}

impl Handler<Close> for Port {
    type Result = ();

    fn handle(&mut self, _: Close, context: &mut Context<Port>) {
        self.0.send_off();
        context.stop();
    }
}
