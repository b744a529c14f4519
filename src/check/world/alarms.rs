//! Timers of clients. One alarm for each is enough: timers are put off far more often than they fire.

use super::{Alarm, World};
use crate::check::client::Alarm as Set;
use crate::protocol::time::{Millis, TimerKind};
use crate::protocol::wired::Input;

impl World {
    pub(super) fn alarm_rings(&mut self, alarm: Alarm, order: u64) {
        let Alarm { client, epoch, timer } = alarm;
        let client = usize::try_from(client).unwrap_or(usize::MAX);
        let Some(page) = self.clients.get_mut(client).filter(|page| page.epoch == epoch) else { return };
        let clock = page.clock;
        let Some(armed) = page.timer_mut(timer) else { return };
        // Another one was set for an earlier moment.
        let Some(rung) = armed.alarm.take_if(|alarm| alarm.order == order) else { return };
        let Some(due) = armed.due.map(|due| clock.when(due)) else { return };
        if due > self.now.max(rung.at) {
            self.set_alarm(client, epoch, timer, due);
        } else if let Some(at) = self.wakes(client) {
            self.set_alarm(client, epoch, timer, at);
        } else if let Some(armed) = self.client_mut(client).timer_mut(timer) {
            armed.due = None;
            self.happened += 1;
            self.feed(client, Input::Timer(timer));
        }
    }

    /// Arms a timer. An alarm that rings earlier will do: it is set again then.
    pub(super) fn set_timer(&mut self, client: usize, timer: TimerKind, due: Millis) {
        let page = self.client_mut(client);
        let (clock, epoch) = (page.clock, page.epoch);
        let Some(armed) = page.timer_mut(timer) else { return };
        armed.due = Some(due);
        // Whether the clock says so before the alarm, without asking when, which takes longer.
        if armed.alarm.is_none_or(|alarm| clock.at(alarm.at - Millis(1)) >= due) {
            self.set_alarm(client, epoch, timer, clock.when(due));
        }
    }

    fn set_alarm(&mut self, client: usize, epoch: u32, timer: TimerKind, at: Millis) {
        let alarm = Alarm { client: u32::try_from(client).unwrap_or(u32::MAX), epoch, timer };
        let order = self.happenings.push_alarm(at, alarm);
        if let Some(armed) = self.client_mut(client).timer_mut(timer) {
            armed.alarm = Some(Set { at, order });
        }
    }
}
