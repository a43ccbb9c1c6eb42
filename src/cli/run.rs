//! `portevoix run`: the service.

use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Configured, Failed, Outcome, folders, status};
use crate::app;
use crate::config::Plan;

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    configured: Configured,
    /// The folder for what must outlive a restart [default: $STATE_DIRECTORY, else `state` of the
    /// configuration, else ~/.local/state/portevoix]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    super::log("info");
    let plan = options.configured.load()?;
    let state = folders::state(options.state.as_ref(), plan.settings.state.as_ref());
    let mut watch = status::Writer::new(folders::runtime(&state));
    live(&super::runtime()?, plan, &state, &mut watch, std::future::pending())
}

/// Runs a plan until it is stopped by a signal, together with `beside`.
pub fn live(
    runtime: &tokio::runtime::Runtime,
    plan: Plan,
    state: &std::path::Path,
    watch: &mut dyn app::Watch,
    beside: impl Future<Output = ()>,
) -> Outcome {
    let stop = CancellationToken::new();
    runtime.block_on(async {
        tokio::select! {
            ended = app::run(plan, state, watch, stop.clone()) => ended.map_err(|error| Failed::Task(error.to_string())),
            error = wait_for_signal(stop.clone()) => Err(Failed::Task(error)),
            () = beside => Ok(()),
        }
    })
}

/// Cancels at the first signal, and waits for ever then: the program ends when all is in order.
pub async fn wait_for_signal(stop: CancellationToken) -> String {
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen to signals: {error}"));
    match (listen(SignalKind::terminate()), listen(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stop.cancel();
            std::future::pending().await
        }
        (Err(error), _) | (_, Err(error)) => error,
    }
}
