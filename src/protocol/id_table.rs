//! A table indexed by clientId: a million numbers, most of them unused.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::ids::ClientId;

/// How many numbers share a page.
const PAGE_SIZE: u32 = 1_000;
const SLOTS: usize = PAGE_SIZE as usize;

/// A map from [`ClientId`] to `T` with the speed of an array: pages of a thousand slots, allocated on first use and
/// freed when empty.
///
/// Deterministic: it iterates in the order of ids, and tables with the same content are equal and hash alike, whatever
/// happened to them before. An empty table owns no memory; a used page costs 8 KB and each value its own size, because
/// clientIds lie scattered over the million (see [`super::client_id`]) and most pages hold few.
#[derive(Clone, PartialEq, Eq)]
pub struct IdTable<T> {
    /// Without empty pages at the end, so that equal content means equal fields.
    pages: Vec<Option<Box<Page<T>>>>,
    len: usize,
}

/// Values are boxed. Measured with values of 300 bytes scattered like clientIds: 1,000 of them took 7 MB, inline 269 MB,
/// and were read as fast; the million took 320 MB, inline 308 MB.
#[derive(Clone, PartialEq, Eq)]
struct Page<T> {
    used: usize,
    slots: [Option<Box<T>>; SLOTS],
}

impl<T> IdTable<T> {
    /// An empty table.
    pub const fn new() -> IdTable<T> {
        IdTable { pages: Vec::new(), len: 0 }
    }

    /// How many ids have a value.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no id has a value.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether this id has a value.
    pub fn contains(&self, id: ClientId) -> bool {
        self.get(id).is_some()
    }

    /// The value of this id.
    pub fn get(&self, id: ClientId) -> Option<&T> {
        let place = Place::of(id);
        self.pages.get(place.page)?.as_ref()?.slots.get(place.slot)?.as_deref()
    }

    /// The value of this id, to be changed.
    pub fn get_mut(&mut self, id: ClientId) -> Option<&mut T> {
        let place = Place::of(id);
        self.pages.get_mut(place.page)?.as_mut()?.slots.get_mut(place.slot)?.as_deref_mut()
    }

    /// Gives this id a value, and returns the one it had.
    pub fn insert(&mut self, id: ClientId, value: T) -> Option<T> {
        if let Some(present) = self.get_mut(id) {
            return Some(std::mem::replace(present, value));
        }
        self.fill(id, value);
        None
    }

    /// The value of this id, which is made first if there is none.
    pub fn get_or_insert_with(&mut self, id: ClientId, make: impl FnOnce() -> T) -> &mut T {
        if !self.contains(id) {
            return self.fill(id, make());
        }
        self.slot(id).get_or_insert_with(|| Box::new(make()))
    }

    /// Takes the value of this id out of the table.
    pub fn remove(&mut self, id: ClientId) -> Option<T> {
        let place = Place::of(id);
        let entry = self.pages.get_mut(place.page)?;
        let page = entry.as_mut()?;
        let value = page.slots.get_mut(place.slot)?.take()?;
        page.used -= 1;
        self.len -= 1;
        if page.used == 0 {
            *entry = None;
            self.drop_empty_end();
        }
        Some(*value)
    }

