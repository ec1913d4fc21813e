//! E-mail from a report to the receiver's server, also when that server misbehaves or ours is killed.

use std::time::Duration;

use action_center::delivery::testing::{Received, Script, SmtpSink};
use serde_json::{Value, json};

use crate::support::{CENTER, Organisation, TestApp, wait_for};

const ADDRESS: &str = "gm@group.example";
/// The first attempt that fails is repeated after about 5 s.
const DELIVERED_WITHIN: Duration = Duration::from_secs(30);

fn alerting(settings: &[(&str, &str)], sink: &SmtpSink) -> (TestApp, Organisation) {
    let url = sink.url();
    let mut all = vec![("DELIVERY__EMAIL__URL", url.as_str()), ("DELIVERY__EMAIL__TIMEOUT_MS", "1000")];
    all.extend(settings); // the later one counts
    let app = TestApp::started(&all);
    let org = app.organisation("harbour");
    let template = json!({
        "violation_type": "comp_exception", "action_type": "alert", "action_target": ADDRESS, "enabled": true,
        "message_template": "{{metadata.server_id}} comped {{metadata.comp_amount}}", "conditions": {}, "action_data": {},
    });
    org.admin.post(&format!("{CENTER}/templates"), &template).expect(201);
    (app, org)
}

/// The action once it has this status.
#[track_caller]
fn settled(org: &Organisation, status: &str) -> Value {
    let look = || {
        let page = org.admin.get(&format!("{CENTER}/actions")).expect(200);
        Some(page["items"][0].clone()).filter(|action| action["execution_status"] == status)
    };
    wait_for(DELIVERED_WITHIN, look).unwrap_or_else(|| {
        panic!("never {status}: {}", org.admin.get(&format!("{CENTER}/actions")).shown());
    })
}

fn ids(mails: &[Received]) -> Vec<Option<String>> {
    mails.iter().map(|mail| mail.header("Message-ID")).collect()
}

#[test]
fn an_alert_arrives_as_a_mail() {
    let sink = SmtpSink::start([]);
    let (_app, org) = alerting(&[("DELIVERY__EMAIL__FROM", "center@group.example")], &sink);
    org.report("ana", &json!({})).expect(201);
    let action = settled(&org, "delivered");
    assert_eq!(action["attempts"].as_array().map(Vec::len), Some(1), "{action}");
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].from.as_str(), mails[0].to.as_slice()),
        ("center@group.example", [ADDRESS.to_owned()].as_slice())
    );
    assert!(String::from_utf8_lossy(&mails[0].bytes).contains("ana comped 250"), "{mails:?}");
}

#[test]
fn a_mail_server_that_stalls_before_the_mail_is_left_and_tried_again() {
    let sink = SmtpSink::start([Script::StallAfterEhlo]);
    let (_app, org) = alerting(&[], &sink);
    org.report("ana", &json!({})).expect(201);
    let action = settled(&org, "delivered");
    assert_eq!(outcomes(&action), ["retry", "delivered"], "{action}");
    assert_eq!(sink.mails().len(), 1);
}

#[test]
fn a_mail_server_that_stalls_after_the_mail_gets_it_again_under_the_same_id() {
    let sink = SmtpSink::start([Script::StallAfterData]);
    let (_app, org) = alerting(&[], &sink);
    org.report("ana", &json!({})).expect(201);
    let action = settled(&org, "delivered");
    assert_eq!(outcomes(&action), ["retry", "delivered"], "{action}");
    let mails = sink.mails();
    assert_eq!(mails.len(), 2, "one that was never confirmed, and one that was");
    assert!(mails[0].header("Message-ID").is_some());
    assert_eq!(ids(&mails[..1]), ids(&mails[1..]), "the receiver can tell that it is the same");
}

fn outcomes(action: &Value) -> Vec<&str> {
    action["attempts"].as_array().into_iter().flatten().filter_map(|one| one["outcome"].as_str()).collect()
}

#[test]
fn a_mail_that_is_refused_for_good_is_a_visible_failure() {
    let sink = SmtpSink::start([Script::Recipient("550 no such person")]);
    let (_app, org) = alerting(&[], &sink);
    org.report("ana", &json!({})).expect(201);
    let action = settled(&org, "failed");
    assert!(action["reason"].as_str().is_some_and(|why| why.contains("550")), "{action}");
    assert_eq!(sink.mails(), []);
}

#[test]
fn what_was_not_on_record_when_the_server_was_killed_is_sent_again_under_the_same_id() {
    let sink = SmtpSink::start([Script::StallAfterData]);
    let (mut app, org) = alerting(&[("DELIVERY__EMAIL__TIMEOUT_MS", "20000")], &sink);
    org.report("ana", &json!({})).expect(201);
    wait_for(DELIVERED_WITHIN, || (sink.mails().len() == 1).then_some(())).expect("a mail that was handed over");
    app.kill();
    app.start();
    settled(&app.again(&org), "delivered");
    let mails = sink.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(ids(&mails[..1]), ids(&mails[1..]));
}
