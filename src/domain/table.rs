//! A map that knows a digest of what it holds, so that the hash of a whole state costs nothing to ask for.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// The digest of one entry or of a sum of entries.
pub type Digest = [u64; 4];

/// A map of the state: seeded at random like the standard one, and several times as fast for the short keys that we have.
pub type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A map whose digest is kept up to date entry by entry.
///
/// The digest is the lane-wise wrapping sum of the BLAKE3 hashes of all entries, so it does not depend on the order in which
/// they came. It finds bugs, not forgers: the hash chain of the records is what nobody can rewrite.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    entries: Map<K, Box<Entry<V>>>,
    /// Of all entries but the stale one.
    sum: Digest,
    /// The entry that was changed last, whose digest is not worked out yet: twenty changes of one entry in a row cost one hash.
    stale: Option<K>,
}

/// A value and the digest of its entry. In a box, so that the free places of the map cost a pointer each and growing it moves
/// pointers.
#[derive(Clone, Debug)]
struct Entry<V> {
    value: V,
    digest: Digest,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::default(), sum: [0; 4], stale: None }
    }
}

impl<K: Hash + Eq + Clone, V: Hash> Table<K, V> {
    /// The entry of this key.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// Whether there is an entry of this key.
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.entries.contains_key(key)
    }

    /// Puts an entry in, in place of an older one of the same key.
    pub fn insert(&mut self, key: K, value: V) {
        self.settle();
        self.stale = Some(key.clone());
        if let Some(old) = self.entries.insert(key, Box::new(Entry { value, digest: [0; 4] })) {
            subtract(&mut self.sum, &old.digest);
        }
    }

    /// Changes the entry of this key in place; false when there is none.
    pub fn update(&mut self, key: &K, change: impl FnOnce(&mut V)) -> bool {
        if self.stale.as_ref() != Some(key) {
            self.settle();
        }
        let Some(entry) = self.entries.get_mut(key) else { return false };
        if self.stale.is_none() {
            subtract(&mut self.sum, &entry.digest);
            self.stale = Some(key.clone());
        }
        change(&mut entry.value);
        true
    }

    /// Takes the entry of this key out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.settle();
        let entry = self.entries.remove(key)?;
        subtract(&mut self.sum, &entry.digest);
        Some(entry.value)
    }

    /// Works the digest of the stale entry out.
    fn settle(&mut self) {
        let Some(key) = self.stale.take() else { return };
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.digest = digest_of(&(&key, &entry.value));
            add(&mut self.sum, &entry.digest);
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All keys and values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value))
    }

    /// All values, in no order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(|entry| &entry.value)
    }

    /// The digest of all entries together.
    pub fn digest(&self) -> Digest {
        let mut sum = self.sum;
        if let Some((key, entry)) = self.stale.as_ref().and_then(|key| self.entries.get_key_value(key)) {
            add(&mut sum, &digest_of(&(key, &entry.value)));
        }
        sum
    }
}

/// The digest of a value by its `Hash`, through BLAKE3.
pub fn digest_of(value: &impl Hash) -> Digest {
    let mut gathered = Gathered(Vec::with_capacity(1_024));
    value.hash(&mut gathered);
    let bytes = blake3::hash(&gathered.0);
    let mut lanes = [0; 4];
    for (lane, chunk) in lanes.iter_mut().zip(bytes.as_bytes().chunks_exact(8)) {
        *lane = chunk.iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
    }
    lanes
}

fn add(sum: &mut Digest, one: &Digest) {
    for (lane, other) in sum.iter_mut().zip(one) {
        *lane = lane.wrapping_add(*other);
    }
}

fn subtract(sum: &mut Digest, one: &Digest) {
    for (lane, other) in sum.iter_mut().zip(one) {
        *lane = lane.wrapping_sub(*other);
    }
}

/// The bytes of a value, to be hashed at once: a hundred small pieces cost more than the hash.
struct Gathered(Vec<u8>);

impl Hasher for Gathered {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0 // never asked for: the digest is taken of the bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_follows_the_content_and_not_its_history() {
        let mut one = Table::default();
        one.insert("a", 1);
        one.insert("b", 2);
        one.update(&"a", |value| *value = 7);
        one.insert("c", 3);
        one.remove(&"c");
        let mut two = Table::default();
        two.insert("b", 2);
        two.insert("a", 7);
        assert_eq!(one.digest(), two.digest());
        for value in [1, 2, 7] {
            two.update(&"a", |own| *own = value);
        }
        assert_eq!(one.digest(), two.digest(), "a change that is not worked out yet is in the digest");
        two.update(&"b", |own| *own = 3);
        assert_ne!(one.digest(), two.digest());
        two.update(&"none", |own| *own = 3);
        two.update(&"b", |own| *own = 2);
        assert_eq!(one.digest(), two.digest());
        two.update(&"a", |own| *own = 9);
        two.insert("a", 8);
        assert_ne!(one.digest(), two.digest());
        two.remove(&"a");
        two.remove(&"b");
        assert_eq!(two.digest(), [0; 4]);
    }
}
