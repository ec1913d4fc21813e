//! The client must not forgive a server that stalls: what these tests show is the reason to believe its latencies.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use crate::drive::{Arrivals, Load, run};
use crate::fixture::OrgFixture;
use crate::tally::Tally;
use crate::work::{Checks, Work};

const STALL: Duration = Duration::from_millis(200);

/// A server of one connection that answers at once, except that it sleeps before answer number `stalls_at`.
fn server(stalls_at: usize, stall: Duration) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let mut buffer = [0; 4_096];
        for number in 0.. {
            match stream.read(&mut buffer) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
            if number == stalls_at {
                #[allow(clippy::disallowed_methods, reason = "the stall itself; the thread serves nobody else")]
                thread::sleep(stall);
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"blocked\":true}";
            if stream.write_all(answer).is_err() {
                return;
            }
        }
    });
    address
}

/// One connection, 1,000 requests a second for a second.
fn load(address: SocketAddr, grace: Duration) -> Tally {
    let org = OrgFixture {
        org_id: "o".into(),
        venue_id: "v".into(),
        admin_key: "a".into(),
        check_key: "c".into(),
        report_key: "r".into(),
        entity_prefix: "e-".into(),
        blocks: 10,
    };
    let load = Load {
        address,
        connections: 1,
        threads: 1,
        arrivals: Arrivals::Open { rate_per_s: 1_000.0 },
        warmup: Duration::ZERO,
        measured: Duration::from_secs(1),
        grace,
        work: Box::new(move |_| Work::Check(Checks::new(std::slice::from_ref(&org), "h", 0, 1))),
    };
    run(&[load]).unwrap().remove(0).0
}

fn latency_ms(tally: &Tally, quantile: f64) -> f64 {
    tally.latency.value_at_quantile(quantile) as f64 / 1e6
}

#[test]
fn an_open_loop_charges_a_stall_to_every_request_that_waited_for_it() {
    let tally = load(server(300, STALL), Duration::from_secs(10));
    assert_eq!((tally.right, tally.failures()), (1_000, 0));
    // 200 of 1,000 requests were due during the stall; the first waited for all of it, the others for what was left.
    assert!(latency_ms(&tally, 1.0) >= 199.0, "max {}", latency_ms(&tally, 1.0));
    assert!(latency_ms(&tally, 0.999) >= 190.0, "p99.9 {}", latency_ms(&tally, 0.999));
    assert!(latency_ms(&tally, 0.9) >= 80.0, "p90 {}", latency_ms(&tally, 0.9));
    // All but the first of them waited for the connection.
    assert!(tally.lag.value_at_quantile(0.999) >= 190_000_000);
}

#[test]
fn requests_that_never_get_an_answer_are_counted_with_the_time_they_waited() {
    let tally = load(server(300, Duration::from_secs(30)), Duration::from_millis(500));
    assert_eq!((tally.right, tally.unanswered), (300, 700));
    assert!(latency_ms(&tally, 1.0) >= 1_199.0, "max {}", latency_ms(&tally, 1.0));
    assert!(latency_ms(&tally, 0.5) >= 500.0, "p50 {}", latency_ms(&tally, 0.5));
}
