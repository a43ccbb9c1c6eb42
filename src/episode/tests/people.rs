//! What people and other machines do to a condition.

use super::*;
use crate::episode::{Act, Aside, Cover, Mute, Refusal, Role};

fn role(minutes: u64) -> Role {
    Role {
        name: "maintenance".into(),
        shelve_max: Duration::from_secs(minutes * 60),
        may_disable: minutes > 60,
    }
}

fn shelve(minutes: u64, reason: &str) -> Act {
    Act::Shelve { for_ms: minutes * 60_000, reason: reason.into() }
}

fn at(seconds: i64) -> Moment {
    Moment::from_ms(seconds * 1_000)
}

fn with(policy: impl Fn(&mut Policy)) -> Condition {
    let mut own = Policy::new(Delays::default(), Side::High);
    policy(&mut own);
    Condition::new("press-3", "limit.oil-hot", own)
}

#[test]
fn so_many_in_a_row_count() {
    let mut three = with(|policy| policy.in_a_row = 3);
    assert_eq!(play(&mut three, 0, "110111110"), ".....O..C");
    // A row is broken by a value that cannot be trusted, and time alone makes none.
    assert_eq!(play(&mut with(|policy| policy.in_a_row = 3), 0, "11?11-----1"), "..........O");
    // With a delay, both must be over.
    let delays = Delays { on: Duration::from_secs(4), off: Duration::ZERO };
    let mut both = with(|policy| (policy.in_a_row, policy.delays) = (3, delays));
    assert_eq!(play(&mut both, 0, "111-----0"), "....O...C");
    let mut both = with(|policy| (policy.in_a_row, policy.delays) = (3, delays));
    assert_eq!(play(&mut both, 0, "1-----1-1-"), "........O.");
}

#[test]
fn what_is_latched_waits_for_a_person() {
    let mut latched = with(|policy| policy.is_latched = true);
    assert_eq!(play(&mut latched, 0, "0110"), ".O.L");
    let first = latched.episode().unwrap().clone();
    assert!(first.is_live() && first.ended == Some(at(3)));
    // It comes back, however late, as the same episode; while it is so nobody can confirm it.
    assert_eq!(play(&mut latched, 3_000, "1"), "R");
    assert_eq!(latched.episode().unwrap().id, first.id);
    let act = |condition: &mut Condition, act| condition.act(&act, &role(30), true, at(3_001));
    assert_eq!(act(&mut latched, Act::Confirm), Err(Refusal::StillAbnormal));
    assert_eq!(play(&mut latched, 3_002, "0"), "L");
    assert_eq!(act(&mut latched, Act::Confirm), Ok(Some(Change::Cleared)));
    assert!(!latched.episode().unwrap().is_live());
    assert_eq!(act(&mut latched, Act::Confirm), Err(Refusal::NothingOpen));
}

#[test]
fn asks_again_until_somebody_takes_charge_ever_more_seldom() {
    let mut asking = with(|policy| policy.realarm = Some(Duration::from_secs(10)));
    assert_eq!(play(&mut asking, 0, &("1".to_owned() + &"-".repeat(75))).replace('.', "").len(), 4);
    assert_eq!(asking.due(), Some(at(70 + 80)));
    assert_eq!(asking.act(&Act::Acknowledge, &role(0), true, at(80)), Ok(Some(Change::Acknowledged)));
    assert_eq!(asking.act(&Act::Acknowledge, &role(0), true, at(81)), Ok(None));
    assert_eq!(asking.due(), None);
    // Whoever took charge did so of less than this.
    assert_eq!(play(&mut asking, 90, "2---------------"), "E.........r.....");
}

#[test]
fn what_is_shelved_is_told_when_its_time_is_over() {
    let mut condition = with(|_| {});
    let now = at(0);
    assert_eq!(condition.act(&shelve(20, "essai"), &role(30), false, now), Ok(None));
    assert_eq!(play(&mut condition, 1, "0111"), "....");
    assert!(condition.episode().is_none());
    // Over meanwhile: nobody ever hears of it.
    assert_eq!(play(&mut condition, 10, "011"), "...");
    assert_eq!(condition.due(), Some(at(1_200)));
    assert_eq!(condition.tick(at(1_200)), Some(Change::Opened));
    let episode = condition.episode().unwrap();
    assert_eq!((episode.begun, episode.mute.clone()), (at(11), None));
}

