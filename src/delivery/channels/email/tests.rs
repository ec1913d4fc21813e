use std::net::TcpListener;
use std::time::Instant;

use futures_util::future::join_all;

use super::*;
use crate::delivery::testing::{Script, SmtpSink, message};

const GM: &str = "gm@group.example";
const TIMEOUT_MS: u64 = 400;
/// Longer than any test.
const NEVER_MS: u64 = 3_600_000;
/// Far above the time limit, far below a hang.
const SOON_MS: u128 = 2_000;

fn channel_to(url: String, settings: EmailSettings) -> EmailChannel {
    let settings = EmailSettings { url: Some(url), from: "Center <center@group.example>".into(), ..settings };
    EmailChannel::new(&settings).unwrap_or_else(|why| panic!("{why}"))
}

/// With a short time limit.
fn hasty(sink: &SmtpSink) -> EmailChannel {
    channel_to(sink.url(), EmailSettings { timeout_ms: TIMEOUT_MS, ..EmailSettings::default() })
}

fn channel(sink: &SmtpSink) -> EmailChannel {
    channel_to(sink.url(), EmailSettings::default())
}

#[track_caller]
fn assert_retry(outcome: &Outcome, mentions: &str) {
    assert!(matches!(outcome, Outcome::Retry { detail, after_ms: None } if detail.contains(mentions)), "{outcome:?}");
}

#[track_caller]
fn assert_delivered(outcome: &Outcome) {
    assert_eq!(*outcome, Outcome::Delivered { detail: "250 taken".into() });
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not come true within 10 s");
}

