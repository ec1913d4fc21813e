//! Templates against a naive model: a list of everything that was reported, gone through from the start for every question.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::domain::templates::save::TemplateDraft;
use crate::domain::testing::{Tenant, alert, comp, tenant};
use crate::domain::time::BusinessDate;
use crate::domain::violations::report::Report;

/// A report, as small as it can be and still differ in all that conditions look at.
#[derive(Clone, Debug)]
struct Said {
    kind: &'static str,
    server: Option<&'static str>,
    venue: Option<&'static str>,
    amount: Option<i64>,
    vip: bool,
    day: i32,
    source: Option<u8>,
}

/// The conditions of a template.
#[derive(Clone, Debug)]
struct Rule {
    kind: &'static str,
    min: Option<i64>,
    max: Option<i64>,
    venues: Option<Vec<&'static str>>,
    vip: Option<bool>,
    count: Option<(u32, u32)>,
    when: Option<i64>,
}

const KINDS: [&str; 2] = ["comp_exception", "cold_fries"];
const VENUES: [&str; 2] = ["pier", "quay"];

prop_compose! {
    fn said()(
        kind in select(&KINDS), server in of(select(&["ana", "bob"])), venue in of(select(&VENUES)),
        amount in of(0_i64..6), vip: bool, day in 0_i32..12, source in of(0_u8..6),
    ) -> Said {
        Said { kind, server, venue, amount, vip, day, source }
    }
}

prop_compose! {
    fn rule()(
        kind in select(&[KINDS[0], KINDS[0], KINDS[0], KINDS[1]]), min in of(0_i64..6), span in of(0_i64..4),
        venues in of(select(vec![vec!["pier"], vec!["quay"], vec!["pier", "quay"]])), vip: Option<bool>,
        count in of((1_u32..5, 1_u32..8)), when in of(0_i64..6),
    ) -> Rule {
        let max = span.map(|span| min.unwrap_or(0) + span);
        Rule { kind, min, max, venues, vip, count, when }
    }
}

impl Said {
    fn report(&self) -> Report {
        let mut metadata = json!({ "vip": self.vip });
        if let Some(server) = self.server {
            metadata["server_id"] = server.into();
        }
        if let Some(amount) = self.amount {
            metadata["comp_amount"] = amount.into();
        }
        Report {
            violation_type: self.kind.into(),
            venue_id: self.venue.map(Into::into),
            business_date: Some(BusinessDate(20_000 + self.day)),
            source_id: self.source.map(|source| source.to_string()),
            ..comp().with_metadata(metadata)
        }
    }

    /// What makes two reports one violation; none of these is ever resolved.
    fn same_as(&self, other: &Self) -> bool {
        self.source.is_some() && (self.kind, self.source, self.venue) == (other.kind, other.source, other.venue)
    }

    /// Whom it is about: the type without a profile knows nobody.
    fn entity(&self) -> Option<&'static str> {
        if self.kind == KINDS[0] { self.server } else { None }
    }
}

impl Rule {
    fn draft(&self) -> TemplateDraft {
        let mut conditions = json!({});
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                conditions[name] = value;
            }
        };
        set("min_threshold", self.min.map(Value::from));
        set("max_threshold", self.max.map(Value::from));
        set("venue_ids", self.venues.clone().map(Value::from));
        set("metadata", self.vip.map(|vip| json!({ "vip": vip })));
        set("occurrences_at_least", self.count.map(|(count, _)| count.into()));
        set("within_days", self.count.map(|(_, days)| days.into()));
        set(
            "when",
            self.when.map(|least| format!("has(metadata.comp_amount) && measure >= {least} || metadata.vip").into()),
        );
        TemplateDraft { violation_type: self.kind.into(), ..alert().when(conditions) }
    }

    /// Whether it matches a new violation, after everything that was new before it.
    fn matches(&self, said: &Said, before: &[Said]) -> bool {
        let measure = if said.kind == KINDS[0] { said.amount } else { None };
        let bounded = self.min.is_some() || self.max.is_some();
        let within = measure.is_some_and(|measure| {
            self.min.is_none_or(|min| measure >= min) && self.max.is_none_or(|max| measure <= max)
        });
        let here = self.venues.as_ref().is_none_or(|venues| said.venue.is_some_and(|venue| venues.contains(&venue)));
        let counted = |days: u32| {
            let days = i32::try_from(days).unwrap();
            let same = before.iter().filter(|one| one.kind == said.kind && one.entity() == said.entity());
            same.filter(|one| one.day <= said.day && one.day > said.day - days).count() + 1
        };
        let often = self.count.is_none_or(|(count, days)| said.entity().is_some() && counted(days) >= count as usize);
        let expression = self.when.is_none_or(|least| match (said.vip, said.amount, measure) {
            (true, ..) => true,
            (false, None, _) => false,
            (false, Some(_), measure) => measure.is_some_and(|measure| measure >= least), // null has no order
        });
        let vip = self.vip.is_none_or(|vip| vip == said.vip);
        self.kind == said.kind && (!bounded || within) && here && vip && often && expression
    }
}

/// The templates of which a violation has an action, by their place.
fn acted(tenant: &Tenant, id: uuid::Uuid) -> BTreeSet<usize> {
    let place = |template: uuid::Uuid| tenant.state.templates.after(0).position(|one| one.id == template).unwrap();
    let actions = tenant.violation(id).actions.iter().map(|id| tenant.state.actions.get(id).unwrap());
    actions.map(|action| place(action.template_id.unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn templates_match_what_a_naive_model_says_over_any_history(
        rules in vec(rule(), 1..8),
        history in vec(said(), 1..40),
    ) {
        let mut tenant = tenant().with_venue("pier").with_venue("quay");
        for rule in &rules {
            tenant.run(rule.draft());
        }
        let mut before: Vec<Said> = Vec::new();
        for said in history {
            let known = before.iter().any(|one| said.same_as(one));
            let had = tenant.state.actions.len();
            let (id, new) = tenant.report(said.report());
            prop_assert_eq!(new, !known);
            if known {
                prop_assert_eq!(tenant.state.actions.len(), had, "a re-report runs nothing: {:?}", said);
                continue;
            }
            let expected: BTreeSet<usize> =
                rules.iter().enumerate().filter(|(_, rule)| rule.matches(&said, &before)).map(|(at, _)| at).collect();
            prop_assert_eq!(acted(&tenant, id), expected, "{:?} after {:?}", said, before);
            before.push(said);
        }
    }
}
