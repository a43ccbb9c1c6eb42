//! Node ids as an integrator writes them: `nsu=http://usine.local/presse;s=Press07.Oil`.
//!
//! A namespace is named by its URI, because its index may change at each start of a server; it is looked up at
//! each connection. An index, `ns=2;s=…`, is understood too.

use std::fmt;
use std::str::FromStr;

use opcua::types::{ByteString, Guid, Identifier, NodeId, UAString};

/// The longest text of a node id: OPC 10000-3, 8.2.2 allows 4,096 characters for the identifier alone.
const TEXT_MAX: usize = 8192;
/// The namespace of the OPC Foundation, always with index 0.
pub const OPC_URI: &str = "http://opcfoundation.org/UA/";

/// A node, named in a way that outlives a restart of its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeName {
    text: String,
    namespace: Namespace,
    identifier: Identifier,
}

/// How a namespace is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespace {
    /// By its URI: stays.
    Uri(String),
    /// By its place in the server's list: may move.
    Index(u16),
}

impl NodeName {
    /// Reads `nsu=<uri>;s=<name>`, `ns=<index>;i=<number>`, `i=<number>`.
    ///
    /// # Errors
    /// What was found and what is expected.
    pub fn parse(text: &str) -> Result<NodeName, String> {
        let wrong = |what: &str| {
            format!("{what} in node `{text}`, expected `nsu=<namespace URI>;s=<name>` (or `i=`, `g=`, `b=`)")
        };
        if text.len() > TEXT_MAX {
            return Err(format!("a node id of {} bytes, expected at most {TEXT_MAX}", text.len()));
        }
        let (namespace, rest) = if let Some(rest) = text.strip_prefix("nsu=") {
            let end = split_at(rest).ok_or_else(|| wrong("no identifier"))?;
            let uri = rest[..end].replace("%3B", ";").replace("%3b", ";").replace("%25", "%");
            if uri.is_empty() {
                return Err(wrong("an empty namespace URI"));
            }
            (Namespace::Uri(uri), &rest[end + 1..])
        } else if let Some(rest) = text.strip_prefix("ns=") {
            let (index, rest) = rest.split_once(';').ok_or_else(|| wrong("no identifier"))?;
            (Namespace::Index(index.parse().map_err(|_| wrong("no namespace index"))?), rest)
        } else {
            (Namespace::Index(0), text)
        };
        let identifier = identifier(rest).ok_or_else(|| wrong("no identifier"))?;
        Ok(NodeName { text: text.to_owned(), namespace, identifier })
    }

    /// How its namespace is named.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The id that a server with these namespaces knows it by.
    ///
    /// # Errors
    /// The namespace that the server does not have.
    pub fn resolve(&self, namespaces: &[String]) -> Result<NodeId, String> {
        let index = match &self.namespace {
            Namespace::Index(index) => *index,
            Namespace::Uri(uri) if uri == OPC_URI => 0,
            Namespace::Uri(uri) => namespaces
                .iter()
                .position(|known| known == uri)
                .and_then(|index| u16::try_from(index).ok())
                .ok_or_else(|| format!("{self}: the server has no namespace `{uri}`"))?,
        };
        Ok(NodeId { namespace: index, identifier: self.identifier.clone() })
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The `;` before the identifier. A URI may hold one of its own, as long as no identifier seems to follow it.
fn split_at(rest: &str) -> Option<usize> {
    let is_identifier =
        |after: &str| after.get(..2).is_some_and(|kind| matches!(kind, "i=" | "s=" | "g=" | "b="));
    rest.match_indices(';').map(|(at, _)| at).find(|at| is_identifier(&rest[at + 1..]))
}

fn identifier(text: &str) -> Option<Identifier> {
    let (kind, value) = text.split_once('=')?;
    if value.is_empty() {
        return None;
    }
    match kind {
        "i" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(Identifier::Numeric(value.parse().ok()?))
        }
        "s" => Some(Identifier::String(UAString::from(value))),
        "g" => Guid::from_str(value).ok().map(Identifier::Guid),
        "b" => ByteString::from_base64(value).map(Identifier::ByteString),
        _ => None,
    }
}

/// The text of a node id in terms that outlive a restart: with the URI of its namespace.
pub fn stable(id: &NodeId, namespaces: &[String]) -> String {
    let identifier = match &id.identifier {
        Identifier::Numeric(number) => format!("i={number}"),
        Identifier::String(text) => format!("s={}", text.as_ref()),
        Identifier::Guid(guid) => format!("g={guid}"),
        Identifier::ByteString(bytes) => format!("b={}", bytes.as_base64()),
    };
    match namespaces.get(usize::from(id.namespace)) {
        _ if id.namespace == 0 => identifier,
        Some(uri) => format!("nsu={};{identifier}", uri.replace('%', "%25").replace(';', "%3B")),
        None => format!("ns={};{identifier}", id.namespace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespaces() -> Vec<String> {
        [OPC_URI, "urn:server", "http://usine.local/presse"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_node_is_found_by_its_namespace_wherever_that_stands() {
        let node = NodeName::parse("nsu=http://usine.local/presse;s=Press07.Oil").unwrap();
        let mut namespaces = namespaces();
        assert_eq!(node.resolve(&namespaces).unwrap(), NodeId::new(2, "Press07.Oil"));
        namespaces.swap(1, 2);
        assert_eq!(node.resolve(&namespaces).unwrap(), NodeId::new(1, "Press07.Oil"));
        namespaces.pop();
        namespaces.remove(1);
        assert!(node.resolve(&namespaces).unwrap_err().contains("no namespace `http://usine.local/presse`"));
    }

    #[test]
    fn every_kind_of_identifier_is_read_and_written_back() {
        for text in [
            "i=2258",
            "nsu=urn:server;i=7",
            "nsu=http://usine.local/presse;s=A;s=B = é",
            "nsu=urn:server;g=72962b91-fa75-4ae6-8d28-b404dc7daf63",
            "nsu=urn:server;b=AP8=",
        ] {
            let id = NodeName::parse(text).unwrap().resolve(&namespaces()).unwrap();
            assert_eq!(stable(&id, &namespaces()), text);
        }
        let escaped = NodeName::parse("nsu=urn:a%3Bb%25;s=x").unwrap();
        assert_eq!(escaped.namespace(), &Namespace::Uri("urn:a;b%".to_owned()));
        assert_eq!(NodeName::parse("ns=3;s=x").unwrap().namespace(), &Namespace::Index(3));
    }

    #[test]
    fn what_is_no_node_id_is_refused() {
        for text in [
            "",
            "x",
            "s=",
            "i=-1",
            "i=+1",
            "i=4294967296",
            "ns=70000;i=1",
            "nsu=;s=x",
            "nsu=urn:x",
            "g=12",
            "b=?",
        ] {
            assert!(NodeName::parse(text).is_err(), "{text}");
        }
    }
}
