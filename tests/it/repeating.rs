//! A request that is repeated while the first one is still running happens once.

use std::sync::Barrier;

use serde_json::json;

use crate::support::{Answer, CENTER, TestApp};

const CALLERS: usize = 8;
const ROUNDS: usize = 20;

#[test]
fn many_callers_with_one_key_at_the_same_time_get_one_answer() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    for round in 0..ROUNDS {
        let block = json!({
            "block_type": "comp_approval", "entity_id": format!("server-{round}"), "entity_type": "employee", "reason": "Review",
        });
        let (key, gate) = (format!("key-{round}"), Barrier::new(CALLERS));
        let answers: Vec<_> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS)
                .map(|_| {
                    let caller = org.admin.with("idempotency-key", &key);
                    let (gate, block) = (&gate, &block);
                    scope.spawn(move || {
                        caller.get("/healthz").expect(200); // the connection is there before the race
                        gate.wait();
                        caller.post(&format!("{CENTER}/blocks"), block)
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().expect("an answer")).collect()
        });
        assert!(
            answers.iter().all(|answer| answer.status == 201),
            "{:?}",
            answers.iter().map(Answer::shown).collect::<Vec<_>>()
        );
        assert!(answers.iter().all(|answer| answer.body == answers[0].body));
        assert_eq!(
            answers.iter().filter(|answer| !answer.is_replayed()).count(),
            1,
            "one did it, the others were told"
        );
    }
    let listed = org.admin.get(&format!("{CENTER}/blocks?mode=list&limit=500")).expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(ROUNDS));
}

#[test]
fn a_client_that_vanishes_finds_its_write_under_its_key() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let body =
        json!({ "block_type": "comp_approval", "entity_id": "s", "entity_type": "employee", "reason": "Review" });
    let path = format!("{CENTER}/blocks");
    for round in 0..10 {
        let keyed = org.admin.with("idempotency-key", &format!("vanish-{round}"));
        keyed.send_and_vanish("POST", &path, &body.to_string()).expect("a connection");
        let first = keyed.post(&path, &body);
        assert_eq!(first.status, 201, "{}", first.shown());
        let again = keyed.post(&path, &body);
        assert_eq!((&again.body, again.is_replayed()), (&first.body, true));
    }
    let listed = org.admin.get(&format!("{path}?mode=list&limit=500")).expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(10));
}
