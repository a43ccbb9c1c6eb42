//! How long a chart takes, and how large it is: `cargo bench -p portevoix-chart`.

use chart::{Chart, Theme, png, svg};
use contract::Moment;
use contract::chart::{Band, Mark, Point, Tick};
use criterion::{Criterion, criterion_group, criterion_main};

/// Two hours of a value that warms up.
fn warming() -> Chart {
    let at = |minute: i64| Moment::from_ms(1_795_604_400_000 + minute * 60_000);
    let tick = |value: f64| Tick { value, words: value.to_string() };
    let mark = |minute, words: &str| Mark { at: at(minute), words: words.into() };
    let point = |step: i32| {
        let hot = f64::from((step - 180).max(0));
        Point {
            at: at(i64::from(step) / 2),
            value: Some(68.0 + 2.0 * (f64::from(step) / 18.0).sin() + 0.28 * hot),
        }
    };
    Chart {
        alt: "Palier arrière entre 66 et 71 °C jusqu'à 13:51, puis 84 °C.".into(),
        title: "Palier arrière, °C".into(),
        points: (0..240).map(point).collect(),
        usual: Some(Band { from: 64.0, to: 72.0, words: "habituel".into() }),
        limit: Some(Tick { words: "limite 80".into(), ..tick(80.0) }),
        begun: mark(111, "depuis 13:51"),
        values: [60.0, 70.0, 80.0, 90.0].map(tick).into(),
        times: vec![mark(0, "12:00"), mark(60, "13:00"), mark(120, "14:00")],
    }
}

fn draw(criterion: &mut Criterion) {
    let chart = warming();
    criterion.bench_function("svg", |bench| bench.iter(|| svg(&chart, Theme::Light)));
    criterion.bench_function("png", |bench| bench.iter(|| png(&chart, Theme::Light)));
}

criterion_group!(benches, draw);
criterion_main!(benches);
