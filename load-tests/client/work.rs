//! What one connection asks, and how it knows that the answer is right.

use std::io::Write;
use std::sync::Arc;

use crate::fixture::{BLOCK_TYPE, OrgFixture};
use crate::http::{Answer, find};

/// What the right answer to a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Blocked,
    Allowed,
    /// A new violation that placed a block.
    Reported,
}

impl Expected {
    pub fn status(self) -> u16 {
        match self {
            Expected::Blocked | Expected::Allowed => 200,
            Expected::Reported => 201,
        }
    }

    /// An answer with the right status may still say the wrong thing.
    pub fn holds(self, answer: &Answer<'_>) -> bool {
        answer.status == self.status()
            && match self {
                Expected::Blocked => find(answer.body, b"\"blocked\":true").is_some(),
                Expected::Allowed => find(answer.body, b"\"blocked\":false").is_some(),
                Expected::Reported => find(answer.body, b"\"blocks\":[]").is_none(),
            }
    }
}

/// The endless stream of requests of one connection.
pub enum Work {
    Check(Checks),
    Report(Reports),
}

impl Work {
    /// Writes the next request over what `out` held.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Expected {
        out.clear();
        match self {
            Work::Check(checks) => checks.next(out),
            Work::Report(reports) => reports.next(out),
        }
    }
}

/// Checks of random blocked entities of random organisations, and a share of entities that nobody blocked.
pub struct Checks {
    orgs: Arc<[CheckedOrg]>,
    random: Random,
    miss_percent: u64,
}

struct CheckedOrg {
    before_number: Vec<u8>,
    after_number: Vec<u8>,
    blocks: u64,
}

impl Checks {
    pub fn new(orgs: &[OrgFixture], host: &str, miss_percent: u64, seed: u64) -> Self {
        let orgs = orgs.iter().map(|org| CheckedOrg {
            before_number: format!(
                "GET /api/action-center/blocks?block_type={BLOCK_TYPE}&entity_id={}",
                org.entity_prefix
            )
            .into_bytes(),
            after_number: format!(" HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\r\n", org.check_key)
                .into_bytes(),
            blocks: org.blocks,
        });
        Self { orgs: orgs.collect(), random: Random(seed), miss_percent }
    }

    /// The same organisations, another order; shares the memory of the request heads.
    pub fn with_seed(&self, seed: u64) -> Self {
        Self { orgs: self.orgs.clone(), random: Random(seed), miss_percent: self.miss_percent }
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Expected {
        let org = &self.orgs[self.random.below(self.orgs.len() as u64) as usize];
        let misses = self.random.below(100) < self.miss_percent;
        let number = self.random.below(org.blocks.max(1)) + if misses { org.blocks } else { 0 };
        out.extend_from_slice(&org.before_number);
        write!(out, "{number}").expect("writing to memory");
        out.extend_from_slice(&org.after_number);
        if misses { Expected::Allowed } else { Expected::Blocked }
    }
}

/// Reports of comp exceptions to one organisation, each with its own source id and its own entity.
pub struct Reports {
    head: Vec<u8>,
    venue_id: String,
    /// Unique to this connection and run.
    source: String,
    made: u64,
    body: Vec<u8>,
}

impl Reports {
    pub fn new(org: &OrgFixture, host: &str, source: String) -> Self {
        let head = format!(
            "POST /api/action-center/violations HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: ",
            org.report_key
        );
        Self { head: head.into_bytes(), venue_id: org.venue_id.clone(), source, made: 0, body: Vec::new() }
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Expected {
        let (venue, source, number) = (&self.venue_id, &self.source, self.made);
        self.made += 1;
        self.body.clear();
        write!(
            self.body,
            "{{\"venue_id\":\"{venue}\",\"violation_type\":\"comp_exception\",\"severity\":\"critical\",\
             \"title\":\"Comp of 250.00 by server {number}\",\
             \"description\":\"A comp of 250.00 on a check of 412.50 was closed at table 14 without the approval that the \
             comp policy of this venue asks for above 200.00. The guest was not named and no manager was signed in.\",\
             \"metadata\":{{\"comp_amount\":250.0,\"check_total\":412.5,\"server_id\":\"{source}-{number}\",\
             \"server_name\":\"Server {number}\",\"comp_reason\":\"guest recovery\",\"table\":\"14\",\"approved\":false}},\
             \"source_table\":\"pos_comps\",\"source_id\":\"{source}-{number}\"}}"
        )
        .expect("writing to memory");
        out.extend_from_slice(&self.head);
        write!(out, "{}\r\n\r\n", self.body.len()).expect("writing to memory");
        out.extend_from_slice(&self.body);
        Expected::Reported
    }
}

/// splitmix64: small, seeded, good enough to choose entities.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org() -> OrgFixture {
        OrgFixture {
            org_id: "o".into(),
            venue_id: "v".into(),
            admin_key: "a".into(),
            check_key: "c".into(),
            report_key: "r".into(),
            entity_prefix: "e-".into(),
            blocks: 10,
        }
    }

    #[test]
    fn a_report_is_json_of_the_stated_length_and_never_repeats_its_source_id() {
        let mut work = Work::Report(Reports::new(&org(), "h", "run-0".into()));
        let mut seen = std::collections::HashSet::new();
        let mut request = Vec::new();
        for _ in 0..100 {
            work.next(&mut request);
            let text = std::str::from_utf8(&request).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
            assert!((500..800).contains(&body.len()), "{}", body.len());
            let report: serde_json::Value = serde_json::from_str(body).unwrap();
            assert!(seen.insert(report["source_id"].as_str().unwrap().to_owned()));
        }
    }

    #[test]
    fn a_check_of_a_blocked_entity_stays_inside_the_blocked_ones() {
        let mut work = Work::Check(Checks::new(&[org()], "h", 50, 7));
        let mut request = Vec::new();
        for _ in 0..1_000 {
            let expected = work.next(&mut request);
            let text = std::str::from_utf8(&request).unwrap();
            let number = text.split_once("entity_id=e-").unwrap().1.split_once(' ').unwrap().0;
            assert_eq!(number.parse::<u64>().unwrap() < 10, expected == Expected::Blocked);
        }
    }

    #[test]
    fn a_success_that_says_the_wrong_thing_does_not_hold() {
        let answer = Answer { status: 200, body: b"{\"blocked\":false}" };
        assert!(Expected::Allowed.holds(&answer));
        assert!(!Expected::Blocked.holds(&answer));
        assert!(!Expected::Reported.holds(&Answer { status: 201, body: b"{\"blocks\":[]}" }));
    }
}
