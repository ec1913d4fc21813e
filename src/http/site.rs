//! What every handler reaches: the engine and the settings of this layer.

use super::foresight::Foresight;
use super::password::Passwords;
use super::snapshots::Snapshots;
use super::streams::Streams;
use crate::actors::engine::Engine;

/// How this layer behaves.
#[derive(Clone)]
pub struct HttpSettings {
    /// Threads that serve connections.
    pub workers: usize,
    /// The largest body, in bytes.
    pub body_bytes_max: usize,
    /// How long an idle connection is kept, in seconds.
    pub keep_alive_s: u64,
    /// How long a caller may take for the head of a request, and again for its body, in milliseconds.
    pub client_timeout_ms: u64,
    /// How long a stop waits for requests that are being answered, in seconds.
    pub stop_timeout_s: u64,
    /// What the operator shows; empty opens nothing.
    pub operator_token: String,
    /// What may ask for the work of all organisations; without one, nobody may.
    pub cron_secret: Option<String>,
    /// Keys the hashes under which credentials are kept.
    pub server_key: [u8; 32],
    /// Whether the cookie is for HTTPS only.
    pub cookie_secure: bool,
}

/// The largest body unless set otherwise, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// The largest body of a bulk, in bytes.
pub const BULK_BYTES_MAX: usize = 1024 * 1024;
/// How long an idle connection is kept unless set otherwise, in seconds.
pub const KEEP_ALIVE_S: u64 = 75;

/// What stands below this layer.
#[derive(Clone)]
pub struct HttpState {
    /// The handle on all organisations.
    pub engine: Engine,
    /// Whom we ask what a request will do.
    pub foresight: Foresight,
}

/// What every handler reaches; one for the whole server.
pub struct Site {
    /// The handle on all organisations.
    pub engine: Engine,
    /// How this layer behaves.
    pub settings: HttpSettings,
    /// Whom we ask what a request will do.
    pub foresight: Foresight,
    /// Where passwords are hashed.
    pub passwords: Passwords,
    /// The event streams that are open.
    pub streams: Streams,
    /// What tills begin with.
    pub snapshots: Snapshots,
}

impl Site {
    /// Puts it together.
    pub fn new(state: HttpState, settings: HttpSettings) -> Self {
        Self {
            engine: state.engine,
            foresight: state.foresight,
            settings,
            passwords: Passwords::new(),
            streams: Streams::default(),
            snapshots: Snapshots::default(),
        }
    }
}
