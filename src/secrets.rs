//! The server's own secrets: made at the first start, kept beside the data, readable by its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

/// What only the server and whoever runs it know.
#[derive(Clone)]
pub struct Secrets {
    /// The token of whoever runs the server.
    pub operator_token: String,
    /// Whether it was made just now.
    pub operator_token_is_new: bool,
    /// The key under which credentials are hashed.
    pub server_key: [u8; 32],
    /// The key that signs push messages: a PKCS#8 document.
    pub vapid_key: Vec<u8>,
    /// The token with which an external scheduler may have the queues worked off.
    pub cron_secret: Option<String>,
}

/// Reads the secrets of a data directory, and makes those that are not there. `ACTION_CENTER_OPERATOR_TOKEN` and
/// `ACTION_CENTER_CRON_SECRET` go before what is kept.
///
/// # Errors
/// When a file cannot be read or written.
pub fn read_or_make(dir: &Path) -> io::Result<Secrets> {
    let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (key, _) = kept(&dir.join("server.key"), || Ok(hex(&random::<32>()?)))?;
    let (operator_token, operator_token_is_new) = match given("ACTION_CENTER_OPERATOR_TOKEN") {
        Some(token) => (token, false),
        None => kept(&dir.join("operator.token"), || Ok(format!("aco_{}", hex(&random::<32>()?))))?,
    };
    let server_key = unhex(&key).ok_or_else(|| io::Error::other("server.key does not hold 64 hexadecimal digits"))?;
    let (vapid_key, _) = kept(&dir.join("vapid.key"), || Ok(STANDARD.encode(new_vapid_key()?)))?;
    let vapid_key = STANDARD.decode(vapid_key).map_err(|_| io::Error::other("vapid.key does not hold base64"))?;
    Ok(Secrets {
        operator_token,
        operator_token_is_new,
        server_key,
        vapid_key,
        cron_secret: given("ACTION_CENTER_CRON_SECRET"),
    })
}

/// The text of a file, or what `make` gives, which is then kept in it; and whether it was made now.
fn kept(path: &Path, make: impl FnOnce() -> io::Result<String>) -> io::Result<(String, bool)> {
    match File::open(path) {
        Ok(mut file) => {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok((text.trim().to_owned(), false))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = make()?;
            let part = path.with_extension("part");
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
            writeln!(file, "{text}")?;
            file.sync_all()?;
            std::fs::rename(&part, path)?;
            if let Some(parent) = path.parent() {
                File::open(parent)?.sync_all()?;
            }
            Ok((text, true))
        }
        Err(error) => Err(error),
    }
}

fn new_vapid_key() -> io::Result<Vec<u8>> {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let document = document.map_err(|_| io::Error::other("the system has no randomness"))?;
    Ok(document.as_ref().to_vec())
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn secrets_are_made_once_and_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.key");
        let (first, new) = kept(&path, || Ok(hex(&random::<32>()?))).unwrap();
        let (again, not_new) = kept(&path, || panic!("it is there")).unwrap();
        assert_eq!((new, not_new), (true, false));
        assert_eq!(first, again);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(unhex(&first).map(|key| hex(&key)), Some(first));
        assert_eq!(unhex("zz"), None);
    }
}
