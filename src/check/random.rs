//! Randomness of the simulation: small, seeded, and the same on every machine.

use crate::protocol::time::{Millis, random_between};

/// SplitMix64.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Random(u64);

impl Random {
    /// The numbers that follow from a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Another source, independent of how much of this one is used.
    #[must_use]
    pub fn fork(&self, name: u64) -> Random {
        let mut fork = Random(self.0 ^ name.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        fork.next();
        Random(fork.next())
    }

    /// The next number.
    #[allow(clippy::should_implement_trait, reason = "it never ends, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, permille: u32) -> bool {
        self.next() % 1_000 < u64::from(permille)
    }

    /// A length from `from` to `to`, both included.
    pub fn between(&mut self, from: Millis, to: Millis) -> Millis {
        random_between(self.next(), from, to)
    }

    /// One of these; `None` if there are none.
    pub fn one_of<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}
