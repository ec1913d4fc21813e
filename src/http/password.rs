//! Passwords: argon2id, off the threads that serve connections, two at a time, with a bounded queue.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::{Problem, invalid, problem};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many passwords are hashed at the same time; each takes 19 MiB.
const AT_ONCE: usize = 2;
/// How many may wait for their turn.
const WAITING_MAX: usize = 64;
/// How long one may wait for its turn.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// The shortest and the longest password, in characters.
const CHARS: std::ops::RangeInclusive<usize> = 12..=256;

/// Verified when there is nobody of an address, so that the time does not tell.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash("a password that nobody has").unwrap_or_default());

/// Where passwords are hashed.
#[derive(Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Passwords {
    /// With no one waiting.
    pub fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), waiting: AtomicUsize::new(0) }
    }

    /// The hash of a new password, as a PHC string.
    ///
    /// # Errors
    /// `invalid-body` at `pointer` for one that is too short or too long, `server-busy`.
    pub async fn hash(&self, pointer: &str, password: String) -> Result<Arc<str>, Problem> {
        if !CHARS.contains(&password.chars().count()) {
            return Err(invalid(pointer, format!("is not {} to {} characters long", CHARS.start(), CHARS.end())));
        }
        let hashed = self.run(move || hash(&password)).await?;
        hashed.map(Into::into).ok_or_else(|| problem!("internal-error"))
    }

    /// Whether the password is the one of this hash. Without a hash it takes as long and never is.
    ///
    /// # Errors
    /// `server-busy`.
    pub async fn verify(&self, password: String, hash: Option<Arc<str>>) -> Result<bool, Problem> {
        if password.chars().count() > *CHARS.end() {
            return Ok(false);
        }
        self.run(move || {
            let right = verify(&password, hash.as_deref().unwrap_or(&NOBODY));
            right && hash.is_some()
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let turn = self.turn().await?;
        // The turn ends with the work, also when the caller went away meanwhile.
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        working.await.map_err(|_| problem!("internal-error"))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let busy = || problem!("server-busy", "too many passwords are being checked");
        let waiting = Waiting::begin(&self.waiting);
        if waiting.before >= WAITING_MAX {
            return Err(busy());
        }
        tokio::time::timeout(WAIT_MAX, self.turns.clone().acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

/// A place in the queue; given back when dropped, also when the caller goes away.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        Self { count, before: count.fetch_add(1, Ordering::AcqRel) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
    }
}

fn argon() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Option<String> {
    Some(argon()?.hash_password(password.as_bytes()).ok()?.to_string())
}

fn verify(password: &str, hash: &str) -> bool {
    argon().is_some_and(|argon| argon.verify_password(password.as_bytes(), hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_password_is_right_or_wrong_and_nobody_has_none() {
        let passwords = Passwords::new();
        let hash = passwords.hash("/password", "Sous-chef-9-lantern".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("Sous-chef-9-lantern".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("Sous-chef-9-lanterns".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("a password that nobody has".into(), None).await.unwrap());
    }

    #[actix_web::test]
    async fn a_short_password_is_refused_with_its_place() {
        let problem = Passwords::new().hash("/owner/password", "short".into()).await.unwrap_err();
        assert_eq!(
            (problem.code(), problem.document()["errors"][0]["pointer"].as_str()),
            ("invalid-body", Some("/owner/password"))
        );
    }
}
