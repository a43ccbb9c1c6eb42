use proptest::prelude::*;

use super::*;

fn form(kind: As, order: Order) -> Form {
    let registers = kind.registers().unwrap_or(4);
    Form { kind, order, registers, bits: None, invalid: Vec::new(), step: 1.0 }
}

/// What a device puts on the wire for these bytes, most significant first.
fn wire(order: Order, bytes: &[u8]) -> Vec<u8> {
    order.arrange(bytes)
}

fn read(kind: As, order: Order, bytes: &[u8]) -> Result<Value, String> {
    form(kind, order).read(bytes)
}

/// Bytes from manuals of makers, with what they say these are.
#[test]
fn bytes_from_manuals() {
    use As::*;
    use Order::*;
    let number = |number| Ok(Value::Number(number));
    for (source, kind, order, bytes, expected) in [
        // Eastron SDM630 Modbus protocol, 1.1.1: volts of phase 1.
        ("SDM630", Float32, ABCD, &[0x43, 0x66, 0x33, 0x34][..], number(f64::from(230.200_01_f32))),
        // Modbus specification V1.1b3, 6.3: register 108 holds 555.
        ("specification", Uint16, ABCD, &[0x02, 0x2B], number(555.0)),
        // libmodbus 3.1.6, `modbus_set_float_abcd(50.01)`, measured: BADC by everyone else's naming.
        ("libmodbus", Float32, BADC, &[0x48, 0x42, 0x3D, 0x0A], number(f64::from(50.01_f32))),
        // The same bytes by the other names: plausible, wrong. Why `probe` shows them side by side.
        ("libmodbus", Float32, ABCD, &[0x48, 0x42, 0x3D, 0x0A], number(f64::from(198_900.16_f32))),
        // Carlo Gavazzi EM24-DIN protocol, 1.4: INT32, low word first; 230.1 V is 2301.
        ("EM24", Int32, CDAB, &[0x08, 0xFD, 0x00, 0x00], number(2_301.0)),
        ("EM24, export", Int32, CDAB, &[0xFF, 0x38, 0xFF, 0xFF], number(-200.0)),
        // ABB B23 user manual, 9: four registers, 0.01 kWh each.
        ("B23", Uint64, ABCD, &[0, 0, 0, 0, 0, 0x01, 0xE2, 0x40], number(123_456.0)),
        // Schneider PM5xxx: INT64 in Wh.
        ("PM5560", Int64, ABCD, &[0, 0, 0, 0x1C, 0xBE, 0x99, 0x1A, 0x14], number(123_456_789_012.0)),
        ("BCD", Bcd32, ABCD, &[0x12, 0x34, 0x56, 0x78], number(12_345_678.0)),
        ("BCD", Bcd16, BADC, &[0x34, 0x12], number(1_234.0)),
        ("drive", Int16, ABCD, &[0xFF, 0x83], number(-125.0)),
        ("counter", Uint32, CDAB, &[0xFF, 0xFA, 0xFF, 0xFF], number(4_294_967_290.0)),
        ("PAC3200", Float64, ABCD, &[0x40, 0x93, 0x4A, 0x00, 0, 0, 0, 0], number(1_234.5)),
    ] {
        assert_eq!(read(kind, order, bytes), expected, "{source} {kind:?} {order:?}");
    }
}

#[test]
fn what_the_device_calls_invalid_is_no_value() {
    let mut form16 = form(As::Int16, Order::ABCD);
    form16.invalid = vec![0x8000];
    assert_eq!(form16.read(&[0x80, 0x00]), Err("0x8000: the device has no value".to_owned()));
    form16.invalid = vec![-32_768];
    assert!(form16.read(&[0x80, 0x00]).is_err(), "the same, written with its sign");
    assert_eq!(form16.read(&[0, 0]), Ok(Value::Number(0.0)), "zero is a value");
    let mut form64 = form(As::Uint64, Order::CDAB);
    form64.invalid = vec![-1];
    assert!(form64.read(&[0xFF; 8]).is_err());
    assert!(read(As::Float32, Order::ABCD, &[0x7F, 0xC0, 0, 0]).is_err(), "NaN");
    assert!(read(As::Float32, Order::DCBA, &[0, 0, 0x80, 0x7F]).is_err(), "infinite");
    assert_eq!(
        read(As::Bcd16, Order::ABCD, &[0x12, 0x3A]),
        Err("0x123A, expected decimal digits".to_owned())
    );
}