#[test]
fn the_post_of_what_is_shelved_says_so_and_its_end_is_told() {
    let mut condition = with(|_| {});
    assert_eq!(play(&mut condition, 0, "1"), "O");
    let act = |condition: &mut Condition, act, now| condition.act(&act, &role(30), false, at(now));
    assert_eq!(act(&mut condition, shelve(20, "essai"), 10), Ok(Some(Change::Muted)));
    assert!(matches!(condition.episode().unwrap().mute, Some(Mute::Aside(Aside::Shelved { .. }))));
    let saved = condition.saved().unwrap();
    let mut after = with(|_| {});
    after.resume(&saved).unwrap();
    assert_eq!(play(&mut after, 20, "0"), "C");
    assert_eq!(after.episode().unwrap().mute, None);
    // Another one shelves it again, and a person thinks better of it.
    assert_eq!(play(&mut condition, 20, "1"), ".");
    assert_eq!(act(&mut condition, Act::Unshelve, 30), Ok(Some(Change::Unmuted)));
}

#[test]
fn a_role_may_only_so_much() {
    let mut condition = with(|_| {});
    play(&mut condition, 0, "1");
    let mut act = |act, role: &Role, urgent| condition.act(&act, role, urgent, at(1));
    let half_an_hour = Duration::from_secs(1_800);
    assert_eq!(act(shelve(31, "essai"), &role(30), false), Err(Refusal::TooLong { max: half_an_hour }));
    assert_eq!(act(shelve(10, "essai"), &role(30), true), Err(Refusal::TooUrgent));
    assert_eq!(act(shelve(10, " "), &role(30), false), Err(Refusal::NoReason));
    assert_eq!(act(shelve(10, "essai"), &role(0), false), Err(Refusal::NotAllowed));
    let out = Act::OutOfService { reason: "sonde démontée".into() };
    assert_eq!(act(out.clone(), &role(30), false), Err(Refusal::NotAllowed));
    assert_eq!(act(out.clone(), &role(600), true), Err(Refusal::TooUrgent));
    assert_eq!(act(out, &role(600), false), Ok(Some(Change::Muted)));
    assert_eq!(act(Act::InService, &role(30), false), Err(Refusal::NotAllowed));
    assert_eq!(act(Act::InService, &role(600), false), Ok(Some(Change::Unmuted)));
}

#[test]
fn what_another_machine_explains_is_told_when_it_explains_it_no_more() {
    let parent = || Some(Cover::Parent("Ligne 2".into()));
    let mut condition = with(|_| {});
    assert_eq!(condition.cover(parent(), at(0)), None);
    assert_eq!(play(&mut condition, 1, "11"), "..");
    assert_eq!(condition.cover(None, at(5)), Some(Change::Opened));
    assert_eq!(condition.episode().unwrap().begun, at(1));
    assert_eq!(condition.cover(parent(), at(6)), Some(Change::Muted));
    assert_eq!(condition.cover(parent(), at(7)), None);
    assert_eq!(play(&mut condition, 8, "0"), "C");
    assert_eq!(condition.cover(None, at(9)), None);
}

#[test]
fn what_chatters_is_told_once_and_over_after_ten_calm_minutes() {
    let mut condition = with(|_| {});
    assert_eq!(play(&mut condition, 0, "1010101010101"), "OCRCU........");
    let episode = condition.episode().unwrap();
    assert_eq!((episode.is_unstable, episode.flips, episode.level), (true, 4, 1));
    assert_eq!(play(&mut condition, 20, "0"), ".");
    assert_eq!(condition.tick(at(619)), None);
    assert_eq!(condition.tick(at(620)), Some(Change::Cleared));
    assert_eq!(condition.episode().unwrap().ended, Some(at(20)));
    // Three in a longer time are no chatter.
    let mut slow = with(|_| {});
    for minute in 0..5 {
        let told = play(&mut slow, minute * 31, "10");
        assert_eq!(told, if minute == 0 { "OC" } else { "RC" });
    }
}

#[test]
fn what_was_kept_before_anything_could_be_set_aside_is_read() {
    let mut old = with(|_| {});
    let kept = r#"{"open":{"episode":{"id":"a","begun":0,"since":0,"stepped":0,"level":1,"value":76.0,"value_at":0,
        "worst":76.0,"worst_at":0,"ended":null,"reopened":0,"is_late":false,"version":1},"pending":null}}"#;
    old.resume(kept).unwrap();
    assert!(old.is_open());
    assert!(old.resume("{}").is_err() || !old.is_open());
}
