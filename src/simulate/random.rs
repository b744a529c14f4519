//! Seeded randomness: the same on every machine and in every version.

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// SplitMix64: eight bytes, so that each client may have its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random(pub(super) SplitMix64);

impl Random {
    /// The numbers that follow from a seed.
    pub fn new(seed: u64) -> Random {
        Random(SplitMix64::seed_from_u64(seed))
    }

    /// The numbers that follow from this seed for whoever has this name: others', whatever the names.
    pub fn named(seed: u64, name: u64) -> Random {
        // Mixed twice: seeds and names that are neighbours must not have the same sums.
        let mixed = Random::new(seed).next();
        Random::new(mixed.rotate_left(32) ^ Random::new(name).next())
    }

    /// The next number.
    #[allow(clippy::should_implement_trait, reason = "it never ends, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; zero where that is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}
