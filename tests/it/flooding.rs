//! One organisation that floods the server is told to wait, alone.

use std::sync::Mutex;

use serde_json::json;

use crate::support::app::check_path;
use crate::support::{Answer, CENTER, TestApp};

const CALLERS: usize = 24;

#[test]
fn who_floods_gets_429_with_retry_after_and_everybody_else_goes_on() {
    let app = TestApp::started(&[("ACTORS__ORG_WAITING_MAX", "2"), ("SERVER__WORKERS", "2")]);
    let (loud, quiet) = (app.organisation("loud"), app.organisation("quiet"));
    quiet.place("server-1", None);
    let answers = Mutex::new(Vec::<Answer>::new());
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (org, answers) = (loud.clone(), &answers);
            scope.spawn(move || {
                for number in 0..20 {
                    let answer = org.report(&format!("server-{caller}-{number}"), &json!({}));
                    answers.lock().expect("the list").push(answer);
                }
            });
        }
        for _ in 0..20 {
            assert_eq!(quiet.admin.get(&check_path("server-1")).expect(200)["blocked"], true);
            quiet.report("server-2", &json!({})).expect(201);
            loud.admin.get(&check_path("server-1")).expect(200); // a check waits for nobody
        }
    });
    let answers = answers.into_inner().expect("the list");
    let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert!(!taken.is_empty() && !refused.is_empty(), "{} taken, {} refused", taken.len(), refused.len());
    for answer in refused {
        assert!(answer.header("retry-after").is_some_and(|wait| wait.parse().is_ok_and(|wait: u64| wait > 0)));
        answer.refused(429, "organisation-busy");
    }
    let stored = loud.admin.get(&format!("{CENTER}/violations?limit=500")).expect(200);
    assert_eq!(stored["items"].as_array().map(Vec::len), Some(taken.len()), "what was refused did not happen");
}
