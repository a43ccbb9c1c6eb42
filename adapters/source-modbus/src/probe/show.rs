//! What registers could mean, so that it fits on a screen.

use std::fmt;

use super::Reading;
use crate::form::Order;

/// More readings that fit are chance.
const FITTING_MAX: usize = 10;
/// No device shows a number beyond this,
const LIKELY_MAX: f64 = 1e12;
/// or one that is closer to zero and is not zero.
const LIKELY_MIN: f64 = 1e-6;

/// Those that fit what a person reads; the others are counted.
pub fn fitting(f: &mut fmt::Formatter<'_>, known: f64, readings: &[Reading]) -> fmt::Result {
    let fits = || readings.iter().filter_map(|reading| Some((reading, reading.fits?)));
    let count = fits().count();
    if count == 0 {
        return writeln!(
            f,
            "none of {} readings is {known}, in any step: another address or unit, or it has moved since",
            readings.len()
        );
    }
    writeln!(f, "{count} of {} readings fit {known}; the likeliest first", readings.len())?;
    for (Reading { start, kind, order, value, .. }, step) in fits().take(FITTING_MAX) {
        let shown = value.as_ref().map_or_else(|_| "-".to_owned(), |value| number(*value));
        let step = if step == 1.0 { String::new() } else { format!("  times {step}") };
        writeln!(f, "> {start:>5}  {:<8} {}  {shown}{step}", kind.word(), order.word())?;
    }
    match count.saturating_sub(FITTING_MAX) {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more, less likely"),
    }
}

/// One line for each register and type, the orders side by side. Types that say the same share a line; what no device
/// shows is left out.
pub fn table(f: &mut fmt::Formatter<'_>, first: u16, data: &[u8], readings: &[Reading]) -> fmt::Result {
    let words = Order::ALL.map(Order::word);
    write!(f, "{:>7}  {:<5}  {:<15}", "address", "bytes", "type")?;
    words.iter().try_for_each(|word| write!(f, "  {word:>16}"))?;
    writeln!(f)?;
    let mut left_out = 0;
    for (offset, word) in data.chunks_exact(2).enumerate() {
        let at = usize::from(first) + offset;
        let mut head = format!("{at:>7}  {:02X} {:02X}", word[0], word[1]);
        let (lines, unlikely) = lines(readings.iter().filter(|reading| usize::from(reading.start) == at));
        left_out += unlikely;
        for (types, cells) in &lines {
            write!(f, "{head}  {:<15}", types.join(" "))?;
            cells.iter().try_for_each(|cell| write!(f, "  {cell:>16}"))?;
            writeln!(f)?;
            head = " ".repeat(14);
        }
        if lines.is_empty() {
            writeln!(f, "{head}")?;
        }
    }
    match left_out {
        0 => Ok(()),
        more => writeln!(f, "{more} types that give no likely number are left out"),
    }
}

/// Types with the same four numbers, and how many give none that a device would show.
type Lines = Vec<(Vec<&'static str>, Vec<String>)>;

fn lines<'a>(readings: impl Iterator<Item = &'a Reading>) -> (Lines, usize) {
    let mut types: Vec<(&'static str, Vec<&Reading>)> = Vec::new();
    for reading in readings {
        let word = reading.kind.word();
        match types.last_mut().filter(|(last, _)| *last == word) {
            Some((_, same)) => same.push(reading),
            None => types.push((word, vec![reading])),
        }
    }
    let (mut lines, mut unlikely): (Lines, usize) = (Vec::new(), 0);
    for (word, same) in types {
        if !same.iter().any(|reading| reading.value.as_ref().is_ok_and(|value| is_likely(*value))) {
            unlikely += 1;
            continue;
        }
        let cell = |order: Order| {
            let reading = same.iter().find(|reading| reading.order == order);
            reading.map_or(String::new(), |reading| match &reading.value {
                Ok(value) => number(*value),
                Err(_) => "-".to_owned(),
            })
        };
        let cells: Vec<String> = Order::ALL.into_iter().map(cell).collect();
        match lines.iter_mut().find(|(_, other)| *other == cells) {
            Some((types, _)) => types.push(word),
            None => lines.push((vec![word], cells)),
        }
    }
    (lines, unlikely)
}

fn is_likely(value: f64) -> bool {
    value == 0.0 || (LIKELY_MIN..=LIKELY_MAX).contains(&value.abs())
}

/// As short as it can be read.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        1e-3..1e15 if value.fract() == 0.0 => format!("{value}"),
        1e-3..1e9 => {
            let digits = format!("{value:.4}");
            digits.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format!("{value:.3e}"),
    }
}
