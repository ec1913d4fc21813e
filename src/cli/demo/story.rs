//! What the demo says when its doors open: what to look at, who can log in, what to try.

use super::world::{BLOCKED, FREE, ORG_ID, ORG_NAME, OWNER, PASSWORD, PEOPLE, STAGE, VENUES};

/// What differs from one demo to the next.
#[allow(missing_docs, reason = "the names say it")]
pub struct Facts<'a> {
    pub url: &'a str,
    pub till_key: &'a str,
    pub desk_key: &'a str,
    /// The block of [`BLOCKED`].
    pub block_id: &'a str,
    pub templates: usize,
    /// Whether mail goes to the demo's own mailbox.
    pub own_mailbox: bool,
}

/// The text. Its three commands work when pasted, in this order.
pub fn hello(facts: &Facts<'_>) -> String {
    let Facts { url, till_key, desk_key, templates, .. } = facts;
    let people = PEOPLE.len() + 1;
    let mail = if facts.own_mailbox {
        "Mail really goes out by SMTP, to a mailbox inside this program: each one is a line below."
    } else {
        "Mail goes to the server of your settings (delivery.email.url)."
    };
    format!(
        "
{ORG_NAME} is open: {venues} restaurants in {venues} time zones, {people} people, {templates} rules, two weeks of history, and a shift
that goes on until Ctrl-C. {mail}

  open     {url}/api/docs
  log in   POST {url}/api/session with org_id \"{ORG_ID}\", one of these addresses, and the password \"{PASSWORD}\"

{people_table}

  key of a till at Pier Nine (asks)                       {till_key}
  key of the manager's desk there (reports, lifts as gm)  {desk_key}

Try these in another terminal:

{commands}
",
        venues = VENUES.len(),
        people_table = log_ins(),
        commands = commands(facts),
    )
}

fn log_ins() -> String {
    let line = |person: &super::world::Person| {
        let venues = if person.venues.is_empty() { "all venues".to_owned() } else { person.venues.join(", ") };
        format!("    {:<9} {:<32} {:<16} {venues}", person.role, person.email(), person.name)
    };
    std::iter::once(&OWNER).chain(&PEOPLE).map(line).collect::<Vec<_>>().join("\n")
}

fn commands(facts: &Facts<'_>) -> String {
    let Facts { url, till_key, desk_key, block_id, .. } = facts;
    let (blocked, free, venue) = (BLOCKED, FREE, VENUES[STAGE].id);
    let report = format!(
        r#"{{"venue_id":"{venue}","violation_type":"comp_exception","severity":"critical","title":"Comp of 250 by {name}","source_table":"comps","source_id":"try-1","metadata":{{"comp_amount":250,"comp_reason":"Long wait","approved":true,"server_id":"{id}","server_name":"{name}"}}}}"#,
        name = free.name,
        id = free.id,
    );
    format!(
        "  # May {blocked_name} comp 80? No: a comp of 250 earlier blocked him until the GM agrees.
  curl -s '{url}/api/action-center/blocks?block_type=comp_approval&entity_id={blocked_id}&venue_id={venue}&amount=80' -H 'Authorization: Bearer {till_key}'

  # Report a comp of 250 by {free_name}: the answer holds the violation, the mail to the GM, and her block.
  curl -s '{url}/api/action-center/violations' -H 'Authorization: Bearer {desk_key}' -H 'Content-Type: application/json' -d '{report}'

  # Lift {blocked_name}'s block as the GM, with a reason; then ask again.
  curl -s '{url}/api/action-center/blocks/{block_id}/lift' -H 'Authorization: Bearer {desk_key}' -H 'Content-Type: application/json' -d '{{\"lift_reason\":\"Checked the receipts\"}}'",
        blocked_name = blocked.name,
        blocked_id = blocked.id,
        free_name = free.name,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts<'static> {
        Facts {
            url: "http://127.0.0.1:8080",
            till_key: "ack_till_1",
            desk_key: "ack_desk_2",
            block_id: "0192",
            templates: 11,
            own_mailbox: true,
        }
    }

    #[test]
    fn it_names_the_address_every_log_in_and_both_keys() {
        let text = hello(&facts());
        for person in PEOPLE {
            assert!(text.contains(&person.email()) && text.contains(person.role), "{}", person.id);
        }
        for word in ["http://127.0.0.1:8080/api/docs", PASSWORD, ORG_ID, "ack_till_1", "ack_desk_2"] {
            assert!(text.contains(word), "{word}");
        }
    }

    #[test]
    fn its_commands_are_three_lines_that_a_shell_understands() {
        let text = commands(&facts());
        let commands: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("curl ")).collect();
        assert_eq!(commands.len(), 3);
        for command in &commands {
            assert_eq!(command.matches('\'').count() % 2, 0, "{command}");
        }
        for command in &commands[1..] {
            let (_, body) = command.rsplit_once("-d ").unwrap();
            let body = body.trim_matches('\'');
            assert!(serde_json::from_str::<serde_json::Value>(body).is_ok(), "{body}");
        }
        assert!(commands[2].contains("/blocks/0192/lift"));
    }
}
