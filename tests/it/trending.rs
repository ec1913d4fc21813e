//! Trends over HTTP: what was counted survives a kill, and venues stay apart.

use serde_json::{Value, json};

use crate::support::{CENTER, TestApp};

#[test]
fn counters_survive_a_kill_and_are_cut_to_the_callers_venues() {
    let mut app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    for venue in ["pier", "mole"] {
        org.venue(venue);
    }
    org.block_template();
    for (venue, server) in [("pier", "ana"), ("mole", "ben"), ("mole", "cleo")] {
        let reported = org.report(server, &json!({ "venue_id": venue, "business_date": "2025-02-14" })).expect(201);
        let id = reported["violation"]["id"].as_str().unwrap();
        org.admin.post(&format!("{CENTER}/violations/{id}/acknowledge"), &json!({})).expect(200);
    }
    let path = |by: &str| format!("{CENTER}/trends?from=2025-02-01&to=2025-02-28&group=day&by={by}");
    let before: Vec<Value> =
        ["venue", "type", "severity", "template"].map(|by| org.admin.get(&path(by)).expect(200)).into();
    app.kill();
    app.start();
    let org = app.again(&org);
    let after: Vec<Value> =
        ["venue", "type", "severity", "template"].map(|by| org.admin.get(&path(by)).expect(200)).into();
    assert_eq!(before, after);
    assert_eq!((&after[0]["series"][0]["key"], &after[0]["series"][0]["name"]), (&json!("mole"), &json!("mole")));
    for shown in &after {
        assert_eq!(
            shown["series"].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).sum::<u64>(),
            3,
            "{shown}"
        );
        assert_eq!(shown["series"][0]["points"][0]["date"], "2025-02-14");
    }
    assert!(after[1]["series"][0]["points"][0]["acknowledge_p50_s"].as_f64().is_some_and(|seconds| seconds < 60.0));
    let (pier, _) = org.new_key(&app, json!({ "scopes": ["violations:read"], "venues": ["pier"] }));
    for by in ["venue", "type", "severity", "template"] {
        let shown = pier.get(&path(by)).expect(200);
        assert_eq!(
            (shown["series"].as_array().map(Vec::len), &shown["series"][0]["count"]),
            (Some(1), &json!(1)),
            "{by}"
        );
    }
    let (till, _) = org.new_key(&app, json!({ "scopes": ["blocks:read"] }));
    assert_eq!(till.get(&path("type")).status, 403);
    for wrong in [
        "from=yesterday&to=2025-02-14",
        "to=2025-02-14",
        "from=2025-02-14&to=2025-02-13",
        "from=2020-01-01&to=2025-02-13",
    ] {
        assert_eq!(org.admin.get(&format!("{CENTER}/trends?{wrong}")).status, 400, "{wrong}");
    }
}
