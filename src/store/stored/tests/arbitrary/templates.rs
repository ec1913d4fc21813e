//! Arbitrary templates and what those on trial write down.

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{
    ACTION_TYPES, ON_ERRORS, SEVERITIES, amount, at, authority, block_key, json, number, outside, text, uuid,
    violation_type,
};
use crate::domain::templates::conditions::Conditions;
use crate::domain::templates::conditions::during::{Clock, Day, During, Windows};
use crate::domain::templates::shadow::{ShadowBlock, ShadowRecord};
use crate::domain::templates::steps::Step as TemplateStep;
use crate::domain::templates::{ActionData, Limit, Mode, Template};

prop_compose! {
    fn window()(days in of(vec((0_u8..7).prop_map(Day::after_monday), 0..3)), from in of(clock()), to in of(clock())) -> During {
        During { days, from, to }
    }
}

fn clock() -> impl Strategy<Value = Clock> {
    (0..24, 0..60).prop_map(|(hours, minutes)| Clock::parse(&format!("{hours:02}:{minutes:02}")).unwrap())
}

pub fn windows() -> impl Strategy<Value = Windows> {
    prop_oneof![window().prop_map(Windows::One), vec(window(), 0..3).prop_map(Windows::Any)]
}

prop_compose! {
    fn conditions()(
        min_threshold in of(number()), max_threshold in of(number()), venue_ids in of(vec(".{0,4}", 0..3)),
        metadata in of(btree_map(".{0,4}", json(), 0..3)), counted: (Option<u32>, Option<u32>), during in of(windows()),
        when in of(prop_oneof![Just("severity == 'critical'".to_owned()), ".{0,6}"]), pace: (Option<u32>, Option<u32>),
    ) -> Conditions {
        Conditions {
            min_threshold, max_threshold, venue_ids, metadata, occurrences_at_least: counted.0, within_days: counted.1, during,
            when, repeat_after_minutes: pace.0, cooldown_minutes: pace.1,
        }
    }
}

prop_compose! {
    fn template_step()(action_type in select(&ACTION_TYPES), action_target in of(".{0,4}"), message_template in of(".{0,4}"), own in of(".{0,4}")) -> TemplateStep {
        let action_data = own.map(|entity| Box::new(ActionData { entity: Some(entity), ..ActionData::default() }));
        TemplateStep { action_type, action_target, message_template, action_data }
    }
}

prop_compose! {
    pub fn action_data()(
        block_type in of(".{0,4}"), entity in of(".{0,4}"), entity_type in of(".{0,4}"), override_required: Option<bool>,
        override_authority in of(authority()), limit in of(amount()), expires_after_minutes: Option<u32>,
        on_error in of(select(&ON_ERRORS)), auto_lift_on_resolve: Option<bool>, ladder in of(vec(authority(), 0..3)),
        minutes: (Option<u32>, Option<u32>, Option<u32>),
        stepped in (of(vec(template_step(), 0..3)), any::<Option<u32>>(), any::<Option<u32>>()),
    ) -> ActionData {
        ActionData {
            block_type, entity, entity_type, override_required, override_authority, limit: limit.map(|amount| Limit { amount }),
            expires_after_minutes, on_error, auto_lift_on_resolve, ladder, after_minutes: minutes.0,
            remind_after_minutes: minutes.1, delay_minutes: minutes.2,
            steps: stepped.0, within_days: stepped.1, step: stepped.2,
        }
    }
}

prop_compose! {
    pub fn template()(
        id in uuid(), seq: u64, name in of(text()), violation_type in violation_type(), severity in of(select(&SEVERITIES)),
        action_type in select(&ACTION_TYPES), action_target in text(), message_template in text(), switches in (any::<bool>(), select(&[Mode::Live, Mode::Shadow])),
        conditions in conditions().boxed(), action_data in action_data().boxed(), version: u32, changed_at in at(), changed_by in text(),
    ) -> Template {
        Template {
            id, seq, name, violation_type, severity, action_type, action_target, message_template, enabled: switches.0,
            mode: switches.1, conditions, action_data: action_data.into(), version, changed_at, changed_by,
        }
    }
}

prop_compose! {
    pub fn shadow()(
        seq: u64, at in at(), template_id in uuid(), template_version: u32, violation_id in uuid(), venue_id in of(outside()),
        action_type in select(&ACTION_TYPES), step: Option<u32>, action_target in text(), message in text(), reason in of(text()),
        block in of(shadow_block()),
    ) -> ShadowRecord {
        ShadowRecord {
            seq, at, template_id, template_version, violation_id, venue_id, action_type, step, action_target, message, reason, block,
        }
    }
}

prop_compose! {
    fn shadow_block()(
        key in block_key(), entity_type in text(), override_required: bool, expires_at in of(at()),
    ) -> ShadowBlock {
        ShadowBlock { block_type: key.block_type, entity_id: key.entity_id, entity_type, override_required, expires_at }
    }
}
