//! The loop is trusted because it notices what is planted: a write that never happened, a disk that went back in time, a write
//! that happened twice.

use std::path::Path;

use serde_json::json;

use crate::oracle::DATE;
use crate::support::CENTER;
use crate::{CrashLoop, SETTINGS};

/// A loop that has lived through a kill, and found nothing wrong.
fn after_a_kill() -> CrashLoop {
    let mut crash = CrashLoop::new(&SETTINGS, 1);
    crash.kill_under_load();
    crash.start();
    assert_eq!(compare_all(&mut crash), Vec::<String>::new());
    crash
}

fn compare_all(crash: &mut CrashLoop) -> Vec<String> {
    let mut wrong = crash.compare(0..crash.oracle.subjects.len(), 0);
    wrong.extend(crash.compare_whole());
    wrong
}

#[test]
fn a_write_that_never_happened_is_missed() {
    let mut crash = after_a_kill();
    let mut phantom = crash.oracle.subjects[0].clone();
    let answer = phantom.report.answer.as_mut().expect("an acknowledged report");
    let id = answer.json()["violation"]["id"].as_str().expect("an id").to_owned();
    answer.body =
        String::from_utf8_lossy(&answer.body).replace(&id, &id.replace(&id[24..], "000000000000")).into_bytes();
    phantom.name = "phantom".into();
    phantom.report.key = "phantom".into();
    phantom.report.body = phantom.report.body.replace(&crash.oracle.subjects[0].name, "phantom");
    crash.oracle.subjects.push(phantom);
    let lost = crash.compare_whole();
    assert_eq!(lost, ["phantom: lost"]);
    let last = crash.oracle.subjects.len() - 1;
    let wrong = crash.compare(last..last + 1, crash.oracle.keys.len());
    assert!(wrong.iter().any(|what| what.starts_with("phantom: GET") && what.contains("404")), "{wrong:?}");
    assert!(wrong.iter().any(|what| what.contains("done twice")), "{wrong:?}");
}

#[test]
fn a_disk_that_went_back_in_time_is_noticed() {
    let mut crash = after_a_kill();
    let (data, older) = (crash.app.data_dir(), crash.app.data_dir().with_extension("older"));
    assert!(crash.app.stop().success());
    copy(&data, &older);
    crash.start();
    let first = crash.oracle.subjects.len();
    crash.kill_under_load();
    std::fs::remove_dir_all(&data).expect("the data directory");
    std::fs::rename(&older, &data).expect("the older copy");
    crash.start();
    let lost = crash.compare_whole();
    let told = crash.oracle.subjects[first..].iter().filter(|subject| subject.report.answer.is_some()).count();
    assert_eq!(lost.iter().filter(|what| what.ends_with(": lost")).count(), told, "{lost:?}");
    let wrong = crash.compare(first..crash.oracle.subjects.len(), crash.oracle.keys.len());
    assert!(wrong.iter().any(|what| what.contains("was told")), "a version that went backwards: {wrong:?}");
    assert!(wrong.len() > told, "{wrong:?}");
}

#[test]
fn a_write_that_happened_twice_is_noticed() {
    let crash = after_a_kill();
    let subject = crash.oracle.subjects.iter().find(|subject| subject.org == 0).expect("a subject");
    let again = json!({
        "violation_type": "comp_exception", "severity": "critical", "title": "Comp without approval", "source_table": "comps",
        "source_id": subject.name, "business_date": DATE, "fingerprint": "another", "metadata": {},
    });
    crash.clients[0].post(&format!("{CENTER}/violations"), &again).expect(201);
    assert_eq!(crash.compare_whole(), [format!("{}: stored 2 times", subject.name)]);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a copy");
        }
    }
}
