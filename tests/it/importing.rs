//! `action-center import`: a nightly export, taken as it came, row by row, and twice.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::process::run;
use crate::support::{CENTER, Organisation, TestApp};

const COMPS: &str = "\u{feff}ID;Venue ID;Server ID;Server Name;Amount;Approved;Business Date;Covers
c-1;pier;ana;Ana;250,00 €;yes;14.02.2025;4
c-2;pier;ben;Ben;80,50;yes;14.02.2025;2
c-3;nowhere;ben;Ben;10;yes;14.02.2025;2
c-4;pier;cleo;Cleo;lots;yes;14.02.2025;2

c-5;pier;cleo;\"Cleo; late shift\";30;no;14.02.2025;2
c-6;pier;cleo;Cleo;-3;yes;14.02.2025;2
c-7;pier
";

struct Imported {
    code: Option<i32>,
    answer: Value,
}

fn imported(app: &TestApp, org: &Organisation, violation_type: &str, file: &Path, more: &[&str]) -> Imported {
    let url = format!("http://{}", app.address());
    let file = file.display().to_string();
    let mut arguments = vec!["import", violation_type, &file, "--url", &url, "--json"];
    arguments.extend(more);
    let Output { status, stdout, stderr } = run(&arguments, &[("ACTION_CENTER_TOKEN", &org.key)]);
    let said = String::from_utf8_lossy(&stdout);
    let answer = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&stderr)));
    Imported { code: status.code(), answer }
}

#[test]
fn an_export_is_taken_as_it_came_and_its_bad_rows_are_named() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    org.venue("pier");
    org.block_template();
    let dir = tempfile::tempdir().expect("a directory");
    let (file, rejects) = (dir.path().join("comps.csv"), dir.path().join("rejects.csv"));
    std::fs::write(&file, COMPS).expect("a file");
    let rejects_path = rejects.display().to_string();
    let more =
        ["--map", "Amount=comp_amount", "--decimal-comma", "--date-format", "%d.%m.%Y", "--rejects", &rejects_path];
    let first = imported(&app, &org, "comp_exception", &file, &more);
    let lines: Vec<(u64, &str)> = first.answer["rejects"]
        .as_array()
        .expect("rejects")
        .iter()
        .map(|one| (one["line"].as_u64().expect("a line"), one["reason"].as_str().expect("a reason")))
        .collect();
    let expected = [
        (4, "there is no such venue (unknown-venue)"),
        (5, "Amount: `lots` is not a number"),
        (8, "comp_amount is below 0 (invalid-body)"),
        (9, "has 2 cells where the first row has 8"),
    ];
    assert_eq!(lines, expected);
    assert_eq!((first.code, &first.answer["rows"], &first.answer["new"]), (Some(1), &7.into(), &3.into()));
    let listed = org.admin.get(&format!("{CENTER}/violations")).expect(200);
    let found: Vec<(&str, &str, &Value)> = listed["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|one| (one["source_id"].as_str().unwrap(), one["severity"].as_str().unwrap(), &one["metadata"]["covers"]))
        .collect();
    assert_eq!(found, [("c-5", "critical", &2.into()), ("c-2", "warning", &2.into()), ("c-1", "critical", &4.into())]);
    assert_eq!(listed["items"][0]["business_date"], "2025-02-14");
    let check = org.admin.get(&crate::support::app::check_path("ana")).expect(200);
    assert_eq!(check["blocked"], true, "the templates ran");
    let written = std::fs::read_to_string(&rejects).expect("the rejects");
    assert_eq!(written.lines().count(), 5, "{written}");

    let second = imported(&app, &org, "comp_exception", &file, &more);
    assert_eq!((second.code, &second.answer["replayed"]), (Some(1), &5.into()), "{}", second.answer);
    let again = org.admin.get(&format!("{CENTER}/violations")).expect(200);
    assert_eq!(again, listed, "the second run changed nothing");
}

#[test]
fn an_export_that_grew_brings_only_what_is_new() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("deliveries.csv");
    let rows = |count: usize| {
        let lines = (0..count).map(|row| format!("d-{row},warning,{row}\n"));
        std::fs::write(&file, std::iter::once("id,severity,minutes_late\n".to_owned()).chain(lines).collect::<String>())
    };
    rows(600).expect("a file");
    let first = imported(&app, &org, "late_delivery", &file, &[]);
    assert_eq!((first.code, &first.answer["new"]), (Some(0), &600.into()), "{}", first.answer);
    rows(650).expect("a file");
    let second = imported(&app, &org, "late_delivery", &file, &[]);
    let counts = ["replayed", "again", "rejected"].map(|name| second.answer[name].as_u64().expect("a count"));
    assert_eq!(counts, [500, 100, 0], "the first batch is the same, the second one has grown");
    assert_eq!(second.answer["new"], 550, "500 of them then, 50 of them now");
    let trends = format!("{CENTER}/trends?from=2020-01-01&to=2020-12-31");
    assert_eq!(org.admin.get(&trends).expect(200)["series"], serde_json::json!([]));
}

#[test]
fn nothing_is_sent_when_a_column_is_missing_or_nobody_listens() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("pace.csv");
    std::fs::write(&file, "venue_id,actual,expected\npier,800,1000\n").expect("a file");
    let file = file.display().to_string();
    let said = |arguments: &[&str], token: &[(&str, &str)]| {
        let done = run(arguments, token);
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let token = [("ACTION_CENTER_TOKEN", "ack_1_2")];
    let (code, error) = said(&["import", "sales_pace", &file, "--url", "http://127.0.0.1:1"], &token);
    assert_eq!(code, Some(1));
    assert!(error.contains("there is no column for `pace_status`"), "{error}");
    let (code, error) = said(&["import", "sales_pace", &file], &[]);
    assert_eq!(code, Some(1));
    assert!(error.contains("ACTION_CENTER_TOKEN"), "{error}");
}
