//! Maps whose keys are hashes already, under a key that no caller knows: hashing them once more would tell nothing new.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds what hands a hash on.
pub type AsItIs = BuildHasherDefault<HandedOn>;

/// Hands a hash on: the number that was written last, or the first eight of the bytes.
#[derive(Debug, Default)]
pub struct HandedOn(u64);

impl Hasher for HandedOn {
    fn write(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() >= 8, "only hashes are handed on: {bytes:?}");
        self.0 = bytes.first_chunk().map_or(0, |first| u64::from_ne_bytes(*first));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write_usize(&mut self, _: usize) {} // the length that goes before an array

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn a_hash_is_what_it_was() {
        let hash: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        assert_eq!(AsItIs::default().hash_one(hash), u64::from_ne_bytes([0, 1, 2, 3, 4, 5, 6, 7]));
        assert_eq!(AsItIs::default().hash_one(7_u64), 7);
    }
}
