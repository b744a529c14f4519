//! Moments: time goes on.

use super::World;
use crate::check::watch::Invariant;
use crate::protocol::time::Millis;

/// How much may be taken at one moment: so much by each client, as if there were so many more of them.
const MOST_OF_EACH: usize = 1_000;
const SPARE_CLIENTS: usize = 100;

impl World {
    /// It is so late now, or later.
    pub(super) fn time_is(&mut self, at: Millis) {
        if at > self.now {
            self.now = at;
            self.at_once = 0;
        }
    }

    /// Somebody is about to take something. Whether so much was taken at this moment already that time seems to stand
    /// still: nobody takes anything then, and whatever went round in circles ends.
    pub(super) fn stands_still(&mut self) -> bool {
        self.at_once += 1;
        let most = MOST_OF_EACH * (SPARE_CLIENTS + self.clients.len());
        if self.at_once <= most {
            return false;
        }
        self.watch.report(Invariant::TimeGoesOn, self.now, None, format!("{most} steps at one moment"));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ids::{AccessToken, AppId, Role};
    use crate::protocol::limits::Limits;
    use crate::protocol::policy::{App, Apps};
    use crate::protocol::time::Timing;

    #[test]
    fn what_goes_round_in_circles_at_one_moment_is_a_violation() {
        let app = AppId::parse("lab").unwrap();
        // Whoever has no clientId asks for one again without a pause. The settings refuse this.
        let timing = Timing { invalid_client_id_retry_dt: Millis::ZERO, ..Timing::default() };
        assert!(timing.check().is_err());
        let mut world =
            World::new(timing, Limits::default(), Apps::new().with(app.clone(), App::default()), 0);
        world.recording = false;
        world.add_client(&app, Role::Controller, &AccessToken::parse("guest").unwrap(), None);
        world.run_for(Millis(60_000));
        let violation = world.watch.violation().expect("it never ends");
        assert_eq!(violation.invariant, Invariant::TimeGoesOn, "{violation:?}");
        assert_eq!(violation.at, Millis::ZERO, "{violation:?}");
    }
}
