//! A map that knows a digest of what it holds, so that the hash of a whole state costs nothing to ask for.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// The digest of one entry or of a sum of entries.
pub type Digest = [u64; 4];

/// A map whose digest is kept up to date entry by entry.
///
/// The digest is the lane-wise wrapping sum of the BLAKE3 hashes of all entries, so it does not depend on the order in which
/// they came. It finds bugs, not forgers: the hash chain of the records is what nobody can rewrite.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    entries: HashMap<K, Box<Entry<V>>, foldhash::fast::RandomState>,
    sum: Digest,
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
        Self { entries: HashMap::default(), sum: [0; 4] }
    }
}

impl<K: Hash + Eq, V: Hash> Table<K, V> {
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
        let digest = digest_of(&(&key, &value));
        add(&mut self.sum, &digest);
        if let Some(old) = self.entries.insert(key, Box::new(Entry { value, digest })) {
            subtract(&mut self.sum, &old.digest);
        }
    }

    /// Changes the entry of this key in place; false when there is none.
    pub fn update(&mut self, key: &K, change: impl FnOnce(&mut V)) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        subtract(&mut self.sum, &entry.digest);
        change(&mut entry.value);
        entry.digest = digest_of(&(key, &entry.value));
        add(&mut self.sum, &entry.digest);
        true
    }

    /// Takes the entry of this key out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.remove(key)?;
        subtract(&mut self.sum, &entry.digest);
        Some(entry.value)
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
        self.sum
    }
}

/// The digest of a value by its `Hash`, through BLAKE3.
pub fn digest_of(value: &impl Hash) -> Digest {
    let mut hasher = Blake3(blake3::Hasher::new());
    value.hash(&mut hasher);
    let bytes = hasher.0.finalize();
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

struct Blake3(blake3::Hasher);

impl Hasher for Blake3 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0 // never asked for: the digest is taken from the inner hasher
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
        two.insert("a", 8);
        assert_ne!(one.digest(), two.digest());
        two.remove(&"a");
        two.remove(&"b");
        assert_eq!(two.digest(), [0; 4]);
    }
}
