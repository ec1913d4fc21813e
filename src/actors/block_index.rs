//! The block index: every standing block of every organisation, in memory, for the check.
//!
//! Promise: a check is one look-up and one copy: no lock, no mailbox, no await, and no allocation but the answer's.
//! Written only by the actors at publish; a key's blocks are replaced as one.

use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

use papaya::HashMap;
use rust_decimal::Decimal;

use crate::domain::blocks::BlockKey;
use crate::domain::blocks::check::{ALLOWED, Verdict};
use crate::domain::ids::StreamId;

/// A question.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Question<'a> {
    pub block_type: &'a str,
    pub entity_id: &'a str,
    pub venue_id: Option<&'a str>,
    pub amount: Option<Decimal>,
}

/// The index.
#[derive(Debug)]
pub struct BlockIndex {
    blocks: HashMap<Name, Standing, BuildHasherDefault<AsItIs>>,
    /// Two independent hashes, keyed at random for this process.
    hashes: (RandomState, RandomState),
}

/// Stream, operation and entity as 128 bits of two SipHash-1-3, each under a random key that never leaves the process. Comparing these
/// instead of the texts saves a look-up two distant reads. With a million names, the chance that any two are taken for one another
/// is 10⁻²⁷, and nobody outside can look for such a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name(u64, u64);

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Hands a hash on that is one already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        debug_assert!(false, "only names are hashed, and they write one number: {bytes:?}");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The blocks of a name; nearly always one, which then needs no allocation of its own.
#[derive(Debug)]
enum Standing {
    One(Verdict),
    Many(Box<[Verdict]>),
}

impl Standing {
    fn verdicts(&self) -> &[Verdict] {
        match self {
            Self::One(verdict) => std::slice::from_ref(verdict),
            Self::Many(verdicts) => verdicts,
        }
    }
}

impl Default for BlockIndex {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl BlockIndex {
    /// An index with room for so many keys.
    pub fn with_capacity(keys: usize) -> Self {
        let blocks = HashMap::builder().capacity(keys).hasher(BuildHasherDefault::default()).build();
        Self { blocks, hashes: (RandomState::new(), RandomState::new()) }
    }

    /// Puts the blocks of a key in place of what was there; none takes the key out.
    pub fn put(&self, stream: StreamId, key: &BlockKey, mut verdicts: Vec<Verdict>) {
        let name = self.name(stream, &key.block_type, key.entity_id.as_str());
        let pinned = self.blocks.pin();
        match verdicts.len() {
            0 => drop(pinned.remove(&name)),
            1 => drop(verdicts.pop().map(|only| pinned.insert(name, Standing::One(only)))),
            _ => drop(pinned.insert(name, Standing::Many(verdicts.into()))),
        }
    }

    /// Answers a question at `now_ms` and writes the answer as JSON, with `version` in it. Gives whether it is blocked.
    pub fn check(
        &self,
        stream: StreamId,
        question: &Question<'_>,
        now_ms: i64,
        version: u64,
        out: &mut Vec<u8>,
    ) -> bool {
        let name = self.name(stream, question.block_type, question.entity_id);
        let pinned = self.blocks.pin();
        let standing = pinned.get(&name).map_or(&[] as &[Verdict], Standing::verdicts);
        let applies = |one: &&Verdict| one.applies(question.venue_id, question.amount, now_ms);
        let verdict = standing.iter().find(applies);
        write_answer(verdict.map_or(ALLOWED, |verdict| &verdict.answer), version, out);
        verdict.is_some()
    }

    fn name(&self, stream: StreamId, block_type: &str, entity_id: &str) -> Name {
        let hash = |keyed: &RandomState| {
            let mut hasher = keyed.build_hasher();
            hasher.write_u64(stream.0);
            hasher.write(block_type.as_bytes());
            hasher.write_u8(0xff); // in no UTF-8 text, so that the texts cannot run into each other
            hasher.write(entity_id.as_bytes());
            hasher.finish()
        };
        Name(hash(&self.hashes.0), hash(&self.hashes.1))
    }

