//! A look at a server that nobody has configured yet: what it offers, what it holds, and a configuration for it.
//!
//! Gentle: one request at a time with a pause after each, a limit of nodes and of depth, a deadline over all. It
//! reads and browses; it subscribes to nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::SourceError;
use contract::settings::SecretText;
use contract::suggest::{plain_name, quoted, unique};
use opcua::client::IdentityToken;
use opcua::types::{Error, NodeClass, NodeId, ReferenceDescription, Variant};
use tokio::time::{Instant, sleep, timeout_at};

use crate::ask::{self, Limits};
use crate::endpoint;
use crate::goodbyes::Goodbyes;
use crate::node;
use crate::own;
use crate::path;
use crate::session::{self, Line, Plan, Session, lost};
use crate::settings::{Profile, Security};
use crate::trust;
use crate::url::Url;

/// Where the walk begins: Objects.
const OBJECTS: u32 = 85;
/// HierarchicalReferences.
const HIERARCHICAL: u32 = 33;

/// What to look at, and how far.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the server listens: `opc.tcp://presse:4840`.
    pub url: String,
    /// The name that the source will have.
    pub name: String,
    /// The key of the machine that the tags will belong to.
    pub machine: String,
    /// How the line is secured.
    pub security: Security,
    /// Who we are, if the server asks.
    pub user: Option<(String, SecretText)>,
    /// Must the certificate name the host?
    pub check_host: bool,
    /// The state folder of the program, with our certificate and those that are trusted.
    pub state: PathBuf,
    /// The most nodes that are looked at.
    pub nodes_max: usize,
    /// How many steps below Objects.
    pub depth_max: usize,
    /// The pause after each request.
    pub pause: Duration,
    /// How long all of it may take.
    pub deadline: Duration,
}

impl Options {
    /// As they are without more words: 500 nodes, 8 steps, a pause of 20 ms, a minute in all.
    pub fn new(url: &str, state: PathBuf) -> Options {
        Options {
            url: url.to_owned(),
            name: "opcua".to_owned(),
            machine: "machine".to_owned(),
            security: Security::SignAndEncrypt,
            user: None,
            check_host: true,
            state,
            nodes_max: 500,
            depth_max: 8,
            pause: Duration::from_millis(20),
            deadline: Duration::from_secs(60),
        }
    }
}

/// Why nothing was found out at all.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// What was typed is no address.
    #[error("{0}")]
    Url(String),
    /// The server did not go along; the same words as in operation.
    #[error("{0}")]
    Server(#[from] SourceError),
}

/// A variable of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its node id, with the URI of its namespace.
    pub node: String,
    /// Its browse path.
    pub path: String,
    /// What it holds now, in words.
    pub shows: String,
    /// The tag it becomes.
    pub tag: String,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The ways in that the server offers.
    pub endpoints: Vec<String>,
    /// Its namespaces, by index.
    pub namespaces: Vec<String>,
    /// Its variables.
    pub variables: Vec<Variable>,
    /// Why it was not looked at further, if it was not.
    pub stopped: Option<String>,
    /// TOML that the program accepts.
    pub configuration: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ways in:")?;
        self.endpoints.iter().try_for_each(|endpoint| writeln!(f, "  {endpoint}"))?;
        if !self.namespaces.is_empty() {
            writeln!(f, "namespaces:")?;
        }
        self.namespaces
            .iter()
            .enumerate()
            .try_for_each(|(index, uri)| writeln!(f, "  {index}  {}", shown(uri)))?;
        if !self.variables.is_empty() {
            writeln!(f, "variables:")?;
        }
        self.variables
            .iter()
            .try_for_each(|one| writeln!(f, "  {}  {}", shown(&one.path), shown(&one.shows)))?;
        self.stopped.iter().try_for_each(|why| writeln!(f, "not further: {why}"))
    }
}

fn shown(words: &str) -> String {
    contract::clean(words, 200)
}

/// Looks at a server.
///
/// # Errors
/// Nobody was reached. A server that does not let us in gives a report with its ways in, and why.
pub async fn run(options: &Options) -> Result<Report, ProbeError> {
    let at = Url::parse(&options.url).map_err(ProbeError::Url)?;
    let end = Instant::now() + options.deadline;
    let plan = Arc::new(plan(options, at));
    let mut report = Report::default();
    let late = || SourceError::Lost(format!("{}: no answer in time", plan.at));
    let offered = timeout_at(end, session::offered(&plan)).await.map_err(|_| late())??;
    report.endpoints = offered.iter().map(endpoint::describe).collect();
    report.endpoints.dedup();
    match timeout_at(end, Session::open(&plan)).await {
        Err(_) => report.stopped = Some("the time was up".to_owned()),
        Ok(Err(error)) => report.stopped = Some(error.to_string()),
        Ok(Ok(session)) => {
            let mut walk =
                Walk { line: session.line(), options, limits: Limits::of(Profile::Generic), report };
            match timeout_at(end, walk.all()).await {
                Err(_) => walk.report.stopped = Some("the time was up".to_owned()),
                Ok(Err(error)) => {
                    walk.report.stopped = Some(lost(&plan.at, "browsing", error.status()).to_string());
                }
                Ok(Ok(())) => {}
            }
            report = walk.report;
            session.close().await;
        }
    }
    plan.goodbyes.said().await;
    report.configuration = configuration(options, &report);
    Ok(report)
}

fn plan(options: &Options, at: Url) -> Plan {
    let (identity, who) = match &options.user {
        Some((user, password)) => {
            (IdentityToken::new_user_name(user, password.reveal()), format!("user `{user}`"))
        }
        None => (IdentityToken::Anonymous, "nobody in particular".to_owned()),
    };
    Plan {
        name: options.name.clone(),
        at,
        security: options.security,
        policy: None,
        identity,
        who,
        application_uri: own::uri(&options.name),
        check_host: options.check_host,
        folder: trust::folder(&options.state, &options.name),
        session_timeout: Duration::from_secs(30),
        key_lifetime: Duration::from_secs(600),
        request_timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(10),
        goodbyes: Goodbyes::default(),
    }
}

