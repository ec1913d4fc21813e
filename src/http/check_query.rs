//! The question of a check, read from the query by hand: nothing is allocated unless something is percent-encoded.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::percent::{Plus, decode};
use super::problem::{Problem, problem};
use crate::actors::block_index::Question;
use crate::domain::blocks::check::parse_amount;
use crate::domain::ids::OUTSIDE_ID_BYTES_MAX;

/// A question with the version that its answer must have reached.
#[derive(Debug, PartialEq)]
pub struct CheckQuery<'a> {
    block_type: Cow<'a, str>,
    entity_id: Cow<'a, str>,
    /// Any venue when absent.
    pub venue_id: Option<Cow<'a, str>>,
    amount: Option<Decimal>,
    /// Any version when absent.
    pub min_version: Option<u64>,
}

impl<'a> CheckQuery<'a> {
    /// Reads a query.
    ///
    /// # Errors
    /// `missing-parameter`, `unknown-parameter`, and `bad-parameter` for one that is broken or there twice.
    pub fn parse(query: &'a str) -> Result<Self, Problem> {
        let (mut block_type, mut entity_id, mut venue_id, mut amount, mut version, mut mode) =
            (None, None, None, None, None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (read(name)?, read(value)?);
            let slot = match &*name {
                "block_type" => &mut block_type,
                "entity_id" => &mut entity_id,
                "venue_id" => &mut venue_id,
                "amount" => &mut amount,
                "min_version" => &mut version,
                "mode" => &mut mode,
                _ => return Err(problem!("unknown-parameter", "a check has no parameter of this name")),
            };
            if slot.replace(value).is_some() {
                return Err(problem!("bad-parameter", "`{name}` is there twice"));
            }
        }
        if mode.is_some_and(|mode| mode != "check") {
            return Err(problem!("bad-parameter", "`mode` is neither `check` nor `list`"));
        }
        Ok(Self {
            block_type: required("block_type", block_type)?,
            entity_id: required("entity_id", entity_id)?,
            venue_id: venue_id.map(|id| checked("venue_id", id)).transpose()?,
            amount: amount.map(|text| read_amount(&text)).transpose()?,
            min_version: version.map(|text| read_version(&text)).transpose()?,
        })
    }

    /// What the block index is asked.
    pub fn question(&self) -> Question<'_> {
        Question {
            block_type: &self.block_type,
            entity_id: &self.entity_id,
            venue_id: self.venue_id.as_deref(),
            amount: self.amount,
        }
    }
}

/// Whether a query asks for the list of blocks rather than for a decision.
pub fn is_list(query: &str) -> bool {
    query.split('&').any(|pair| pair == "mode=list")
}

fn read(text: &str) -> Result<Cow<'_, str>, Problem> {
    decode(text, Plus::Space).ok_or_else(|| problem!("bad-parameter", "the query is not percent-encoded UTF-8"))
}

fn required<'a>(name: &str, value: Option<Cow<'a, str>>) -> Result<Cow<'a, str>, Problem> {
    match value {
        Some(value) if !value.is_empty() => checked(name, value),
        Some(_) | None => Err(problem!("missing-parameter", "`{name}` is missing")),
    }
}

/// An id that nothing can have is a mistake of the caller, and better said than answered.
fn checked<'a>(name: &str, value: Cow<'a, str>) -> Result<Cow<'a, str>, Problem> {
    let control = value.bytes().any(|byte| byte < 0x20 || byte == 0x7f);
    if value.is_empty() || value.len() > OUTSIDE_ID_BYTES_MAX || control {
        let rule = "is not 1 to 128 bytes without control characters";
        return Err(problem!("bad-parameter", "`{name}` {rule}"));
    }
    Ok(value)
}

fn read_amount(text: &str) -> Result<Decimal, Problem> {
    parse_amount(text).map_err(|_| problem!("bad-parameter", "`amount` is not a decimal number of at most 28 digits"))
}

