//! A receiver seen from now, for a model checker: equal situations at different times are equal values.

use super::{GOOD_LIFE, LATEST, OVERTAKEN_WINDOW, Open, Receiver, Stream, StreamNo};
use crate::protocol::time::{Millis, Step};

impl Receiver {
    /// This receiver as it would be if now were zero: from then on it does the same at the shifted times.
    ///
    /// Its instants become ages, and no age is greater than what something still depends on: the life of a good stream,
    /// the silence after which an `alive` is due, the window of overtaken streams. What has no effect any more is
    /// forgotten.
    #[must_use]
    pub fn aged(&self, step: &Step<'_>) -> Receiver {
        let mut aged = self.clone();
        aged.timer = self.timer.map(|(timer, due)| (timer, due.seen_from(step.now, LATEST)));
        let is_recent = |at: &Millis| step.now - *at < OVERTAKEN_WINDOW;
        aged.overtaken = self.overtaken.map(|at| Some(at.filter(is_recent)? - step.now));
        match &mut aged.stream {
            Stream::Open(open) => open.age(step),
            Stream::Closing(closing) => closing.stale_until = still_stale(closing.stale_until, step),
            Stream::None | Stream::Waiting | Stream::Requested { .. } | Stream::Aborted(_) => {}
        }
        aged
    }

    /// Counts streams and inputs anew: the present stream has number zero, the last input this revision.
    pub(in crate::protocol) fn renumber(&mut self, revision: u32) {
        self.number = StreamNo(0);
        self.revision = revision;
    }

    /// The number of the last input it was given.
    pub(in crate::protocol) fn revision(&self) -> u32 {
        self.revision
    }
}

impl Open {
    fn age(&mut self, step: &Step<'_>) {
        let silence = step.timing.event_source_send_alive_dt;
        self.since = self.since.seen_from(step.now, GOOD_LIFE);
        self.hello_at = self.hello_at.seen_from(step.now, step.timing.hello_max_dt);
        self.last_in = self.last_in.seen_from(step.now, silence);
        self.last_out = self.last_out.seen_from(step.now, silence);
        self.stale_until = still_stale(self.stale_until, step);
    }
}

fn still_stale(until: Option<Millis>, step: &Step<'_>) -> Option<Millis> {
    until.filter(|until| step.now < *until).map(|until| until - step.now)
}
