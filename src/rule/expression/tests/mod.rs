//! Pictures of the language: what is written, what is said of it.

mod oracle;
mod time;

use contract::Moment;

use super::*;

fn names() -> Names {
    let press = || {
        vec![
            Name::tag("oil", Some("°C")),
            Name::tag("water", Some("°C")),
            Name::tag("air", Some("bar")),
            Name::tag("oil-temp", None),
            Name::tag("loop", None),
            Name { holds: Holds::Flag, ..Name::tag("door", None) },
            Name::state(),
            Name::order("quantity", Holds::Number, None),
        ]
    };
    let machine = |key: &str, place: &str, names| Machine { key: key.into(), place: place.into(), names };
    let machines = vec![
        machine("press-1", "Vitré/Atelier B/Ligne 1", press()),
        machine("press-2", "Vitré/Atelier B/Ligne 2", press()),
        machine("press-3", "Vitré/Atelier B/Ligne 2", press()),
        machine("oven", "Vitré/Atelier B", vec![Name::tag("zone", Some("°C"))]),
    ];
    Names { own: press(), machines }
}

/// The mistakes of a text as a person reads them.
#[track_caller]
fn check(text: &str, want: &[&str]) {
    let mistakes = compile(text, &names()).err().unwrap_or_default();
    let faults: Vec<String> = mistakes.iter().map(|mistake| mistake.fault("when", text).message).collect();
    assert_eq!(faults, want, "{text}");
}

/// Evaluates with every tag at a number, `?` for unknown.
fn evaluate(text: &str, numbers: &[Option<f64>]) -> Option<bool> {
    let code = compile(text, &names()).unwrap();
    let slots: Vec<Heard> = numbers
        .iter()
        .map(|number| Heard { given: number.map_or(Given::Unknown, Given::Number), ..Heard::default() })
        .collect();
    Values { slots: &slots, windows: &[], since: &[], now: Moment::from_ms(0) }.claim(&code.when)
}

#[test]
fn what_is_right_is_taken() {
    for text in [
        "oil > 75.0",
        "oil > 75 && state == \"running\"",
        "oil - water > 12.5 || door",
        "!(state in ['stopped', 'fault'])",
        "(oil - 32.0) * 5.0 / 9.0 > 20",
        "oil / water > 1.5",
        "air in [1, 2.0, -3]",
        "avg(oil, \"5m\") > 75 && max(air, \"1h\") < 7",
        "rate(oil, '10m') > 2 && quantile(oil, '1h', 0.95) > 80",
        "since(oil > 75.0) > duration(\"5m\") && age(air) < duration(\"30s\")",
        "any(\"Vitré/Atelier B\", oil > 75)",
        "n_of(2, \"Vitré/Atelier B/Ligne 2\", oil > 75)",
        "n_of(2, [oil > 75, water > 75, oil_temp > 75])",
        "abs(oil - water) > 5 && mod(order.quantity, 100.0) == 0",
        "loop_ > 1 ? door : state != \"x\"",
        "!!door",
        "oil * air > 3 ? air > 1.0e0 : oil > -5",
    ] {
        check(text, &[]);
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, want) in [
        ("oli > 75", "unknown name `oli` at character 1: did you mean `oil`?"),
        ("door && awg(oil, '5m') > 1", "unknown function `awg` at character 9: did you mean `avg`?"),
        (
            "loop > 1",
            "`loop` is a word that CEL keeps for itself at character 1: a tag of this name is written `loop_`",
        ),
        (
            "oil > 75,5",
            "found `,`, expected an operator or the end at character 9: a decimal is written with a point: `75.5`",
        ),
        (
            "oil > 75 °C",
            "unexpected `°` at character 10: expected a number, a name, words in quotes or an operator",
        ),
        (
            "oil > 75 bar",
            "found `bar`, expected an operator or the end at character 10: a unit is not written: the number is in the unit of the tag",
        ),
        ("oil = 75", "unexpected `=` at character 5: two values are compared with `==`"),
        ("door and door", "found `and`, expected an operator or the end at character 6: and is written `&&`"),
        (
            "oil % 2 > 1",
            "unexpected `%` at character 5: CEL has no remainder of numbers with a point, expected `mod(a, b)`",
        ),
        (
            "oil + 5 > 75",
            "found a whole number, expected a number to calculate with at character 7: write it with a point: `5.0`",
        ),
        (
            "oil + air > 75.0",
            "°C and bar do not go together at character 1: compare numbers of one unit, or scale one of the tags",
        ),
        (
            "oil > air",
            "°C and bar do not go together at character 1: compare numbers of one unit, or scale one of the tags",
        ),
        (
            "rate(oil, '5m') > oil",
            "°C/min and °C do not go together at character 1: compare numbers of one unit, or scale one of the tags",
        ),
        ("oil", "found a number, expected true or false at character 1: compare it: `… > 75.0`"),
        (
            "oil > 75s",
            "`75s` is no number at character 7: a number is written `75` or `75.0`; a duration `duration(\"5m\")`",
        ),
        (
            "since(door) > '5m'",
            "a duration is compared with words at character 1: a duration is written `duration(\"5m\")`",
        ),
        (
            "since(door) > duration('1d')",
            "invalid duration `1d` at character 24: expected whole hours, minutes, seconds or milliseconds: `1h30m`, `5m`, `24h`, `500ms`",
        ),
        ("avg(oil + 1.0, '5m') > 1", "expected the name of a tag alone at character 5"),
        ("avg(oil) > 1", "expected `avg(tag, \"5m\")` at character 1"),
        ("avg(oil, '90d') > 1", "found `90d`, expected 1s to 31d at character 10"),
        (
            "any('Vitré/Atelier C', oil > 1)",
            "no machine at `Vitré/Atelier C` at character 5: did you mean `Vitré/Atelier B`?",
        ),
        (
            "any('Vitré', zones > 1)",
            "no machine of this place has `zones` at character 14: did you mean `zone`?",
        ),
        ("n_of(4, [door, door])", "4 of 2, expected 1 to as many as there are at character 6"),
        (
            "door ? 1 : 2.0",
            "a choice between a whole number and a number at character 8: write both with a point: `1.0`",
        ),
        ("state > 'a'", "only numbers and durations are larger or smaller at character 1"),
        ("(door", "no `)` for what begins at character 1"),
        ("", "found the end, expected a value at character 1"),
        ("door ? door ? door : door : door", "found `?`, expected `:` at character 13"),
        (
            "0x1F > oil",
            "`0x1F` is no number at character 1: a number is written `75` or `75.0`; a duration `duration(\"5m\")`",
        ),
        (
            "température > 1",
            "unexpected `é` at character 5: a name is made of A to Z, a to z, 0 to 9 and `_`; write `_` for each other letter of it",
        ),
    ] {
        check(text, &[want]);
    }
}