fn read_version(text: &str) -> Result<u64, Problem> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let version = digits.then(|| text.parse().ok()).flatten();
    version.ok_or_else(|| problem!("bad-parameter", "`min_version` is not a whole number in range"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(query: &str) -> &'static str {
        CheckQuery::parse(query).unwrap_err().code()
    }

    #[test]
    fn the_usual_question_allocates_nothing() {
        let asked =
            CheckQuery::parse("block_type=comp_approval&entity_id=ana&venue_id=pier&amount=50.01&min_version=7")
                .unwrap();
        assert!(matches!(
            (&asked.block_type, &asked.entity_id),
            (Cow::Borrowed("comp_approval"), Cow::Borrowed("ana"))
        ));
        assert_eq!(asked.venue_id.as_deref(), Some("pier"));
        assert_eq!((asked.amount, asked.min_version), ("50.01".parse().ok(), Some(7)));
    }

    #[test]
    fn what_is_missing_broken_or_unknown_is_said() {
        assert_eq!(code("block_type=comp"), "missing-parameter");
        assert_eq!(code("block_type=comp&entity_id="), "missing-parameter");
        assert_eq!(code("block_type=comp&entity_id=a&entity_id=b"), "bad-parameter");
        assert_eq!(code("block_type=comp&entity_id=a&venue_id="), "bad-parameter");
        assert_eq!(code("block_type=comp&entity_id=a&amount=much"), "bad-parameter");
        assert_eq!(code("block_type=comp&entity_id=a&min_version=-1"), "bad-parameter");
        assert_eq!(code("block_type=comp&entity_id=a&mode=guess"), "bad-parameter");
        assert_eq!(code("block_type=comp&entity_id=%ff"), "bad-parameter");
        assert_eq!(code("block_type=comp&entity_id=a%0ab"), "bad-parameter");
        assert_eq!(code("block_type=comp&entity_id=a&colour=red"), "unknown-parameter");
        assert!(CheckQuery::parse("mode=check&entity_id=a&block_type=comp").is_ok());
    }

    #[test]
    fn a_list_is_told_apart_by_its_mode() {
        assert!(is_list("active=true&mode=list"));
        assert!(!is_list("block_type=mode=list&entity_id=a") && !is_list(""));
    }

    /// The model: every byte that is not a letter or digit is escaped, by chance also those.
    fn encoded(text: &str, escape_all: bool) -> String {
        let one = |byte: u8| match byte {
            b' ' if !escape_all => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() && !escape_all => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(one).collect()
    }

    proptest! {
        #[test]
        fn whatever_was_encoded_is_read_back(
            block_type in "[a-z_]{1,20}",
            entity in "\\PC{1,30}",
            venue in proptest::option::of("\\PC{1,30}"),
            amount in proptest::option::of(-1_000_000_i64..1_000_000),
            escape_all in any::<bool>(),
        ) {
            let mut query = format!("{}={}", encoded("block_type", escape_all), encoded(&block_type, escape_all));
            query.push_str(&format!("&entity_id={}", encoded(&entity, escape_all)));
            if let Some(venue) = &venue {
                query.push_str(&format!("&venue_id={}", encoded(venue, escape_all)));
            }
            if let Some(amount) = amount {
                query.push_str(&format!("&amount={}", encoded(&Decimal::new(amount, 2).to_string(), escape_all)));
            }
            let asked = CheckQuery::parse(&query).unwrap();
            prop_assert_eq!(&*asked.block_type, block_type.as_str());
            prop_assert_eq!(&*asked.entity_id, entity.as_str());
            prop_assert_eq!(asked.venue_id.as_deref(), venue.as_deref());
            prop_assert_eq!(asked.amount, amount.map(|amount| Decimal::new(amount, 2)));
        }

        #[test]
        fn nothing_makes_it_panic(query in "\\PC{0,200}") {
            let _ = CheckQuery::parse(&query);
        }
    }
}
