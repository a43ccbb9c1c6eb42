//! What a server says of a node becomes a sample.
//!
//! The top two bits of the status are the quality: good, uncertain (the value stands), anything else bad (no value,
//! never zero or the last one).

use contract::{Moment, Origin, Quality, Sample, TagId, Value};
use opcua::types::{DataValue, DateTime, StatusCode, Variant};

use crate::settings::TimeFrom;

/// The longest text that is kept of a value, in bytes.
const TEXT_MAX: usize = 4096;
/// Ticks of 100 ns from 1601, where OPC UA begins to count, to 1970.
const EPOCH_TICKS: i64 = 116_444_736_000_000_000;

/// The sample of one change.
pub fn sample(tag: TagId, data: &DataValue, index: Option<u32>, time: TimeFrom) -> Sample {
    let status = data.status.unwrap_or(StatusCode::Good);
    let at = moment(data, time);
    let (value, quality) = match status.bits() >> 30 {
        0 => read(data.value.as_ref(), index, Quality::Good),
        1 => read(data.value.as_ref(), index, Quality::Uncertain),
        _ => bad(name(status)),
    };
    Sample { tag, value, quality, at, origin: Origin::Live }
}

/// A sample that says why there is no value.
pub fn bad_sample(tag: TagId, why: &str) -> Sample {
    let (value, quality) = bad(why.to_owned());
    Sample { tag, value, quality, at: None, origin: Origin::Live }
}

/// Were values before this one thrown away by the server because its queue was full? The info bits hold it for data
/// values alone (OPC 10000-4, 7.39.1).
pub fn is_overflown(status: StatusCode) -> bool {
    status.bits() & 0x0000_0C00 == 0x0000_0400 && status.bits() & 0x0000_0080 != 0
}

/// The name of a status, without its info bits.
pub fn name(status: StatusCode) -> String {
    let bits = status.bits() & 0xFFFF_0000;
    let known = StatusCode::from(bits);
    match known.to_string() {
        text if text.is_empty() => format!("0x{bits:08X}"),
        text => text,
    }
}

fn bad(why: String) -> (Value, Quality) {
    (Value::Number(0.0), Quality::Bad(why.into_boxed_str()))
}

fn read(value: Option<&Variant>, index: Option<u32>, quality: Quality) -> (Value, Quality) {
    match scalar(value, index) {
        Ok(value) => (value, quality),
        Err(why) => bad(why),
    }
}

fn scalar(value: Option<&Variant>, index: Option<u32>) -> Result<Value, String> {
    let none = "no value with a good status";
    match (value.ok_or(none)?, index) {
        (Variant::Array(array), Some(at)) => {
            let found = array.values.get(at as usize);
            let count = array.values.len();
            one(found.ok_or_else(|| format!("{count} values, expected one with index {at}"))?)
        }
        (Variant::Array(array), None) => {
            Err(format!("an array of {} values, expected `index` in the tag", array.values.len()))
        }
        (one_value, None | Some(0)) => one(one_value),
        (_, Some(at)) => Err(format!("a single value, expected an array with index {at}")),
    }
}

fn one(value: &Variant) -> Result<Value, String> {
    let number = |number: f64| match number.is_finite() {
        true => Ok(Value::Number(number)),
        false => Err(format!("{number} is no number that can be compared")),
    };
    match value {
        Variant::Empty => Err("no value with a good status".to_owned()),
        Variant::Boolean(flag) => Ok(Value::Flag(*flag)),
        Variant::SByte(n) => number(f64::from(*n)),
        Variant::Byte(n) => number(f64::from(*n)),
        Variant::Int16(n) => number(f64::from(*n)),
        Variant::UInt16(n) => number(f64::from(*n)),
        Variant::Int32(n) => number(f64::from(*n)),
        Variant::UInt32(n) => number(f64::from(*n)),
        // Counters beyond 2^53 lose their last digits: a reading is a double.
        Variant::Int64(n) => number(*n as f64),
        Variant::UInt64(n) => number(*n as f64),
        Variant::Float(n) => number(f64::from(*n)),
        Variant::Double(n) => number(*n),
        Variant::String(text) => Ok(self::text(text.as_ref())),
        Variant::XmlElement(text) => Ok(self::text(&text.to_string())),
        Variant::DateTime(time) => time_of(time).map(Value::Time).ok_or("no time that can be".to_owned()),
        Variant::Guid(guid) => Ok(self::text(&guid.to_string())),
        Variant::StatusCode(status) => Ok(self::text(&name(*status))),
        Variant::QualifiedName(name) => Ok(self::text(name.name.as_ref())),
        Variant::LocalizedText(words) => Ok(self::text(words.text.as_ref())),
        Variant::NodeId(id) => Ok(self::text(&id.to_string())),
        Variant::ExpandedNodeId(id) => Ok(self::text(&id.to_string())),
        Variant::ByteString(bytes) => Err(format!("{} raw bytes, expected a value", bytes.as_ref().len())),
        Variant::ExtensionObject(_) => Err("a structure, expected one of its fields as the node".to_owned()),
        Variant::Variant(_) | Variant::DataValue(_) | Variant::DiagnosticInfo(_) | Variant::Array(_) => {
            Err("a value within a value, expected a plain one".to_owned())
        }
    }
}

