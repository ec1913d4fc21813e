//! While a server starts, a check is answered as unknown and blocked, never as allowed.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::app::check_path;
use crate::support::{CENTER, Client, TestApp};

const RECORDS: usize = 1_500;
const WRITERS: usize = 6;

#[test]
fn a_check_during_the_start_is_unknown_and_blocked() {
    // No snapshot, so that the start has much to read.
    let listen = free_address();
    let listening = listen.to_string();
    let mut app = TestApp::started(&[
        ("SERVER__LISTEN", &listening),
        ("STORE__SNAPSHOT_EVERY_RECORDS", "1000000"),
        ("STORE__SNAPSHOT_AT_STOP_RECORDS", "1000000"),
    ]);
    let org = app.organisation("harbour");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let org = org.clone();
            scope.spawn(move || {
                let note = json!({ "note": "x".repeat(2_000) });
                for number in 0..RECORDS / WRITERS {
                    org.report(&format!("server-{writer}-{number}"), &json!({ "metadata": note })).expect(201);
                }
            });
        }
    });
    org.place("server-1", None);

    let mut unknown = 0;
    for _ in 0..5 {
        app.kill();
        let mut process = app.spawn();
        unknown += ask_until_it_is_ready(&org.admin);
        process.address().expect("a server that is ready");
        let stranger = Client::new(listen).bearer("ack_nothing_here").get(&check_path("server-1"));
        stranger.refused(401, "bad-credential");
        process.kill();
        app.start();
        if unknown > 0 {
            return;
        }
    }
    panic!("no check came while the server was starting, so nothing was proven");
}

/// Gives how many checks were answered as unknown before the first decision.
fn ask_until_it_is_ready(till: &Client) -> usize {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut unknown = 0;
    while Instant::now() < deadline {
        let asked = till.call("GET", &check_path("server-1"), None, &[]);
        let answer = match asked {
            Ok(answer) => answer,
            Err(error) => {
                assert_ne!(error.kind(), io::ErrorKind::TimedOut, "a check that waits");
                continue; // not listening yet
            }
        };
        let said = answer.json();
        assert_eq!(said["blocked"], true, "{}", answer.shown());
        if answer.status == 200 {
            assert_eq!(said["decision"], "block");
            return unknown;
        }
        answer.refused(503, "decision-unknown");
        assert_eq!((said["decision"].as_str(), said["on_error"].is_string()), (Some("unknown"), true), "{said}");
        unknown += 1;
        let bulk = json!({ "checks": [{ "block_type": "comp_approval", "entity_id": "server-1" }] });
        let Ok(bulk) = till.call("POST", &format!("{CENTER}/blocks/check"), Some(&bulk.to_string()), &[]) else {
            continue;
        };
        let decided = bulk.json()["answers"][0]["blocked"].clone();
        assert!(bulk.status == 503 || decided == true, "{}", bulk.shown());
        let Ok(ready) = till.call("GET", "/readyz", None, &[]) else { continue };
        assert!([200, 503].contains(&ready.status), "{}", ready.shown());
    }
    panic!("no decision within a minute");
}

/// An address that was free a moment ago; the server has to listen there before it can say so.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}
