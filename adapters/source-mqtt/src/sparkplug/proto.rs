//! The payload of Sparkplug B, written from the field table of the specification (3.0, chapter 6.4).
//!
//! What a payload holds is walked in place and its metrics are read one at a time, so that memory is bounded by the
//! largest metric and not by how many there are. Fields that nothing here reads (metadata, data sets, templates,
//! extensions) are skipped.

use prost::Message;

/// The most metrics in a message that are read: ten times a large birth certificate.
pub const METRICS_MAX: usize = 20_000;
/// The largest metric that is read whole, in bytes. A text of a tag has at most 4,096; arrays, templates and files
/// are larger and are not read.
const METRIC_MAX: usize = 64 * 1024;

/// What stands in a payload beside its metrics.
#[derive(Clone, PartialEq, Message)]
pub struct Head {
    /// When it was sent, in milliseconds since 1970.
    #[prost(uint64, optional, tag = "1")]
    pub timestamp: Option<u64>,
    /// 0 to 255, one more than that of the message before.
    #[prost(uint64, optional, tag = "3")]
    pub seq: Option<u64>,
    /// What the body is.
    #[prost(string, optional, tag = "4")]
    pub uuid: Option<String>,
}

/// One metric.
#[derive(Clone, PartialEq, Message)]
pub struct Metric {
    /// Its name; left out where an alias stands for it.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// A number for the name, given in the birth certificate.
    #[prost(uint64, optional, tag = "2")]
    pub alias: Option<u64>,
    /// When it was so, in milliseconds since 1970.
    #[prost(uint64, optional, tag = "3")]
    pub timestamp: Option<u64>,
    /// What the value is: see [`super::value`].
    #[prost(uint32, optional, tag = "4")]
    pub datatype: Option<u32>,
    /// It was so in the past, and says nothing of now.
    #[prost(bool, optional, tag = "5")]
    pub is_historical: Option<bool>,
    /// It has no value.
    #[prost(bool, optional, tag = "7")]
    pub is_null: Option<bool>,
    /// Unit, quality and more.
    #[prost(message, optional, tag = "9")]
    pub properties: Option<PropertySet>,
    /// The value.
    #[prost(oneof = "Scalar", tags = "10, 11, 12, 13, 14, 15")]
    pub value: Option<Scalar>,
}

/// A value that is neither an array nor made of parts.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Scalar {
    /// A whole number of at most 32 bits; a negative one in two's complement.
    #[prost(uint32, tag = "10")]
    Int(u32),
    /// A whole number of 64 bits, or a time in milliseconds.
    #[prost(uint64, tag = "11")]
    Long(u64),
    /// A number.
    #[prost(float, tag = "12")]
    Float(f32),
    /// A number.
    #[prost(double, tag = "13")]
    Double(f64),
    /// A claim.
    #[prost(bool, tag = "14")]
    Boolean(bool),
    /// Words.
    #[prost(string, tag = "15")]
    Text(String),
}

/// Names and values beside a metric.
#[derive(Clone, PartialEq, Message)]
pub struct PropertySet {
    /// The names.
    #[prost(string, repeated, tag = "1")]
    pub keys: Vec<String>,
    /// A value for each name.
    #[prost(message, repeated, tag = "2")]
    pub values: Vec<PropertyValue>,
}

/// A property's value; those that hold sets of properties are skipped.
#[derive(Clone, PartialEq, Message)]
pub struct PropertyValue {
    /// The value.
    #[prost(oneof = "Property", tags = "3, 4, 8")]
    pub value: Option<Property>,
}

/// What a property holds, of the kinds that are read.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Property {
    /// A whole number.
    #[prost(uint32, tag = "3")]
    Int(u32),
    /// A whole number.
    #[prost(uint64, tag = "4")]
    Long(u64),
    /// Words.
    #[prost(string, tag = "8")]
    Text(String),
}

/// Which metric: all that is read of one that is too large.
#[derive(Clone, PartialEq, Message)]
struct Name {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(uint64, optional, tag = "2")]
    alias: Option<u64>,
}

impl Metric {
    /// The property of this name.
    pub fn property(&self, key: &str) -> Option<&Property> {
        let set = self.properties.as_ref()?;
        let at = set.keys.iter().position(|known| known == key)?;
        set.values.get(at)?.value.as_ref()
    }
}

/// A payload: its head, and where its metrics lie.
#[derive(Debug)]
pub struct Payload<'a> {
    /// All but the metrics.
    pub head: Head,
    /// The real payload, where this is the envelope of one.
    pub body: Option<&'a [u8]>,
    metrics: Vec<&'a [u8]>,
}

