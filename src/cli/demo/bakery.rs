//! Five machines that drift, stop, recover and fall silent: what they say at each quarter of a second. A pure
//! function of time; it begins anew every twelve minutes, when no episode would be taken for the one before.

/// The length of the story, in seconds.
const STORY: f64 = 720.0;

/// What happens to a value: from a moment, to a moment, how far it goes. It takes a quarter of the time to get
/// there and a quarter to come back.
struct Mishap {
    from: f64,
    to: f64,
    by: f64,
}

const fn mishap(from: f64, to: f64, by: f64) -> Mishap {
    Mishap { from, to, by }
}

const OVEN: &[Mishap] = &[mishap(0.0, 64.0, 40.0), mishap(390.0, 450.0, 22.0)];
const DOUGH: &[Mishap] = &[mishap(200.0, 260.0, 3.1), mishap(520.0, 570.0, 2.6)];
const HUMIDITY: &[Mishap] = &[mishap(95.0, 170.0, -14.0)];
const FREEZER: &[Mishap] = &[mishap(300.0, 370.0, 5.2)];
const SPEED: &[Mishap] = &[mishap(130.0, 190.0, -10.0), mishap(460.0, 520.0, -24.6)];
/// When the freezer's probe says nothing.
const SILENT: (f64, f64) = (22.0, 62.0);

/// What the machines say at this quarter of a second, as topic and payload.
pub fn say(quarter: u32) -> Vec<(String, String)> {
    let now = f64::from(quarter) / 4.0;
    let at = now.rem_euclid(STORY);
    let mut said = vec![
        value("four-1/sole", "c", 226.0 + wave(now, 17.0, 3.0) + sum(OVEN, at)),
        value("petrin-2/pate", "c", 24.4 + wave(now, 23.0, 0.4) + sum(DOUGH, at)),
        value("pousse-3/humidite", "pct", 79.0 + wave(now, 31.0, 1.5) + sum(HUMIDITY, at)),
        value("ligne-5/cadence", "ppm", 25.0 + wave(now, 9.0, 0.6) + sum(SPEED, at)),
    ];
    if at < SILENT.0 || at >= SILENT.1 {
        said.push(value("surgelateur-4/air", "c", -20.5 + wave(now, 41.0, 0.5) + sum(FREEZER, at)));
    }
    said
}

fn value(topic: &str, field: &str, value: f64) -> (String, String) {
    (format!("fournil/{topic}"), format!("{{\"{field}\": {value:.2}}}"))
}

/// Normal life: a slow wave with a faster one on it.
fn wave(now: f64, period: f64, height: f64) -> f64 {
    height * (0.7 * (now / period).sin() + 0.3 * (now / period * 7.3).sin())
}

fn sum(mishaps: &[Mishap], at: f64) -> f64 {
    mishaps.iter().map(|mishap| mishap.at(at)).sum()
}

impl Mishap {
    fn at(&self, at: f64) -> f64 {
        let ramp = (self.to - self.from) / 4.0;
        let up = (at - self.from) / ramp;
        let down = (self.to - at) / ramp;
        self.by * up.min(down).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_begins_within_seconds_and_repeats() {
        let oven = |quarter| say(quarter)[0].1.clone();
        let celsius = |quarter: u32| oven(quarter)[6..oven(quarter).len() - 1].parse::<f64>().unwrap();
        assert!(celsius(0) < 245.0);
        assert!((0..40).any(|quarter| celsius(quarter) > 247.0), "over the limit within 10 s");
        assert_eq!(say(25 * 4).len(), 4, "the freezer is silent");
        assert_eq!(say(80 * 4).len(), 5);
    }
}
