//! The sequence in which clientIds are given out (section 3, "clientid").

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;
use thiserror::Error;

use super::ids::ClientId;

/// Gives out clientIds: no one twice until all million were given once, in an order nobody can guess without the key.
///
/// The order is a permutation of the million, fixed by the key; a *position* says how many places of it were consumed
/// ever, round after round. Whoever starts again with the same key and a position not below the last one repeats
/// nothing. To make that hold over a crash, positions are reserved on disk in ranges before they are used: ids are
/// given only below the reserved position, and a new run starts at what was reserved.
///
/// Each round has the same order, so between two uses of an id always lie all the others.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientIdSequence {
    permutation: Permutation,
    position: u64,
    reserved_until: u64,
}

/// Why no clientId can be given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum NoClientId {
    /// All million are in use.
    #[error("all clientIds are in use")]
    AllInUse,
    /// There is a free id, but its position is not reserved.
    #[error("clientIds are reserved up to position {reserved_until}, the next free one needs {needed}")]
    NotReserved {
        /// The bound in force.
        reserved_until: u64,
        /// The least bound with which an id would have been given.
        needed: u64,
    },
}

impl ClientIdSequence {
    /// The sequence of this key, from a position on; nothing is given out at or beyond `reserved_until`.
    ///
    /// Without durability: position 0 of a random key, reserved to `u64::MAX`.
    pub fn new(key: [u8; 16], position: u64, reserved_until: u64) -> ClientIdSequence {
        ClientIdSequence { permutation: Permutation { key }, position, reserved_until }
    }

    /// Gives out the next id that is not in use. Those in use are skipped, and are consumed like given ones.
    ///
    /// The search ends after one round. Only where nearly all ids are in use does it come near that, and then takes
    /// a fraction of a second; so a caller that knows how many are in use asks no more when that is all of them.
    ///
    /// # Errors
    /// [`NoClientId`]; nothing is consumed then.
    pub fn next(&mut self, in_use: impl Fn(ClientId) -> bool) -> Result<ClientId, NoClientId> {
        let round = (self.position..=u64::MAX).take(ClientId::COUNT as usize);
        let free = round.map(|position| (position, self.at(position))).find(|(_, id)| !in_use(*id));
        let (position, id) = free.ok_or(NoClientId::AllInUse)?;
        if position >= self.reserved_until {
            let needed = position.saturating_add(1);
            return Err(NoClientId::NotReserved { reserved_until: self.reserved_until, needed });
        }
        self.position = position + 1;
        Ok(id)
    }

    /// How many positions were consumed ever, by this run and those before: the next one to be looked at.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The position that nothing given out reaches.
    pub fn reserved_until(&self) -> u64 {
        self.reserved_until
    }

    /// Raises the bound, once the positions below it are reserved on disk. A lower bound changes nothing.
    pub fn reserve_until(&mut self, bound: u64) {
        self.reserved_until = self.reserved_until.max(bound);
    }

    fn at(&self, position: u64) -> ClientId {
        // The remainder fits; the fallback is never taken.
        self.permutation.of(u32::try_from(position % u64::from(ClientId::COUNT)).unwrap_or(0))
    }
}

impl fmt::Debug for ClientIdSequence {
    // Without the key: who knows it knows every clientId to come.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdSequence")
            .field("position", &self.position)
            .field("reserved_until", &self.reserved_until)
            .finish_non_exhaustive()
    }
}

/// A keyed permutation of the million: a balanced Feistel network over 20 bits, walked until it lands in the million.
///
/// Its values must never change, or an upgraded server would give ids again (a test holds some of them).
#[derive(Clone, PartialEq, Eq, Hash)]
struct Permutation {
    key: [u8; 16],
}

/// The width of half a block: 20 bits are the fewest even number that holds a million.
const HALF_BITS: u32 = 10;
const HALF_MASK: u32 = (1 << HALF_BITS) - 1;

/// As many rounds as NIST SP 800-38G asks of FF1: few are weak on blocks this small.
const ROUNDS: u8 = 10;

