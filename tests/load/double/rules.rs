//! What is to be done to which crEvents.

use std::time::Duration;

/// What is done to a crEvent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It is answered, and never delivered.
    Drop,
    /// It is delivered twice, the second time right behind the first.
    Duplicate,
    /// It is delivered again behind the next one of the same sender.
    DuplicateLater,
    /// It is delivered behind the next one of the same sender.
    Swap,
    /// It, and whatever comes for its recipient after it, is delivered so much later.
    Delay(Duration),
    /// It is delivered with other params.
    Garble,
    /// It is refused with this status.
    Refuse(u16),
    /// It is delivered at once, and answered so much later.
    AnswerLate(Duration),
    /// It is delivered at once, and never answered.
    NeverAnswer,
    /// It is neither delivered nor answered.
    Swallow,
    /// The whole server stands still for so long: it reads nothing and writes nothing; then it is delivered.
    StandStill(Duration),
    /// It is delivered and answered; then the server is away for so long.
    GoAway(Duration),
}

/// Which crEvents it is done to, by their number in the order in which they come, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Nth(u64),
    Every(u64),
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub which: Which,
    pub damage: Damage,
}

impl Rule {
    pub fn nth(number: u64, damage: Damage) -> Rule {
        Rule { which: Which::Nth(number), damage }
    }

    pub fn every(number: u64, damage: Damage) -> Rule {
        Rule { which: Which::Every(number), damage }
    }

    pub fn all(damage: Damage) -> Rule {
        Rule { which: Which::All, damage }
    }

    /// Whether it is meant for the crEvent with this number.
    pub fn meets(&self, number: u64) -> bool {
        match self.which {
            Which::Nth(nth) => number == nth,
            Which::Every(every) => number.is_multiple_of(every),
            Which::All => true,
        }
    }
}
