//! Topics of Sparkplug B: `spBv1.0/<group>/<kind>/<edge>[/<device>]`, and `spBv1.0/STATE/<host>`.

/// The first level of every topic of Sparkplug B.
pub const NAMESPACE: &str = "spBv1.0/";

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The birth certificate of an edge node.
    NodeBirth,
    /// The death certificate of an edge node, written before it was born.
    NodeDeath,
    /// Values of an edge node.
    NodeData,
    /// A command to an edge node: of another host, or our own request for a rebirth.
    NodeCommand,
    /// The birth certificate of a device.
    DeviceBirth,
    /// The death certificate of a device.
    DeviceDeath,
    /// Values of a device.
    DeviceData,
    /// A command to a device: of another host.
    DeviceCommand,
}

/// Where a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic<'a> {
    /// Of an edge node, or of one of its devices.
    Edge {
        /// The group of the node.
        group: &'a str,
        /// What it is.
        kind: Kind,
        /// The node.
        edge: &'a str,
        /// The device, where the kind is about one.
        device: Option<&'a str>,
    },
    /// A host says whether it is there.
    State {
        /// Its name.
        host: &'a str,
    },
}

/// Reads a topic; `None` where it is none of Sparkplug B.
pub fn parse(topic: &str) -> Option<Topic<'_>> {
    let mut levels = topic.strip_prefix(NAMESPACE)?.split('/');
    let (group, kind) = (levels.next()?, levels.next()?);
    let (edge, device) = (levels.next(), levels.next());
    if group == "STATE" {
        return edge.is_none().then_some(Topic::State { host: kind });
    }
    let kind = match kind {
        "NBIRTH" => Kind::NodeBirth,
        "NDEATH" => Kind::NodeDeath,
        "NDATA" => Kind::NodeData,
        "NCMD" => Kind::NodeCommand,
        "DBIRTH" => Kind::DeviceBirth,
        "DDEATH" => Kind::DeviceDeath,
        "DDATA" => Kind::DeviceData,
        "DCMD" => Kind::DeviceCommand,
        _ => return None,
    };
    let is_of_device =
        matches!(kind, Kind::DeviceBirth | Kind::DeviceDeath | Kind::DeviceData | Kind::DeviceCommand);
    let is_whole = device.is_some() == is_of_device && levels.next().is_none();
    let edge = edge.filter(|_| is_whole)?;
    Some(Topic::Edge { group, kind, edge, device })
}

/// What to subscribe to for one edge node and all its devices.
pub fn filter(group: &str, edge: &str) -> String {
    format!("{NAMESPACE}{group}/+/{edge}/#")
}

/// Where this host says whether it is there.
pub fn state(host: &str) -> String {
    format!("{NAMESPACE}STATE/{host}")
}

/// Where an edge node is asked for something.
pub fn node_command(group: &str, edge: &str) -> String {
    format!("{NAMESPACE}{group}/NCMD/{edge}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_as_the_specification_writes_them() {
        let edge = |kind, device| Some(Topic::Edge { group: "G", kind, edge: "E", device });
        for (topic, want) in [
            ("spBv1.0/G/NBIRTH/E", edge(Kind::NodeBirth, None)),
            ("spBv1.0/G/NDEATH/E", edge(Kind::NodeDeath, None)),
            ("spBv1.0/G/NCMD/E", edge(Kind::NodeCommand, None)),
            ("spBv1.0/G/DBIRTH/E/D", edge(Kind::DeviceBirth, Some("D"))),
            ("spBv1.0/G/DDATA/E/D", edge(Kind::DeviceData, Some("D"))),
            ("spBv1.0/STATE/host", Some(Topic::State { host: "host" })),
            ("spBv1.0/G/NBIRTH/E/D", None),
            ("spBv1.0/G/DDATA/E", None),
            ("spBv1.0/G/DDATA/E/D/more", None),
            ("spBv1.0/G/OTHER/E", None),
            ("spBv1.0/G", None),
            ("spBv1.0/STATE/a/b", None),
            ("spAv1.0/G/NBIRTH/E", None),
        ] {
            assert_eq!(parse(topic), want, "{topic}");
        }
        assert!(crate::topic::matches(&filter("G", "E"), "spBv1.0/G/NBIRTH/E"));
        assert!(crate::topic::matches(&filter("G", "E"), "spBv1.0/G/DDATA/E/D"));
    }
}
