//! Counting by source, so that one source cannot take everything (A01, A04).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use nod_core::limits::source_of;

/// How many places each source has taken.
#[derive(Debug)]
pub(crate) struct PerSource {
    /// Places of one source.
    most: usize,
    /// Places in all.
    in_all: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    by_source: HashMap<String, usize>,
}

/// One place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<PerSource>,
    source: String,
}

impl PerSource {
    pub(crate) fn new(most: usize, in_all: usize) -> Arc<Self> {
        Arc::new(Self { most, in_all, taken: Mutex::default() })
    }

    /// A place for this address (a /64 of IPv6 is one source), unless its source or all have taken too many.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let source = source_of(&address.to_canonical().to_string());
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by_source.get(&source).copied().unwrap_or(0);
        if taken.in_all >= self.in_all || own >= self.most {
            return None;
        }
        taken.in_all += 1;
        taken.by_source.insert(source.clone(), own + 1);
        Some(Place { places: Arc::clone(self), source })
    }

    /// Places taken in all.
    pub(crate) fn taken(&self) -> usize {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        debug_assert_eq!(taken.in_all, taken.by_source.values().sum::<usize>());
        taken.in_all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.in_all = taken.in_all.saturating_sub(1);
        match taken.by_source.get_mut(&self.source) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                taken.by_source.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_so_many_places_and_others_are_served() {
        let places = PerSource::new(2, 3);
        let enter = |address: &str| places.enter(address.parse().unwrap());
        let (first, second) = (enter("192.0.2.1"), enter("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(enter("192.0.2.1").is_none(), "the third of one source");
        let other = enter("2001:db8::1");
        assert!(other.is_some() && enter("192.0.2.3").is_none(), "the fourth in all");
        drop(first);
        assert!(enter("192.0.2.1").is_some());
        drop((second, other));
        let neighbours = (enter("2001:db8::1"), enter("2001:db8::2"));
        assert!(neighbours.0.is_some() && neighbours.1.is_some() && enter("2001:db8::3").is_none(), "one /64");
        drop(neighbours);
        assert_eq!(places.taken(), 0);
    }
}
