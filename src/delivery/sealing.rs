//! Secrets of others that we must be able to read again, such as the address of a Slack webhook, sealed with a key of the server.
//!
//! Promise: without the server's key the bytes tell nothing but their length; bytes of one organisation or one use open for no other; the same
//! secret gives the same bytes, so that saving it again changes nothing.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};

const CONTEXT: &str = "action-center 2026-11 what seals the secrets of an organisation's settings";
const NONCE_CONTEXT: &str = "action-center 2026-11 the nonce of a secret of an organisation's settings";
const NONCE_BYTES: usize = 12;

/// What a sealed secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The address of an incoming webhook of Slack.
    SlackWebhook,
}

impl Use {
    fn name(self) -> &'static str {
        match self {
            Self::SlackWebhook => "slack webhook",
        }
    }
}

/// Seals a secret of an organisation. Nothing when it is too long for the cipher, which nothing is that a request can hold.
pub fn seal(server_key: &[u8; 32], org_id: &str, of: Use, text: &str) -> Option<Vec<u8>> {
    let bound = bound(org_id, of);
    // Made from what it is for and from the secret: two secrets never share a nonce, and no randomness is needed.
    let mut hasher = blake3::Hasher::new_keyed(&blake3::derive_key(NONCE_CONTEXT, server_key));
    hasher.update(&bound).update(&[0]).update(text.as_bytes());
    let mut nonce = [0; NONCE_BYTES];
    nonce.copy_from_slice(&hasher.finalize().as_bytes()[..NONCE_BYTES]);
    let payload = Payload { msg: text.as_bytes(), aad: &bound };
    let closed = cipher(server_key).encrypt(&Nonce::from(nonce), payload).ok()?;
    Some([nonce.as_slice(), &closed].concat())
}

/// The secret, when it was sealed here for this organisation and use.
pub fn open(server_key: &[u8; 32], org_id: &str, of: Use, sealed: &[u8]) -> Option<String> {
    let (nonce, closed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let bound = bound(org_id, of);
    let text = cipher(server_key).decrypt(&Nonce::from(*nonce), Payload { msg: closed, aad: &bound }).ok()?;
    String::from_utf8(text).ok()
}

/// What a secret is bound to. An organisation's id has no zero byte.
fn bound(org_id: &str, of: Use) -> Vec<u8> {
    [of.name().as_bytes(), &[0], org_id.as_bytes()].concat()
}

fn cipher(server_key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Key::from(blake3::derive_key(CONTEXT, server_key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://hooks.slack.com/services/T0/B0/SECRET";

    #[test]
    fn a_secret_opens_for_its_organisation_and_server_alone() {
        let sealed = seal(&[7; 32], "harbour", Use::SlackWebhook, URL).unwrap();
        assert_eq!(open(&[7; 32], "harbour", Use::SlackWebhook, &sealed).as_deref(), Some(URL));
        assert_eq!(open(&[7; 32], "pier", Use::SlackWebhook, &sealed), None);
        assert_eq!(open(&[8; 32], "harbour", Use::SlackWebhook, &sealed), None);
        let mut broken = sealed.clone();
        broken[20] ^= 1;
        assert_eq!(open(&[7; 32], "harbour", Use::SlackWebhook, &broken), None);
        assert_eq!(open(&[7; 32], "harbour", Use::SlackWebhook, &[1, 2]), None);
        assert!(!String::from_utf8_lossy(&sealed).contains("SECRET"));
    }

    #[test]
    fn the_same_secret_gives_the_same_bytes_and_another_other_ones() {
        let seal = |org, text| seal(&[7; 32], org, Use::SlackWebhook, text).unwrap();
        assert_eq!(seal("harbour", URL), seal("harbour", URL));
        let (one, two) = (seal("harbour", URL), seal("harbour", "https://hooks.slack.com/services/T0/B0/SECRES"));
        assert_ne!(one[..NONCE_BYTES], two[..NONCE_BYTES]);
        assert_ne!(one[..NONCE_BYTES], seal("pier", URL)[..NONCE_BYTES]);
    }
}
