//! What a fuzzer calls: any bytes, and a panic only where something that must stay true does not.

use tokio::time::Instant;

use crate::settings::Role;
use crate::sparkplug::{Host, Metric, Out, topic};

/// The first byte chooses the kind of a message of Sparkplug B, the rest is its payload. The host was told of a node and
/// a device, and gives at most a sample for each tag and metric.
pub fn sparkplug(bytes: &[u8]) {
    let Some((first, payload)) = bytes.split_first() else { return };
    let metric = |device: Option<&str>| Metric {
        group: "G".to_owned(),
        edge: "E".to_owned(),
        device: device.map(str::to_owned),
        metric: "m".to_owned(),
    };
    let tags =
        [None, Some("D")].map(metric).into_iter().zip(0..).map(|(metric, id)| (contract::TagId(id), metric));
    let second = std::time::Duration::from_secs(1);
    let (mut host, _) = Host::new(Role::Active, second, second, tags.collect());
    let (mut samples, mut notices) = (Vec::new(), Vec::new());
    let mut out = Out { samples: &mut samples, notices: &mut notices };
    let now = Instant::now();
    host.connected(now, &mut out);
    let kind = ["NBIRTH/E", "NDEATH/E", "NDATA/E", "NCMD/E", "DBIRTH/E/D", "DDATA/E/D", "DDEATH/E/D"];
    let kind = kind[usize::from(*first) % kind.len()];
    // Twice: born by it, or with it after a birth.
    for birth in [&b"\x18\x00"[..], payload] {
        if let Some(parsed) = topic::parse("spBv1.0/G/NBIRTH/E") {
            host.take(&parsed, birth, false, now, &mut out);
        }
        if let Some(parsed) = topic::parse(&format!("spBv1.0/G/{kind}")) {
            host.take(&parsed, payload, false, now, &mut out);
        }
        host.tick(now + second, &mut out);
    }
    assert!(notices.len() < 200, "a message makes a flood of words: {}", notices.len());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn hostile_payloads_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::sparkplug(&bytes);
        }
    }
}
