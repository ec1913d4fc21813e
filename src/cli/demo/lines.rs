//! One line for each event of the shift, from what the server answered.

use serde_json::Value;

use super::mailbox::Mail;
use super::world::Venue;
use crate::cli::output::plain;

/// A line of a venue.
pub fn at(venue: &Venue, line: &str) -> String {
    format!("{:<14} {}", venue.name, plain(line))
}

/// A mail that was delivered.
pub fn mailed(mail: &Mail) -> String {
    plain(&format!("{:<14} mail to {}: {}", "", mail.to.join(", "), mail.subject))
}

/// A report and what followed from it; `blocked` says who is blocked because of it and was not before.
pub fn reported(answer: &Value, blocked: &[String]) -> String {
    let violation = &answer["violation"];
    let mut line = format!("{} ({})", text(violation, "title"), text(violation, "severity"));
    let occurrences = violation["occurrences"].as_u64().unwrap_or(1);
    let mut effects = Vec::new();
    if occurrences > 1 {
        line = format!("{line}, reported {occurrences} times by now");
    } else {
        let alerts = list(answer, "actions").filter(|action| action["action_type"] == "alert");
        effects.extend(alerts.map(|action| format!("alert to {}", text(action, "action_target"))));
    }
    effects.extend(blocked.iter().map(|whom| format!("block: {whom}")));
    if effects.is_empty() { line } else { format!("{line} -> {}", effects.join(", ")) }
}

/// A till's question and the answer.
pub fn checked(server: &str, amount: f64, answer: &Value) -> String {
    let question = format!("till: may {server} comp {amount:.2}?");
    if answer["blocked"] == false {
        return format!("{question} yes");
    }
    let authority = answer["override_authority"].as_str().map(|name| format!(" [{name}]")).unwrap_or_default();
    format!("{question} no: {}{authority}", text(answer, "reason"))
}

/// Who may not do what, such as `ana (comp_approval over 50)`.
pub fn whom(block: &Value) -> String {
    let limit = block["limit"]["amount"].as_f64().map(|amount| format!(" over {amount}")).unwrap_or_default();
    format!("{} ({}{limit})", text(block, "blocked_entity_id"), text(block, "block_type"))
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or("?")
}

fn list<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    object[field].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::world::VENUES;
    use super::*;

    #[test]
    fn a_report_says_what_followed() {
        let answer = json!({
            "violation": { "title": "Comp of 250.00 by Ana", "severity": "critical", "occurrences": 1 },
            "actions": [{ "action_type": "alert", "action_target": "gm@pier-nine.example" }, { "action_type": "block" }],
            "blocks": [{ "blocked_entity_id": "ana", "block_type": "comp_approval", "limit": { "amount": 50 } }],
        });
        let blocked: Vec<String> = list(&answer, "blocks").map(whom).collect();
        let line =
            "Comp of 250.00 by Ana (critical) -> alert to gm@pier-nine.example, block: ana (comp_approval over 50)";
        assert_eq!(reported(&answer, &blocked), line);
    }

    #[test]
    fn a_repeated_report_says_how_often() {
        let answer = json!({ "violation": { "title": "Sales behind", "severity": "warning", "occurrences": 3 } });
        assert_eq!(reported(&answer, &[]), "Sales behind (warning), reported 3 times by now");
        let line = "Sales behind (warning), reported 3 times by now -> block: pier-nine (section_opening)";
        assert_eq!(reported(&answer, &["pier-nine (section_opening)".into()]), line);
    }

    #[test]
    fn a_check_is_a_question_and_an_answer() {
        let no = json!({ "blocked": true, "reason": "Ask the GM.", "override_authority": "gm" });
        assert_eq!(checked("Ana", 80.0, &no), "till: may Ana comp 80.00? no: Ask the GM. [gm]");
        assert_eq!(checked("Ana", 80.0, &json!({ "blocked": false })), "till: may Ana comp 80.00? yes");
    }

    #[test]
    fn a_line_begins_with_its_venue() {
        assert_eq!(at(&VENUES[2], "x"), "Pier Nine      x");
        let mail = Mail { to: vec!["gm@pier-nine.example".into()], subject: "Comp".into() };
        assert_eq!(mailed(&mail).trim(), "mail to gm@pier-nine.example: Comp");
    }
}
