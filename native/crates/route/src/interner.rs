//! Gives a name its index, for the life of the process: a table may come and go, index 7 stays `db7`.
//!
//! Nothing is ever taken out, so the number of names is bounded. One for databases, one for servers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Indexes go from 0 to 65,534; 65,535 is free to mean none.
pub const NAMES_MAX: usize = 65_535;

/// Names by index, and indexes by name.
#[derive(Debug, Default)]
pub struct Interner {
    names: Mutex<Names>,
}

#[derive(Debug, Default)]
struct Names {
    indexes: HashMap<Arc<str>, u16>,
    by_index: Vec<Arc<str>>,
}

impl Interner {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The index of `name`, which it gets now if it has none. `None` when all indexes are given away.
    pub fn intern(&self, name: &str) -> Option<u16> {
        let mut names = self.lock();
        if let Some(&index) = names.indexes.get(name) {
            return Some(index);
        }
        if names.by_index.len() >= NAMES_MAX {
            return None;
        }
        let index = u16::try_from(names.by_index.len()).ok()?;
        let name: Arc<str> = Arc::from(name);
        names.by_index.push(Arc::clone(&name));
        names.indexes.insert(name, index);
        Some(index)
    }

    /// The index of a name that has one.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<u16> {
        self.lock().indexes.get(name).copied()
    }

    #[must_use]
    pub fn name_of(&self, index: u16) -> Option<Arc<str>> {
        self.lock().by_index.get(usize::from(index)).cloned()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().by_index.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A panic while it was held has left nothing half done: the map is written last.
    fn lock(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_name_keeps_its_index_and_an_index_its_name() {
        let interner = Interner::new();
        assert_eq!(["db1", "db2", "db1"].map(|name| interner.intern(name)), [Some(0), Some(1), Some(0)]);
        assert_eq!((interner.index_of("db2"), interner.index_of("db3")), (Some(1), None));
        assert_eq!((interner.name_of(1).as_deref(), interner.name_of(2)), (Some("db2"), None));
        assert_eq!(interner.len(), 2);
    }

    #[test]
    fn the_last_index_is_given_and_none_behind_it_while_known_names_still_answer() {
        let interner = Interner::new();
        for number in 0..NAMES_MAX - 1 {
            interner.intern(&number.to_string()).unwrap();
        }
        assert_eq!(interner.intern("last"), Some(65_534));
        assert_eq!(interner.intern("one more"), None);
        assert_eq!(
            (interner.intern("last"), interner.intern("0"), interner.len()),
            (Some(65_534), Some(0), NAMES_MAX)
        );
    }

    #[test]
    fn threads_that_ask_for_the_same_names_get_the_same_indexes() {
        let interner = Interner::new();
        let ask = || (0..100).map(|name| interner.intern(&format!("db{name}")).unwrap()).collect::<Vec<_>>();
        let answers: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(interner.len(), 100);
    }
}
