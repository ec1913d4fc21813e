//! What a push service carries without being able to read it: RFC 8291 on the content coding `aes128gcm` (RFC 8188), one record.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// The longest text that is sealed, in bytes: a push service takes 4,096 bytes with what belongs to them.
pub const TEXT_BYTES_MAX: usize = 3_000;
const RECORD_BYTES: u32 = 4_096;
const SALT_BYTES: usize = 16;
const POINT_BYTES: usize = 65;
const AUTH_BYTES: usize = 16;

/// The keys of one browser, as it gave them.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Its public key: an uncompressed point of P-256.
    pub public: [u8; POINT_BYTES],
    /// Its secret of authentication.
    pub auth: [u8; AUTH_BYTES],
}

impl Keys {
    /// Reads `p256dh` and `auth` of a subscription.
    pub fn parse(p256dh: &str, auth: &str) -> Option<Self> {
        let read = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let public: [u8; POINT_BYTES] = read(p256dh)?.try_into().ok()?;
        let auth = read(auth)?.try_into().ok()?;
        (public[0] == 4).then_some(Self { public, auth })
    }
}

/// Seals a text for a browser. Nothing when its public key is no point of the curve, the text is too long, or the system has no randomness.
pub fn seal(keys: &Keys, text: &[u8]) -> Option<Vec<u8>> {
    let random = SystemRandom::new();
    let own = EphemeralPrivateKey::generate(&ECDH_P256, &random).ok()?;
    let public: [u8; POINT_BYTES] = own.compute_public_key().ok()?.as_ref().try_into().ok()?;
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt).ok()?;
    let theirs = UnparsedPublicKey::new(&ECDH_P256, &keys.public);
    agree_ephemeral(own, &theirs, |shared| sealed(shared, keys, &public, &salt, text)).ok()?
}

/// The body for a secret that both sides share.
fn sealed(
    shared: &[u8],
    keys: &Keys,
    own_public: &[u8; POINT_BYTES],
    salt: &[u8; SALT_BYTES],
    text: &[u8],
) -> Option<Vec<u8>> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let (key, nonce) = key_and_nonce(shared, keys, own_public, salt)?;
    let mut record = [text, &[2]].concat(); // 2: the last record, without padding
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record).ok()?;
    let head = [salt.as_slice(), &RECORD_BYTES.to_be_bytes(), &[65], own_public].concat();
    Some([head, record].concat())
}

fn key_and_nonce(
    shared: &[u8],
    keys: &Keys,
    own_public: &[u8; POINT_BYTES],
    salt: &[u8; SALT_BYTES],
) -> Option<(LessSafeKey, Nonce)> {
    let mac = |key: &[u8], parts: &[&[u8]]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &parts.concat());
    // HKDF (RFC 5869) twice; no output is longer than one block, so that its expansion is one HMAC.
    let combined = mac(&keys.auth, &[shared]);
    let input = mac(combined.as_ref(), &[b"WebPush: info\0", &keys.public, own_public, &[1]]);
    let pseudo = mac(salt, &[input.as_ref()]);
    let key = mac(pseudo.as_ref(), &[b"Content-Encoding: aes128gcm\0", &[1]]);
    let nonce = mac(pseudo.as_ref(), &[b"Content-Encoding: nonce\0", &[1]]);
    let key = UnboundKey::new(&AES_128_GCM, key.as_ref().get(..16)?).ok()?;
    Some((LessSafeKey::new(key), Nonce::try_assume_unique_for_key(nonce.as_ref().get(..12)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    fn browser() -> Keys {
        let public = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        Keys::parse(public, "BTBZMqHH6r4Tts7J_aSIgg").unwrap()
    }

    #[test]
    fn a_body_is_that_of_appendix_a_of_rfc_8291() {
        let own = bytes("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
        let (shared, salt) = (bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs"), bytes("DGv6ra1nlYgDCS1FRnbzlw"));
        let text = b"When I grow up, I want to be a watermelon";
        let made = sealed(&shared, &browser(), &own.try_into().unwrap(), &salt.try_into().unwrap(), text).unwrap();
        let wanted = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
                      EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(made), wanted);
    }

    #[test]
    fn a_browser_reads_what_was_sealed_for_it_and_nobody_twice_the_same() {
        let random = SystemRandom::new();
        let secret = EphemeralPrivateKey::generate(&ECDH_P256, &random).unwrap();
        let public = secret.compute_public_key().unwrap().as_ref().try_into().unwrap();
        let keys = Keys { public, auth: [7; AUTH_BYTES] };
        let body = seal(&keys, b"Table 9 waits").unwrap();
        assert_ne!(body, seal(&keys, b"Table 9 waits").unwrap());
        let (head, record) = body.split_at(SALT_BYTES + 4 + 1 + POINT_BYTES);
        let (salt, sender) = (head[..SALT_BYTES].try_into().unwrap(), head[SALT_BYTES + 5..].try_into().unwrap());
        let mut record = record.to_vec();
        let theirs = UnparsedPublicKey::new(&ECDH_P256, &sender);
        let (key, nonce) =
            agree_ephemeral(secret, &theirs, |shared| key_and_nonce(shared, &keys, &sender, &salt)).unwrap().unwrap();
        assert_eq!(key.open_in_place(nonce, Aad::empty(), &mut record).unwrap(), b"Table 9 waits\x02");
    }

    #[test]
    fn what_is_no_key_or_too_long_is_refused() {
        assert!(Keys::parse("AAAA", "BTBZMqHH6r4Tts7J_aSIgg").is_none());
        assert!(Keys::parse(&URL_SAFE_NO_PAD.encode([3; POINT_BYTES]), "BTBZMqHH6r4Tts7J_aSIgg").is_none());
        let nowhere = Keys { public: [4; POINT_BYTES], auth: [0; AUTH_BYTES] };
        assert!(seal(&nowhere, b"x").is_none(), "not on the curve");
        assert!(seal(&browser(), &[0; TEXT_BYTES_MAX + 1]).is_none());
        assert!(seal(&browser(), &[0; TEXT_BYTES_MAX]).is_some_and(|body| body.len() <= 4_096));
    }
}
