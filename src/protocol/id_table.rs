//! A table indexed by clientId: a million numbers, most of them unused.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::ids::ClientId;

/// How many places a page has: three levels of pages make a million.
const PLACES: usize = 100;

/// A map from [`ClientId`] to `T` with the speed of an array: pages of a hundred pages of a hundred pages of a hundred
/// values, allocated on first use and freed when empty.
///
/// Deterministic: it iterates in the order of ids, and tables with the same content are equal and hash alike, whatever
/// happened to them before. An empty table owns no memory; a used page costs 800 bytes and each value its own size, because
/// clientIds lie scattered over the million (see [`super::client_id`]) and most pages hold few.
#[derive(Clone, PartialEq, Eq)]
pub struct IdTable<T> {
    top: Option<Box<Page<Page<Page<T>>>>>,
    len: usize,
}

/// Values are boxed, so that pages that hold few take little. No page of a table is empty, so that equal content means
/// equal fields.
#[derive(Clone, PartialEq, Eq)]
struct Page<T> {
    used: usize,
    places: [Option<Box<T>>; PLACES],
}

impl<T> IdTable<T> {
    /// An empty table.
    pub const fn new() -> IdTable<T> {
        IdTable { top: None, len: 0 }
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
        let [first, second, third] = places_of(id.number());
        self.top.as_ref()?.get(first)?.get(second)?.get(third)
    }

    /// The value of this id, to be changed.
    pub fn get_mut(&mut self, id: ClientId) -> Option<&mut T> {
        let [first, second, third] = places_of(id.number());
        self.top.as_mut()?.get_mut(first)?.get_mut(second)?.get_mut(third)
    }

    /// Gives this id a value, and returns the one it had.
    pub fn insert(&mut self, id: ClientId, value: T) -> Option<T> {
        if let Some(present) = self.get_mut(id) {
            return Some(std::mem::replace(present, value));
        }
        self.get_or_insert_with(id, || value);
        None
    }

    /// The value of this id, which is made first if there is none.
    pub fn get_or_insert_with(&mut self, id: ClientId, make: impl FnOnce() -> T) -> &mut T {
        let [first, second, third] = places_of(id.number());
        let top = self.top.get_or_insert_with(|| Box::new(Page::new()));
        let page = top.get_or_insert_with(first, Page::new).get_or_insert_with(second, Page::new);
        self.len += usize::from(page.get(third).is_none());
        page.get_or_insert_with(third, make)
    }

    /// Takes the value of this id out of the table.
    pub fn remove(&mut self, id: ClientId) -> Option<T> {
        let [first, second, third] = places_of(id.number());
        let top = self.top.as_mut()?;
        let middle = top.get_mut(first)?;
        let page = middle.get_mut(second)?;
        let value = page.remove(third)?;
        self.len -= 1;
        if page.used == 0 {
            middle.remove(second);
            if middle.used == 0 {
                top.remove(first);
                if top.used == 0 {
                    self.top = None;
                }
            }
        }
        Some(value)
    }

    /// All ids with their values, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = (ClientId, &T)> {
        self.iter_behind(None)
    }

    /// The ids behind this one, in their order; pages in front of it are not looked at.
    pub fn iter_behind(&self, id: Option<ClientId>) -> impl Iterator<Item = (ClientId, &T)> {
        let [begin, begin_there, begin_in_it] = id.map_or([0; 3], |id| places_of(id.number() + 1));
        let from = |is_begin: bool, place: usize| if is_begin { place } else { 0 };
        self.top.iter().flat_map(move |top| {
            top.iter_from(begin).flat_map(move |(first, middle)| {
                let is_first = first == begin;
                middle.iter_from(from(is_first, begin_there)).flat_map(move |(second, page)| {
                    let is_first = is_first && second == begin_there;
                    page.iter_from(from(is_first, begin_in_it))
                        .filter_map(move |(third, value)| Some((id_at([first, second, third])?, value)))
                })
            })
        })
    }

    /// All ids with their values, to be changed, in the order of ids.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (ClientId, &mut T)> {
        self.top.iter_mut().flat_map(|top| {
            top.iter_mut().flat_map(|(first, middle)| {
                middle.iter_mut().flat_map(move |(second, page)| {
                    page.iter_mut()
                        .filter_map(move |(third, value)| Some((id_at([first, second, third])?, value)))
                })
            })
        })
    }
}

#[expect(clippy::indexing_slicing, reason = "places are remainders, below the size of a page")]
impl<T> Page<T> {
    fn new() -> Page<T> {
        Page { used: 0, places: [const { None }; PLACES] }
    }

    fn get(&self, place: usize) -> Option<&T> {
        self.places[place].as_deref()
    }

    fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.places[place].as_deref_mut()
    }

    fn get_or_insert_with(&mut self, place: usize, make: impl FnOnce() -> T) -> &mut T {
        let value = &mut self.places[place];
        self.used += usize::from(value.is_none());
        value.get_or_insert_with(|| Box::new(make()))
    }

    fn remove(&mut self, place: usize) -> Option<T> {
        let value = self.places[place].take()?;
        self.used -= 1;
        Some(*value)
    }

    fn iter_from(&self, begin: usize) -> impl Iterator<Item = (usize, &T)> {
        let places = self.places.iter().enumerate().skip(begin);
        places.filter_map(|(place, value)| Some((place, value.as_deref()?)))
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> {
        self.places.iter_mut().enumerate().filter_map(|(place, value)| Some((place, value.as_deref_mut()?)))
    }
}

/// Where the value of the id with this number is: the place of its page's page in the uppermost one, that of its page in
/// there, and its own.
fn places_of(number: u32) -> [usize; 3] {
    let number = number as usize;
    [number / (PLACES * PLACES), number / PLACES % PLACES, number % PLACES]
}

fn id_at([first, second, third]: [usize; 3]) -> Option<ClientId> {
    ClientId::from_number(u32::try_from((first * PLACES + second) * PLACES + third).ok()?)
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
            4 => prop::sample::select(vec![0, 1, 99, 100, 199, 9_999, 10_000, 500_000, 999_899, 999_900, 999_999]),
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
        let pages = |table: &IdTable<u32>| {
            let middle = table.top.iter().flat_map(|top| top.iter_from(0));
            let pages: Vec<usize> = middle.map(|(_, page)| page.used).collect();
            pages
        };
        let mut table = IdTable::new();
        for number in [5, 7, 150, 15_000, 999_999] {
            table.insert(id(number), number);
        }
        assert_eq!(pages(&table), [2, 1, 1], "pages of pages of values");
        table.remove(id(999_999));
        table.remove(id(5));
        table.remove(id(150));
        assert_eq!(pages(&table), [1, 1]);
        table.remove(id(7));
        table.remove(id(15_000));
        assert!(table.top.is_none());
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
