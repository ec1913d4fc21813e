//! `demo`: a server with a living sample group. Everything it does goes through the public API with real credentials.

mod chance;
mod floor;
mod history;
mod lines;
mod mailbox;
mod reports;
mod rules;
mod setup;
mod shift;
mod story;
mod workspace;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;

use self::floor::Floor;
use self::mailbox::Mailbox;
use self::shift::Shift;
use self::story::Facts;
use self::workspace::Workspace;
use super::output;
use super::signals::Signals;
use crate::app::App;
use crate::clock::now_ms;
use crate::config::Config;
use crate::telemetry;

/// Runs a server with a sample restaurant group, two weeks of history and a simulated shift.
#[derive(Args, Debug)]
pub struct Demo {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// A data directory to keep; a temporary one is made and removed when not given.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Stop by itself after so many seconds of the shift.
    #[arg(long = "for", value_name = "SECONDS")]
    pub for_seconds: Option<u64>,
    /// Let the shift go on without a line for each event.
    #[arg(long)]
    pub quiet_shift: bool,
    /// Another seed gives another shift.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

impl Demo {
    /// Runs until a signal, the end of its time, or a failure.
    ///
    /// # Errors
    /// Settings that cannot be used, a server that does not start or refuses what the demo needs.
    pub async fn run(self) -> anyhow::Result<()> {
        let workspace = Workspace::open(self.data_dir.as_deref()).context("no data directory")?;
        let flags = [("server.listen", self.listen.clone()), ("data.dir", workspace.path().display().to_string())];
        let mut config = Config::load(None, &flags).context("the settings cannot be used")?;
        let talks = Arc::new(AtomicBool::new(false));
        let mailbox = if config.delivery.email.url.is_empty() { Some(own_mailbox(&talks)?) } else { None };
        if let Some(mailbox) = &mailbox {
            config.delivery.email.url = mailbox.url();
            config.delivery.email.from = "Harbour & Vine <action-center@harbour-vine.example>".into();
        }
        if config.log.filter == "info" {
            config.log.filter = "warn".into(); // the default would drown the story; any other choice is kept
        }
        telemetry::start(&config.log);
        let mut signals = Signals::listen().await?;
        let app = tokio::select! {
            app = App::start(config) => app.context("the server did not start")?,
            _ = signals.first() => return Ok(()),
        };
        let outcome = tokio::select! {
            outcome = self.play(&app, mailbox.is_some(), &talks) => outcome,
            _ = signals.first() => Ok(()),
            reason = app.failed() => Err(anyhow!("the server cannot go on: {reason}")),
        };
        talks.store(false, Ordering::Relaxed);
        output::note("The doors close.");
        app.stop().await;
        outcome
    }

    async fn play(&self, app: &App, own_mailbox: bool, talks: &AtomicBool) -> anyhow::Result<()> {
        let stage =
            setup::set(app.url(), app.operator_token(), self.seed, now_ms()).await.context("setting the stage")?;
        output::say(story::hello(&Facts {
            url: app.url(),
            till_key: &stage.till_key,
            desk_key: &stage.desk_key,
            block_id: &stage.block_id,
            templates: stage.templates,
            own_mailbox,
        }));
        talks.store(!self.quiet_shift, Ordering::Relaxed);
        let shift = self.work(Floor::new(stage));
        match self.for_seconds {
            // The end of the time is how this is meant to end.
            Some(seconds) => drop(tokio::time::timeout(Duration::from_secs(seconds), shift).await),
            None => shift.await,
        }
        Ok(())
    }

    async fn work(&self, mut floor: Floor) {
        for step in Shift::new(self.seed) {
            match floor.play(&step, now_ms()).await {
                Ok(Some(line)) if !self.quiet_shift => output::say(line),
                Ok(_) => {}
                Err(error) => output::note(format_args!("the shift goes on after: {:#}", anyhow::Error::from(error))),
            }
            tokio::time::sleep(Duration::from_millis(step.pause_ms)).await;
        }
    }
}

fn own_mailbox(talks: &Arc<AtomicBool>) -> anyhow::Result<Mailbox> {
    let talks = Arc::clone(talks);
    let on_mail = move |mail: &mailbox::Mail| {
        if talks.load(Ordering::Relaxed) {
            output::say(lines::mailed(mail));
        }
    };
    Mailbox::start(on_mail).context("no mailbox for the demo")
}