    /// How many keys have blocks.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether no key has.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

fn write_answer(start: &str, version: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut first = digits.len();
    let mut rest = version;
    loop {
        first -= 1;
        digits[first] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.reserve_exact(start.len() + digits.len() - first + 1);
    out.extend_from_slice(start.as_bytes());
    out.extend_from_slice(&digits[first..]);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::blocks::Block;
    use crate::domain::blocks::check::verdicts;
    use crate::domain::blocks::place::{PlaceBlock, Tick};
    use crate::domain::ids::{EntityId, VenueId};
    use crate::domain::people::Authority;
    use crate::domain::testing::{FRIDAY, Tenant, amount, at, block_on, ladder, lift, tenant};
    use crate::domain::time::MINUTE_MS;

    fn key(block_type: &str, entity: &str) -> BlockKey {
        BlockKey { block_type: block_type.into(), entity_id: EntityId::parse(entity).unwrap() }
    }

    fn verdict(venue: Option<&str>, limit: Option<&str>, expires_at_ms: i64) -> Verdict {
        Verdict {
            venue_id: venue.map(|id| VenueId::parse(id).unwrap()),
            limit: limit.map(|amount| amount.parse().unwrap()),
            expires_at_ms,
            answer: r#"{"blocked":true,"version":"#.into(),
        }
    }

    fn ask(index: &BlockIndex, stream: u64, entity: &str, venue: Option<&str>, amount: Option<&str>, now: i64) -> bool {
        let amount = amount.map(|text| text.parse().unwrap());
        let question = Question { block_type: "comp", entity_id: entity, venue_id: venue, amount };
        let mut out = Vec::new();
        let blocked = index.check(StreamId(stream), &question, now, 812, &mut out);
        let answer: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((answer["blocked"].as_bool(), answer["version"].as_u64()), (Some(blocked), Some(812)));
        blocked
    }

    #[test]
    fn a_block_counts_for_its_key_its_venue_its_limit_and_its_time() {
        let index = BlockIndex::default();
        index.put(StreamId(1), &key("comp", "ana"), vec![verdict(Some("pier"), Some("50"), 1_000)]);
        assert!(ask(&index, 1, "ana", Some("pier"), Some("50.01"), 999));
        assert!(ask(&index, 1, "ana", None, None, 999));
        assert!(!ask(&index, 1, "ana", Some("pier"), Some("50.00"), 999));
        assert!(!ask(&index, 1, "ana", Some("quay"), None, 999));
        assert!(!ask(&index, 1, "ana", None, None, 1_000), "over at its time, without anybody writing");
        assert!(!ask(&index, 2, "ana", None, None, 999), "another organisation");
        assert!(!ask(&index, 1, "bob", None, None, 999));
    }

    #[test]
    fn operation_and_entity_do_not_run_into_each_other() {
        let index = BlockIndex::default();
        index.put(StreamId(1), &key("com", "pana"), vec![verdict(None, None, i64::MAX)]);
        assert!(!ask(&index, 1, "ana", None, None, 0));
    }

    #[test]
    fn a_key_without_blocks_is_taken_out() {
        let index = BlockIndex::default();
        index.put(StreamId(1), &key("comp", "ana"), vec![verdict(None, None, i64::MAX)]);
        index.put(StreamId(1), &key("comp", "ana"), Vec::new());
        assert!(index.is_empty());
        assert!(!ask(&index, 1, "ana", None, None, 0));
    }

    /// What the naive model gives for a question: every block is looked at, nothing is prepared.
    fn naive(tenant: &Tenant, question: &Question<'_>) -> Option<uuid::Uuid> {
        let organisation = tenant.state.organisation();
        let rank = |rung: &Option<Authority>| {
            rung.as_ref().map(|rung| organisation.rank(rung).unwrap_or(usize::MAX)) // a lost rung asks for the top
        };
        let mut best: Option<&Block> = None;
        for block in tenant.state.blocks.iter() {
            let same =
                &*block.key.block_type == question.block_type && block.key.entity_id.as_str() == question.entity_id;
            let over = block.lifted.is_some() || block.expired || block.expires_at.is_some_and(|at| at <= tenant.now);
            let venue = block.venue_id.as_ref().map(EntityId::as_str);
            let elsewhere = venue.is_some() && question.venue_id.is_some() && venue != question.venue_id;
            let free = matches!((block.limit, question.amount), (Some(limit), Some(amount)) if amount <= limit);
            if !same || over || elsewhere || free {
                continue;
            }
            let stricter = best.is_none_or(|best| match (best.override_required, block.override_required) {
                (true, false) => true,
                (false, true) => false,
                _ if rank(&block.override_authority) != rank(&best.override_authority) => {
                    rank(&block.override_authority) > rank(&best.override_authority)
                }
                _ => block.seq < best.seq,
            });
            if stricter {
                best = Some(block);
            }
        }
        best.map(|block| block.id)
    }

    fn placed() -> impl Strategy<Value = PlaceBlock> {
        let rungs = prop::sample::select(vec![None, Some("manager"), Some("gm"), Some("vp_ops"), Some("owner")]);
        let venues = prop::sample::select(vec![None, Some("pier"), Some("quay")]);
        let limits = prop::sample::select(vec![None, Some("0"), Some("50"), Some("50.01")]);
        let required = prop::sample::select(vec![None, Some(true), Some(false)]);
        let entities = prop::sample::select(vec!["ana", "bob"]);
        (entities, rungs, venues, limits, required, prop::option::of(1..5_i64)).prop_map(
            |(entity, rung, venue, limit, override_required, minutes)| PlaceBlock {
                override_authority: rung.map(Into::into),
                venue_id: venue.map(Into::into),
                limit: limit.map(amount),
                override_required,
                expires_at: minutes.map(|minutes| at(FRIDAY).plus_ms(minutes * MINUTE_MS)),
                ..block_on(entity)
            },
        )
    }

    proptest! {
        #[test]
        fn the_check_gives_the_strictest_block_that_applies(
            placed in prop::collection::vec(placed(), 0..12),
            lifted in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
            turned: bool,
            minutes in 0..6_i64,
            ticked: bool,
        ) {
            let mut tenant = tenant().with_venue("pier").with_venue("quay");
            let ids: Vec<_> = placed.into_iter().map(|place| tenant.place(place)).collect();
            for index in lifted.iter().filter(|_| !ids.is_empty()) {
                let _ = tenant.try_run(lift(*index.get(&ids))); // a second one is refused
            }
            if turned {
                tenant.run(ladder(&["owner", "vp_ops", "manager"]));
            }
            tenant.later_minutes(minutes);
            if ticked {
                tenant.run(Tick { at_most: 3 });
            }
            let index = BlockIndex::default();
            for key in tenant.state.blocks.keys() {
                index.put(StreamId(1), key, verdicts(&tenant.state, key));
            }
            for entity_id in ["ana", "bob", "cem"] {
                for venue_id in [None, Some("pier"), Some("quay"), Some("moon")] {
                    for asked in [None, Some("0"), Some("50"), Some("50.005"), Some("50.01"), Some("1000")] {
                        let question =
                            Question { block_type: "comp_approval", entity_id, venue_id, amount: asked.map(amount) };
                        let mut out = Vec::new();
                        let blocked = index.check(StreamId(1), &question, tenant.now.0, 1, &mut out);
                        let answer: serde_json::Value = serde_json::from_slice(&out).unwrap();
                        let found = answer["block_id"].as_str().map(|id| id.parse().unwrap());
                        prop_assert_eq!(found, naive(&tenant, &question), "{:?}", question);
                        prop_assert_eq!((blocked, answer["blocked"].as_bool()), (found.is_some(), Some(found.is_some())));
                    }
                }
            }
        }
    }
}
