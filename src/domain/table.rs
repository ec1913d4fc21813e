//! A map that knows a digest of what it holds, so that the hash of a whole state costs little to ask for.

use std::collections::{HashMap, hash_map};
use std::hash::{Hash, Hasher};

/// The digest of one entry or of a sum of entries.
pub type Digest = [u64; 4];

/// A map of the state: seeded at random like the standard one, and several times as fast for the short keys that we have.
pub type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The most changes that wait for their digests, so that who asks for the digest of all does not wait long.
pub const STALE_MAX: usize = 1_024;

/// What stands for a digest that is not worked out yet. No hash is this one, and adding or taking it away changes nothing.
const STALE: Digest = [0; 4];

/// A map whose digest is kept up to date entry by entry, though not at once: a change only notes the entry, and [`Table::catch_up`]
/// works the digests out, when there is time. Twenty changes of one entry meanwhile cost one hash.
///
/// The digest is the lane-wise wrapping sum of the BLAKE3 hashes of all entries, so it does not depend on the order in which
/// they came. It finds bugs, not forgers: the hash chain of the records is what nobody can rewrite.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    entries: Map<K, Box<Entry<V>>>,
    /// Of all entries but the stale ones.
    sum: Digest,
    /// The keys of the entries whose digest is not worked out, each once; at most [`STALE_MAX`].
    stale: Vec<K>,
}

/// A value and the digest of its entry. In a box, so that the free places of the map cost a pointer each and growing it moves
/// pointers.
#[derive(Clone, Debug)]
struct Entry<V> {
    value: V,
    /// [`STALE`] while it is not worked out.
    digest: Digest,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::default(), sum: [0; 4], stale: Vec::new() }
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
        let noted = key.clone();
        match self.entries.entry(key) {
            hash_map::Entry::Vacant(place) => {
                place.insert(Box::new(Entry { value, digest: STALE }));
                self.note(noted);
            }
            hash_map::Entry::Occupied(mut place) => {
                let known = std::mem::replace(&mut place.get_mut().digest, STALE);
                place.get_mut().value = value;
                self.outdate(&known, &noted);
            }
        }
    }

    /// Changes the entry of this key in place; false when there is none.
    pub fn update(&mut self, key: &K, change: impl FnOnce(&mut V)) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        let known = std::mem::replace(&mut entry.digest, STALE);
        change(&mut entry.value);
        self.outdate(&known, key);
        true
    }

    /// Takes the entry of this key out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.remove(key)?;
        subtract(&mut self.sum, &entry.digest);
        if entry.digest == STALE
            && let Some(place) = self.stale.iter().rposition(|stale| stale == key)
        {
            self.stale.swap_remove(place);
        }
        Some(entry.value)
    }

    /// The digest of an entry is no longer the one that was known.
    fn outdate(&mut self, known: &Digest, key: &K) {
        if *known != STALE {
            subtract(&mut self.sum, known);
            self.note(key.clone());
        }
    }

    fn note(&mut self, stale: K) {
        self.stale.push(stale);
        if self.stale.len() >= STALE_MAX {
            self.catch_up();
        }
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        let mut gathered = Gathered::default();
        // The list goes: most tables rest most of the time.
        for key in std::mem::take(&mut self.stale) {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.digest = gathered.digest_of(&(&key, &entry.value));
                add(&mut self.sum, &entry.digest);
            }
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
        let (mut sum, mut gathered) = (self.sum, Gathered::default());
        for (key, entry) in self.stale.iter().filter_map(|key| self.entries.get_key_value(key)) {
            add(&mut sum, &gathered.digest_of(&(key, &entry.value)));
        }
        sum
    }
}

/// The digest of a value by its `Hash`, through BLAKE3.
pub fn digest_of(value: &impl Hash) -> Digest {
    Gathered::default().digest_of(value)
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
#[derive(Default)]
pub struct Gathered(Vec<u8>);

impl Gathered {
    /// As [`digest_of`]; one after the other, values share the room for their bytes.
    pub fn digest_of(&mut self, value: &impl Hash) -> Digest {
        self.0.clear();
        self.0.reserve(1_024);
        value.hash(self);
        let mut lanes = [0; 4];
        let hash = blake3::hash(&self.0);
        for (lane, chunk) in lanes.iter_mut().zip(hash.as_bytes().as_chunks().0) {
            *lane = u64::from_le_bytes(*chunk);
        }
        lanes
    }
}

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

    #[test]
    fn the_digest_is_the_same_before_and_after_it_is_worked_out() {
        let (mut late, mut early) = (Table::default(), Table::default());
        let both =
            |late: &mut Table<usize, usize>, early: &mut Table<usize, usize>, key: usize, value: Option<usize>| {
                for table in [&mut *late, &mut *early] {
                    match value {
                        Some(value) => table.insert(key, value),
                        None => drop(table.remove(&key)),
                    }
                }
                early.catch_up();
                assert_eq!((late.digest(), late.len()), (early.digest(), early.len()));
            };
        for key in 0..STALE_MAX / 2 {
            both(&mut late, &mut early, key % 100, Some(key));
        }
        for key in 0..50 {
            both(&mut late, &mut early, key, None);
            both(&mut late, &mut early, key, Some(key));
        }
        late.catch_up();
        assert_eq!(late.digest(), early.digest());
        for key in 0..3 * STALE_MAX {
            late.insert(key, key);
            assert!(late.stale.len() < STALE_MAX);
        }
    }
}
