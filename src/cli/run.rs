//! `portevoix run`: the service.

use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Configured, Failed, Outcome, folders, reload, status};
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
    /// Also read the configuration anew when its files change, and not only when told to (`systemctl reload portevoix`,
    /// SIGHUP)
    #[arg(long)]
    watch: bool,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    super::log("info");
    let plan = options.configured.load()?;
    let state = folders::state(options.state.as_ref(), plan.settings.state.as_ref());
    let mut watch = status::Writer::new(folders::runtime(&state));
    let runtime = super::runtime()?;
    // From here on a hang-up ends nobody.
    let hangups = runtime.block_on(async { signal(SignalKind::hangup()) });
    let hangups = hangups.map_err(|error| Failed::Task(format!("cannot listen to signals: {error}")))?;
    // One is being applied, the next waits; more ask for the same.
    let (to, asked) = mpsc::channel(1);
    let reload = reload::listen(options.configured.path(), hangups, options.watch, to);
    let beside = async {
        reload.await;
        std::future::pending().await
    };
    live(&runtime, plan, &state, (&mut watch, asked), beside)
}

/// Runs a plan, and those that are asked for after it, until it is stopped by a signal, together with `beside`.
pub fn live(
    runtime: &tokio::runtime::Runtime,
    plan: Plan,
    state: &std::path::Path,
    (watch, asked): (&mut dyn app::Watch, mpsc::Receiver<app::Asked>),
    beside: impl Future<Output = ()>,
) -> Outcome {
    let stop = CancellationToken::new();
    runtime.block_on(async {
        tokio::select! {
            ended = app::run_and_reload(plan, state, watch, stop.clone(), asked) => {
                ended.map_err(|error| Failed::Task(error.to_string()))
            }
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
