//! What tests do with capabilities and the policy.

use serde_json::{Value, json};

use crate::domain::approvals::policy::ChangeApprovalPolicy;
use crate::domain::capabilities::Sensitivity;
use crate::domain::capabilities::commands::RegisterCapability;

/// A refund at the till: money, not to be taken back.
pub fn refund() -> RegisterCapability {
    RegisterCapability {
        name: "till.refund".into(),
        version: "1".into(),
        module: None,
        params: json!({
            "type": "object", "required": ["amount"],
            "properties": { "amount": { "type": "number" }, "note": { "type": "string" } },
        }),
        sensitivity: Sensitivity::Financial,
        connectors: vec!["till".into()],
        reversible: false,
        idempotent: false,
        auto_approvable: false,
        undo_window_s: None,
        timeout_s: None,
        concurrency: None,
        preview_template: Some("Refund {{amount}}".into()),
        endpoint: "https://till.example/run".into(),
        of_others: true,
    }
}

/// A policy as it comes in JSON.
pub fn policy(draft: Value) -> ChangeApprovalPolicy {
    ChangeApprovalPolicy { draft: serde_json::from_value(draft).expect("a policy") }
}
