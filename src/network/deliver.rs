//! Hands jobs to one network, one at a time, and runs what the network itself needs to run.

use std::sync::Arc;
use std::time::Duration;

use contract::{Delivery, DeliveryError, Network};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::outbox::{Answer, Job};

/// A network answers within 30 s; this is for one that does not keep its word.
const ANSWER_MAX: Duration = Duration::from_secs(35);
/// How long before what a network serves is tried again, for example a port that is in use.
const SERVE_RETRY: Duration = Duration::from_secs(5);

/// Does jobs until there are no more.
pub async fn deliver(
    number: usize,
    network: Arc<dyn Network>,
    mut jobs: mpsc::Receiver<Job>,
    answers: mpsc::Sender<(usize, Answer)>,
) {
    while let Some(job) = jobs.recv().await {
        let answer = do_job(&*network, &job).await;
        if answers.send((number, answer)).await.is_err() {
            return;
        }
    }
}

async fn do_job(network: &dyn Network, job: &Job) -> Answer {
    let delivery = Delivery { key: &job.key, step: &job.step, post: &job.post, is_repeat: job.is_repeat };
    let silent = || DeliveryError::Unanswered { reason: "no answer within 35 s".into() };
    if job.is_look {
        let looked = tokio::time::timeout(ANSWER_MAX, network.look(&delivery)).await;
        return Answer::Looked(looked.unwrap_or_else(|_| Err(silent())));
    }
    let published = tokio::time::timeout(ANSWER_MAX, network.publish(&delivery)).await;
    Answer::Published(published.unwrap_or_else(|_| Err(silent())))
}

/// Runs what the network serves, again and again if it fails.
pub async fn serve(name: String, network: Arc<dyn Network>) {
    let mut last_said = String::new();
    loop {
        match network.serve().await {
            Ok(()) => {
                info!(network = %name, "serves nothing more");
                return;
            }
            Err(error) => {
                let reason = error.to_string();
                if reason != last_said {
                    warn!(network = %name, %reason, "cannot serve");
                    last_said = reason;
                }
            }
        }
        tokio::time::sleep(SERVE_RETRY).await;
    }
}
