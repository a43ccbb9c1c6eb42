use super::*;
use crate::rule::bound::draw;
use crate::rule::order::reading;

fn state(text: &str) -> State {
    let section: Section = toml::from_str(&format!("tag = 't'\n{text}")).unwrap();
    assert_eq!(section.check(), [], "{text}");
    State::new(&section, Moment::from_ms(0))
}

/// Plays one state each second; `x` is a bad one.
#[track_caller]
fn check(text: &str, states: &str, want: &str) {
    let mut state = state(text);
    let hear = |(secs, digit): (i64, char)| {
        draw(state.hear(0, &reading(secs * 1_000, digit.to_digit(10).map(f64::from))))
    };
    let drawn: String = (0..).zip(states.chars()).map(hear).collect();
    assert_eq!(drawn, want, "{text}");
}

#[test]
fn a_state_it_should_not_be_in() {
    check("in = [3, 4]", "0134x30", "..11?1.");
    check("in = [1]", "0110", ".11.");
}

#[test]
fn a_step_it_should_not_take_until_the_next_one() {
    check("from = [1]\nto = [5]", "015505515", "..11....1");
    check("to = [5]", "5505", "...1");
    check("from = [2]", "2213", "..1.");
    // A step over a bad value is seen all the same.
    check("from = [1]\nto = [5]", "1x5", ".?1");
}

#[test]
fn too_long_in_one_state() {
    check("in = [2, 3]\nlonger = '2s'", "022233330000", "...1..11....");
    check("longer = '3s'", "0000111", "...1...");
}

#[test]
fn too_long_in_one_state_though_nobody_speaks() {
    let mut changeover = state("in = [2]\nlonger = '30s'");
    assert_eq!(changeover.due(), None);
    changeover.hear(0, &reading(1_000, Some(2.0)));
    let at = Moment::from_ms;
    assert_eq!((changeover.due(), changeover.tick(at(30_999))), (Some(at(31_000)), None));
    assert_eq!(draw(changeover.tick(at(31_000))), '1');
    assert_eq!((changeover.due(), draw(changeover.hear(0, &reading(32_000, Some(2.0))))), (None, '1'));
    assert_eq!(draw(changeover.hear(0, &reading(33_000, Some(1.0)))), '.');
}

#[test]
fn a_state_that_a_broker_remembers_lasts_since_its_source_said_so() {
    let mut changeover = state("in = [2]\nlonger = '30s'");
    let received = Moment::from_ms(100_000);
    changeover.hear(0, &Reading { received, ..reading(80_000, Some(2.0)) });
    assert_eq!(changeover.due(), Some(Moment::from_ms(110_000)));
}

#[test]
fn a_value_that_does_not_change() {
    check("stuck_after = '3s'", "55555655", "...11...");
    check("stuck_after = '3s'\nchange_min = 1", "5656567", "...111.");
    check("stuck_after = '3s'", "555x5", "...?1");
}

#[test]
fn a_value_may_stand_still_while_the_machine_does() {
    let mut flow = state("stuck_after = '3s'\nwhile = { tag = 'running' }");
    let mut drawn = String::new();
    for (secs, running, value) in [
        (0, 0.0, 7.0),
        (4, 0.0, 7.0),
        (5, 1.0, 7.0),
        (7, 1.0, 7.0),
        (8, 1.0, 7.0),
        (9, 0.0, 7.0),
        (10, 1.0, 8.0),
    ] {
        flow.hear(1, &reading(secs * 1_000, Some(running)));
        drawn.push(draw(flow.hear(0, &reading(secs * 1_000, Some(value)))));
    }
    // Once it is stuck, it is until it moves.
    assert_eq!(drawn, "....11.");
}

#[test]
fn what_was_so_before_a_restart_is_so_until_a_step_is_seen() {
    for text in ["from = [1]\nto = [5]", "in = [5]\nlonger = '9s'", "stuck_after = '9s'"] {
        let mut state = state(text);
        state.resume(Level(1));
        let drawn: String =
            [5.0, 5.0, 6.0].map(|value| draw(state.hear(0, &reading(0, Some(value))))).iter().collect();
        assert_eq!(drawn, "11.", "{text}");
    }
}

#[test]
fn states_have_names() {
    let text = "tag = 't'\nin = [3]\nnames = { 0 = 'arrêt', 3 = { fr = 'défaut', en = 'fault' } }";
    let section: Section = toml::from_str(text).unwrap();
    assert_eq!(section.check(), []);
    let names = [(0.0, "en"), (3.0, "en"), (3.0, "de"), (4.0, "en")];
    let names = names.map(|(number, language)| section.name(number, language));
    assert_eq!(names, [Some("arrêt"), Some("fault"), None, None]);
}

#[test]
fn says_what_cannot_be() {
    let faults = |text: &str| {
        let section: Section = toml::from_str(&format!("tag='t'\n{text}")).unwrap();
        section.check().into_iter().map(|fault| fault.key).collect::<Vec<_>>()
    };
    assert_eq!(faults(""), [""]);
    assert_eq!(faults("in=[1]\nto=[2]"), [""]);
    assert_eq!(faults("in=[1,2]\nnames={1='a',x='b'}"), ["names.x", "in.1"]);
    assert_eq!(
        faults("longer='0s'\nchange_min=-1\nwhile={tag='u'}"),
        ["longer", "change_min", "while", "change_min"]
    );
}
