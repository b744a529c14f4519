//! Values that many situations have in common are kept once, and hashed once.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, Mutex};

/// A shared value with its hash.
pub struct Shared<T>(Arc<(u64, T)>);

/// All values of one kind that were ever seen.
#[derive(Debug)]
pub struct Pool<T>(Mutex<HashMap<u64, Shared<T>>>);

/// What a value became before is not computed again: machines are few, situations many.
#[derive(Debug)]
pub struct Memo<T>(Mutex<HashMap<u64, Arc<T>>>);

impl<T> Memo<T> {
    pub fn new() -> Memo<T> {
        Memo(Mutex::new(HashMap::new()))
    }

    /// What follows from a value and something that happens to it.
    pub fn of<V>(&self, value: &Shared<V>, happens: &impl Hash, compute: impl FnOnce() -> T) -> Arc<T> {
        let key = hash_of(&(value, happens));
        if let Some(known) = self.0.lock().unwrap().get(&key) {
            return Arc::clone(known);
        }
        let new = Arc::new(compute());
        self.0.lock().unwrap().insert(key, Arc::clone(&new));
        new
    }
}

/// A hash that is the same in every run.
pub fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl<T: Hash + Eq> Pool<T> {
    pub fn new() -> Pool<T> {
        Pool(Mutex::new(HashMap::new()))
    }

    /// The shared form of this value.
    pub fn share(&self, value: T) -> Shared<T> {
        let hash = hash_of(&value);
        let mut known = self.0.lock().unwrap();
        match known.get(&hash) {
            Some(shared) if **shared == value => shared.clone(),
            Some(_) => Shared(Arc::new((hash, value))),
            None => {
                let shared = Shared(Arc::new((hash, value)));
                known.insert(hash, shared.clone());
                shared
            }
        }
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0.1
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(Arc::clone(&self.0))
    }
}

impl<T: Eq> PartialEq for Shared<T> {
    fn eq(&self, other: &Shared<T>) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || *self.0 == *other.0
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl<T> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.0.hash(state);
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.1.fmt(f)
    }
}
