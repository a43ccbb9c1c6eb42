use proptest::prelude::*;

use super::*;

/// Something a machine says, so many seconds after what it said before.
#[derive(Debug, Clone, Copy)]
enum Event {
    State(Option<f64>),
    Parts(f64),
    Scrap(f64),
    /// The counters begin at 0 again.
    Reset,
}

fn event() -> impl Strategy<Value = (u64, Event)> {
    let event = prop_oneof![
        3 => (0u8..7).prop_map(|value| Event::State(Some(f64::from(value)))),
        1 => Just(Event::State(None)),
        3 => (0u16..40).prop_map(|parts| Event::Parts(f64::from(parts))),
        1 => (0u16..3).prop_map(|parts| Event::Scrap(f64::from(parts))),
        1 => Just(Event::Reset),
    ];
    (prop_oneof![0u64..300, 0u64..3_000, 0u64..30_000], event)
}

/// Plays events into books, which are cut at some moments.
fn play(
    ledger: &mut Ledger,
    section: &Section,
    calendar: &Calendar,
    events: &[(u64, Event)],
    cuts: &[Moment],
) -> Vec<Figures> {
    let mut now = at("2026-11-20T04:00");
    let (mut parts, mut scrap) = (100.0, 10.0);
    let mut cuts = cuts.iter().copied().peekable();
    let mut figures = Vec::new();
    for (wait, event) in events {
        let next = now.plus(Duration::from_secs(*wait));
        while let Some(cut) = cuts.next_if(|cut| *cut <= next) {
            figures.push(ledger.cut(cut, calendar));
        }
        now = next;
        match event {
            Event::State(value) => ledger.state(now, section.state(*value), calendar),
            Event::Parts(more) => parts += more,
            Event::Scrap(more) => scrap += more,
            Event::Reset => (parts, scrap) = (0.0, 0.0),
        }
        ledger.count(now, Count::Parts, Some(parts), calendar);
        ledger.count(now, Count::Scrap, Some(scrap), calendar);
    }
    figures.extend(cuts.map(|cut| ledger.cut(cut, calendar)));
    figures
}

fn line(is_norm: bool, is_total: bool, silent: bool) -> Section {
    let line = if is_total { LINE.replace("good = 'good'", "total = 'all'") } else { LINE.to_owned() };
    let micro = if is_norm { "availability" } else { "performance" };
    let silent = if silent { "silent_after = '20m'" } else { "" };
    section(&format!("{line}\nmicro_stops = '{micro}'\ncounter_max = 9999\n{silent}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a machine says, each time is within the one before it, and the factors make the TRS.
    #[test]
    fn times_are_within_each_other(
        events in proptest::collection::vec(event(), 0..80),
        norm in any::<bool>(),
        total in any::<bool>(),
        silent in any::<bool>(),
    ) {
        let (section, calendar) = (line(norm, total, silent), calendar(MORNING));
        let mut ledger = Ledger::new(&section, at("2026-11-20T04:00"));
        let end = at("2026-11-20T04:00").plus(Duration::from_secs(80 * 30_000));
        let figures = play(&mut ledger, &section, &calendar, &events, &[end]).remove(0);
        let method = section.method();
        let times = figures.times(method);
        let all = [times.total, times.opening, times.required, times.running, times.net, times.useful];
        prop_assert!(all.windows(2).all(|pair| pair[0] >= pair[1]), "{all:?}");
        prop_assert_eq!(times.total + times.unknown, end.since(figures.from));
        let losses = figures.losses(method);
        let lost = losses.stops + losses.micro + losses.speed + losses.scrap;
        prop_assert_eq!(lost + times.useful, times.required);
        let factors = [times.availability(), times.performance(), times.quality()];
        if let [Some(availability), Some(performance), Some(quality)] = factors {
            let product = availability * performance * quality;
            prop_assert!((product - times.trs().unwrap()).abs() < 1e-9);
        }
        let stops = figures.stops.by_cause(method.micro_stop);
        let sum: Duration = stops.iter().map(|(_, lost)| lost.time()).sum();
        prop_assert_eq!(sum + figures.stops.micro(method.micro_stop).time(), figures.stops.all().time());
    }

    /// A period that is split anywhere and put together again is the period.
    #[test]
    fn parts_of_a_period_make_the_period(
        events in proptest::collection::vec(event(), 0..60),
        splits in proptest::collection::vec(0u64..60 * 20_000, 0..4),
        norm in any::<bool>(),
        total in any::<bool>(),
        silent in any::<bool>(),
    ) {
        let (section, calendar) = (line(norm, total, silent), calendar(MORNING));
        let begin = at("2026-11-20T04:00");
        let end = begin.plus(Duration::from_secs(60 * 30_000));
        let mut cuts: Vec<Moment> = splits.iter().map(|secs| begin.plus(Duration::from_secs(*secs))).collect();
        cuts.sort_unstable();
        cuts.push(end);
        let figures = |cuts: &[Moment]| {
            play(&mut Ledger::new(&section, begin), &section, &calendar, &events, cuts)
        };
        let whole = figures(&[end]).remove(0);
        let pieces = figures(&cuts);
        let made = pieces.iter().fold(Parts::default(), |sum, next| sum.plus(next.all_parts()));
        prop_assert_eq!(made, whole.all_parts());
        let method = section.method();
        let sum = pieces.iter().cloned().reduce(|sum, next| sum.plus(next, method)).unwrap();
        prop_assert_eq!(&sum, &whole);
        // From the end as well.
        let back = pieces.into_iter().rev().reduce(|later, before| before.plus(later, method)).unwrap();
        prop_assert_eq!(&back, &whole);
    }
}
