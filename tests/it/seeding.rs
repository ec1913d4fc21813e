//! `action-center seed`: sample requests in every state that needs no module, made once however often it runs.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::process::run;
use crate::support::{Organisation, TestApp};

fn seeded(app: &TestApp, org: &Organisation, name: &str) -> Result<Value, String> {
    let url = format!("http://{}", app.address());
    let done = run(&["seed", "--org", name, "--url", &url, "--json"], &[("ACTION_CENTER_TOKEN", &org.key)]);
    let said = String::from_utf8_lossy(&done.stdout);
    serde_json::from_str(&said).map_err(|_| format!("{said}{}", String::from_utf8_lossy(&done.stderr)))
}

fn statuses(made: &Value) -> BTreeMap<String, String> {
    let items = made["items"].as_array().expect("a list");
    let text = |one: &'_ Value, field: &str| one[field].as_str().expect("a text").to_owned();
    items.iter().map(|one| (text(one, "action_item_id"), text(one, "status"))).collect()
}

#[test]
fn samples_are_in_their_states_and_made_once() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let first = seeded(&app, &org, "harbour").unwrap();
    let expected = BTreeMap::from([
        ("seed-waits-1", "pending"),
        ("seed-waits-2", "pending"),
        ("seed-scheduled", "scheduled"),
        ("seed-executed", "executed"),
        ("seed-skipped", "skipped"),
        ("seed-undone", "undone"),
        ("seed-failed", "failed"),
        ("seed-rejected", "rejected"),
        ("seed-cancelled", "cancelled"),
        ("seed-expired", "expired"),
    ]);
    let expected: BTreeMap<String, String> =
        expected.into_iter().map(|(item, status)| (item.to_owned(), status.to_owned())).collect();
    assert_eq!(statuses(&first), expected, "{first}");
    let count = || org.admin.get("/api/actions?limit=500").expect(200)["items"].as_array().unwrap().len();
    assert_eq!(count(), 11, "ten samples and an undo");
    assert_eq!(statuses(&seeded(&app, &org, "harbour").unwrap()), expected);
    assert_eq!(count(), 11, "nothing is made again");
    let wrong = seeded(&app, &org, "elsewhere").unwrap_err();
    assert!(wrong.contains("belongs to the organisation harbour"), "{wrong}");
}
