//! What holds for every kind of rule: how little it keeps.

use super::*;
use crate::reading::Tag;

/// Bytes that a tag and a simple rule on it may take between two readings.
const SIMPLE_MAX: usize = 200;

/// Of a rule that hears two tags, or knows sets of states.
const PLAIN_MAX: usize = 400;

#[test]
fn a_tag_with_a_rule_takes_few_bytes() {
    let beside = size_of::<Tag>() + size_of::<Judge>();
    let kinds = [
        // Without a ladder, a limit keeps one pair of numbers behind its pointer.
        ("limit", beside + 2 * size_of::<f64>(), SIMPLE_MAX),
        ("stale", beside, SIMPLE_MAX),
        ("heartbeat", beside, SIMPLE_MAX),
        ("state", beside + size_of::<state::State>(), PLAIN_MAX),
        ("compare", beside + size_of::<compare::Compare>(), PLAIN_MAX),
    ];
    for (kind, bytes, max) in kinds {
        assert!(bytes < max, "a tag with a rule `{kind}` takes {bytes} bytes, at most {max}");
    }
}