fn text(text: &str) -> Value {
    let end = (0..=TEXT_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Value::Text(text[..end].into())
}

fn moment(data: &DataValue, time: TimeFrom) -> Option<Moment> {
    let source = data.source_timestamp.as_ref().and_then(time_of);
    let server = data.server_timestamp.as_ref().and_then(time_of);
    match time {
        TimeFrom::Source => source.or(server),
        TimeFrom::Server => server,
        TimeFrom::Arrival => None,
    }
}

/// The moment of a time that is set and can be.
pub fn time_of(time: &DateTime) -> Option<Moment> {
    let ticks = time.ticks();
    // The first and the last tick mean "no time" (OPC 10000-6, 5.2.2.5).
    (ticks > 0 && ticks < DateTime::endtimes_ticks())
        .then(|| Moment::from_ms((ticks - EPOCH_TICKS).div_euclid(10_000)))
}

#[cfg(test)]
mod tests {
    use opcua::types::{Array, LocalizedText, VariantScalarTypeId};

    use super::*;

    fn data(value: Variant, status: u32) -> DataValue {
        DataValue { value: Some(value), status: Some(StatusCode::from(status)), ..DataValue::null() }
    }

    fn read(value: Variant, status: u32) -> (Value, Quality) {
        let sample = sample(TagId(1), &data(value, status), None, TimeFrom::Source);
        (sample.value, sample.quality)
    }

    #[test]
    fn the_top_two_bits_are_the_quality() {
        let five = || Variant::Double(5.0);
        assert_eq!(read(five(), 0), (Value::Number(5.0), Quality::Good));
        // UncertainLastUsableValue keeps its value; with info bits too.
        assert_eq!(read(five(), 0x4090_0000), (Value::Number(5.0), Quality::Uncertain));
        assert_eq!(read(five(), 0x4090_0480), (Value::Number(5.0), Quality::Uncertain));
        for bad in [0x808C_0000_u32, 0x8000_0000, 0xC000_0000] {
            assert!(matches!(read(five(), bad), (_, Quality::Bad(_))), "{bad:x}");
        }
        let (_, Quality::Bad(why)) = read(Variant::Empty, 0x8031_0000) else { panic!("expected bad") };
        assert_eq!(&*why, "BadNoCommunication");
    }

    #[test]
    fn every_scalar_has_its_value() {
        let good = |value: Variant| match read(value, 0) {
            (value, Quality::Good) => value,
            other => panic!("expected good: {other:?}"),
        };
        assert_eq!(good(Variant::Boolean(true)), Value::Flag(true));
        assert_eq!(good(Variant::SByte(-3)), Value::Number(-3.0));
        assert_eq!(good(Variant::UInt32(u32::MAX)), Value::Number(4_294_967_295.0));
        assert_eq!(good(Variant::from("OF-1")), Value::Text("OF-1".into()));
        let words = LocalizedText::new("fr", "Arrêt d’urgence");
        assert_eq!(good(Variant::LocalizedText(Box::new(words))), Value::Text("Arrêt d’urgence".into()));
        let time = Variant::DateTime(Box::new(DateTime::ymd(2026, 1, 1)));
        assert_eq!(good(time), Value::Time(Moment::from_ms(1_767_225_600_000)));
        for none in [Variant::Double(f64::NAN), Variant::Empty, Variant::DateTime(Box::new(DateTime::null()))]
        {
            assert!(matches!(read(none, 0).1, Quality::Bad(_)));
        }
        let long = good(Variant::from("é".repeat(4000)));
        assert!(matches!(long, Value::Text(text) if text.len() == 4096));
    }

    #[test]
    fn one_value_of_an_array_is_taken_by_its_index() {
        let array =
            Array::new(VariantScalarTypeId::Double, [1.0, 2.5].map(Variant::Double).to_vec()).unwrap();
        let data = data(Variant::Array(Box::new(array)), 0);
        let at = |index| sample(TagId(1), &data, index, TimeFrom::Source);
        assert_eq!(at(Some(1)).value, Value::Number(2.5));
        assert!(matches!(at(Some(2)).quality, Quality::Bad(why) if why.contains("index 2")));
        assert!(matches!(at(None).quality, Quality::Bad(why) if why.contains("`index`")));
    }

    #[test]
    fn the_time_is_the_sources_then_the_servers() {
        let mut data = data(Variant::Double(1.0), 0);
        let at = |data: &DataValue, time| sample(TagId(1), data, None, time).at;
        assert_eq!(at(&data, TimeFrom::Source), None);
        data.server_timestamp = Some(DateTime::ymd(2026, 1, 2));
        assert_eq!(at(&data, TimeFrom::Source), Some(Moment::from_ms(1_767_312_000_000)));
        data.source_timestamp = Some(DateTime::ymd(2026, 1, 1));
        assert_eq!(at(&data, TimeFrom::Source), Some(Moment::from_ms(1_767_225_600_000)));
        assert_eq!(at(&data, TimeFrom::Server), Some(Moment::from_ms(1_767_312_000_000)));
        assert_eq!(at(&data, TimeFrom::Arrival), None);
    }

    #[test]
    fn an_overflow_is_seen_in_the_info_bits_of_a_data_value_alone() {
        assert!(is_overflown(StatusCode::from(0x0000_0480)));
        assert!(!is_overflown(StatusCode::from(0x0000_0080)));
        assert!(!is_overflown(StatusCode::from(0x0000_0400)));
    }
}
