//! What a task that asks for rows again and again has in common with another: what it gives, and what it has told.

use std::collections::HashMap;

use contract::{Batch, Cause, Notice, SourceError, Thing, Trouble, clean};
use serde_json::Value as Json;
use tokio::sync::mpsc;

/// The longest name of a question in a post, in characters.
const NAME_MAX: usize = 200;

/// What the task gives.
#[derive(Debug)]
pub struct Given {
    /// What was read.
    pub batch: Batch,
    /// Once that is safe, this list is safe so far.
    pub mark: Option<(usize, Json)>,
}

/// Where the task speaks to.
pub type Out = mpsc::Sender<Result<Given, SourceError>>;

/// What is in trouble and was told.
#[derive(Debug, Default)]
pub struct Told(HashMap<String, Cause>);

impl Told {
    /// Tells what is in trouble, once, and what no longer is.
    pub fn say(&mut self, name: &str, cause: Option<Cause>) -> Option<Notice> {
        let name = clean(name, NAME_MAX);
        match cause {
            Some(cause) if self.0.get(&name) != Some(&cause) => {
                self.0.insert(name.clone(), cause.clone());
                Some(Notice::Trouble(Trouble { thing: Thing::Query, name, cause }))
            }
            Some(_) => None,
            None => self.0.remove(&name).map(|_| Notice::Mended(Thing::Query, name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_once_until_it_is_another_or_mended() {
        let mut told = Told::default();
        let trouble =
            |cause| Some(Notice::Trouble(Trouble { thing: Thing::Query, name: "orders".into(), cause }));
        assert_eq!(told.say("orders", None), None);
        assert_eq!(told.say("orders", Some(Cause::NoAnswer)), trouble(Cause::NoAnswer));
        assert_eq!(told.say("orders", Some(Cause::NoAnswer)), None);
        assert_eq!(told.say("orders", Some(Cause::Lost)), trouble(Cause::Lost));
        assert_eq!(told.say("orders", None), Some(Notice::Mended(Thing::Query, "orders".into())));
        assert_eq!(told.say("orders", None), None);
    }
}
