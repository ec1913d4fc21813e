//! `serve`: the server, from its settings to its ordered stop.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;

use super::output;
use super::signals::Signals;
use crate::app::App;
use crate::config::Config;
use crate::telemetry;

/// Runs the server. Settings come from the file, then ACTION_CENTER__… in the environment, then these flags.
#[derive(Args, Debug)]
pub struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// The data directory; made when it is not there.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// A file with settings (TOML).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Serve {
    /// The settings that the flags stand for.
    pub fn flags(&self) -> Vec<(&'static str, String)> {
        let flags = [("server.listen", &self.listen), ("data.dir", &self.data_dir)];
        flags.into_iter().filter_map(|(key, value)| value.clone().map(|value| (key, value))).collect()
    }

    /// Serves until a signal or a failure of its own. The first line on standard output says that it is ready, and where.
    ///
    /// # Errors
    /// Settings that cannot be used, a server that does not start or cannot go on.
    pub async fn run(self) -> anyhow::Result<()> {
        let config = Config::load(self.config.as_deref(), &self.flags()).context("the settings cannot be used")?;
        telemetry::start(&config.log);
        let data_dir = config.data.dir.clone();
        let mut signals = Signals::listen().await?;
        let app = tokio::select! {
            app = App::start(config) => app.context("the server did not start")?,
            signal = signals.first() => {
                tracing::info!(signal, "stopped while starting");
                return Ok(());
            }
        };
        if app.operator_token_is_new() {
            let kept = data_dir.join("operator.token");
            output::note(format_args!("operator token: {} (kept in {})", app.operator_token(), kept.display()));
        }
        output::say(format_args!("listening on {}", app.url()));
        let outcome = tokio::select! {
            signal = signals.first() => {
                tracing::info!(signal, "stopping");
                Ok(())
            }
            reason = app.failed() => {
                tracing::error!(reason, "the server cannot go on");
                Err(anyhow!("the server cannot go on: {reason}"))
            }
        };
        app.stop().await;
        outcome
    }
}
