//! From a metric to a value. Pure: what says nothing usable gives a reason, never an error of the message.

use contract::{Moment, Quality, Value};

use super::proto::{Metric, Property, Scalar};
use crate::scalar;

/// The time of the farthest sample that is believed to be a time: the year 2200.
const TIME_MAX: u64 = 7_258_118_400_000;

/// What a metric says: the value and whether it may be trusted.
pub type Said = (Value, Quality);

/// The value of a metric. `known` is the datatype that the birth certificate gave.
pub fn read(metric: &Metric, known: Option<u32>) -> Said {
    let value = match value(metric, known) {
        Ok(value) => value,
        Err(reason) => return (Value::Flag(false), Quality::Bad(reason.into())),
    };
    (value, quality(metric))
}

/// The time of a metric, else that of its message; `None` where neither says one that can be.
pub fn time(metric: &Metric, message: Option<u64>) -> Option<Moment> {
    moment(metric.timestamp.or(message)?)
}

/// A time in milliseconds since 1970; zero means that there is none.
pub fn moment(ms: u64) -> Option<Moment> {
    (1..TIME_MAX).contains(&ms).then(|| Moment::from_ms(ms as i64))
}

/// The property `Quality`: 0 bad, 192 good, 500 stale (specification, 6.4.10).
fn quality(metric: &Metric) -> Quality {
    match metric.property("Quality") {
        None | Some(Property::Text(_) | Property::Int(192) | Property::Long(192)) => Quality::Good,
        Some(Property::Int(0) | Property::Long(0)) => Quality::Bad("the device says: bad (quality 0)".into()),
        Some(Property::Int(500) | Property::Long(500)) => {
            Quality::Bad("the device says: stale (quality 500)".into())
        }
        Some(Property::Int(_) | Property::Long(_)) => Quality::Uncertain,
    }
}

fn value(metric: &Metric, known: Option<u32>) -> Result<Value, String> {
    if metric.is_null == Some(true) {
        return Err("found null: the device has no value for it".to_owned());
    }
    let datatype = metric.datatype.filter(|datatype| *datatype != 0).or(known).unwrap_or_default();
    if let Some(what) = compound(datatype) {
        return Err(format!("found {what}, expected a number, a flag, text or a time"));
    }
    let scalar = metric.value.as_ref().ok_or("found no value, expected a number, a flag, text or a time")?;
    match (datatype, scalar) {
        (1..=8, Scalar::Int(raw)) => Ok(Value::Number(whole(datatype, u64::from(*raw)))),
        (1..=8, Scalar::Long(raw)) => Ok(Value::Number(whole(datatype, *raw))),
        (13, Scalar::Long(ms)) => match moment(*ms) {
            Some(at) => Ok(Value::Time(at)),
            None => Err(format!("found {ms}, expected a time in milliseconds since 1970")),
        },
        (11, Scalar::Int(raw)) => Ok(Value::Flag(*raw != 0)),
        (11 | 0, Scalar::Boolean(flag)) => Ok(Value::Flag(*flag)),
        (9 | 10 | 0, Scalar::Float(number)) => finite(f64::from(*number)),
        (9 | 10 | 0, Scalar::Double(number)) => finite(*number),
        (12 | 14 | 15 | 0, Scalar::Text(text)) => scalar::raw(text),
        (0, Scalar::Int(_) | Scalar::Long(_)) => {
            Err("found a whole number without a datatype, expected its birth certificate to say one"
                .to_owned())
        }
        (_, other) => Err(format!("found {}, expected datatype {datatype}", name(other))),
    }
}

/// A whole number, of which some libraries send more bits than the datatype has.
fn whole(datatype: u32, raw: u64) -> f64 {
    match datatype {
        1 => f64::from(raw as i8),
        2 => f64::from(raw as i16),
        3 => f64::from(raw as i32),
        4 => raw as i64 as f64,
        5 => f64::from(raw as u8),
        6 => f64::from(raw as u16),
        7 => f64::from(raw as u32),
        _ => raw as f64,
    }
}

fn finite(number: f64) -> Result<Value, String> {
    match number.is_finite() {
        true => Ok(Value::Number(number)),
        false => Err(format!("found {number}, expected a finite number")),
    }
}

/// What no tag can hold.
fn compound(datatype: u32) -> Option<&'static str> {
    match datatype {
        16 => Some("a data set"),
        17 | 18 => Some("bytes or a file"),
        19 => Some("a template"),
        20 | 21 => Some("a property set"),
        22..=34 => Some("an array"),
        _ => None,
    }
}

fn name(scalar: &Scalar) -> &'static str {
    match scalar {
        Scalar::Int(_) | Scalar::Long(_) => "a whole number",
        Scalar::Float(_) | Scalar::Double(_) => "a number",
        Scalar::Boolean(_) => "a flag",
        Scalar::Text(_) => "text",
    }
}