    /// All ids with their values, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = (ClientId, &T)> {
        self.iter_behind(None)
    }

    /// The ids behind this one, in their order; pages in front of it are not looked at.
    pub fn iter_behind(&self, id: Option<ClientId>) -> impl Iterator<Item = (ClientId, &T)> {
        let page = id.map_or(0, |id| Place::of(id).page);
        let pages = (0..).step_by(SLOTS).zip(&self.pages).skip(page);
        let entries = pages.flat_map(|(first, page)| {
            let slots = page.iter().flat_map(|page| &page.slots);
            (first..)
                .zip(slots)
                .filter_map(|(number, slot)| Some((ClientId::from_number(number)?, slot.as_deref()?)))
        });
        entries.skip_while(move |(entry, _)| id.is_some_and(|id| *entry <= id))
    }

    /// All ids with their values, to be changed, in the order of ids.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (ClientId, &mut T)> {
        (0..).step_by(SLOTS).zip(&mut self.pages).flat_map(|(first, page)| {
            let slots = page.iter_mut().flat_map(|page| &mut page.slots);
            (first..)
                .zip(slots)
                .filter_map(|(number, slot)| Some((ClientId::from_number(number)?, slot.as_deref_mut()?)))
        })
    }

    /// Puts a value where none is.
    fn fill(&mut self, id: ClientId, value: T) -> &mut T {
        self.len += 1;
        self.page(id).used += 1;
        self.slot(id).insert(Box::new(value))
    }

    #[expect(clippy::indexing_slicing, reason = "a slot number is a remainder, below the size of a page")]
    fn slot(&mut self, id: ClientId) -> &mut Option<Box<T>> {
        &mut self.page(id).slots[Place::of(id).slot]
    }

    /// The page of this id, allocated if need be.
    #[expect(clippy::indexing_slicing, reason = "the line above makes the table long enough")]
    fn page(&mut self, id: ClientId) -> &mut Page<T> {
        let number = Place::of(id).page;
        if self.pages.len() <= number {
            self.pages.resize_with(number + 1, || None);
        }
        self.pages[number].get_or_insert_with(Page::empty)
    }

    fn drop_empty_end(&mut self) {
        while let Some(None) = self.pages.last() {
            self.pages.pop();
        }
        if self.pages.is_empty() {
            self.pages = Vec::new();
        }
    }
}

impl<T> Page<T> {
    fn empty() -> Box<Page<T>> {
        Box::new(Page { used: 0, slots: [const { None }; SLOTS] })
    }
}

/// Where an id's value is.
struct Place {
    page: usize,
    slot: usize,
}

impl Place {
    fn of(id: ClientId) -> Place {
        let number = id.number();
        Place { page: (number / PAGE_SIZE) as usize, slot: (number % PAGE_SIZE) as usize }
    }
}

