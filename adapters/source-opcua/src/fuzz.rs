//! For a fuzzer: any bytes at the decoders that are ours. Each panics only on a broken promise.

use contract::{Moment, TagId};
use opcua::types::{BinaryDecodable, ContextOwned, DecodingOptions, NamespaceMap, Variant};

use crate::bounded::Bounded;
use crate::event::{self, Heard};
use crate::node::{self, NodeName};
use crate::path::{self, BrowsePath};
use crate::{der, trust, url};

/// The text of a node id: what is read is written back as the same node.
pub fn node_id(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let namespaces = ["http://opcfoundation.org/UA/", "urn:a"].map(str::to_owned);
    if let Ok(name) = NodeName::parse(text)
        && let Ok(id) = name.resolve(&namespaces)
    {
        let again =
            NodeName::parse(&node::stable(&id, &namespaces)).and_then(|name| name.resolve(&namespaces));
        assert_eq!(again.as_ref(), Ok(&id), "{text}");
    }
}

/// A browse path: each step is found again when it is written out.
pub fn browse_path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(path) = BrowsePath::parse(text) else { return };
    let written: String = path
        .steps()
        .iter()
        .map(|step| match step.namespace {
            Some(index) => format!("/{index}:{}", path::escape(&step.name)),
            None => format!("/{}", path::escape(&step.name)),
        })
        .collect();
    // Escapes may make it longer than a path may be.
    if let Ok(again) = BrowsePath::parse(&written) {
        assert_eq!(again.steps(), path.steps(), "{text}");
    }
}

/// The fields of an event, as a server encodes them.
pub fn event_fields(bytes: &[u8]) {
    let options =
        DecodingOptions { max_array_length: 1000, max_string_length: 65_536, ..DecodingOptions::default() };
    let mut context = ContextOwned::new_default(NamespaceMap::new(), options);
    context.loaders_mut().add_type_loader(Bounded);
    let mut stream = bytes;
    let mut fields = Vec::new();
    // Structures are left out: the library believes the length of an XML body (`bounded`), which is not ours to mend.
    let is_structured = |kind: u8| (22..=25).contains(&(kind & 0x3f));
    while fields.len() < event::FIELDS.len() && !stream.first().is_some_and(|kind| is_structured(*kind)) {
        match Variant::decode(&mut stream, &context.context()) {
            Ok(field) => fields.push(field),
            Err(_) => break,
        }
    }
    if let Heard::Alarm(alarm) = event::read(TagId(0), &fields, &[]) {
        assert!((1..=1000).contains(&alarm.severity) && alarm.key.len() <= 4096);
        assert!(alarm.name.chars().count() <= 500 && alarm.message.chars().count() <= 500);
    }
}

/// A certificate of a stranger, and the address of a server.
pub fn certificate(bytes: &[u8]) {
    if let Some(signed) = der::signed(bytes) {
        assert!(signed.body.len() + signed.signature.len() <= bytes.len());
    }
    let nowhere = std::path::Path::new("/nonexistent/portevoix");
    assert!(trust::judge(nowhere, bytes, Some("host"), Moment::from_ms(0)).is_err());
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(read) = url::Url::parse(text)
    {
        assert_eq!(url::Url::parse(&read.to_string()), Ok(read));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_borne(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for decode in [super::node_id, super::browse_path, super::event_fields, super::certificate] {
                decode(&bytes);
            }
        }

        #[test]
        fn any_text_of_their_kind_is_borne(text in "(nsu=|ns=|/|opc.tcp://)?[a-z0-9:;=&/%.@\\[\\] é-]{0,40}") {
            super::node_id(text.as_bytes());
            super::browse_path(text.as_bytes());
            super::certificate(text.as_bytes());
        }
    }
}
