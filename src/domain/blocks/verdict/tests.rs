//! What is composed, against JSON made in one go.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn written(write: impl FnOnce(&[u8], &mut Vec<u8>)) -> Value {
    let mut out = Vec::new();
    write(b"812", &mut out);
    assert_eq!(out.len(), out.capacity(), "room for exactly this");
    serde_json::from_slice(&out).unwrap()
}

/// The model: the answer as a document.
fn model(terms: &Terms<'_>) -> Value {
    let number = |amount: Decimal| serde_json::from_str::<Value>(&amount.to_string()).unwrap();
    let Terms { id, authority, override_required: required, .. } = *terms;
    let free = terms.limit.map(|amount| format!("Amounts up to {amount} are free. ")).unwrap_or_default();
    let ask = if required {
        format!("{authority} or above can approve an override: POST reason to override_url.")
    } else {
        format!("It cannot be overridden; {authority} or above can lift it.")
    };
    json!({
        "blocked": true,
        "decision": "block",
        "reason": terms.reason,
        "override_required": required,
        "override_authority": terms.names_authority.then_some(authority),
        "block_id": id,
        "limit": terms.limit.map(|amount| json!({ "amount": number(amount) })),
        "expires_at": terms.expires_at,
        "on_error": terms.on_error,
        "override_by": required.then_some(authority),
        "override_url": required.then(|| format!("/api/action-center/blocks/{id}/overrides")),
        "help": free + &ask,
        "version": 812,
    })
}

proptest! {
    #[test]
    fn an_answer_is_what_the_block_says(
        reason in "\\PC{1,200}|[ -~\n\t\u{1}]{1,120}",
        authority in "[a-z_]{1,64}|\\PC{1,20}",
        venue in prop::option::of("\\PC{1,30}"),
        limit in prop::option::of(0..10_000_000_i64),
        expires_at in prop::option::of(0..4_000_000_000_000_i64),
        on_error in prop::sample::select(vec![OnError::Open, OnError::Closed, OnError::Limit]),
        override_required: bool,
        names_authority: bool,
        id: u128,
    ) {
        let terms = Terms {
            id: Uuid::from_u128(id),
            venue_id: venue.as_deref(),
            limit: limit.map(|cents| Decimal::new(cents, 2)),
            expires_at: expires_at.map(Timestamp),
            on_error,
            reason: &reason,
            override_required,
            names_authority,
            authority: &authority,
        };
        let verdict = Verdict::new(&terms);
        prop_assert_eq!(written(|version, out| verdict.write(version, out)), model(&terms));
        prop_assert!(verdict.applies(venue.as_deref(), None, i64::MIN));
        prop_assert_eq!(verdict.applies(Some("elsewhere!"), None, i64::MIN), venue.is_none());
    }

    #[test]
    fn an_answer_under_a_grant_names_it(
        venue in prop::option::of("\\PC{1,30}|\\PC{100}"),
        most in prop::option::of(0..10_000_000_i64),
        expires_at in 0..4_000_000_000_000_i64,
        uses_left: u32,
        id: u128,
    ) {
        let (id, amount_max) = (Uuid::from_u128(id), most.map(|cents| Decimal::new(cents, 2)));
        let expires_at = Timestamp(expires_at);
        let pass = Pass::new(&PassTerms { id, venue_id: venue.as_deref(), amount_max, expires_at, uses_left });
        let number = amount_max.map(|amount| serde_json::from_str::<Value>(&amount.to_string()).unwrap());
        let grant = json!({ "id": id, "uses_left": uses_left, "expires_at": expires_at, "amount_max": number });
        let whole = json!({ "blocked": false, "decision": "allow", "grant": grant, "version": 812 });
        prop_assert_eq!(written(|version, out| pass.write(version, out)), whole);
        prop_assert!(pass.applies(venue.as_deref(), amount_max, expires_at.0 - 1));
        prop_assert_eq!(pass.applies(None, amount_max, expires_at.0 - 1), venue.is_none());
    }
}

#[test]
fn a_verdict_fits_a_size_that_the_allocator_has() {
    let name = 16;
    assert_eq!(name + size_of::<Verdict>(), 192);
}

#[test]
fn where_nothing_applies_the_answer_is_short() {
    let whole = json!({ "blocked": false, "decision": "allow", "version": 812 });
    assert_eq!(written(write_allowed), whole);
}
