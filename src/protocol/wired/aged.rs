//! A crSocket's machines seen from now, for a model checker: equal situations are equal values, whenever they come.

use super::WiredSocket;
use crate::protocol::action::RequestNo;
use crate::protocol::time::Step;

impl WiredSocket {
    /// These machines as they would be if now were zero, and if they had counted nothing yet: from then on they do the
    /// same at the shifted times, under shifted numbers.
    ///
    /// A model checker tells situations apart by comparing values. Instants become ages (each machine's own `aged`
    /// says which of them have an end), and numbers that only grow start again: the present stream
    /// ([`Receiver::stream_number`](crate::protocol::receiver::Receiver::stream_number)) and the last request
    /// ([`SendLine::last`](crate::protocol::send_line::SendLine::last)) have number zero afterwards. What is still
    /// under way under an older number was ignored before, and must not come back under a number that is given again.
    #[must_use]
    pub fn aged(&self, step: &Step<'_>) -> WiredSocket {
        let mut aged = WiredSocket {
            socket: self.socket.aged(step),
            receiver: self.receiver.aged(step),
            sender: self.sender.aged(step),
            line: self.line.aged(step),
        };
        aged.renumber();
        aged
    }

    fn renumber(&mut self) {
        // What both ends count is compared for equality only.
        self.receiver.renumber(self.receiver.revision().wrapping_sub(self.socket.revision()));
        let clearings = self.sender.facts().clearings.wrapping_sub(self.socket.sender().clearings);
        self.sender.set_clearings(clearings);
        self.socket.renumber(0, 0);
        self.line.renumber();
        self.renumber_requests();
    }

    /// The requests that are waited for become 1, 2 and so on, the oldest first.
    fn renumber_requests(&mut self) {
        let last = self.sender.last_request();
        let age = |request: &RequestNo| last.0.wrapping_sub(request.0);
        let mut known: Vec<u32> =
            self.sender.requests_mut().chain(self.line.requests_mut()).map(|request| age(request)).collect();
        known.sort_unstable_by(|one, other| other.cmp(one));
        known.dedup();
        let number = |request: &RequestNo| {
            let place = known.iter().position(|known| *known == age(request)).unwrap_or(known.len());
            RequestNo(u32::try_from(place + 1).unwrap_or(u32::MAX))
        };
        for request in self.sender.requests_mut().chain(self.line.requests_mut()) {
            *request = number(request);
        }
        self.sender.set_last_request(RequestNo(u32::try_from(known.len()).unwrap_or(u32::MAX)));
    }
}

#[cfg(test)]
mod tests;
