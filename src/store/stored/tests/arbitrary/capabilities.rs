//! Arbitrary capabilities and policies.

use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::templates::windows;
use super::{ROLES, at, authority, json_text, outside, text};
use crate::domain::approvals::Assignee;
use crate::domain::approvals::policy::{Freeze, LevelPolicy, Policy, StepPolicy, StepWho};
use crate::domain::capabilities::{Capability, Sensitivity};
use crate::domain::event::Event;

const SENSITIVITIES: [Sensitivity; 4] =
    [Sensitivity::None, Sensitivity::Internal, Sensitivity::Personal, Sensitivity::Financial];

/// From a small pool, so that one is replaced and taken out.
fn name() -> impl Strategy<Value = Arc<str>> {
    "[ab]\\.[ab]".prop_map(Arc::from)
}

prop_compose! {
    fn capability()(
        name in name(), seq: u64, words in (text(), text()), params in json_text(), sensitivity in select(&SENSITIVITIES),
        connectors in vec(text(), 0..3), switches: (bool, bool, bool), limits: (u32, u32, u32), preview_template in text(),
        endpoint in of(text()), generation: u32, made in (text(), at()),
    ) -> Capability {
        let ((version, module), (reversible, idempotent, auto_approvable)) = (words, switches);
        let ((undo_window_s, timeout_s, concurrency), (created_by, created_at)) = (limits, made);
        Capability {
            name, seq, version, module, params, sensitivity, connectors, reversible, idempotent, auto_approvable, undo_window_s,
            timeout_s, concurrency, preview_template, endpoint, generation, created_by, created_at,
        }
    }
}

fn who() -> impl Strategy<Value = StepWho> {
    let rung = authority().prop_filter("a rung has a name", |rung| !rung.0.is_empty());
    prop_oneof![
        Just(StepWho::Owner),
        outside().prop_map(|id| StepWho::Named(Assignee::User(id))),
        select(&ROLES).prop_map(|role| StepWho::Named(Assignee::Role(role))),
        rung.prop_map(|rung| StepWho::Named(Assignee::Authority(rung))),
    ]
}

prop_compose! {
    fn level()(auto: bool, veto_minutes: Option<u32>, steps in vec((text(), who(), any::<u32>()), 0..3)) -> LevelPolicy {
        let steps = steps.into_iter().map(|(name, who, quorum)| StepPolicy { name, who, quorum }).collect();
        LevelPolicy { auto, veto_minutes, steps }
    }
}

prop_compose! {
    fn freeze()(name in text(), during in windows(), venue_ids in of(vec(outside(), 0..3))) -> Freeze {
        Freeze { name, during, venue_ids }
    }
}

prop_compose! {
    fn policy()(
        levels in (level().boxed(), level().boxed(), level().boxed(), level().boxed()),
        weights in btree_map(text(), any::<u32>(), 0..3), freezes in vec(freeze(), 0..3),
    ) -> Policy {
        let (low, medium, high, critical) = levels;
        Policy { low, medium, high, critical, weights, freezes }
    }
}

/// Every kind of event of capabilities and the policy.
pub fn event() -> BoxedStrategy<Event> {
    prop_oneof![
        capability().prop_map(|it| Event::CapabilitySaved(Box::new(it))),
        (name(), text()).prop_map(|(name, by)| Event::CapabilityDeleted { name, by }),
        (policy(), text()).prop_map(|(policy, by)| Event::ApprovalPolicyChanged { policy: Box::new(policy), by }),
    ]
    .boxed()
}
