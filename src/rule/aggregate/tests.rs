use super::*;
use proptest::prelude::*;

const FIGURES: [Figure; 6] =
    [Figure::Mean, Figure::Min, Figure::Max, Figure::Quantile, Figure::Sum, Figure::Count];

/// A figure of a list of readings, as anybody would work it out.
fn naive(mut values: Vec<f64>, figure: Figure, quantile: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (sum, count) = (values.iter().sum::<f64>(), values.len());
    let rank = ((quantile * count as f64).ceil() as usize).max(1);
    match figure {
        Figure::Count => Some(count as f64),
        Figure::Sum => Some(sum),
        Figure::Mean => (count > 0).then(|| sum / count as f64),
        Figure::Min => values.first().copied(),
        Figure::Max => values.last().copied(),
        Figure::Quantile => values.get(rank - 1).copied(),
    }
}

/// The values after `from`, up to `to`.
fn within(all: &[(i64, f64)], from: i64, to: i64) -> Vec<f64> {
    all.iter().filter(|(at, _)| *at > from && *at <= to).map(|(_, value)| *value).collect()
}

fn is_near(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs())),
        (a, b) => a == b,
    }
}

/// Irregular readings: mostly the next, some at the same time, some late, some after a gap longer than any window.
fn readings(max: usize) -> impl Strategy<Value = Vec<(i64, f64)>> {
    let gap = prop_oneof![
        5 => 0_i64..200,
        2 => Just(0_i64),
        2 => -3_000_i64..0,
        1 => 0_i64..20_000,
    ];
    let start = prop_oneof![Just(0_i64), Just(1_795_957_500_123), Just(-5_000)];
    (start, prop::collection::vec((gap, -100.0..100.0_f64), 1..max)).prop_map(|(start, gaps)| {
        let mut newest = start;
        let place = |(gap, value)| {
            let at = newest + gap;
            newest = newest.max(at);
            (at, value)
        };
        gaps.into_iter().map(place).collect()
    })
}

/// The quantile if every slot had one reading for all of its own: its lowest, and its highest.
fn envelope(all: &[(i64, f64)], slot: i64, quantile: f64) -> [f64; 2] {
    [f64::min, f64::max].map(|pick: fn(f64, f64) -> f64| {
        let stand_in = |(at, value): &(i64, f64)| {
            let same = all.iter().filter(|(other, _)| other.div_euclid(slot) == at.div_euclid(slot));
            same.fold(*value, |found, (_, other)| pick(found, *other))
        };
        naive(all.iter().map(stand_in).collect(), Figure::Quantile, quantile).unwrap()
    })
}

fn is_bounded(cells: &Cells) -> bool {
    cells.cells.len() <= EXACT_MAX
        && cells.cells.capacity() <= EXACT_MAX
        && cells.cells.iter().is_sorted_by_key(|cell| cell.at)
}

