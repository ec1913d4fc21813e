//! Who sends: a signed token for each push service (RFC 8292), so that it knows whom to tell when something goes wrong.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

/// How long a token holds, in seconds; a push service refuses more than a day.
const HOLDS_S: i64 = 12 * 3_600;

/// The key of this server.
pub struct Vapid {
    pair: EcdsaKeyPair,
    subject: String,
}

impl Vapid {
    /// The key in a PKCS#8 document; `subject` is how we are reached, `mailto:` or `https:`.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(pkcs8: &[u8], subject: &str) -> Result<Self, String> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new());
        let pair = pair.map_err(|error| format!("the key of web push cannot be read: {error}"))?;
        Ok(Self { pair, subject: subject.to_owned() })
    }

    /// What a browser subscribes with: the public key as an uncompressed point, in base64url.
    pub fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref())
    }

    /// The value of `Authorization` for a push service, such as `https://push.example`. Nothing when the system has no randomness.
    pub fn authorization(&self, service: &str, now_s: i64) -> Option<String> {
        let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let claims = serde_json::json!({ "aud": service, "exp": now_s + HOLDS_S, "sub": self.subject });
        let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        Some(format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature), self.public_key()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    #[test]
    fn a_token_names_the_service_and_is_signed_by_the_key_that_is_shown() {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let vapid = Vapid::new(document.as_ref(), "mailto:center@group.example").unwrap();
        let shown = vapid.authorization("https://push.example", 1_700_000_000).unwrap();
        let (token, key) = shown.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(key, vapid.public_key());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let read = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, read(key));
        public.verify(signed.as_bytes(), &read(signature)).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&read(signed.split_once('.').unwrap().1)).unwrap();
        let wanted = serde_json::json!({ "aud": "https://push.example", "exp": 1_700_043_200, "sub": "mailto:center@group.example" });
        assert_eq!(claims, wanted);
        assert!(Vapid::new(b"no key", "mailto:x").is_err());
    }
}