#[test]
fn bits_are_flags_and_numbers() {
    let bits = |low, high| Form { bits: Some((low, high)), ..form(As::Uint16, Order::ABCD) };
    let status = [0x06, 0x37];
    assert_eq!(bits(0, 0).read(&status), Ok(Value::Flag(true)));
    assert_eq!(bits(3, 3).read(&status), Ok(Value::Flag(false)));
    assert_eq!(bits(15, 15).read(&[0x80, 0]), Ok(Value::Flag(true)));
    assert_eq!(bits(4, 7).read(&status), Ok(Value::Number(3.0)));
    assert_eq!(bits(8, 15).read(&status), Ok(Value::Number(6.0)));
}

#[test]
fn text_ends_where_the_device_ends_it() {
    let text = |order, bytes: &[u8]| match read(As::String, order, bytes) {
        Ok(Value::Text(text)) => text.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(text(Order::ABCD, b"iEM3155\0junk"), "iEM3155");
    assert_eq!(text(Order::BADC, b"EI3M1305"), "IEM33150");
    assert_eq!(text(Order::ABCD, b"AB  \0\0"), "AB");
    assert_eq!(text(Order::ABCD, &[0x42, 0xE2, 0x1B, 0x07]), "B\u{e2}");
}

#[test]
fn a_step_of_a_tenth_leaves_a_decimal_number() {
    assert_eq!(times(2_301.0, 0.1), 230.1);
    assert_eq!(times(5_001.0, 0.01), 50.01);
    assert_eq!(times(3.0, 1_000.0), 3_000.0);
    assert_eq!(times(-7.0, 0.5), -3.5);
    assert_eq!(times(5.0, 0.3), 1.5);
}

fn orders() -> impl Strategy<Value = Order> {
    proptest::sample::select(Order::ALL.to_vec())
}

/// Decoding what was encoded gives the number back.
#[track_caller]
fn is_back(kind: As, order: Order, bytes: &[u8], number: f64) {
    assert_eq!(read(kind, order, &wire(order, bytes)), Ok(Value::Number(number)), "{kind:?} {order:?}");
}

proptest! {
    #[test]
    fn decode_of_encode_is_identity(order in orders(), raw: u64, small: i32, f in -1e30_f32..1e30, d in -1e300_f64..1e300) {
        is_back(As::Uint16, order, &(raw as u16).to_be_bytes(), f64::from(raw as u16));
        is_back(As::Int16, order, &(raw as i16).to_be_bytes(), f64::from(raw as i16));
        is_back(As::Uint32, order, &(raw as u32).to_be_bytes(), f64::from(raw as u32));
        is_back(As::Int32, order, &small.to_be_bytes(), f64::from(small));
        is_back(As::Uint64, order, &raw.to_be_bytes(), raw as f64);
        is_back(As::Int64, order, &(raw as i64).to_be_bytes(), raw as i64 as f64);
        is_back(As::Float32, order, &f.to_be_bytes(), f64::from(f));
        is_back(As::Float64, order, &d.to_be_bytes(), d);
        let digits = raw % 100_000_000;
        let packed = u32::from_str_radix(&digits.to_string(), 16).unwrap();
        is_back(As::Bcd32, order, &packed.to_be_bytes(), digits as f64);
        let packed = u64::from_str_radix(&digits.to_string(), 16).unwrap();
        is_back(As::Bcd64, order, &packed.to_be_bytes(), digits as f64);
    }

    #[test]
    fn an_order_is_its_own_inverse(order in orders(), words in proptest::collection::vec(any::<[u8; 2]>(), 1..20)) {
        let bytes = words.concat();
        prop_assert_eq!(order.arrange(&order.arrange(&bytes)), bytes);
    }

    #[test]
    fn text_is_back(order in proptest::sample::select(vec![Order::ABCD, Order::BADC]), words in "[A-Za-z0-9]{1,16}") {
        let mut bytes = words.clone().into_bytes();
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        let text = read(As::String, order, &wire(order, &bytes));
        prop_assert_eq!(text, Ok(Value::Text(words.into())));
    }
}