impl<T> Default for IdTable<T> {
    fn default() -> IdTable<T> {
        IdTable::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for IdTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<T: Hash> Hash for IdTable<T> {
    // Only what is there: a model checker hashes tables of a few ids millions of times.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len.hash(state);
        for entry in self.iter() {
            entry.hash(state);
        }
    }
}

impl<T> FromIterator<(ClientId, T)> for IdTable<T> {
    fn from_iter<I: IntoIterator<Item = (ClientId, T)>>(entries: I) -> IdTable<T> {
        let mut table = IdTable::new();
        table.extend(entries);
        table
    }
}

impl<T> Extend<(ClientId, T)> for IdTable<T> {
    fn extend<I: IntoIterator<Item = (ClientId, T)>>(&mut self, entries: I) {
        for (id, value) in entries {
            self.insert(id, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::hash::DefaultHasher;

    use proptest::prelude::*;

    use super::*;

    fn id(number: u32) -> ClientId {
        ClientId::from_number(number).unwrap()
    }

    fn hash_of(table: &IdTable<u16>) -> u64 {
        let mut hasher = DefaultHasher::new();
        table.hash(&mut hasher);
        hasher.finish()
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(ClientId, u16),
        GetOrInsert(ClientId, u16),
        Change(ClientId, u16),
        ChangeAll(u16),
        Remove(ClientId),
    }

    /// Ids at the edges of few pages, so that they meet again, and from anywhere.
    fn any_id() -> impl Strategy<Value = ClientId> {
        prop_oneof![
            4 => prop::sample::select(vec![0, 1, 999, 1_000, 1_999, 500_000, 998_999, 999_000, 999_999]),
            1 => 0..ClientId::COUNT,
        ]
        .prop_map(id)
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (any_id(), any::<u16>()).prop_map(|(id, value)| Step::Insert(id, value)),
            2 => (any_id(), any::<u16>()).prop_map(|(id, value)| Step::GetOrInsert(id, value)),
            1 => (any_id(), any::<u16>()).prop_map(|(id, value)| Step::Change(id, value)),
            1 => any::<u16>().prop_map(Step::ChangeAll),
            4 => any_id().prop_map(Step::Remove),
        ]
    }

    /// Does the same to the table and to the map, and compares the answers.
    fn apply(step: &Step, table: &mut IdTable<u16>, map: &mut BTreeMap<ClientId, u16>) {
        match *step {
            Step::Insert(id, value) => assert_eq!(table.insert(id, value), map.insert(id, value)),
            Step::GetOrInsert(id, value) => {
                assert_eq!(table.get_or_insert_with(id, || value), map.entry(id).or_insert(value));
            }
            Step::Change(id, value) => {
                let (ours, theirs) = (table.get_mut(id), map.get_mut(&id));
                assert_eq!(ours, theirs);
                for place in ours.into_iter().chain(theirs) {
                    *place = value;
                }
            }
            Step::ChangeAll(value) => {
                table.iter_mut().for_each(|(_, place)| *place ^= value);
                map.values_mut().for_each(|place| *place ^= value);
            }
            Step::Remove(id) => assert_eq!(table.remove(id), map.remove(&id)),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn behaves_like_an_ordered_map(steps in prop::collection::vec(any_step(), 0..60), asked in any_id()) {
            let (mut table, mut map) = (IdTable::new(), BTreeMap::new());
            for step in &steps {
                apply(step, &mut table, &mut map);
            }
            prop_assert_eq!(table.len(), map.len());
            prop_assert_eq!(table.is_empty(), map.is_empty());
            prop_assert_eq!(table.get(asked), map.get(&asked));
            prop_assert_eq!(table.contains(asked), map.contains_key(&asked));
            prop_assert!(table.iter().eq(map.iter().map(|(id, value)| (*id, value))));
            let behind = map.iter().filter(|(id, _)| **id > asked).map(|(id, value)| (*id, value));
            prop_assert!(table.iter_behind(Some(asked)).eq(behind));
        }

        #[test]
        fn content_alone_decides_equality(steps in prop::collection::vec(any_step(), 0..60)) {
            let (mut table, mut map) = (IdTable::new(), BTreeMap::new());
            for step in &steps {
                apply(step, &mut table, &mut map);
            }
            let fresh: IdTable<u16> = map.into_iter().rev().collect();
            prop_assert_eq!(&table, &fresh);
            prop_assert_eq!(hash_of(&table), hash_of(&fresh));
            prop_assert_eq!(&table.clone(), &fresh);
        }
    }

    #[test]
    fn memory_is_given_back() {
        let mut table = IdTable::new();
        for number in [5, 1_500, 999_999] {
            table.insert(id(number), number);
        }
        assert_eq!(table.pages.iter().flatten().count(), 3);
        table.remove(id(999_999));
        assert_eq!(table.pages.len(), 2, "pages end with the last used one");
        table.remove(id(5));
        table.remove(id(1_500));
        assert_eq!(table.pages.capacity(), 0);
    }

    #[test]
    fn a_maker_that_is_not_needed_is_not_called() {
        let mut table = IdTable::new();
        table.insert(id(7), 1);
        assert_eq!(*table.get_or_insert_with(id(7), || unreachable!("there is a value")), 1);
    }

    #[test]
    fn the_whole_million_fits() {
        let mut table: IdTable<u32> = (0..ClientId::COUNT).map(|number| (id(number), number)).collect();
        assert_eq!(table.len(), 1_000_000);
        assert!(table.iter().all(|(id, value)| id.number() == *value));
        for number in 0..ClientId::COUNT {
            assert_eq!(table.remove(id(number)), Some(number));
        }
        assert_eq!(table, IdTable::new());
    }

    #[test]
    fn debug_shows_what_is_there() {
        let table: IdTable<&str> = [(id(42), "b"), (id(7), "a")].into_iter().collect();
        assert_eq!(format!("{table:?}"), r#"{000007: "a", 000042: "b"}"#);
    }
}
