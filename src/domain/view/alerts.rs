//! What a system outside is told by an action: made of what never changes of it, so that every attempt says the same.

use serde_json::json;

use crate::domain::actions::Action;

/// The body of the call: what it says and what it is about.
pub fn alert_body(action: &Action) -> String {
    json!({
        "type": "alert",
        "id": action.id,
        "at": action.created_at,
        "object": {
            "action_type": action.action_type, "notice": action.notice, "message": action.message, "title": action.title,
            "severity": action.severity, "violation_id": action.violation_id, "venue_id": action.venue_id,
            "template_id": action.template_id,
        },
    })
    .to_string()
}
