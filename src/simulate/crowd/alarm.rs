//! An alarm as fine as the system's clock. Timers of the runtime have the grain of a millisecond, which is more than a local
//! server takes to relay an event.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// Rings on a thread of its own. It ends with this.
#[derive(Debug)]
pub(super) struct Alarm(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Wanted {
    at: Option<Instant>,
    is_over: bool,
}

impl Alarm {
    /// Starts its thread, which calls `ring` each time.
    pub(super) fn start(ring: impl Fn() + Send + 'static) -> io::Result<Alarm> {
        let shared = Arc::<Shared>::default();
        let theirs = Arc::clone(&shared);
        thread::Builder::new().name("alarm".into()).spawn(move || theirs.run(ring))?;
        Ok(Alarm(shared))
    }

    /// It rings then, and not when it was set to before.
    pub(super) fn set(&self, at: Instant) {
        self.0.lock().at = Some(at);
        self.0.changed.notify_one();
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, ring: impl Fn()) {
        let mut wanted = self.lock();
        while !wanted.is_over {
            let now = Instant::now();
            wanted = match wanted.at {
                None => self.changed.wait(wanted).unwrap_or_else(PoisonError::into_inner),
                Some(at) if at > now => {
                    let waited = self.changed.wait_timeout(wanted, at - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) => {
                    wanted.at = None;
                    drop(wanted);
                    ring();
                    self.lock()
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_rings_when_it_was_set_to_last_and_no_more_once_it_is_dropped() {
        let (tell, rang) = mpsc::channel();
        let alarm = Alarm::start(move || _ = tell.send(Instant::now())).unwrap();
        let begun = Instant::now();
        alarm.set(begun + Duration::from_secs(3_600));
        let due = begun + Duration::from_millis(30);
        alarm.set(due);
        assert!(rang.recv_timeout(Duration::from_secs(60)).unwrap() >= due);
        alarm.set(Instant::now() + Duration::from_secs(3_600));
        drop(alarm);
        // Its thread has ended, and what it rang with.
        assert_eq!(rang.recv_timeout(Duration::from_secs(60)), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}
