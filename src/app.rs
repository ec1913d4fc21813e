//! A stand-in for the composition root.

use crate::config::Config;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

/// A running server.
pub struct App {
    url: String,
}

impl App {
    /// Starts.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: Config) -> Result<Self, StartError> {
        if config.server.listen.is_empty() {
            return Err(StartError("nothing to listen on".into()));
        }
        Ok(Self { url: format!("http://{}", config.server.listen) })
    }

    /// The address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The operator's token.
    pub fn operator_token(&self) -> &str {
        "stub"
    }

    /// Whether it was made at this start.
    pub fn operator_token_is_new(&self) -> bool {
        true
    }

    /// Ends when the server must stop by itself.
    pub async fn failed(&self) -> String {
        std::future::pending().await
    }

    /// Stops.
    pub async fn stop(self) {}
}