#[test]
fn a_name_with_a_hyphen_is_found() {
    let names = Names { own: vec![Name::tag("oil-temp", None)], machines: Vec::new() };
    let mistakes = compile("oil-temp > 5", &names).unwrap_err();
    let help = mistakes[0].help.as_deref();
    assert_eq!(help, Some("did you mean `oil_temp`? What is no letter is written `_`"));
    assert!(compile("oil_temp > 5", &names).is_ok());
}

#[test]
fn every_mistake_is_told_at_once() {
    check(
        "oli > 75 && watr > 80",
        &[
            "unknown name `oli` at character 1: did you mean `oil`?",
            "unknown name `watr` at character 13: did you mean `water`?",
        ],
    );
}

#[test]
fn what_is_unknown_decides_nothing_alone() {
    let (no, high, low) = (None, Some(80.0), Some(20.0));
    assert_eq!(evaluate("oil > 75 && water > 75", &[no, low]), Some(false));
    assert_eq!(evaluate("oil > 75 && water > 75", &[no, high]), None);
    assert_eq!(evaluate("oil > 75 || water > 75", &[no, high]), Some(true));
    assert_eq!(evaluate("oil > 75 || water > 75", &[low, no]), None);
    assert_eq!(evaluate("!(oil > 75)", &[no]), None);
    let voted = "n_of(2, [oil > 75, water > 75, oil_temp > 75])";
    assert_eq!(evaluate(voted, &[high, no, high]), Some(true));
    assert_eq!(evaluate(voted, &[high, no, low]), None);
    assert_eq!(evaluate(voted, &[low, no, low]), Some(false));
}

#[test]
fn what_is_not_finite_is_unknown() {
    assert_eq!(evaluate("oil / water > 1", &[Some(1.0), Some(0.0)]), None);
    assert_eq!(evaluate("oil / water > 1 || oil == 1", &[Some(1.0), Some(0.0)]), Some(true));
    assert_eq!(evaluate("mod(oil, water) > 1", &[Some(1.0), Some(0.0)]), None);
    assert_eq!(evaluate("oil * oil > 1", &[Some(1e200)]), None);
}

#[test]
fn machines_of_a_place_count_if_they_have_what_is_named() {
    let code = compile("n_of(2, \"Vitré/Atelier B\", oil > 75)", &names()).unwrap();
    let machines: Vec<_> = code.slots().iter().map(|slot| slot.machine).collect();
    assert_eq!(machines, [Some(0), Some(1), Some(2)]);
    assert_eq!(evaluate("all('Vitré', zone > 75)", &[Some(80.0)]), Some(true));
}

#[test]
fn hostile_texts_are_refused_without_harm() {
    for text in [
        "(".repeat(2_000),
        "!".repeat(2_000),
        "-".repeat(1_999) + "1",
        "[".repeat(2_000),
        "a+".repeat(999) + "a",
        "door&&".repeat(333) + "a",
        "abs(".repeat(500),
        "door?door:".repeat(199) + "door",
        "oil > 1.0 + ".repeat(150) + "1",
        "x".repeat(1_000_000),
        format!("oil > 1{}", "0".repeat(500)),
        "oil > 1e999".to_owned(),
        "\u{202e}".to_owned(),
    ] {
        assert!(compile(&text, &names()).is_err(), "{}", &text[..20.min(text.len())]);
    }
}
