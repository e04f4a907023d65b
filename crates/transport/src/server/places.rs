//! Who holds how many connections: counted by address and by certificate, given back when the holder is dropped.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// Connections by key, with something that all connections of one key share.
pub(super) struct Places<K, S>(Mutex<HashMap<K, (usize, S)>>);

impl<K: Eq + Hash + Copy, S: Clone> Places<K, S> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(HashMap::new())))
    }

    /// Takes a place for `key` unless it has `limit` of them. `share` is made with its first.
    pub(super) fn take(self: &Arc<Self>, key: K, limit: usize, share: impl FnOnce() -> S) -> Option<Place<K, S>> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = taken.get(&key).map_or(0, |(held, _)| *held);
        if held >= limit {
            return None;
        }
        let (held, share) = taken.entry(key).or_insert_with(|| (0, share()));
        *held += 1;
        Some(Place { places: Arc::clone(self), key, share: share.clone() })
    }

    fn give_back(&self, key: &K) {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((held, _)) = taken.get_mut(key) {
            *held -= 1;
            if *held == 0 {
                // Nothing is remembered about whoever is gone: the table is never larger than the number of connections.
                taken.remove(key);
            }
        }
    }
}

/// A place that is taken; dropping it gives it back.
pub(super) struct Place<K: Eq + Hash + Copy, S: Clone> {
    places: Arc<Places<K, S>>,
    key: K,
    /// What all places of this key share.
    pub(super) share: S,
}

impl<K: Eq + Hash + Copy, S: Clone> Drop for Place<K, S> {
    fn drop(&mut self) {
        self.places.give_back(&self.key);
    }
}

impl<K: Eq + Hash + Copy, S: Clone> fmt::Debug for Place<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

/// What connections are counted by: whoever has an IPv6 address has its whole /64 network.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_when_they_are_dropped() {
        let places: Arc<Places<u8, ()>> = Places::new();
        let first = places.take(1, 2, || ()).unwrap();
        let second = places.take(1, 2, || ()).unwrap();
        assert!(places.take(1, 2, || ()).is_none());
        assert!(places.take(2, 1, || ()).is_some(), "another key has its own");
        drop(first);
        let third = places.take(1, 2, || ()).unwrap();
        drop((second, third));
        assert!(places.0.lock().unwrap().is_empty());
        assert!(places.take(1, 0, || ()).is_none());
        assert!(places.0.lock().unwrap().is_empty());
    }

    #[test]
    fn all_places_of_a_key_share_one_thing() {
        let places: Arc<Places<u8, Arc<()>>> = Places::new();
        let [first, second] = [1, 1].map(|key| places.take(key, 2, Arc::default).unwrap());
        let other = places.take(2, 2, Arc::default).unwrap();
        assert!(Arc::ptr_eq(&first.share, &second.share));
        assert!(!Arc::ptr_eq(&first.share, &other.share));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