impl<'a> Payload<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    /// What was found and what is expected.
    pub fn read(bytes: &'a [u8]) -> Result<Payload<'a>, String> {
        // The head skips the metrics, and this walk skips the head.
        let head =
            Head::decode(bytes).map_err(|error| format!("expected a payload of Sparkplug B: {error}"))?;
        let mut payload = Payload { head, body: None, metrics: Vec::new() };
        let mut rest = bytes;
        while !rest.is_empty() {
            match field(&mut rest).ok_or("expected a payload of Sparkplug B, found one that ends too soon")? {
                (2, Some(metric)) if payload.metrics.len() < METRICS_MAX => payload.metrics.push(metric),
                (2, Some(_)) => return Err(format!("found more than {METRICS_MAX} metrics")),
                (5, Some(body)) => payload.body = Some(body),
                _ => {}
            }
        }
        Ok(payload)
    }

    /// The metrics, in their order. One that is too large has a name and no value.
    ///
    /// # Errors
    /// What was found, in each metric that is none.
    pub fn metrics(&self) -> impl Iterator<Item = Result<Metric, String>> {
        self.metrics.iter().map(|bytes| {
            let read = if bytes.len() <= METRIC_MAX {
                Metric::decode(*bytes)
            } else {
                Name::decode(*bytes).map(|Name { name, alias }| Metric { name, alias, ..Metric::default() })
            };
            read.map_err(|error| format!("expected a metric of Sparkplug B: {error}"))
        })
    }
}

/// Takes one field off: its number, and its bytes where it has a length.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let key = varint(rest)?;
    let width = match key & 7 {
        0 => {
            varint(rest)?;
            return Some((key >> 3, None));
        }
        1 => 8,
        2 => usize::try_from(varint(rest)?).ok()?,
        5 => 4,
        // Groups are of a time before Sparkplug; the decoder of the head bounds how deep they go.
        _ => return None,
    };
    let (taken, left) = rest.split_at_checked(width)?;
    *rest = left;
    Some((key >> 3, (key & 7 == 2).then_some(taken)))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (byte, left) = rest.split_first()?;
        *rest = left;
        value |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or_default();
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Writes a payload.
pub fn write(head: &Head, metrics: &[Metric]) -> Vec<u8> {
    let mut bytes = head.encode_to_vec();
    for metric in metrics {
        bytes.push(2 << 3 | 2);
        bytes.extend(metric.encode_length_delimited_to_vec());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scalar() -> impl Strategy<Value = Scalar> {
        prop_oneof![
            any::<u32>().prop_map(Scalar::Int),
            any::<u64>().prop_map(Scalar::Long),
            any::<f32>().prop_filter("NaN equals nothing", |number| !number.is_nan()).prop_map(Scalar::Float),
            any::<f64>()
                .prop_filter("NaN equals nothing", |number| !number.is_nan())
                .prop_map(Scalar::Double),
            any::<bool>().prop_map(Scalar::Boolean),
            ".{0,40}".prop_map(Scalar::Text),
        ]
    }

    prop_compose! {
        fn metric()(
            name in proptest::option::of(".{0,40}"),
            alias in any::<Option<u64>>(),
            timestamp in any::<Option<u64>>(),
            datatype in any::<Option<u32>>(),
            is_historical in any::<Option<bool>>(),
            is_null in any::<Option<bool>>(),
            value in proptest::option::of(scalar()),
            quality in any::<Option<u32>>(),
        ) -> Metric {
            let properties = quality.map(|quality| PropertySet {
                keys: vec!["Quality".to_owned()],
                values: vec![PropertyValue { value: Some(Property::Int(quality)) }],
            });
            Metric { name, alias, timestamp, datatype, is_historical, is_null, properties, value }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            timestamp in any::<Option<u64>>(),
            seq in any::<Option<u64>>(),
            uuid in proptest::option::of(".{0,20}"),
            metrics in proptest::collection::vec(metric(), 0..8),
        ) {
            let head = Head { timestamp, seq, uuid };
            let bytes = write(&head, &metrics);
            let payload = Payload::read(&bytes).expect("our own payload");
            let read: Vec<Metric> = payload.metrics().map(|metric| metric.expect("our own metric")).collect();
            prop_assert_eq!(&payload.head, &head);
            prop_assert_eq!(&read, &metrics);
            prop_assert_eq!(write(&payload.head, &read), bytes);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(payload) = Payload::read(&bytes) {
                prop_assert!(payload.metrics().count() <= bytes.len() / 2);
            }
        }
    }

    /// Two bytes for each metric: what is kept of them must not be a hundred times that.
    #[test]
    fn a_payload_of_nothing_but_metrics_is_refused() {
        let bytes = [2 << 3 | 2, 0].repeat(METRICS_MAX);
        assert_eq!(Payload::read(&bytes).expect("just few enough").metrics().count(), METRICS_MAX);
        assert!(Payload::read(&[2 << 3 | 2, 0].repeat(METRICS_MAX + 1)).is_err());
    }

    #[test]
    fn a_large_metric_has_a_name_and_no_value() {
        let text = Scalar::Text("x".repeat(METRIC_MAX));
        let metric = Metric { name: Some("file".to_owned()), value: Some(text), ..Metric::default() };
        let bytes = write(&Head::default(), &[metric]);
        let read: Vec<_> = Payload::read(&bytes).expect("a payload").metrics().collect();
        assert_eq!(read, [Ok(Metric { name: Some("file".to_owned()), ..Metric::default() })]);
    }
}
