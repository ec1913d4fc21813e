//! Secrets that are shown once: made here, kept as a hash, and sealed to the credential that asked, so that a repeated request
//! shows the same secret to the same caller and to nobody else, the server's own disk included.

use actix_web::HttpRequest;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use serde_json::Value;

use super::credential::{self, Shown};
use super::problem::{Problem, problem};
use crate::domain::directory::NewKey;

const CONTEXT: &str = "action-center 2026-11 a new key, sealed to the credential of the caller who asked for it";
const NONCE_BYTES: usize = 12;
/// No `_`, which separates the parts of a key.
const ID_LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const ID_CHARS: usize = 12;

/// The credential that the caller shows, as bytes.
///
/// # Errors
/// `no-credential`.
pub fn shown(req: &HttpRequest) -> Result<&[u8], Problem> {
    match Shown::of(req.headers()) {
        Shown::Bearer(bytes) | Shown::Session(bytes) => Ok(bytes),
        Shown::Other | Shown::Nothing => Err(problem!("no-credential")),
    }
}

/// A new key `ack_<id>_<secret>`, sealed to `credential`.
///
/// # Errors
/// `internal-error` when the system has no randomness.
pub fn new_key(server_key: &[u8; 32], credential: &[u8]) -> Result<NewKey, Problem> {
    let id: String = random::<ID_CHARS>()?.iter().map(|byte| char::from(ID_LETTERS[usize::from(byte & 31)])).collect();
    let text = format!("ack_{id}_{}", hex(&random::<32>()?));
    let hash = credential::hash(server_key, text.as_bytes());
    Ok(NewKey { id: id.into(), hash, sealed: seal(&text, credential)? })
}

/// Puts the key in place of `sealed` in an answer, under `name`. Gives the answer and the key.
///
/// # Errors
/// `secret-not-yours` when it was sealed to another credential.
pub fn reveal(answer: &[u8], name: &str, credential: &[u8]) -> Result<(Vec<u8>, String), Problem> {
    let mut answer: Value = serde_json::from_slice(answer).map_err(|_| problem!("internal-error"))?;
    let fields = answer.as_object_mut().ok_or_else(|| problem!("internal-error"))?;
    let sealed: Vec<u8> =
        fields.remove("sealed").and_then(|bytes| serde_json::from_value(bytes).ok()).unwrap_or_default();
    let key = open(&sealed, credential).ok_or_else(|| {
        problem!(
            "secret-not-yours",
            "this Idempotency-Key made a key for another credential; its secret is shown to that one only"
        )
    })?;
    fields.insert(name.into(), key.clone().into());
    Ok((answer.to_string().into_bytes(), key))
}

/// A random text of 256 bits, in hexadecimal digits.
///
/// # Errors
/// `internal-error` when the system has no randomness.
pub fn random_text() -> Result<String, Problem> {
    random::<32>().map(|bytes| hex(&bytes))
}

fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "the system has no randomness");
        problem!("internal-error")
    })?;
    Ok(bytes)
}

fn cipher(credential: &[u8]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Key::from(blake3::derive_key(CONTEXT, credential)))
}

fn seal(text: &str, credential: &[u8]) -> Result<Vec<u8>, Problem> {
    let nonce = random::<NONCE_BYTES>()?;
    let closed = cipher(credential).encrypt(&Nonce::from(nonce), text.as_bytes());
    let closed = closed.map_err(|_| problem!("internal-error"))?;
    Ok([nonce.as_slice(), &closed].concat())
}

fn open(sealed: &[u8], credential: &[u8]) -> Option<String> {
    let (nonce, closed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let text = cipher(credential).decrypt(&Nonce::from(*nonce), closed).ok()?;
    String::from_utf8(text).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_to_the_credential_that_asked_and_to_no_other() {
        let server_key = [3; 32];
        let made = new_key(&server_key, b"mine").unwrap();
        let answer = serde_json::json!({ "id": &*made.id, "sealed": made.sealed }).to_string();
        let (shown, key) = reveal(answer.as_bytes(), "key", b"mine").unwrap();
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        assert_eq!(shown["key"], key.as_str());
        assert!(shown.get("sealed").is_none());
        assert_eq!(credential::hash(&server_key, key.as_bytes()), made.hash);
        let parts: Vec<&str> = key.splitn(3, '_').collect();
        assert_eq!((parts[0], parts[1], parts[2].len()), ("ack", &*made.id, 64));
        assert!(!parts[2].contains('_'));
        assert_eq!(reveal(answer.as_bytes(), "key", b"theirs").unwrap_err().code(), "secret-not-yours");
    }

    #[test]
    fn an_answer_that_was_tampered_with_opens_nothing() {
        let mut sealed = new_key(&[3; 32], b"mine").unwrap().sealed;
        let last = sealed.len() - 1;
        sealed[last] ^= 1;
        assert_eq!(open(&sealed, b"mine"), None);
        assert_eq!(open(b"short", b"mine"), None);
    }
}
