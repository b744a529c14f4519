use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use actix::{Addr, Handler, Message};
use tokio::time::advance;

use super::*;
use crate::actors::tests::tape::host_wide;
use crate::protocol::time::Timing;

/// An actor with nothing but timers. Ping disarms Partner when it fires.
struct Clockwork {
    shared: Shared,
    timers: Timers,
    fired: Rc<RefCell<Vec<(i64, TimerKind)>>>,
}

#[derive(Message)]
#[rtype(result = "()")]
enum Do {
    Set(TimerKind, i64),
    Cancel(TimerKind),
}

/// When the alarm rings; how late the latest timer was.
#[derive(Message)]
#[rtype(result = "(Option<i64>, i64)")]
struct Ask;

impl Actor for Clockwork {
    type Context = Context<Clockwork>;
}

impl HasTimers for Clockwork {
    fn timers(&mut self) -> &mut Timers {
        &mut self.timers
    }

    fn shared(&self) -> &Shared {
        &self.shared
    }

    fn timer_fired(&mut self, timer: TimerKind, _: &mut Context<Clockwork>) {
        self.fired.borrow_mut().push((self.shared.now().0, timer));
        if timer == TimerKind::Ping {
            self.timers.cancel(TimerKind::Partner);
        }
    }
}

impl Handler<Do> for Clockwork {
    type Result = ();

    fn handle(&mut self, message: Do, context: &mut Context<Clockwork>) {
        let now = self.shared.now();
        match message {
            Do::Set(timer, after) => Timers::set(self, timer, Millis(after), now, context),
            Do::Cancel(timer) => self.timers.cancel(timer),
        }
    }
}

impl Handler<Ask> for Clockwork {
    type Result = actix::MessageResult<Ask>;

    fn handle(&mut self, _: Ask, _: &mut Context<Clockwork>) -> Self::Result {
        let rings = self.timers.alarm.as_ref().map(|alarm| alarm.rings.0);
        actix::MessageResult((rings, self.shared.host.latest_timer.load(Ordering::Relaxed)))
    }
}

struct Bench {
    clockwork: Addr<Clockwork>,
    fired: Rc<RefCell<Vec<(i64, TimerKind)>>>,
}

impl Bench {
    fn new() -> Bench {
        tokio::time::pause();
        let fired = Rc::default();
        let (shared, timers) = (Shared::new(host_wide(&Timing::default())), Timers::default());
        Bench { clockwork: Clockwork { shared, timers, fired: Rc::clone(&fired) }.start(), fired }
    }

    async fn set(&self, timer: TimerKind, after: i64) {
        self.clockwork.send(Do::Set(timer, after)).await.unwrap();
    }

    async fn cancel(&self, timer: TimerKind) {
        self.clockwork.send(Do::Cancel(timer)).await.unwrap();
    }

    async fn alarm(&self) -> Option<i64> {
        self.clockwork.send(Ask).await.unwrap().0
    }

    /// So many milliseconds pass, one after the other. What has fired by then.
    async fn pass(&self, millis: u32) -> Vec<(i64, TimerKind)> {
        for _ in 0..millis {
            advance(Duration::from_millis(1)).await;
            self.alarm().await;
        }
        self.fired.take()
    }
}

/// Whether these fired at these moments, or up to 2 ms later: what tokio's timers may take.
fn assert_fired(seen: &[(i64, TimerKind)], expected: &[(i64, TimerKind)]) {
    let fits = |((at, timer), (due, kind)): (&(i64, TimerKind), &(i64, TimerKind))| {
        timer == kind && (0..=2).contains(&(at - due))
    };
    let all_fit = seen.len() == expected.len() && seen.iter().zip(expected).all(fits);
    assert!(all_fit, "fired: {seen:?}, due: {expected:?}");
}

#[actix::test]
async fn a_timer_that_is_put_off_leaves_the_alarm_and_fires_once_at_its_new_time() {
    let bench = Bench::new();
    bench.set(TimerKind::Partner, 100).await;
    assert_fired(&bench.pass(50).await, &[]);
    bench.set(TimerKind::Partner, 200).await;
    assert_eq!(bench.alarm().await, Some(100), "the alarm is left");
    assert_fired(&bench.pass(90).await, &[]);
    assert_eq!(bench.alarm().await, Some(250), "it rang, and was set again");
    assert_fired(&bench.pass(300).await, &[(250, TimerKind::Partner)]);
    assert_eq!(bench.alarm().await, None);
}

#[actix::test]
async fn an_earlier_timer_moves_the_alarm() {
    let bench = Bench::new();
    bench.set(TimerKind::Alive, 400).await;
    bench.set(TimerKind::Pace, 100).await;
    assert_eq!(bench.alarm().await, Some(100));
    bench.set(TimerKind::Alive, 50).await;
    assert_eq!(bench.alarm().await, Some(50));
    assert_fired(&bench.pass(500).await, &[(50, TimerKind::Alive), (100, TimerKind::Pace)]);
}

#[actix::test]
async fn a_disarmed_timer_does_not_fire_and_its_alarm_is_forgotten_when_it_rings() {
    let bench = Bench::new();
    bench.set(TimerKind::Answer, 100).await;
    bench.cancel(TimerKind::Answer).await;
    assert_eq!(bench.alarm().await, Some(100));
    assert_fired(&bench.pass(150).await, &[]);
    assert_eq!(bench.alarm().await, None);
    bench.set(TimerKind::Answer, 100).await;
    assert_fired(&bench.pass(150).await, &[(250, TimerKind::Answer)]);
}

#[actix::test]
async fn of_two_that_are_due_the_earlier_one_fires_first_and_may_disarm_the_other() {
    let bench = Bench::new();
    bench.set(TimerKind::Partner, 101).await;
    bench.set(TimerKind::Ping, 100).await;
    bench.set(TimerKind::Release, 90).await;
    advance(Duration::from_millis(150)).await;
    let fired = bench.pass(100).await;
    let timers: Vec<TimerKind> = fired.iter().map(|(_, timer)| *timer).collect();
    assert_eq!(timers, [TimerKind::Release, TimerKind::Ping]);
}

#[actix::test]
async fn an_alarm_that_is_late_for_nobody_is_not_counted() {
    let bench = Bench::new();
    bench.set(TimerKind::Answer, 100).await;
    bench.cancel(TimerKind::Answer).await;
    advance(Duration::from_secs(10)).await;
    bench.pass(5).await;
    assert_eq!(bench.clockwork.send(Ask).await.unwrap(), (None, 0));
    bench.set(TimerKind::Answer, 100).await;
    advance(Duration::from_secs(10)).await;
    bench.pass(5).await;
    let (_, late) = bench.clockwork.send(Ask).await.unwrap();
    assert!((9_900..10_000).contains(&late), "{late} ms");
}