/// A walk through the nodes below Objects, level by level.
struct Walk<'a> {
    line: Line,
    options: &'a Options,
    limits: Limits,
    report: Report,
}

/// A node on the way.
struct Place {
    node: NodeId,
    path: String,
}

impl Walk<'_> {
    async fn all(&mut self) -> Result<(), Error> {
        self.report.namespaces = ask::namespaces(&self.line).await?;
        self.limits = ask::limits(&self.line, Profile::Generic).await?;
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut level = vec![Place { node: NodeId::new(0, OBJECTS), path: "/Objects".to_owned() }];
        let mut variables = Vec::new();
        for _ in 0..self.options.depth_max {
            let mut below = Vec::new();
            for some in level.chunks(self.limits.browse.max(1)) {
                let nodes: Vec<NodeId> = some.iter().map(|place| place.node.clone()).collect();
                let found = ask::browse(&self.line, &self.limits, &nodes, HIERARCHICAL).await?;
                sleep(self.options.pause).await;
                for (place, references) in some.iter().zip(found) {
                    for reference in references {
                        if seen.len() >= self.options.nodes_max {
                            self.report.stopped =
                                Some(format!("{} nodes were looked at", self.options.nodes_max));
                            return self.values(variables).await;
                        }
                        self.sort(place, reference, &mut seen, &mut below, &mut variables);
                    }
                }
            }
            level = below;
        }
        self.values(variables).await
    }

    /// A variable is a find, an object is looked into. What the standard itself has is left out.
    fn sort(
        &self,
        above: &Place,
        reference: ReferenceDescription,
        seen: &mut BTreeSet<String>,
        below: &mut Vec<Place>,
        variables: &mut Vec<Place>,
    ) {
        let id = reference.node_id.node_id;
        if id.namespace == 0 || !seen.insert(id.to_string()) {
            return;
        }
        let path = format!("{}/{}", above.path, path::escape(reference.browse_name.name.as_ref()));
        match reference.node_class {
            NodeClass::Variable => variables.push(Place { node: id, path }),
            NodeClass::Object => below.push(Place { node: id, path }),
            _ => {}
        }
    }

    async fn values(&mut self, places: Vec<Place>) -> Result<(), Error> {
        let mut taken = BTreeSet::new();
        for some in places.chunks(self.limits.read.max(1)) {
            let nodes: Vec<NodeId> = some.iter().map(|place| place.node.clone()).collect();
            let values = ask::read(&self.line, &self.limits, &nodes).await?;
            sleep(self.options.pause).await;
            for (place, data) in some.iter().zip(values) {
                self.report.variables.push(Variable {
                    node: node::stable(&place.node, &self.report.namespaces),
                    path: place.path.clone(),
                    shows: shows(data.value.as_ref()),
                    tag: key(&mut taken, &place.path),
                });
            }
        }
        Ok(())
    }
}

fn shows(value: Option<&Variant>) -> String {
    match value {
        Some(Variant::Array(array)) => format!("{} values", array.values.len()),
        Some(Variant::ExtensionObject(_)) => "a structure".to_owned(),
        Some(Variant::ByteString(bytes)) => format!("{} bytes", bytes.as_ref().len()),
        Some(value) => contract::clean(&value.to_string(), 60),
        None => "no value".to_owned(),
    }
}

/// A key for a tag, made of the last step of its path.
fn key(taken: &mut BTreeSet<String>, path: &str) -> String {
    let last = plain_name(path.rsplit('/').next().unwrap_or_default(), 40);
    unique(taken, if last.is_empty() { "tag" } else { &last })
}

fn configuration(options: &Options, report: &Report) -> String {
    let mut lines =
        vec![format!("[source.opcua.{}]", options.name), format!("url = {}", quoted(&options.url))];
    if options.security != Security::SignAndEncrypt {
        lines.push(format!("security = \"{:?}\"", options.security));
    }
    if let Some((user, _)) = &options.user {
        lines.push(format!("user = {}", quoted(user)));
        lines.push(format!("password = {{ credential = \"{}-password\" }}", options.name));
    }
    if !options.check_host {
        lines.push("check_host = false".to_owned());
    }
    for one in &report.variables {
        lines.push(String::new());
        lines.push(format!("# {}  {}", shown(&one.path), shown(&one.shows)));
        lines.push(format!("[machine.{}.tag.{}]", options.machine, one.tag));
        lines.push(format!("source = {}", quoted(&options.name)));
        lines.push(format!("node = {}", quoted(&one.node)));
        if one.shows.ends_with(" values") {
            lines.push("index = 0".to_owned());
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_a_key_of_its_own() {
        let mut taken = BTreeSet::new();
        let mut key = |path| key(&mut taken, path);
        assert_eq!(key("/Objects/Press 3/Oil Temp. (°C)"), "oil-temp-c");
        assert_eq!(key("/Objects/Press 4/Oil Temp. (°C)"), "oil-temp-c-2");
        assert_eq!(key("/Objects/Presse/Température d'huile"), "temperature-d-huile");
        assert_eq!(key("/Objects/°"), "tag");
    }

    #[test]
    fn a_strangers_words_stay_words() {
        for words in ["a\"b\\c\nd\u{7f}", "]\n[x]\n", "é"] {
            let table: toml::Table = format!("a = {}", quoted(words)).parse().unwrap();
            assert_eq!(table["a"].as_str(), Some(words));
        }
    }
}
