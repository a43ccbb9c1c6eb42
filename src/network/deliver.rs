//! Hands jobs to one network, one at a time, and runs what the network itself needs to run.

use std::sync::Arc;
use std::time::Duration;

use contract::{Delivery, DeliveryError, Network};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::warn;

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
        let is_look = job.is_look;
        let mut alone = JoinSet::new();
        alone.spawn(do_job(network.clone(), job));
        // A panic of an adapter is an attempt without an answer; the network goes on.
        let answer = match alone.join_next().await {
            Some(Ok(answer)) => answer,
            Some(Err(_)) | None => unanswered(is_look, "the adapter has panicked; report it"),
        };
        if answers.send((number, answer)).await.is_err() {
            return;
        }
    }
}

fn unanswered(is_look: bool, reason: &str) -> Answer {
    let error = DeliveryError::Unanswered { reason: reason.to_owned() };
    if is_look { Answer::Looked(Err(error)) } else { Answer::Published(Err(error)) }
}

async fn do_job(network: Arc<dyn Network>, job: Job) -> Answer {
    let delivery = Delivery { key: &job.key, step: &job.step, post: &job.post, is_repeat: job.is_repeat };
    let silent = |_| unanswered(job.is_look, "no answer within 35 s");
    if job.is_look {
        let looked = tokio::time::timeout(ANSWER_MAX, network.look(&delivery)).await;
        return looked.map_or_else(silent, Answer::Looked);
    }
    let published = tokio::time::timeout(ANSWER_MAX, network.publish(&delivery)).await;
    published.map_or_else(silent, Answer::Published)
}

/// Runs what the network serves, again and again if it fails.
///
/// `trouble` always holds why it does not serve now, if it does not.
pub async fn serve(name: String, network: Arc<dyn Network>, trouble: watch::Sender<Option<String>>) {
    let mut last_said = String::new();
    loop {
        match network.serve().await {
            Ok(()) => return,
            Err(error) => {
                let reason = error.to_string();
                if reason != last_said {
                    warn!(network = %name, %reason, "cannot serve");
                    last_said.clone_from(&reason);
                }
                trouble.send_replace(Some(reason));
            }
        }
        tokio::time::sleep(SERVE_RETRY).await;
        // Perhaps this time: whoever still cannot says so again at once.
        trouble.send_replace(None);
    }
}
