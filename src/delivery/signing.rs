//! Signatures of what we send to other systems, after Standard Webhooks: `v1,base64(HMAC-SHA256(key, "id.timestamp.body"))`.
//!
//! The key of a webhook or of a capability is derived from the server's own and never stored: no record, snapshot or export holds it, and
//! whoever moves a data directory with its `server.key` keeps every signature.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

const CONTEXT: &str = "action-center 2026-11 what signs the calls to a webhook of an organisation";

/// The key of an organisation's webhook; another with every generation.
pub fn webhook_key(server_key: &[u8; 32], org_id: &str, id: &Uuid, generation: u32) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(&blake3::derive_key(CONTEXT, server_key));
    hasher.update(id.as_bytes()).update(&generation.to_le_bytes()).update(org_id.as_bytes());
    hasher.finalize().into()
}

const CAPABILITY_CONTEXT: &str =
    "action-center 2026-11 what signs the calls to a capability of a module of an organisation";

/// The key of a capability that an organisation registered; another with every generation.
pub fn capability_key(server_key: &[u8; 32], org_id: &str, name: &str, generation: u32) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(&blake3::derive_key(CAPABILITY_CONTEXT, server_key));
    // A name has no zero byte, so that no two pairs of name and organisation are the same bytes.
    hasher.update(&generation.to_le_bytes()).update(name.as_bytes()).update(&[0]).update(org_id.as_bytes());
    hasher.finalize().into()
}

/// The key as its owner gets it, once: `whsec_…`.
pub fn secret_text(key: &[u8; 32]) -> String {
    format!("whsec_{}", STANDARD.encode(key))
}

/// The value of `webhook-signature` for a body sent at a time (seconds since the epoch).
pub fn signature(key: &[u8; 32], id: &Uuid, timestamp_s: i64, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(format!("{id}.{timestamp_s}.").as_bytes());
    mac.update(body.as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // Made with the reference: python3 -c 'import hmac,hashlib,base64; …' over "<id>.<timestamp>.<body>".
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        let said = signature(&[7; 32], &id, 1_700_000_000, r#"{"a":1}"#);
        assert_eq!(said, "v1,CYPQZd9VqkHyFrIxRdRuBMw9ceVK5xAzjgP1YQ/PwGs=");
    }

    #[test]
    fn every_webhook_capability_and_generation_has_a_key_of_its_own() {
        let id = Uuid::from_u128;
        let keys = [
            webhook_key(&[1; 32], "harbour", &id(1), 1),
            webhook_key(&[1; 32], "harbour", &id(1), 2),
            webhook_key(&[1; 32], "harbour", &id(2), 1),
            webhook_key(&[1; 32], "pier", &id(1), 1),
            webhook_key(&[2; 32], "harbour", &id(1), 1),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{at}");
        }
        assert!(secret_text(&keys[0]).starts_with("whsec_") && secret_text(&keys[0]).len() == 50);
    }

    #[test]
    fn every_capability_and_generation_has_a_key_of_its_own() {
        let keys = [
            capability_key(&[1; 32], "harbour", "till.refund", 1),
            capability_key(&[1; 32], "harbour", "till.refund", 2),
            capability_key(&[1; 32], "harbour", "till.void", 1),
            capability_key(&[1; 32], "ndharbour", "till.refu", 1),
            capability_key(&[1; 32], "pier", "till.refund", 1),
            capability_key(&[2; 32], "harbour", "till.refund", 1),
            webhook_key(&[1; 32], "harbour", &Uuid::from_u128(1), 1),
        ];
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
    }
}