#[tokio::test]
async fn a_mail_arrives_with_its_envelope_text_and_html() {
    let sink = SmtpSink::start([]);
    assert_delivered(&channel(&sink).deliver(&message(GM)).await);
    let mails = sink.mails();
    assert_eq!(
        (mails.len(), mails[0].from.as_str(), mails[0].to.as_slice()),
        (1, "center@group.example", &[GM.to_owned()][..])
    );
    let text = String::from_utf8_lossy(&mails[0].bytes);
    for part in ["text/plain", "text/html", "Zo=C3=AB comped 250 at Quay House\r\n.\r\nend", "=?utf-8?"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert_eq!(mails[0].header("From").as_deref(), Some("Center <center@group.example>"));
}

#[tokio::test]
async fn a_server_that_stalls_ends_as_retry_within_the_limit() {
    for script in [Script::StallAfterEhlo, Script::StallAfterData, Script::Slow(Duration::from_millis(150))] {
        let sink = SmtpSink::start([script.clone()]);
        let begun = Instant::now();
        assert_retry(&hasty(&sink).deliver(&message(GM)).await, "within 400 ms");
        assert!(begun.elapsed().as_millis() < SOON_MS, "{script:?}: {:?}", begun.elapsed());
        until(|| sink.open() == 0).await;
    }
}

#[tokio::test]
async fn after_a_timeout_the_next_send_opens_a_connection_of_its_own() {
    let sink = SmtpSink::start([Script::StallAfterData, Script::StallAfterEhlo]);
    let channel = hasty(&sink);
    assert_retry(&channel.deliver(&message(GM)).await, "within 400 ms");
    assert_retry(&channel.deliver(&message(GM)).await, "within 400 ms");
    assert_delivered(&channel.deliver(&message(GM)).await);
    let brought_by: Vec<usize> = sink.mails().iter().map(|mail| mail.connection).collect();
    assert_eq!((sink.connections(), brought_by), (3, vec![0, 2]));
    until(|| sink.open() == 0).await;
}

#[tokio::test]
async fn two_mails_in_a_row_use_two_connections() {
    let sink = SmtpSink::start([]);
    let channel = channel(&sink);
    assert_delivered(&channel.deliver(&message(GM)).await);
    assert_delivered(&channel.deliver(&message(GM)).await);
    assert_eq!(sink.connections(), 2);
}

#[tokio::test]
async fn a_permanent_refusal_is_refused_with_the_servers_words() {
    for script in [
        Script::Recipient("550 no such person"),
        Script::AfterData("550 no such person"),
        Script::Greet("550 no such person"),
    ] {
        let sink = SmtpSink::start([script.clone()]);
        let outcome = channel(&sink).deliver(&message(GM)).await;
        assert_eq!(outcome, Outcome::Refused { detail: "550 no such person".into() }, "{script:?}");
    }
}

#[tokio::test]
async fn a_mail_refused_for_now_goes_out_later_as_the_same_bytes() {
    let sink = SmtpSink::start([Script::AfterData("451 try later")]);
    let channel = channel(&sink);
    assert_retry(&channel.deliver(&message(GM)).await, "451 try later");
    assert_delivered(&channel.deliver(&message(GM)).await);
    let mails = sink.mails();
    assert_eq!((mails[0].accepted, mails[1].accepted), (false, true));
    assert!(mails[0].header("Message-ID").is_some());
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_eq!(mails[0].bytes, mails[1].bytes);
}

#[tokio::test]
async fn a_busy_server_and_a_refused_recipient_for_now_are_retried() {
    for (script, words) in [
        (Script::Greet("421 busy"), "421 busy"),
        (Script::Recipient("450 greylisted"), "450 greylisted"),
        (Script::Greet("what?"), ""),
    ] {
        let sink = SmtpSink::start([script]);
        assert_retry(&channel(&sink).deliver(&message(GM)).await, words);
    }
}

#[tokio::test]
async fn a_connection_dropped_inside_the_mail_is_retried() {
    let sink = SmtpSink::start([Script::DropInData]);
    assert_retry(&channel(&sink).deliver(&message(GM)).await, "");
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn nobody_listening_is_retried() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let channel = channel_to(format!("smtp://127.0.0.1:{port}"), EmailSettings::default());
    assert_retry(&channel.deliver(&message(GM)).await, "refused");
}

#[tokio::test]
async fn a_delivered_mail_stays_delivered_when_the_goodbye_hangs() {
    let sink = SmtpSink::start([Script::StallAtQuit]);
    let patient = EmailChannel { goodbye: Duration::from_millis(NEVER_MS), ..channel(&sink) };
    assert_delivered(&patient.deliver(&message(GM)).await);
    let sink = SmtpSink::start([Script::StallAtQuit]);
    assert_delivered(&channel(&sink).deliver(&message(GM)).await);
    until(|| sink.open() == 0).await;
}

#[tokio::test]
async fn a_line_break_in_a_display_name_injects_nothing() {
    let sink = SmtpSink::start([]);
    let mut message = message(GM);
    message.to[0].name = Some("Bob\r\nBcc: all@group.example\r\n\r\nHi".into());
    assert_delivered(&channel(&sink).deliver(&message).await);
    let mail = &sink.mails()[0];
    assert_eq!((mail.to.as_slice(), mail.header("Bcc")), (&[GM.to_owned()][..], None));
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_is_refused_without_a_connection() {
    let sink = SmtpSink::start([]);
    let outcome = channel(&sink).deliver(&message("nobody")).await;
    assert_eq!(outcome, Outcome::Refused { detail: "not an e-mail address: nobody".into() });
    for url in [None, Some("  ".to_owned())] {
        let silent = EmailChannel::new(&EmailSettings { url, ..EmailSettings::default() }).expect("a channel");
        assert_eq!(silent.deliver(&message(GM)).await, Outcome::Refused { detail: "e-mail is not configured".into() });
    }
    assert_eq!(sink.connections(), 0);
}

#[tokio::test]
async fn more_mails_than_places_wait_instead_of_connecting() {
    let scripts = (0..6).map(|_| Script::Slow(Duration::from_millis(10)));
    let sink = SmtpSink::start(scripts);
    let settings = EmailSettings { connections_max: 2, timeout_ms: NEVER_MS, ..EmailSettings::default() };
    // No limit may cut a conversation off: the sink would hear of it only after the next one has begun.
    let channel = EmailChannel { goodbye: Duration::from_millis(NEVER_MS), ..channel_to(sink.url(), settings) };
    let message = message(GM);
    for outcome in join_all((0..6).map(|_| channel.deliver(&message))).await {
        assert_delivered(&outcome);
    }
    assert_eq!((sink.connections(), sink.open_max()), (6, 2));
}

#[tokio::test]
async fn waiting_for_a_place_does_not_use_up_the_time_limit() {
    let sink = SmtpSink::start([Script::StallAfterEhlo, Script::StallAfterEhlo]);
    let channel = channel_to(
        sink.url(),
        EmailSettings { timeout_ms: TIMEOUT_MS, connections_max: 1, ..EmailSettings::default() },
    );
    let message = message(GM);
    let outcomes = join_all((0..3).map(|_| channel.deliver(&message))).await;
    assert_retry(&outcomes[0], "within 400 ms");
    assert_retry(&outcomes[1], "within 400 ms");
    assert_delivered(&outcomes[2]);
}

#[tokio::test]
async fn a_login_is_used_and_never_shown() {
    let accepting = SmtpSink::start([]);
    let logged_in = channel_to(accepting.url_with_login("ana", "hunter%402"), EmailSettings::default());
    assert_delivered(&logged_in.deliver(&message(GM)).await);

    let echoing = SmtpSink::start([Script::Login("535 wrong:"), Script::Login("454 later:")]);
    let channel = channel_to(echoing.url_with_login("ana", "hunter%402"), EmailSettings::default());
    assert_eq!(
        channel.deliver(&message(GM)).await,
        Outcome::Refused { detail: "535 wrong: AUTH PLAIN *** ana ***".into() }
    );
    assert_retry(&channel.deliver(&message(GM)).await, "454 later: AUTH PLAIN *** ana ***");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let with = |change: fn(&mut EmailSettings)| {
        let mut settings = EmailSettings::default();
        change(&mut settings);
        EmailChannel::new(&settings).err()
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|settings| settings.from = "nobody".into()), Some(BadEmailSettings::Sender));
    assert_eq!(with(|settings| settings.connections_max = 0), Some(BadEmailSettings::Nothing));
    assert!(matches!(
        with(|settings| settings.url = Some("imap://mail.example".into())),
        Some(BadEmailSettings::Url(_))
    ));
}

#[tokio::test]
async fn a_mail_that_must_not_come_twice_says_whether_it_may_have_come() {
    let long = Duration::from_secs(60);
    let ended = |script: Script, within: Duration| async move {
        let sink = SmtpSink::start([script]);
        match channel(&sink).perform(&message(GM), within).await {
            EffectOutcome::Done { .. } => "done",
            EffectOutcome::Failed { .. } => "failed",
            EffectOutcome::NotSent { .. } => "not sent",
            EffectOutcome::Unknown { .. } => "unknown",
        }
    };
    assert_eq!(ended(Script::Accept, long).await, "done");
    for script in [Script::Greet("421 busy"), Script::Recipient("451 later"), Script::AfterData("451 later")] {
        assert_eq!(ended(script.clone(), long).await, "not sent", "{script:?}");
    }
    for script in [Script::Recipient("550 no such person"), Script::AfterData("550 no")] {
        assert_eq!(ended(script.clone(), long).await, "failed", "{script:?}");
    }
    assert_eq!(ended(Script::DropInData, long).await, "unknown");
    let short = Duration::from_millis(TIMEOUT_MS);
    assert_eq!(ended(Script::StallAfterData, short).await, "unknown");
    assert_eq!(ended(Script::StallAfterEhlo, short).await, "not sent");
    let nowhere = EmailChannel::new(&EmailSettings::default()).unwrap();
    assert!(matches!(nowhere.perform(&message(GM), long).await, EffectOutcome::NotSent { .. }));
}
