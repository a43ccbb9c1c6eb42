//! `portevoix demo`: a small bakery in one process. The broker and the machines are simulated; the source, the
//! rules, the outbox and the wall are the real ones. Opens nothing but loopback.

mod bakery;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use clap::{Args, ValueEnum};
use source_mqtt::broker::Broker;

use super::run::live;
use super::{Failed, Outcome, complain, say, show};
use crate::app::Watch;
use crate::config::{self, Plan};
use crate::turn::Health;

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    /// The port of the page on 127.0.0.1
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The language [default: that of the environment, LC_ALL or LANG]
    #[arg(long)]
    language: Option<Tongue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tongue {
    Fr,
    En,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    super::log("warn");
    let page = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    // Asked now, so that the answer is a sentence and not a line in a log.
    TcpListener::bind(page).map_err(|error| {
        Failed::Task(format!(
            "the page cannot be served on {page}: {error}; try `portevoix demo --port 8081`"
        ))
    })?;
    let tongue = options.language.unwrap_or_else(of_environment);
    let state = std::env::temp_dir().join(format!("portevoix-demo-{}", std::process::id()));
    let outcome = open(tongue, page, &state);
    // A demonstration leaves nothing behind; what the system still holds, it cleans itself.
    let _ = std::fs::remove_dir_all(&state);
    outcome
}

fn open(tongue: Tongue, page: SocketAddr, state: &Path) -> Outcome {
    let runtime = super::runtime()?;
    let broker = {
        let _inside = runtime.enter();
        Broker::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .map_err(|error| Failed::Task(format!("the demonstration's broker does not start: {error}")))?
    };
    let plan = plan(tongue, page, broker.port())?;
    let mut guide = Guide { tongue, page, said: None };
    // A demonstration is what it is: nobody asks for another one.
    let (_, asked) = tokio::sync::mpsc::channel(1);
    live(&runtime, plan, state, (&mut guide, asked), work(broker))
}

/// The machines at work, four times a second.
async fn work(broker: Broker) {
    let mut beat = tokio::time::interval(Duration::from_millis(250));
    let mut quarter = 0u32;
    loop {
        beat.tick().await;
        for (topic, payload) in bakery::say(quarter) {
            broker.publish(&topic, payload, false);
        }
        quarter = quarter.wrapping_add(1);
    }
}

fn plan(tongue: Tongue, page: SocketAddr, broker: u16) -> Result<Plan, Failed> {
    let (name, text) = match tongue {
        Tongue::Fr => ("boulangerie.toml", include_str!("../../../examples/bakery/boulangerie.toml")),
        Tongue::En => ("bakery.toml", include_str!("../../../examples/bakery/bakery.toml")),
    };
    let text = text
        // The demonstration's broker speaks MQTT 3.1.1.
        .replace("mqtt://127.0.0.1:1883\"", &format!("mqtt://127.0.0.1:{broker}\"\nversion = \"3.1.1\""))
        .replace("127.0.0.1:8080", &page.to_string());
    config::read(vec![(name.to_owned(), text)]).map_err(|found| {
        show(&found);
        Failed::Configuration
    })
}

/// French where the environment speaks French.
fn of_environment() -> Tongue {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG")).unwrap_or_default();
    if locale.to_lowercase().starts_with("fr") { Tongue::Fr } else { Tongue::En }
}

/// Says where to look.
struct Guide {
    tongue: Tongue,
    page: SocketAddr,
    said: Option<String>,
}

impl Watch for Guide {
    fn ready(&mut self) {
        let page = self.page;
        match self.tongue {
            Tongue::Fr => {
                say(&format!("La boulangerie tourne. À regarder : http://{page}"));
                say("La première machine parle dans les 15 secondes. Ctrl+C pour arrêter.");
            }
            Tongue::En => {
                say(&format!("The bakery is running. Look at http://{page}"));
                say("The first machine speaks within 15 seconds. Ctrl+C stops it.");
            }
        }
    }

    fn health(&mut self, health: &dyn Fn() -> Health) {
        let lost = health().networks.into_iter().find_map(|network| network.last_error);
        if lost != self.said {
            lost.iter().for_each(|error| complain(error));
            self.said = lost;
        }
    }
}

/// The folder of the example, for tests.
#[cfg(test)]
fn example() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/bakery")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bakeries_are_the_same_plant() {
        let page = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        let shape = |tongue| {
            let plan = plan(tongue, page, 1883).unwrap();
            let keys = plan.machines.iter().map(|machine| (machine.author.key.clone(), machine.rules.len()));
            keys.collect::<Vec<_>>()
        };
        assert_eq!(shape(Tongue::Fr), shape(Tongue::En));
        assert!(example().join("README.md").exists());
    }
}
