//! A map that can take back what a refused commit did.

use std::collections::BTreeMap;

/// Rows by key, with the old rows of the running commit.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    undo: Vec<(K, Option<V>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), undo: Vec::new() }
    }
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }
    pub(super) fn has(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }
    pub(super) fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.rows.values()
    }
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.rows.iter()
    }
    /// The row to be changed; its old value is kept.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        self.undo.push((key.clone(), Some(row.clone())));
        Some(row)
    }
    /// Adds or replaces.
    pub(super) fn put(&mut self, key: K, value: V) {
        let old = self.rows.insert(key.clone(), value);
        self.undo.push((key, old));
    }
    /// Adds; refuses when the key is taken.
    pub(super) fn add(&mut self, key: K, value: V) -> Option<()> {
        if self.has(&key) {
            return None;
        }
        self.put(key, value);
        Some(())
    }
    /// Removes; refuses when there is none.
    pub(super) fn remove(&mut self, key: &K) -> Option<()> {
        let old = self.rows.remove(key)?;
        self.undo.push((key.clone(), Some(old)));
        Some(())
    }
    /// Removes every row that `gone` picks; how many.
    pub(super) fn remove_where(&mut self, gone: impl Fn(&K, &V) -> bool) -> u64 {
        let keys: Vec<K> = self.rows.iter().filter(|(key, row)| gone(key, row)).map(|(key, _)| key.clone()).collect();
        keys.iter().filter_map(|key| self.remove(key)).count() as u64
    }
    /// Changes every row that `picked` picks; how many.
    pub(super) fn change_where(&mut self, picked: impl Fn(&V) -> bool, change: impl Fn(&mut V)) -> u64 {
        let mut changed = 0;
        for (key, row) in self.rows.iter_mut().filter(|(_, row)| picked(row)) {
            self.undo.push((key.clone(), Some(row.clone())));
            change(row);
            changed += 1;
        }
        changed
    }
    /// The commit stands.
    pub(super) fn keep(&mut self) {
        self.undo.clear();
    }
    /// The commit was refused.
    pub(super) fn take_back(&mut self) {
        while let Some((key, old)) = self.undo.pop() {
            match old {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }
}
