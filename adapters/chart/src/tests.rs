//! What a chart shows, and what it never does.

use contract::Moment;
use contract::chart::{Band, Mark, POINTS_MAX, Point, Tick};

use super::*;

const MINUTE: i64 = 60_000;
const NOON: i64 = 1_795_604_400_000;

fn tick(value: f64, words: &str) -> Tick {
    Tick { value, words: words.into() }
}

fn mark(minutes: i64, words: &str) -> Mark {
    Mark { at: Moment::from_ms(NOON + minutes * MINUTE), words: words.into() }
}

/// Two hours of a bearing that warms up and passes its limit, with a hole in the middle.
fn bearing() -> Chart {
    let points = (0..240).map(|at| {
        let (minutes, hot) = (f64::from(at) / 2.0, (f64::from(at) - 180.0).max(0.0));
        let value = 68.0 + 2.0 * (minutes / 9.0).sin() + 0.6 * (minutes * 1.7).cos() + 0.28 * hot;
        let is_hole = (70..82).contains(&at);
        Point {
            at: Moment::from_ms(NOON + i64::from(at) * MINUTE / 2),
            value: Some(value).filter(|_| !is_hole),
        }
    });
    Chart {
        alt: "Palier arrière entre 66 et 71 °C jusqu'à 13:30, puis montée à 84 °C.".into(),
        title: "Palier arrière, °C".into(),
        points: points.collect(),
        usual: Some(Band { from: 64.0, to: 72.0, words: "habituel".into() }),
        limit: Some(tick(80.0, "limite 80")),
        begun: mark(111, "depuis 13:51"),
        values: vec![tick(60.0, "60"), tick(70.0, "70"), tick(80.0, "80"), tick(90.0, "90")],
        times: vec![mark(0, "12:00"), mark(60, "13:00"), mark(120, "14:00")],
    }
}

/// To be looked at: `PORTEVOIX_CHARTS=folder cargo test -p portevoix-chart`.
fn keep(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("PORTEVOIX_CHARTS") {
        std::fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
    }
}

#[test]
fn a_chart_is_a_small_picture_in_both_themes() {
    for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        let drawn = png(&bearing(), theme).unwrap();
        assert!(drawn.png.starts_with(b"\x89PNG"));
        assert!(drawn.png.len() <= BYTES_MAX, "{} bytes", drawn.png.len());
        assert_eq!((drawn.width, drawn.height), (WIDTH, HEIGHT));
        keep(&format!("{name}.png"), &drawn.png);
        keep(&format!("{name}.svg"), svg(&bearing(), theme).as_bytes());
    }
}

#[test]
fn its_words_are_drawn_with_the_font_of_the_program() {
    let with = png(&bearing(), Theme::Light).unwrap();
    let mut mute = bearing();
    mute.title = String::new();
    let without = png(&mute, Theme::Light).unwrap();
    assert_ne!(with.png, without.png, "the title is seen");
}

#[test]
fn it_holds_the_limit_the_start_and_a_sentence_for_whoever_does_not_see() {
    let drawn = svg(&bearing(), Theme::Light);
    let page = roxmltree::Document::parse(&drawn).unwrap();
    let words: Vec<&str> = page.descendants().filter_map(|node| node.text()).collect();
    for wanted in ["limite 80", "depuis 13:51", "Palier arrière, °C", "60", "14:00", bearing().alt.as_str()]
    {
        assert!(words.contains(&wanted), "{wanted} in {words:?}");
    }
    // The hole is a hole: two pieces, and what is past the limit is hatched.
    let of = |name: &'static str| page.descendants().filter(move |node| node.has_tag_name(name));
    let curves = of("path").filter(|node| node.attribute("stroke-width") == Some("4.5")).count();
    let hatched = of("path").filter(|node| node.attribute("fill") == Some("url(#past)")).count();
    assert_eq!((curves, hatched), (2, 1));
}

#[test]
fn hostile_words_and_values_stay_words_and_inside_the_frame() {
    for words in [
        "</text><script>alert(1)</script>",
        "\"><image href='http://evil'/>",
        "&amp;\u{0}\u{8}\u{202E}",
        &"é".repeat(9_000),
    ] {
        let mut chart = bearing();
        chart.title = words.to_owned();
        chart.alt = words.to_owned();
        chart.begun.words = words.to_owned();
        chart.limit = Some(tick(f64::MAX, words));
        chart.values.push(tick(f64::NAN, words));
        chart.times.push(mark(-1_000_000_000, words));
        chart.points.push(Point { at: Moment::from_ms(i64::MAX), value: Some(f64::MIN) });
        chart.points.push(Point { at: Moment::from_ms(i64::MIN), value: Some(f64::INFINITY) });
        let drawn = svg(&chart, Theme::Dark);
        let page = roxmltree::Document::parse(&drawn).unwrap();
        let known = ["svg", "title", "defs", "pattern", "rect", "text", "path", "circle"];
        for node in page.descendants().filter(roxmltree::Node::is_element) {
            assert!(known.contains(&node.tag_name().name()), "{:?}", node.tag_name());
        }
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        png(&chart, Theme::Dark).unwrap();
    }
}

#[test]
fn letters_tell_the_course_where_there_is_no_picture() {
    let line = bearing().sparkline(24);
    assert_eq!(line, "▂▂▃▃▂▂▂ ▁▁▂▂▂▃▃▂▂▂▂▃▄▅▆▇");
    let mut empty = bearing();
    empty.points.clear();
    assert_eq!(empty.sparkline(24), "");
    empty.points.push(Point { at: Moment::from_ms(NOON), value: Some(f64::MAX) });
    assert_eq!(empty.sparkline(24), "▁");
}

#[test]
fn few_values_are_drawn_too() {
    for count in [0, 1, 2] {
        let mut chart = bearing();
        chart.points.truncate(count);
        chart.usual = None;
        chart.limit = None;
        chart.values.clear();
        chart.times.clear();
        let drawn = png(&chart, Theme::Light).unwrap();
        keep(&format!("few-{count}.png"), &drawn.png);
    }
}

#[test]
fn a_restless_value_is_no_large_picture() {
    let mut chart = bearing();
    let mut dice = 7_u32;
    chart.points = (0..POINTS_MAX)
        .map(|at| {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = i64::try_from(at).unwrap();
            Point { at: Moment::from_ms(NOON + at * MINUTE), value: Some(f64::from(dice >> 16) / 655.36) }
        })
        .collect();
    let drawn = png(&chart, Theme::Light).unwrap();
    keep("restless.png", &drawn.png);
    assert!(drawn.png.len() <= BYTES_MAX, "{} bytes", drawn.png.len());
}
