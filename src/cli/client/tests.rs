//! What the server says, as a person reads it.

use super::*;

fn answered(status: u16, body: &str) -> Result<Value, CallError> {
    understood("http://127.0.0.1:1/x", StatusCode::from_u16(status).unwrap(), body.as_bytes())
}

#[test]
fn a_problem_is_one_line_with_every_place() {
    let body = r#"{"type":"about:blank","title":"Invalid body","status":422,"detail":"Two fields are wrong","code":"invalid-body",
        "errors":[{"pointer":"/name","detail":"is empty"},{"pointer":"/scopes/0","detail":"is\nunknown"}]}"#;
    let refused = answered(422, body).unwrap_err();
    assert_eq!(refused.status(), Some(422));
    let line = "Invalid body: Two fields are wrong (422 invalid-body); /name is empty; /scopes/0 is unknown";
    assert_eq!(refused.to_string(), line);
}

#[test]
fn a_place_that_the_detail_names_is_not_said_twice() {
    let body = r#"{"title":"Invalid body","status":422,"detail":"/name is empty","code":"invalid-body",
        "errors":[{"pointer":"/name","detail":"is empty"}]}"#;
    assert_eq!(answered(422, body).unwrap_err().to_string(), "Invalid body: /name is empty (422 invalid-body)");
}

#[test]
fn a_problem_without_detail_is_its_title() {
    let refused = answered(404, r#"{"title":"Not found","status":404,"code":"not-found"}"#).unwrap_err();
    assert_eq!(refused.to_string(), "Not found (404 not-found)");
}

#[test]
fn an_answer_of_somebody_else_is_said_to_be_one() {
    let refused = answered(502, "<html>Bad gateway</html>").unwrap_err();
    assert!(refused.to_string().contains("502 Bad Gateway"), "{refused}");
    assert!(answered(200, "<html>").is_err());
}

#[test]
fn an_empty_answer_is_nothing() {
    assert_eq!(answered(204, "").unwrap(), Value::Null);
}

#[test]
fn the_session_is_taken_out_of_its_cookie() {
    let header = "ac_session=abc.def=; HttpOnly; SameSite=Lax; Path=/";
    assert_eq!(session_cookie(header).as_deref(), Some("abc.def="));
    assert_eq!(session_cookie("other=1; ac_session=x"), None);
}

#[test]
fn a_segment_cannot_leave_its_place() {
    assert_eq!(segment("a/../b?c=d é"), "a%2F..%2Fb%3Fc%3Dd%20%C3%A9");
}
