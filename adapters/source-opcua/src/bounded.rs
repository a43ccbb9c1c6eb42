//! Bounds what a server can make us ask memory for.
//!
//! A structure of an unknown type comes with its length, and async-opcua 0.19 asks for so many bytes before it has
//! seen one of them (`type_loader/fallback.rs`): 13 bytes of a message can ask for 2 GiB, which a small gateway does
//! not have. This loader stands before that one and refuses what is too long. The same length of an XML body
//! (`extension_object.rs`) has no such door; it is asked for as zero pages and read no further than the message.

use std::io::Read;

use opcua::types::{Context, DynEncodable, EncodingResult, Error, NodeId, TypeLoader, TypeLoaderPriority};

/// The longest structure of an unknown type, in bytes: more than any field of an event or value that is read here.
pub const BODY_MAX: usize = 1 << 20;

/// Refuses structures of unknown types that are too long, and leaves all others to the loader after it.
pub struct Bounded;

impl TypeLoader for Bounded {
    fn load_from_binary(
        &self,
        node_id: &NodeId,
        _stream: &mut dyn Read,
        _ctx: &Context<'_>,
        length: Option<usize>,
    ) -> Option<EncodingResult<Box<dyn DynEncodable>>> {
        let length = length.filter(|length| *length > BODY_MAX)?;
        let words = format!("a structure of type {node_id} with {length} bytes, expected at most {BODY_MAX}");
        Some(Err(Error::decoding(words)))
    }

    fn priority(&self) -> TypeLoaderPriority {
        TypeLoaderPriority::Dynamic(u32::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use opcua::types::{
        BinaryDecodable, ByteStringBody, ContextOwned, DecodingOptions, NamespaceMap, Variant,
    };

    use super::*;

    fn decode(bytes: &[u8], loader: Option<Bounded>) -> EncodingResult<Variant> {
        let mut context = ContextOwned::new_default(NamespaceMap::new(), DecodingOptions::default());
        if let Some(loader) = loader {
            context.loaders_mut().add_type_loader(loader);
        }
        let mut stream = bytes;
        Variant::decode(&mut stream, &context.context())
    }

    /// A structure of type i=48 with a length, and a body of 4 bytes.
    fn structure(length: i32) -> Vec<u8> {
        let mut bytes = vec![0x16, 0x00, 0x30, 0x01];
        bytes.extend(length.to_le_bytes());
        bytes.extend([1, 2, 3, 4]);
        bytes
    }

    #[test]
    fn a_length_out_of_all_measure_is_refused_before_memory_is_asked_for() {
        let wrong = decode(&structure(22_548_224), Some(Bounded)).unwrap_err();
        assert!(wrong.to_string().contains("22548224 bytes, expected at most"), "{wrong}");
        // Without it the length is believed, and the message found too short only after that.
        let believed = decode(&structure(22_548_224), None).unwrap_err();
        assert!(!believed.to_string().contains("expected at most"), "{believed}");
    }

    #[test]
    fn what_fits_is_kept_as_it_is() {
        let Ok(Variant::ExtensionObject(object)) = decode(&structure(4), Some(Bounded)) else { panic!() };
        assert!(object.inner_is::<ByteStringBody>());
    }
}