proptest! {
    /// Few readings: every figure of a sliding window is exact after each of them, and as time goes by.
    #[test]
    fn a_sliding_window_of_few_readings_is_exact(
        readings in readings(EXACT_MAX), over in 1_i64..5_000, quantile in 0.0..=1.0_f64,
    ) {
        for figure in FIGURES {
            let mut window = Sliding::new(Duration::from_millis(over as u64), figure, quantile);
            let mut now = i64::MIN;
            for (at, (ms, value)) in readings.iter().enumerate() {
                window.push(Moment::from_ms(*ms), *value);
                now = now.max(*ms);
                let mut aged = window.clone();
                for later in [now, now + over / 3, now + over] {
                    aged.advance(Moment::from_ms(later));
                    let held = within(&readings[..=at], later - over, later);
                    prop_assert_eq!(aged.count(), held.len() as u64);
                    let (found, want) = (aged.figure(), naive(held, figure, quantile));
                    prop_assert!(is_near(found, want), "{figure:?} {found:?} {want:?}");
                }
            }
        }
    }

    /// Many readings: the window is at most one slot too long, and never holds more than its cells.
    #[test]
    fn a_sliding_window_of_many_readings_is_a_slot_too_long_at_most(
        readings in readings(1_500), over in 64_i64..60_000,
    ) {
        // Values of one sign, so that a sum grows with each reading.
        let readings: Vec<_> = readings.into_iter().map(|(at, value)| (at, value.abs())).collect();
        for figure in [Figure::Count, Figure::Sum, Figure::Max, Figure::Min, Figure::Mean] {
            let mut window = Sliding::new(Duration::from_millis(over as u64), figure, 0.0);
            let slot = window.cells.slot_ms();
            let mut now = i64::MIN;
            for (at, (ms, value)) in readings.iter().enumerate() {
                window.push(Moment::from_ms(*ms), *value);
                now = now.max(*ms);
                prop_assert!(is_bounded(&window.cells));
                if at % 50 != 49 {
                    continue;
                }
                let so_far = &readings[..=at];
                let held = [now - over, now - over - slot].map(|from| within(so_far, from, now));
                let [least, most] = held.clone().map(|held| naive(held, figure, 0.0).unwrap_or(0.0));
                let (low, high) = match figure {
                    // A mean is that of some of these readings, all of the newer ones among them.
                    Figure::Mean => {
                        let [few, many] = [held[0].len() as f64, held[1].len().max(1) as f64];
                        (least * few / many - 1e-6, most * many / few.max(1.0) + 1e-6)
                    }
                    Figure::Min => (most, least),
                    _ => (least, most),
                };
                let found = window.figure().unwrap_or(0.0);
                let is_between = low - 1e-6 <= found && found <= high + 1e-6;
                prop_assert!(is_between || held[0].is_empty(), "{figure:?}: {low} <= {found} <= {high}");
            }
        }
    }

    /// Every tumbling window, one after the other, against a list: exact but the quantile, which lies where it must.
    #[test]
    fn a_tumbling_window_is_exact_at_any_rate(
        readings in readings(1_500), every in 1_i64..60_000, quantile in 0.0..=1.0_f64,
        figure in prop::sample::select(FIGURES.to_vec()),
    ) {
        let mut window = Tumbling::new(Duration::from_millis(every as u64), figure, quantile);
        let slot = window.cells.slot_ms();
        let mut held: Vec<(i64, f64)> = Vec::new();
        let mut start = readings[0].0.div_euclid(every) * every;
        for (ms, value) in &readings {
            let closed = window.push(Moment::from_ms(*ms), *value);
            prop_assert!(is_bounded(&window.cells));
            let own = ms.div_euclid(every) * every;
            prop_assert_eq!(closed.is_some(), own > start);
            if let Some(closed) = closed {
                let want = naive(held.iter().map(|(_, value)| *value).collect(), figure, quantile);
                let is_exact = figure != Figure::Quantile || held.len() <= EXACT_MAX;
                prop_assert!(!is_exact || is_near(closed.figure, want), "{:?} {:?}", closed.figure, want);
                if figure == Figure::Quantile && !held.is_empty() {
                    let [low, high] = envelope(&held, slot, quantile);
                    let found = closed.figure.unwrap();
                    prop_assert!(low <= found && found <= high, "{low} <= {found} <= {high}");
                }
                prop_assert_eq!(closed.count, held.len() as u64);
                prop_assert_eq!(closed.end.as_ms(), start + every);
                prop_assert_eq!(closed.empty as i64, (own - start) / every - 1);
                start = own;
                held.clear();
            }
            if *ms >= start {
                held.push((*ms, *value));
            }
        }
    }
}

#[test]
fn a_quantile_of_many_is_near_that_of_all() {
    // Values in no order, one each millisecond: one for each slot, and the newest ones, stand for all.
    let mut window = Tumbling::new(Duration::from_secs(10), Figure::Quantile, 0.9);
    let value = |ms: i64| (ms * 7_919 % 10_007) as f64 / 10_007.0;
    for ms in 0..10_000 {
        window.push(Moment::from_ms(ms), value(ms));
    }
    let found = window.close(Moment::from_ms(10_000)).unwrap().figure.unwrap();
    assert!((found - 0.9).abs() < 0.1, "{found}");
}

#[test]
fn a_window_is_whole_once_it_was_heard_for_as_long() {
    let mut window = Sliding::new(Duration::from_millis(1_000), Figure::Mean, 0.0);
    assert!(!window.is_whole());
    for (at, is_whole) in [(500, false), (1_499, false), (1_500, true)] {
        window.push(Moment::from_ms(at), 1.0);
        assert_eq!(window.is_whole(), is_whole, "{at}");
    }
    assert_eq!((window.count(), window.figure()), (2, Some(1.0)));
    // Slots of sixteen milliseconds.
    assert_eq!(window.next_change(), Some(Moment::from_ms(2_512)));
    window.clear();
    assert_eq!((window.is_whole(), window.figure()), (false, None));
    // After the clock was set back, it counts from there.
    window.push(Moment::from_ms(10), 3.0);
    assert_eq!(window.figure(), Some(3.0));
}
