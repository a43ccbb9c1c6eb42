//! The outbox against networks that fail, in virtual time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use contract::{Author, Length, Mark, Pace, Priority, Provenance, Repeat, Text};

use super::*;

const SETTLE: Duration = Duration::from_secs(35);

fn at(secs: i64) -> Moment {
    Moment::from_ms(secs * 1_000)
}

fn can(repeat: Repeat, edit: bool, thread: bool) -> Capabilities {
    let pace = Pace { burst: 100, refill: Duration::from_millis(100) };
    Capabilities { repeat, edit, thread, mention: false, length: Length::Chars(16_000), pace }
}

fn post(episode: &str, version: u32, mark: Mark, now: Moment) -> Post {
    let is_over = mark == Mark::Cleared;
    Post {
        episode: EpisodeId(episode.into()),
        version,
        author: Author { key: "m".into(), name: "Presse 3".into(), place: String::new() },
        language: "fr".into(),
        priority: Priority::High,
        mark,
        word: "ATTENTION".into(),
        fact: Text::default().ours(format!("version {version}")),
        lines: Vec::new(),
        begun: at(0),
        ended: is_over.then_some(now),
        written: now,
        chart: None,
        provenance: Provenance { rule: "limit.r".into(), ..Provenance::default() },
    }
}

fn outbox(can: Capabilities) -> Outbox {
    Outbox::new(vec![("n".into(), can)], at(0))
}

fn took(lane: &mut Lane, receipt: &str, now: Moment) {
    lane.answer(Answer::Published(Ok(Receipt(receipt.into()))), now);
}

fn later(after: Option<u64>) -> Answer {
    let after = after.map(Duration::from_secs);
    Answer::Published(Err(DeliveryError::Later { reason: "busy".into(), after }))
}

fn unanswered() -> Answer {
    Answer::Published(Err(DeliveryError::Unanswered { reason: "no answer".into() }))
}