impl Permutation {
    /// Where a number below a million goes.
    fn of(&self, number: u32) -> ClientId {
        // Leaving the million is as likely as 1 in 21, and the walk comes back: it is a cycle through `number`.
        let mut block = self.permute_block(number);
        loop {
            if let Some(id) = ClientId::from_number(block) {
                return id;
            }
            block = self.permute_block(block);
        }
    }

    fn permute_block(&self, block: u32) -> u32 {
        let halves = (block >> HALF_BITS, block & HALF_MASK);
        let (left, right) = (0..ROUNDS)
            .fold(halves, |(left, right), round| (right, left ^ self.round_function(round, right)));
        left << HALF_BITS | right
    }

    /// SipHash-2-4 of three bytes: the number of the round, then the half with its low byte first.
    fn round_function(&self, round: u8, half: u32) -> u32 {
        let [low, high, ..] = half.to_le_bytes();
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(&[round, low, high]);
        let [low, high, ..] = hasher.finish().to_le_bytes();
        u32::from(u16::from_le_bytes([low, high])) & HALF_MASK
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    const COUNT: u64 = ClientId::COUNT as u64;

    fn unbounded(key: [u8; 16], position: u64) -> ClientIdSequence {
        ClientIdSequence::new(key, position, u64::MAX)
    }

    fn take(sequence: &mut ClientIdSequence, count: usize) -> Vec<u32> {
        (0..count).map(|_| sequence.next(|_| false).unwrap().number()).collect()
    }

    fn id(number: u32) -> ClientId {
        ClientId::from_number(number).unwrap()
    }

    #[test]
    fn the_values_of_a_key_never_change() {
        // Calculated by a second implementation, from the description of `Permutation` and the SipHash paper.
        assert_eq!(take(&mut unbounded(KEY, 0), 5), [153_178, 371_652, 399_271, 42_532, 1388]);
        assert_eq!(take(&mut unbounded(KEY, 999_998), 3), [441_334, 38_090, 153_178]);
        assert_eq!(take(&mut unbounded([0xff; 16], 123_456), 3), [941_808, 816_074, 578_876]);
    }

    #[test]
    fn one_round_gives_every_id_once_and_neighbours_are_far_apart() {
        let mut sequence = unbounded(KEY, 0);
        let round = take(&mut sequence, ClientId::COUNT as usize);
        assert_eq!(round.iter().collect::<BTreeSet<_>>().len(), round.len());
        assert_eq!(sequence.position(), COUNT);
        assert_eq!(take(&mut sequence, 3), round[..3], "the next round has the same order");

        // Of a random permutation one would expect 2,000 neighbours closer than 1,000, and a mean of 333,333.
        let distances: Vec<u64> = round.windows(2).map(|pair| u64::from(pair[0].abs_diff(pair[1]))).collect();
        let near = distances.iter().filter(|distance| **distance < 1_000).count();
        let mean = distances.iter().sum::<u64>() / distances.len() as u64;
        assert!(near < 2_400, "{near} neighbours are closer than 1,000");
        assert!((331_000..336_000).contains(&mean), "the mean distance is {mean}");

        // A sequence that always adds the same would pass until here.
        let steps: BTreeSet<u64> = distances.iter().copied().collect();
        assert!(steps.len() > 400_000, "only {} different distances", steps.len());
    }

    #[test]
    fn keys_that_differ_in_a_bit_give_other_sequences() {
        let ids = take(&mut unbounded(KEY, 0), 1_000);
        for bit in 0..128 {
            let mut key = KEY;
            key[bit / 8] ^= 1 << (bit % 8);
            let others = take(&mut unbounded(key, 0), 1_000);
            let same = ids.iter().zip(&others).filter(|(one, other)| one == other).count();
            assert!(same < 5, "{same} of 1,000 ids are the same when bit {bit} is flipped");
        }
    }

    #[test]
    fn ids_in_use_are_skipped_and_consumed() {
        let ids = take(&mut unbounded(KEY, 0), 4);
        let mut sequence = unbounded(KEY, 0);
        let given = sequence.next(|id| ids[..3].contains(&id.number()));
        assert_eq!(given, Ok(id(ids[3])));
        assert_eq!(sequence.position(), 4);
    }

    #[test]
    fn a_round_may_end_within_a_search() {
        let last = take(&mut unbounded(KEY, COUNT - 1), 1);
        let first = take(&mut unbounded(KEY, 0), 1);
        let mut sequence = unbounded(KEY, COUNT - 1);
        assert_eq!(sequence.next(|id| id.number() == last[0]), Ok(id(first[0])));
        assert_eq!(sequence.position(), COUNT + 1);
    }

    #[test]
    fn the_only_free_id_is_found_from_everywhere() {
        let mut sequence = unbounded(KEY, 7);
        let free = id(424_242);
        assert_eq!(sequence.next(|id| id != free), Ok(free));
        assert_eq!(sequence.next(|id| id != free), Ok(free));
        assert!(sequence.position() >= COUNT);
    }

    #[test]
    fn when_all_are_in_use_nothing_is_consumed() {
        let mut sequence = unbounded(KEY, 7);
        let before = sequence.clone();
        assert_eq!(sequence.next(|_| true), Err(NoClientId::AllInUse));
        assert_eq!(sequence, before);
    }

    #[test]
    fn nothing_is_given_out_beyond_what_is_reserved() {
        let mut sequence = ClientIdSequence::new(KEY, 0, 2);
        let ids = take(&mut unbounded(KEY, 0), 6);
        assert_eq!(take(&mut sequence, 2), ids[..2]);
        assert_eq!(sequence.next(|_| false), Err(NoClientId::NotReserved { reserved_until: 2, needed: 3 }));
        let in_use = |id: ClientId| ids[..5].contains(&id.number());
        assert_eq!(sequence.next(in_use), Err(NoClientId::NotReserved { reserved_until: 2, needed: 6 }));
        assert_eq!(sequence.position(), 2);

        sequence.reserve_until(6);
        sequence.reserve_until(3);
        assert_eq!(sequence.reserved_until(), 6, "the bound never falls");
        assert_eq!(sequence.next(in_use), Ok(id(ids[5])));
    }

    #[test]
    fn with_nothing_free_a_reservation_would_not_help() {
        let mut sequence = ClientIdSequence::new(KEY, 5, 5);
        assert_eq!(sequence.next(|_| true), Err(NoClientId::AllInUse));
    }

    #[test]
    fn the_last_position_of_all_is_no_overflow() {
        let mut sequence = unbounded(KEY, u64::MAX - 1);
        assert!(sequence.next(|_| false).is_ok());
        let end = NoClientId::NotReserved { reserved_until: u64::MAX, needed: u64::MAX };
        assert_eq!(sequence.next(|_| false), Err(end));
    }

    #[test]
    fn debug_tells_nothing_of_the_key() {
        let text = format!("{:?}", ClientIdSequence::new(KEY, 3, 9));
        assert_eq!(text, "ClientIdSequence { position: 3, reserved_until: 9, .. }");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn who_continues_repeats_nothing(
            key in any::<[u8; 16]>(),
            start in 0..3 * COUNT,
            given in 0..500usize,
            chunk in 1..600u64,
        ) {
            let mut sequence = ClientIdSequence::new(key, start, start);
            let mut ids = BTreeSet::new();
            for _ in 0..given {
                if let Err(NoClientId::NotReserved { needed, .. }) = sequence.next(|_| false).map(|id| ids.insert(id)) {
                    sequence.reserve_until(needed + chunk);
                }
            }
            // A crash loses the position; what was reserved is known.
            let mut next_run = unbounded(key, sequence.reserved_until());
            for _ in 0..500 {
                let id = next_run.next(|_| false).unwrap();
                prop_assert!(ids.insert(id), "{} was given twice", id);
            }
        }
    }
}
