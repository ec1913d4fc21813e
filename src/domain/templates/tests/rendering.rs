//! What variables become.

use serde_json::{Value, json};

use crate::domain::actions::ExecutionStatus;
use crate::domain::organisation::{SettingsDraft, VenueDraft};
use crate::domain::settings::{ChangeSettings, SaveVenue};
use crate::domain::templates::render::{RENDERED_BYTES_MAX, Rendered, Scope, Wording};
use crate::domain::testing::{Tenant, alert, comp, tenant, venue_draft};
use crate::domain::violations::report::Report;

fn contacts(pairs: &[(&str, &str)]) -> Option<std::collections::BTreeMap<String, String>> {
    Some(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
}

/// An organisation whose venue knows its GM, and which knows an owner and another GM.
fn with_contacts() -> Tenant {
    let of_venue = contacts(&[("gm_email", "pier@harbour.example")]);
    let of_org = contacts(&[("gm_email", "office@harbour.example"), ("owner_email", "olga@harbour.example")]);
    tenant()
        .with(SaveVenue { venue_id: "pier".into(), draft: VenueDraft { contacts: of_venue, ..venue_draft("pier") } })
        .with_venue("quay")
        .with(ChangeSettings { draft: SettingsDraft { contacts: of_org, ..SettingsDraft::default() } })
}

fn rendered(tenant: &mut Tenant, report: Report, template: &str) -> Rendered {
    let metadata = report.metadata.clone().unwrap_or(Value::Null);
    let (id, _) = tenant.report(report);
    Wording::of(template).rendered(&Scope {
        violation: tenant.violation(id),
        metadata: &metadata,
        state: &tenant.state,
    })
}

fn text(report: Report, template: &str) -> String {
    rendered(&mut with_contacts(), report, template).text.to_string()
}

#[test]
fn every_field_of_the_violation_is_a_variable() {
    let report = || Report {
        description: Some("Too much".into()),
        source_table: Some("checks".into()),
        source_id: Some("row-1".into()),
        ..comp().at_venue("pier")
    };
    let expected = [
        ("violation_type", "comp_exception"),
        ("severity", "warning"),
        ("title", "A comp"),
        ("description", "Too much"),
        ("source_table", "checks"),
        ("source_id", "row-1"),
        ("fingerprint", "comp_exception|checks|row-1|pier"),
        ("detected_at", "2025-02-14T19:00:00.000Z"),
        ("last_seen_at", "2025-02-14T19:00:00.000Z"),
        ("business_date", "2025-02-14"),
        ("occurrences", "1"),
        ("status", "active"),
        ("venue_id", "pier"),
        ("org_id", "harbour"),
    ];
    for (name, value) in expected {
        assert_eq!(text(report(), &format!("<{{{{ {name} }}}}>")), format!("<{value}>"));
    }
    let mut tenant = with_contacts();
    let id = rendered(&mut tenant, report(), "{{id}}{{violation_id}}").text;
    let own = tenant.only_violation().id;
    assert_eq!(&*id, format!("{own}{own}"));
}

#[test]
fn metadata_is_reached_by_its_path_and_by_a_bare_name() {
    let report = || {
        comp().with_metadata(
            json!({ "guest": { "name": "Zoë" }, "amount": 12.5, "vip": true, "tags": ["a", 1], "none": null }),
        )
    };
    let expected = [
        ("{{metadata.guest.name}} {{guest.name}}", "Zoë Zoë"),
        ("{{amount}} {{vip}}", "12.5 true"),
        ("{{tags}} {{tags.0}}", r#"["a",1] a"#),
        ("{{none}}", "[missing: none]"),
        ("{{guest}}", r#"{"name":"Zoë"}"#),
    ];
    for (template, value) in expected {
        assert_eq!(text(report(), template), value);
    }
}

#[test]
fn fields_come_before_metadata_before_places_before_contacts() {
    let names = json!({ "title": "theirs", "venue_name": "theirs", "gm_email": "theirs", "org_name": "theirs", "description": "theirs" });
    let all = "{{title}}, {{metadata.title}}, {{venue_name}}, {{org_name}}, {{gm_email}}, {{description}}";
    let report = comp().at_venue("pier").with_metadata(names);
    assert_eq!(text(report, all), "A comp, theirs, theirs, theirs, theirs, theirs");
    let plain = "{{venue_name}}, {{org_name}}, {{gm_email}}, {{owner_email}}";
    assert_eq!(
        text(comp().at_venue("pier"), plain),
        "The pier, Harbour Group, pier@harbour.example, olga@harbour.example"
    );
    assert_eq!(text(comp().at_venue("quay"), "{{gm_email}}"), "office@harbour.example");
    assert_eq!(text(comp(), "{{gm_email}} {{venue_name}}"), "office@harbour.example [missing: venue_name]");
    let hidden = text(comp(), "{{metadata.gm_email}}");
    assert_eq!(hidden, "[missing: metadata.gm_email]", "a path into the metadata looks nowhere else");
}

#[test]
fn what_a_variable_brings_is_not_read_again() {
    let report = comp().with_metadata(json!({ "loop": "{{loop}}{{title}}" }));
    assert_eq!(text(report, "{{loop}}"), "{{loop}}{{title}}");
}

#[test]
fn a_missing_variable_is_shown_in_the_message_and_noted_once() {
    let template = alert().saying("Hi {{nobody}}, {{nobody}} and {{metadata.x}}: {{title}}");
    let tenant = tenant().with_template(template).with_violation(comp());
    let action = tenant.only_action();
    assert_eq!(&*action.message, "Hi [missing: nobody], [missing: nobody] and [missing: metadata.x]: A comp");
    assert_eq!(action.missing.iter().map(|name| &**name).collect::<Vec<_>>(), ["nobody", "metadata.x"]);
    assert_eq!(action.status, ExecutionStatus::Pending, "it is sent all the same");
}

#[test]
fn a_missing_variable_in_the_target_fails_the_action() {
    let tenant = tenant().with_template(alert().to("{{nobody}}")).with_violation(comp());
    let action = tenant.only_action();
    assert_eq!((action.status, action.due_at), (ExecutionStatus::Failed, None));
    assert_eq!(action.reason.as_deref().unwrap().split(':').next(), Some("missing-variable"));
    assert_eq!(tenant.state.actions.next_due(), None);
}

#[test]
fn a_target_is_one_receiver_after_rendering() {
    let target = |value: &str| {
        let report = comp().with_metadata(json!({ "to": value }));
        let tenant = tenant().with_template(alert().to("{{to}}")).with_violation(report);
        tenant.only_action().status
    };
    for good in ["zoë@harbour.example", "user:mia", "role:gm", "slack:#floor", "webhook:e1"] {
        assert_eq!(target(good), ExecutionStatus::Pending, "{good}");
    }
    let bad = ["a@b.c, d@e.f", "a@b.c\nBcc: d@e.f", "role:cook", "slack:floor", "user:", "", "system"];
    for bad in bad {
        assert_eq!(target(bad), ExecutionStatus::Failed, "{bad}");
    }
}

#[test]
fn a_rendered_text_is_at_most_16_kib_and_whole_characters() {
    let report = comp().with_metadata(json!({ "big": "é".repeat(10_000) }));
    let mut tenant = with_contacts();
    let cut = rendered(&mut tenant, report.clone(), "x{{big}}{{big}}{{nobody}}");
    assert_eq!(cut.text.len(), RENDERED_BYTES_MAX - 1);
    assert!(cut.text.chars().skip(1).all(|c| c == 'é'));
    let many = rendered(&mut tenant, report, &"{{big}}".repeat(200));
    assert_eq!(many.text.len(), RENDERED_BYTES_MAX);
}
