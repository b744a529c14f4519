//! Counts what is there: one more as long as a guard lives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts for one as long as it lives.
#[derive(Debug)]
pub struct Counted(Arc<AtomicUsize>);

impl Counted {
    /// One more.
    pub fn new(count: &Arc<AtomicUsize>) -> Counted {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(count))
    }

    /// One more, unless there are as many already.
    pub fn below(count: &Arc<AtomicUsize>, most: usize) -> Option<Counted> {
        let counted = Counted(Arc::clone(count));
        let before = count.fetch_add(1, Ordering::Relaxed);
        (before < most).then_some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counts_as_long_as_it_lives_and_none_beyond_the_most() {
        let count = Arc::<AtomicUsize>::default();
        let one = Counted::new(&count);
        let two = Counted::below(&count, 2);
        assert!(two.is_some());
        assert!(Counted::below(&count, 2).is_none());
        assert_eq!(count.load(Ordering::Relaxed), 2, "who was refused does not count");
        drop((one, two));
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
}