/// The name of a datatype in the specification, for people.
pub fn datatype(code: u32) -> &'static str {
    const NAMES: [&str; 20] = [
        "Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float",
        "Double", "Boolean", "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template",
    ];
    NAMES.get(code as usize).copied().unwrap_or("an array or set")
}

#[cfg(test)]
mod tests {
    use super::super::proto::{PropertySet, PropertyValue};
    use super::*;

    #[track_caller]
    fn check(datatype: u32, scalar: Scalar, want: &str) {
        let metric = Metric { datatype: Some(datatype), value: Some(scalar), ..Metric::default() };
        let shown = match read(&metric, None) {
            (_, Quality::Bad(reason)) => format!("bad: {reason}"),
            (Value::Number(number), _) => format!("{number}"),
            (Value::Flag(flag), _) => format!("{flag}"),
            (Value::Text(text), _) => format!("text {text}"),
            (Value::Time(at), _) => format!("time {}", at.as_ms()),
        };
        assert_eq!(shown, want);
    }

    /// What pysparkplug, Tahu for Java and Tahu for JS put on the wire.
    #[test]
    fn every_scalar_type_is_read() {
        check(1, Scalar::Int(0xFF), "-1");
        check(1, Scalar::Int(0xFFFF_FFFF), "-1");
        check(2, Scalar::Int(0xFFFE), "-2");
        check(3, Scalar::Int(0xFFFF_FFFD), "-3");
        check(4, Scalar::Long(u64::MAX), "-1");
        check(5, Scalar::Int(255), "255");
        check(6, Scalar::Int(65_535), "65535");
        check(7, Scalar::Int(4_294_967_290), "4294967290");
        check(7, Scalar::Long(4_294_967_290), "4294967290");
        check(8, Scalar::Long(1 << 60), "1152921504606847000");
        check(9, Scalar::Float(12.5), "12.5");
        check(10, Scalar::Double(61.2), "61.2");
        check(11, Scalar::Boolean(true), "true");
        check(12, Scalar::Text("OF-2026-00123".to_owned()), "text OF-2026-00123");
        check(13, Scalar::Long(1_772_366_400_000), "time 1772366400000");
        check(14, Scalar::Text("é".to_owned()), "text é");
        check(0, Scalar::Double(1.5), "1.5");
    }

    #[test]
    fn what_no_tag_can_hold_is_bad_in_words() {
        check(16, Scalar::Int(1), "bad: found a data set, expected a number, a flag, text or a time");
        check(19, Scalar::Int(1), "bad: found a template, expected a number, a flag, text or a time");
        check(31, Scalar::Int(1), "bad: found an array, expected a number, a flag, text or a time");
        check(9, Scalar::Float(f32::NAN), "bad: found NaN, expected a finite number");
        check(3, Scalar::Text("3".to_owned()), "bad: found text, expected datatype 3");
        check(13, Scalar::Long(0), "bad: found 0, expected a time in milliseconds since 1970");
        check(
            0,
            Scalar::Int(3),
            "bad: found a whole number without a datatype, expected its birth certificate to say one",
        );
        let null = Metric { is_null: Some(true), datatype: Some(9), ..Metric::default() };
        let said = read(&null, None).1;
        assert_eq!(said, Quality::Bad("found null: the device has no value for it".into()));
    }

    #[test]
    fn the_birth_knows_the_type_and_the_device_the_quality() {
        let mut metric = Metric { value: Some(Scalar::Int(0xFFFF_FFFF)), ..Metric::default() };
        assert_eq!(read(&metric, Some(3)), (Value::Number(-1.0), Quality::Good));
        let mut with = |quality| {
            metric.properties = Some(PropertySet {
                keys: vec!["engUnit".to_owned(), "Quality".to_owned()],
                values: vec![PropertyValue::default(), PropertyValue { value: Some(Property::Int(quality)) }],
            });
            read(&metric, Some(3)).1
        };
        assert_eq!(with(192), Quality::Good);
        assert!(matches!(with(0), Quality::Bad(_)) && matches!(with(500), Quality::Bad(_)));
        assert_eq!(with(64), Quality::Uncertain);
    }

    #[test]
    fn a_time_is_that_of_the_metric_then_of_the_message() {
        let mut metric = Metric { timestamp: Some(5), ..Metric::default() };
        assert_eq!(time(&metric, Some(7)), Some(Moment::from_ms(5)));
        metric.timestamp = None;
        assert_eq!(time(&metric, Some(7)), Some(Moment::from_ms(7)));
        assert_eq!(time(&metric, None), None);
        assert_eq!(time(&metric, Some(u64::MAX)), None);
    }
}
