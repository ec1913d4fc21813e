//! SIGTERM and SIGINT: the first asks for an ordered stop, the second ends the process at once.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::output;

/// The first signal.
pub struct Signals {
    first: oneshot::Receiver<&'static str>,
}

impl Signals {
    /// Listens on a thread of its own, so that the second signal counts even when the stop hangs.
    ///
    /// # Errors
    /// The system gave no thread or no handler.
    pub async fn listen() -> anyhow::Result<Self> {
        let (ready, is_ready) = oneshot::channel();
        let (tell, first) = oneshot::channel();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || wait(ready, tell))
            .context("no thread for signals")?;
        is_ready.await.context("the thread for signals ended")?.context("signals cannot be handled")?;
        Ok(Self { first })
    }

    /// Waits for the first signal and gives its name.
    pub async fn first(&mut self) -> &'static str {
        match (&mut self.first).await {
            Ok(name) => name,
            Err(_) => std::future::pending().await, // the thread is gone, and with it every signal
        }
    }
}

fn wait(ready: oneshot::Sender<std::io::Result<()>>, tell: oneshot::Sender<&'static str>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        let streams = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
        let (mut terminate, mut interrupt) = match streams {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => return drop(ready.send(Err(error))),
        };
        drop(ready.send(Ok(())));
        let mut tell = Some(tell);
        loop {
            let (name, code) = tokio::select! {
                _ = terminate.recv() => ("SIGTERM", 143),
                _ = interrupt.recv() => ("SIGINT", 130),
            };
            match tell.take() {
                Some(tell) => drop(tell.send(name)),
                None => at_once(name, code),
            }
        }
    });
}

#[allow(clippy::disallowed_methods, reason = "a second signal asks for the end without order; the journal bears it")]
fn at_once(name: &str, code: i32) -> ! {
    output::note(format_args!("{name} again: stopping at once"));
    std::process::exit(code)
}