#[test]
fn edits_merge_and_only_the_newest_is_sent() {
    let mut outbox = outbox(can(Repeat::Key, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    let job = lane.next(at(0)).unwrap();
    assert_eq!((job.step, job.post.version), (Step::Open, 1));
    for version in 2..9 {
        lane.want(post("a", version, Mark::Warning, at(1)), false, at(1));
    }
    assert_eq!(lane.next(at(1)), None, "one at a time");
    took(lane, "r1", at(2));
    lane.want(post("a", 9, Mark::Cleared, at(3)), true, at(3));
    let job = lane.next(at(3)).unwrap();
    assert_eq!((job.step, job.post.version), (Step::Edit(Receipt("r1".into())), 9));
    took(lane, "r1", at(3));
    assert_eq!(lane.next(at(12)), None, "one that flaps holds up nobody");
    let note = lane.next(at(13)).unwrap();
    assert_eq!(note.step, Step::Reply(Receipt("r1".into())));
    took(lane, "r2", at(13));
    assert_eq!(lane.next(at(14)), None);
    lane.sweep(at(13 + 30 * 60));
    assert_eq!(lane.health().waiting, 0);
    lane.sweep(at(14 + 30 * 60));
    assert_eq!(lane.rows(), [Row { key: "n/a".into(), body: None }]);
}

#[test]
fn an_edit_that_no_reader_would_see_is_not_sent() {
    let mut outbox = outbox(can(Repeat::Key, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    lane.next(at(0)).unwrap();
    took(lane, "r1", at(0));
    lane.want(Post { version: 2, ..post("a", 1, Mark::Warning, at(5)) }, false, at(5));
    assert_eq!(lane.next(at(5)), None);
}

#[test]
fn without_edits_only_a_new_state_is_told() {
    let mut outbox = outbox(can(Repeat::Nothing, false, false));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    let first = lane.next(at(0)).unwrap();
    lane.answer(Answer::Published(Ok(Receipt::nameless())), at(0));
    lane.want(post("a", 2, Mark::Warning, at(1)), false, at(1));
    assert_eq!(lane.next(at(1)), None);
    lane.want(post("a", 3, Mark::Cleared, at(2)), true, at(2));
    let second = lane.next(at(2)).unwrap();
    assert_eq!(second.step, Step::Open);
    assert_ne!(second.key, first.key);
    lane.answer(Answer::Published(Ok(Receipt::nameless())), at(2));
    assert_eq!(lane.next(at(3)), None, "a note needs a thread");
}

#[test]
fn without_edits_a_digest_tells_its_end() {
    let mut outbox = outbox(can(Repeat::Nothing, false, false));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Digest, at(0)), false, at(0));
    lane.next(at(0)).unwrap();
    lane.answer(Answer::Published(Ok(Receipt::nameless())), at(0));
    lane.want(Post { ended: Some(at(60)), ..post("a", 2, Mark::Digest, at(60)) }, false, at(60));
    let last = lane.next(at(60)).unwrap();
    assert_eq!((last.step, last.post.version), (Step::Open, 2));
}

#[test]
fn who_follows_a_thread_is_called_again_though_nothing_changed() {
    let mut outbox = outbox(can(Repeat::Key, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    lane.next(at(0)).unwrap();
    took(lane, "r1", at(0));
    assert_eq!(lane.next(at(1)), None);
    lane.want(post("a", 1, Mark::Warning, at(600)), true, at(600));
    assert_eq!(lane.next(at(600)).unwrap().step, Step::Reply(Receipt("r1".into())));
}

#[test]
fn what_waits_to_be_said_under_a_post_is_not_forgotten_by_the_next_value() {
    let mut outbox = outbox(can(Repeat::Key, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    lane.next(at(0)).unwrap();
    took(lane, "r1", at(0));
    lane.want(post("a", 2, Mark::Stopped, at(5)), true, at(5));
    lane.next(at(5)).unwrap();
    lane.answer(later(None), at(5));
    lane.want(post("a", 3, Mark::Stopped, at(65)), false, at(65));
    assert_eq!(lane.next(at(65)).unwrap().step, Step::Edit(Receipt("r1".into())));
    took(lane, "r1", at(65));
    let note = lane.next(at(75)).unwrap();
    assert_eq!((note.step, note.post.version), (Step::Reply(Receipt("r1".into())), 3));
}

#[test]
fn a_kill_in_an_outage_does_not_make_it_shorter() {
    let mut before = outbox(can(Repeat::Key, true, true));
    let lane = &mut before.lanes_mut()[0];
    for name in ["a", "b", "c", "d"] {
        lane.want(post(name, 1, Mark::Warning, at(0)), false, at(0));
    }
    lane.next(at(0)).unwrap();
    lane.answer(later(None), at(0));
    let rows = lane.rows().into_iter().map(|row| (row.key, row.body.unwrap())).collect();
    let mut after = outbox(can(Repeat::Key, true, true));
    after.resume(rows, at(200));
    assert_eq!(after.lanes_mut()[0].fold(at(310))[0].posts.len(), 4);
}

#[test]
fn a_network_that_asks_for_time_is_given_it() {
    let mut outbox = outbox(can(Repeat::Key, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    lane.next(at(0)).unwrap();
    lane.answer(later(Some(120)), at(0));
    assert_eq!(lane.next(at(119)), None);
    assert_eq!(lane.due(at(1)), Some(at(120)));
    assert!(lane.next(at(120)).is_some());
}

#[test]
fn an_unanswered_post_is_looked_for_before_it_is_sent_again() {
    let mut outbox = outbox(can(Repeat::Look { settle: SETTLE }, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    let first = lane.next(at(0)).unwrap();
    lane.answer(unanswered(), at(10));
    assert_eq!(lane.next(at(34)), None, "it may still be on its way");
    let look = lane.next(at(35)).unwrap();
    assert!(look.is_look);
    assert_eq!(look.key, first.key);
    lane.answer(Answer::Looked(Err(DeliveryError::Later { reason: "down".into(), after: None })), at(36));
    let look = lane.next(at(100)).unwrap();
    assert!(look.is_look, "a look that failed leaves the doubt");
    lane.answer(Answer::Looked(Ok(None)), at(100));
    let again = lane.next(at(100)).unwrap();
    assert!(!again.is_look && !again.is_repeat);
    assert_eq!(again.key, first.key);
}

/// A server that shows its newest posts shows only so many of them: a look that waits finds nothing any more.
#[test]
fn a_look_does_not_wait_for_new_posts() {
    let mut outbox = outbox(can(Repeat::Look { settle: SETTLE }, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    let first = lane.next(at(0)).unwrap();
    lane.answer(unanswered(), at(1));
    for secs in 2..40 {
        for one in ["b", "c"] {
            lane.want(post(&format!("{one}{secs}"), 1, Mark::Warning, at(secs)), false, at(secs));
        }
        let job = lane.next(at(secs)).unwrap();
        if job.is_look {
            assert_eq!((secs, job.key), (35, first.key));
            return;
        }
        took(lane, "r", at(secs));
    }
    panic!("nobody looks");
}

#[test]
fn a_short_key_is_trusted_only_while_it_lasts() {
    let repeat = Repeat::ShortKey { lasts: Duration::from_secs(25), settle: SETTLE };
    let mut outbox = outbox(can(repeat, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    lane.next(at(0)).unwrap();
    lane.answer(unanswered(), at(10));
    let again = lane.next(at(20)).unwrap();
    assert!(!again.is_look);
    lane.answer(unanswered(), at(24));
    assert_eq!(lane.next(at(54)), None);
    assert!(lane.next(at(55)).unwrap().is_look);
}

/// An old edit that is taken late would undo a newer one that overtook it.
#[test]
fn an_edit_waits_until_the_one_before_it_cannot_come_any_more() {
    let repeat = Repeat::ShortKey { lasts: Duration::from_secs(25), settle: SETTLE };
    let mut outbox = outbox(can(repeat, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    lane.next(at(0)).unwrap();
    took(lane, "r1", at(0));
    lane.want(post("a", 2, Mark::Cleared, at(1)), false, at(1));
    lane.next(at(1)).unwrap();
    lane.answer(unanswered(), at(2));
    lane.want(post("a", 3, Mark::Warning, at(3)), false, at(3));
    assert_eq!(lane.next(at(35)), None, "the second version may still be on its way");
    let job = lane.next(at(36)).unwrap();
    assert_eq!((job.step, job.post.version), (Step::Edit(Receipt("r1".into())), 3));
}

#[test]
fn a_kill_while_it_was_on_its_way_leaves_a_doubt() {
    for (repeat, is_look) in [(Repeat::Key, false), (Repeat::Look { settle: SETTLE }, true)] {
        let mut before = outbox(can(repeat, true, true));
        let lane = &mut before.lanes_mut()[0];
        lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
        let first = lane.next(at(0)).unwrap();
        let rows = lane.rows().into_iter().map(|row| (row.key, row.body.unwrap())).collect();
        let mut after = outbox(can(repeat, true, true));
        assert_eq!(after.resume(rows, at(60)), Vec::<String>::new());
        let job = after.lanes_mut()[0].next(at(60)).unwrap();
        assert_eq!((job.is_look, job.key), (is_look, first.key));
    }
}

#[test]
fn what_is_refused_is_kept_for_a_person_and_holds_up_nobody() {
    let mut outbox = outbox(can(Repeat::Key, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    lane.want(post("b", 1, Mark::Warning, at(0)), false, at(0));
    lane.next(at(0)).unwrap();
    lane.answer(Answer::Published(Err(DeliveryError::Never("too long".into()))), at(0));
    assert_eq!(lane.next(at(0)).unwrap().post.episode.0, "b");
    assert_eq!(lane.health().refused, 1);
}

/// The catch-up of an outage, as the turn would write it: open while one of its posts is.
fn catch_up(folded: &Folded, now: Moment) -> Post {
    let is_open = folded.posts.iter().any(|post| post.ended.is_none());
    let mark = if is_open { Mark::Digest } else { Mark::Cleared };
    let mut post = post(&folded.digest.0, folded.version + 1, mark, now);
    post.fact = Text::default().ours(format!("{} posts, open {is_open}", folded.posts.len()));
    post
}

/// Takes down the network, tells some episodes, and brings it back: gives the catch-up that was posted.
fn outage(lane: &mut Lane, names: [&str; 5], from: i64) -> Post {
    for (at_ms, name) in (0..).zip(names) {
        lane.want(post(name, 1, Mark::Warning, at(from + at_ms)), false, at(from + at_ms));
    }
    lane.next(at(from + 5)).unwrap();
    lane.answer(later(Some(400)), at(from + 5));
    let now = at(from + 500);
    for folded in lane.fold(now) {
        lane.want(catch_up(&folded, now), false, now);
    }
    let job = lane.next(now).unwrap();
    took(lane, &job.post.episode.0.clone(), now);
    job.post
}

#[test]
fn each_catch_up_follows_its_own_episodes_to_their_end() {
    let mut outbox = outbox(can(Repeat::Key, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    let first = outage(lane, ["a", "b", "c", "d", "e"], 0);
    let second = outage(lane, ["f", "g", "h", "i", "j"], 1_000);
    assert_ne!(first.episode, second.episode);
    let now = at(2_000);
    lane.want(post("a", 2, Mark::Cleared, now), false, now);
    lane.want(post("f", 2, Mark::Cleared, now), false, now);
    let told: Vec<_> = lane.fold(now).into_iter().map(|folded| folded.digest).collect();
    assert_eq!(told, [first.episode, second.episode], "both have something new to tell");
    // Neither is forgotten while one of its episodes lives.
    lane.sweep(at(90_000));
    lane.want(post("b", 2, Mark::Cleared, at(90_001)), false, at(90_001));
    assert_eq!(lane.fold(at(90_001)).len(), 2);
}

#[test]
fn a_catch_up_follows_two_ends_in_one_moment() {
    let mut outbox = outbox(can(Repeat::Key, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    outage(lane, ["a", "b", "c", "d", "e"], 0);
    let now = at(2_000);
    for name in ["a", "b"] {
        lane.want(post(name, 2, Mark::Cleared, now), false, now);
        let folded = lane.fold(now).pop().unwrap();
        lane.want(catch_up(&folded, now), false, now);
        let ended = folded.posts.iter().filter(|post| post.ended.is_some()).count();
        assert_eq!(ended, if name == "a" { 1 } else { 2 });
    }
    // Written anew without a change, it has nothing more to tell.
    let folded = lane.fold(at(2_001)).pop().unwrap();
    let same =
        Post { fact: lane.wanted(&folded.digest).unwrap().fact.clone(), ..catch_up(&folded, at(2_001)) };
    lane.want(same, false, at(2_001));
    assert_eq!(lane.fold(at(2_002)), []);
}

#[test]
fn notes_of_an_episode_whose_thread_was_forgotten_have_keys_of_their_own() {
    let mut outbox = outbox(can(Repeat::Key, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    let mut keys = Vec::new();
    for (version, from) in [(1, 0), (3, 4_000)] {
        lane.want(post("a", version, Mark::Warning, at(from)), false, at(from));
        lane.next(at(from)).unwrap();
        took(lane, "r", at(from));
        lane.want(post("a", version + 1, Mark::Cleared, at(from + 1)), true, at(from + 1));
        lane.next(at(from + 1)).unwrap();
        took(lane, "r", at(from + 1));
        keys.push(lane.next(at(from + 20)).unwrap().key);
        took(lane, "n", at(from + 20));
        lane.sweep(at(from + 3_000));
    }
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn trouble_after_an_outage_is_no_line_of_its_catch_up() {
    let mut outbox = outbox(can(Repeat::Key, true, true));
    let lane = &mut outbox.lanes_mut()[0];
    let digest = outage(lane, ["a", "b", "c", "d", "e"], 0);
    let now = at(2_000);
    lane.want(Post { priority: Priority::Urgent, ..post("a", 2, Mark::Stopped, now) }, false, now);
    let job = lane.next(now).unwrap();
    assert_eq!((job.step, job.post.episode.0.as_str()), (Step::Open, "a"));
    took(lane, "own", now);
    lane.want(post("b", 2, Mark::Cleared, now), false, now);
    let folded = lane.fold(now);
    assert_eq!((folded[0].digest.clone(), folded[0].posts.len()), (digest.episode, 4));
}

#[test]
fn what_a_network_shows_twice_is_not_closed_twice() {
    let mut outbox = outbox(can(Repeat::Nothing, false, false));
    let lane = &mut outbox.lanes_mut()[0];
    lane.want(post("a", 1, Mark::Warning, at(0)), false, at(0));
    lane.next(at(0)).unwrap();
    lane.answer(unanswered(), at(1));
    lane.want(post("a", 2, Mark::Cleared, at(2)), false, at(2));
    let again = lane.next(at(60)).unwrap();
    assert!(again.is_repeat && again.post.mark == Mark::Cleared);
    lane.answer(Answer::Published(Ok(Receipt::nameless())), at(60));
    assert_eq!(lane.next(at(120)), None);
}

/// A network that works, fails and forgets by a seed, and what it shows.
struct Fake {
    repeat: Repeat,
    shown: BTreeMap<String, (DeliveryKey, Post)>,
    keys: HashMap<DeliveryKey, (Receipt, Moment)>,
    count: u32,
    seed: u64,
    is_down: bool,
}

impl Fake {
    fn new(repeat: Repeat, seed: u64) -> Fake {
        Fake { repeat, shown: BTreeMap::new(), keys: HashMap::new(), count: 0, seed, is_down: false }
    }

    fn chance(&mut self, of: u64) -> bool {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33).is_multiple_of(of)
    }

    fn do_job(&mut self, job: &Job, now: Moment) -> Answer {
        if self.is_down {
            return if job.is_look {
                Answer::Looked(Err(DeliveryError::Later { reason: "down".into(), after: None }))
            } else {
                later(None)
            };
        }
        if job.is_look {
            let found = self.shown.iter().find(|(_, (key, _))| *key == job.key);
            return Answer::Looked(Ok(found.map(|(receipt, _)| Receipt(receipt.clone()))));
        }
        if self.chance(5) {
            return later(self.chance(2).then_some(7));
        }
        let receipt = self.take(job, now);
        if self.chance(4) { unanswered() } else { Answer::Published(Ok(receipt)) }
    }

    fn take(&mut self, job: &Job, now: Moment) -> Receipt {
        if let Step::Edit(receipt) = &job.step {
            self.shown.get_mut(&receipt.0).unwrap().1 = job.post.clone();
            return receipt.clone();
        }
        let lasts = match self.repeat {
            Repeat::Key => Duration::MAX,
            Repeat::ShortKey { lasts, .. } => lasts + Duration::from_secs(5),
            Repeat::Look { .. } | Repeat::Nothing => Duration::ZERO,
        };
        if let Some((receipt, when)) = self.keys.get(&job.key)
            && now.since(*when) < lasts
        {
            return receipt.clone();
        }
        self.count += 1;
        let receipt = Receipt(format!("r{}", self.count));
        self.keys.insert(job.key.clone(), (receipt.clone(), now));
        self.shown.insert(receipt.0.clone(), (job.key.clone(), job.post.clone()));
        receipt
    }
}

/// Lives through `secs` seconds with kills at random moments; every episode opens, changes and ends.
fn live(repeat: Repeat, seed: u64) -> (Fake, u32) {
    let mut fake = Fake::new(repeat, seed);
    let mut outbox = outbox(can(repeat, true, false));
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    let episodes = 40u32;
    for second in 0..3_500i64 {
        let now = at(second);
        let lane = &mut outbox.lanes_mut()[0];
        let n = u32::try_from(second).unwrap();
        if n < episodes * 10 {
            let (episode, stage) = (n / 10, n % 10);
            let mark = if stage == 9 { Mark::Cleared } else { Mark::Warning };
            let mut post = post(&format!("e{episode}"), stage + 1, mark, now);
            post.ended = None;
            lane.want(post, false, now);
        }
        let job = lane.next(now);
        for row in lane.rows() {
            match row.body {
                Some(body) => kept.insert(row.key, body),
                None => kept.remove(&row.key),
            };
        }
        let is_killed = second < 1_500 && fake.chance(6);
        if let Some(job) = job {
            let answer = fake.do_job(&job, now);
            if !is_killed {
                lane.answer(answer, now);
            }
        }
        if is_killed {
            outbox = super::tests::outbox(can(repeat, true, false));
            outbox.resume(kept.clone().into_iter().collect(), now);
        }
    }
    (fake, episodes)
}

#[test]
fn through_kills_and_lost_answers_everything_is_seen_once_and_ends_as_it_should() {
    let settle = Duration::from_secs(10);
    for repeat in
        [Repeat::Key, Repeat::ShortKey { lasts: Duration::from_secs(20), settle }, Repeat::Look { settle }]
    {
        for seed in 0..8 {
            let (fake, episodes) = live(repeat, seed);
            let mut seen: BTreeMap<EpisodeId, u32> = BTreeMap::new();
            for (_, post) in fake.shown.values() {
                *seen.entry(post.episode.clone()).or_default() += 1;
                assert_eq!(post.mark, Mark::Cleared, "{repeat:?} seed {seed}: ends as it should");
            }
            assert_eq!(u32::try_from(seen.len()).unwrap(), episodes, "{repeat:?} seed {seed}: lost");
            assert!(seen.values().all(|times| *times == 1), "{repeat:?} seed {seed}: doubled {seen:?}");
        }
    }
}

/// The mutant of the test above: a network that knows no keys, spoken to as if it did.
#[test]
fn a_blind_resend_would_double() {
    let doubled = (0..20).any(|seed| {
        let mut fake = Fake::new(Repeat::Nothing, seed);
        let mut outbox = outbox(can(Repeat::Key, true, false));
        let lane = &mut outbox.lanes_mut()[0];
        for second in 0..600 {
            let now = at(second);
            if second < 20 {
                lane.want(post(&format!("e{second}"), 1, Mark::Warning, now), false, now);
            }
            if let Some(job) = lane.next(now) {
                let answer = fake.do_job(&job, now);
                lane.answer(answer, now);
            }
        }
        fake.shown.len() > 20
    });
    assert!(doubled);
}

#[test]
fn without_edits_one_that_comes_and_goes_is_told_now_and_then_and_how_it_ends() {
    let mut outbox = outbox(can(Repeat::Nothing, false, true));
    let lane = &mut outbox.lanes_mut()[0];
    let mut told = Vec::new();
    // Over and back every 40 s for half an hour, then over for good.
    for turn in 0..46 {
        let (now, is_over) = (at(turn * 40), turn % 2 == 1);
        let mark = if is_over { Mark::Cleared } else { Mark::Warning };
        lane.want(post("a", u32::try_from(turn).unwrap() + 1, mark, now), false, now);
        if let Some(job) = lane.next(now) {
            told.push((turn * 40, job.post.mark));
            took(lane, &format!("r{turn}"), now);
        }
    }
    assert!(told.len() <= 4 + 30 / 5, "{told:?}");
    // What is more urgent than ever waits for nobody.
    let worse = Post { priority: Priority::Urgent, ..post("a", 90, Mark::Stopped, at(1_830)) };
    lane.want(worse, false, at(1_830));
    assert_eq!(lane.next(at(1_830)).unwrap().post.mark, Mark::Stopped);
    took(lane, "worse", at(1_830));
    lane.want(post("a", 91, Mark::Cleared, at(1_840)), false, at(1_840));
    assert_eq!(lane.next(at(1_840)), None);
    assert_eq!(lane.next(at(1_840 + 300)).unwrap().post.mark, Mark::Cleared, "an end is never lost");
}
