//! The templates of the sample group: what follows from which violation.

use serde_json::{Value, json};

/// The bodies of all templates, in the order in which they run.
pub fn templates() -> Vec<Value> {
    let mut all = comps();
    all.extend(pace());
    all.extend(greetings());
    all.extend(gaps());
    all
}

fn template(name: &str, violation_type: &str, severity: Option<&str>, action: (&str, &str), message: &str) -> Value {
    let (action_type, target) = action;
    json!({
        "name": name, "violation_type": violation_type, "severity": severity, "action_type": action_type,
        "action_target": target, "message_template": message, "enabled": true, "conditions": {}, "action_data": {},
    })
}

fn with(mut template: Value, field: &str, value: Value) -> Value {
    template[field] = value;
    template
}

fn comps() -> Vec<Value> {
    let large = json!({ "min_threshold": 200.01 });
    let mail = template(
        "Comp over 200: tell the GM",
        "comp_exception",
        None,
        ("alert", "{{gm_email}}"),
        "{{server_name}} comped {{comp_amount}} at {{venue_name}} ({{comp_reason}}). Comp approvals are blocked until you lift it.",
    );
    let block = template(
        "Comp over 200: no more comps until the GM agrees",
        "comp_exception",
        None,
        ("block", "system"),
        "{{server_name}} comped {{comp_amount}}, which is over 200. Ask the GM.",
    );
    let block = with(block, "action_data", json!({ "override_required": true, "override_authority": "gm" }));
    let limit = template(
        "Comp over 50: small comps only for four hours",
        "comp_exception",
        Some("warning"),
        ("block", "system"),
        "{{server_name}} already comped {{comp_amount}} tonight: only comps up to 50 without a manager.",
    );
    let limit_data =
        json!({ "override_authority": "manager", "limit": { "amount": 50 }, "expires_after_minutes": 240 });
    let unapproved = template(
        "Comp without approval: tell the GM on duty",
        "comp_exception",
        Some("critical"),
        ("alert", "role:gm"),
        "{{server_name}} comped {{comp_amount}} at {{venue_name}} without an approval.",
    );
    let huge = template(
        "Comp over 350: tell the owner",
        "comp_exception",
        None,
        ("alert", "role:owner"),
        "{{venue_name}} comped {{comp_amount}} at one table ({{server_name}}: {{comp_reason}}).",
    );
    vec![
        with(mail, "conditions", large.clone()),
        with(block, "conditions", large),
        with(limit, "action_data", limit_data),
        with(unapproved, "conditions", json!({ "metadata": { "approved": false } })),
        with(huge, "conditions", json!({ "min_threshold": 350.01 })),
    ]
}

fn pace() -> Vec<Value> {
    let behind = template(
        "Behind plan: tell the GM on duty",
        "sales_pace",
        Some("warning"),
        ("alert", "role:gm"),
        "{{venue_name}}: sales are {{gap_pct}} % behind plan.",
    );
    let closed = template(
        "Far behind plan: open no further section",
        "sales_pace",
        Some("critical"),
        ("block", "system"),
        "Sales are {{gap_pct}} % behind plan at {{venue_name}}: open no further section for two hours.",
    );
    vec![
        behind,
        with(
            closed,
            "action_data",
            json!({ "override_authority": "gm", "expires_after_minutes": 120, "on_error": "open" }),
        ),
    ]
}

fn greetings() -> Vec<Value> {
    let mail = template(
        "A table waited far too long: tell the GM",
        "greeting_delay",
        Some("critical"),
        ("alert", "{{gm_email}}"),
        "Table {{table_number}} at {{venue_name}} waited {{delay_seconds}} s for {{server_name}}.",
    );
    let pause = template(
        "A table waited far too long: no new tables for half an hour",
        "greeting_delay",
        Some("critical"),
        ("block", "system"),
        "Table {{table_number}} waited {{delay_seconds}} s for {{server_name}}: no new tables for half an hour.",
    );
    vec![mail, with(pause, "action_data", json!({ "override_authority": "manager", "expires_after_minutes": 30 }))]
}

fn gaps() -> Vec<Value> {
    let override_by_vp = template(
        "Understaffed: assignments need operations",
        "staffing_gap",
        Some("critical"),
        ("require_override", "vp_ops"),
        "{{venue_name}} understaffed by {{gap_fte}} FTE ({{role}}).",
    );
    let tell = template(
        "Understaffed: tell operations",
        "staffing_gap",
        Some("critical"),
        ("alert", "role:vp_ops"),
        "{{venue_name}} has {{scheduled_fte}} of {{required_fte}} FTE on the schedule ({{role}}).",
    );
    vec![override_by_vp, tell]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::templates::render;

    #[test]
    fn every_type_of_violation_has_rules_and_every_kind_of_action_its_place() {
        let all = templates();
        assert!(all.len() >= 10);
        let of = |field: &str, value: &str| all.iter().filter(|template| template[field] == value).count();
        for kind in ["comp_exception", "sales_pace", "greeting_delay", "staffing_gap"] {
            assert!(of("violation_type", kind) >= 2, "{kind}");
        }
        for action in ["alert", "block", "require_override"] {
            assert!(of("action_type", action) >= 1, "{action}");
        }
    }

    #[test]
    fn every_message_and_target_can_be_rendered() {
        for template in templates() {
            for field in ["message_template", "action_target"] {
                let text = template[field].as_str().unwrap();
                assert!(render::parse(text).is_ok(), "{text}");
            }
        }
    }
}
