//! The writer of the SVG: one frame, one curve, few words. Widths of words are estimated, with room to spare.

use std::fmt::Write;

use contract::Chart;
use contract::chart::Band;

use crate::frame::Frame;

/// The width in pixels: twice that of a telephone's column, so that it is sharp there.
pub const WIDTH: u32 = 800;
/// The height in pixels.
pub const HEIGHT: u32 = 420;

/// Of the letters: 13 pixels on a telephone.
const FONT: f64 = 26.0;
/// A letter of DejaVu Sans is so wide on average, digits more so.
const LETTER: f64 = 0.62 * FONT;
/// More letters than this are no tick, but a novel.
const TICK_CHARS_MAX: usize = 12;
/// Of a title, so many fit.
const TITLE_CHARS_MAX: usize = 46;

/// What it is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on white.
    Light,
    /// Light on nearly black.
    Dark,
    /// Inside a page, which gives the colours: `--chart-ground`, `--chart-grid`, `--chart-soft`, `--chart-band`, `--chart-curve`,
    /// `--chart-limit`; words are as the text around them.
    Page,
}

struct Colours {
    ground: &'static str,
    ink: &'static str,
    soft: &'static str,
    grid: &'static str,
    band: &'static str,
    curve: &'static str,
    limit: &'static str,
}

impl Theme {
    fn colours(self) -> Colours {
        match self {
            Theme::Light => Colours {
                ground: "#ffffff",
                ink: "#1b1b1b",
                soft: "#5c5c5c",
                grid: "#d9d9d9",
                band: "#e6e6e6",
                curve: "#0072b2",
                limit: "#b84700",
            },
            Theme::Dark => Colours {
                ground: "#15181c",
                ink: "#f2f2f2",
                soft: "#aab2bb",
                grid: "#3a3f46",
                band: "#2b3036",
                curve: "#56b4e9",
                limit: "#e69f00",
            },
            Theme::Page => Colours {
                ground: "var(--chart-ground)",
                ink: "currentColor",
                soft: "var(--chart-soft)",
                grid: "var(--chart-grid)",
                band: "var(--chart-band)",
                curve: "var(--chart-curve)",
                limit: "var(--chart-limit)",
            },
        }
    }
}

/// The picture as SVG. Every word in it is escaped.
pub fn svg(chart: &Chart, theme: Theme) -> String {
    let longest = chart.values.iter().map(|tick| chars(&tick.words)).max().unwrap_or(0).min(TICK_CHARS_MAX);
    let left = 24.0 + longest as f64 * LETTER;
    let frame = Frame::new(chart, left, f64::from(WIDTH) - 28.0, 92.0, f64::from(HEIGHT) - 62.0);
    let mut page = Page { chart, frame, colours: theme.colours(), out: String::with_capacity(8 << 10) };
    page.open();
    page.band();
    page.scales();
    page.curve();
    page.limit();
    page.begun();
    page.out.push_str("</svg>");
    page.out
}

struct Page<'a> {
    chart: &'a Chart,
    frame: Frame,
    colours: Colours,
    out: String,
}

impl Page<'_> {
    // Writing into a text cannot fail.
    fn put(&mut self, words: std::fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(words);
    }

    fn open(&mut self) {
        let Colours { ground, ink, limit, .. } = self.colours;
        let (alt, title) = (escaped(&self.chart.alt), escaped(&cut(&self.chart.title, TITLE_CHARS_MAX)));
        self.put(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" font-family=\"DejaVu Sans, sans-serif\" \
             font-size=\"{FONT}\" fill=\"{ink}\"><title>{alt}</title>\
             <defs><pattern id=\"past\" width=\"10\" height=\"10\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><rect width=\"4\" height=\"10\" fill=\"{limit}\"/></pattern></defs>\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"{ground}\"/>\
             <text x=\"20\" y=\"38\">{title}</text>"
        ));
    }

    /// What is usual, behind everything.
    fn band(&mut self) {
        let Some(Band { from, to, words }) = &self.chart.usual else { return };
        let Frame { left, right, .. } = self.frame;
        let (top, bottom) = (self.frame.y(from.max(*to)), self.frame.y(from.min(*to)));
        let band = self.colours.band;
        self.put(format_args!(
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{band}\"/>",
            right - left,
            bottom - top
        ));
        if bottom - top > 1.2 * FONT {
            let words = escaped(&cut(words, TITLE_CHARS_MAX / 2));
            let soft = self.colours.soft;
            self.put(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{soft}\">{words}</text>",
                left + 8.0,
                bottom - 0.3 * FONT
            ));
        }
    }

    fn scales(&mut self) {
        let Frame { left, right, bottom, .. } = self.frame;
        let grid = self.colours.grid;
        for tick in &self.chart.values {
            let (y, words) = (self.frame.y(tick.value), escaped(&cut(&tick.words, TICK_CHARS_MAX)));
            self.put(format_args!(
                "<path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"{grid}\" stroke-width=\"1.5\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{words}</text>",
                left - 10.0,
                y + 0.35 * FONT
            ));
        }
        for mark in &self.chart.times {
            let words = cut(&mark.words, TICK_CHARS_MAX);
            // Neither end runs over the edge.
            let half = chars(&words) as f64 * LETTER / 2.0;
            let x = self.frame.x(mark.at.as_ms()).clamp(half + 4.0, f64::from(WIDTH) - half - 4.0);
            let words = escaped(&words);
            self.put(format_args!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{words}</text>",
                bottom + 1.5 * FONT
            ));
        }
    }

    /// The curve, and what of it is past the limit.
    fn curve(&mut self) {
        let pieces = self.frame.pieces(&self.chart.points);
        for piece in &pieces {
            self.past(piece);
        }
        let curve = self.colours.curve;
        for piece in &pieces {
            let line = path(piece);
            self.put(format_args!(
                "<path d=\"{line}\" fill=\"none\" stroke=\"{curve}\" stroke-width=\"4.5\" \
                 stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
            ));
        }
        if let Some((x, y)) = pieces.last().and_then(|piece| piece.last()) {
            self.put(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"8\" fill=\"{curve}\"/>"));
        }
    }

    /// The area between the curve and the limit, hatched, since the episode began.
    fn past(&mut self, piece: &[(f64, f64)]) {
        let Some(limit) = self.chart.limit.as_ref().map(|tick| self.frame.y(tick.value)) else { return };
        let begun = self.frame.x(self.chart.begun.at.as_ms());
        let since: Vec<(f64, f64)> = piece.iter().copied().filter(|(x, _)| *x >= begun).collect();
        let Some(((first, _), (last, end))) = since.first().zip(since.last()) else { return };
        // Past is on the side where the curve ends.
        let is_up = *end < limit;
        let kept: Vec<(f64, f64)> =
            since.iter().map(|(x, y)| (*x, if is_up { y.min(limit) } else { y.max(limit) })).collect();
        let line = path(&kept);
        self.put(format_args!(
            "<path d=\"{line}L{last:.1} {limit:.1}L{first:.1} {limit:.1}Z\" fill=\"url(#past)\" \
             fill-opacity=\"0.45\"/>"
        ));
    }

    fn limit(&mut self) {
        let Some(limit) = &self.chart.limit else { return };
        let (y, Frame { left, right, top, .. }) = (self.frame.y(limit.value), self.frame);
        let words = escaped(&cut(&limit.words, TITLE_CHARS_MAX / 2));
        let Colours { limit: colour, ground, .. } = self.colours;
        // Over its line where there is room, else under it.
        let at = if y - FONT > top - 14.0 { y - 8.0 } else { y + FONT };
        self.put(format_args!(
            "<path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"{colour}\" stroke-width=\"3.5\" \
             stroke-dasharray=\"14 9\"/><text x=\"{:.1}\" y=\"{at:.1}\" fill=\"{colour}\" \
             stroke=\"{ground}\" stroke-width=\"6\" paint-order=\"stroke\">{words}</text>",
            left + 8.0
        ));
    }

    /// The moment it began.
    fn begun(&mut self) {
        let (x, Frame { top, bottom, .. }) = (self.frame.x(self.chart.begun.at.as_ms()), self.frame);
        let words = cut(&self.chart.begun.words, TITLE_CHARS_MAX / 2);
        let half = chars(&words) as f64 * LETTER / 2.0;
        let at = x.clamp(half + 4.0, f64::from(WIDTH) - half - 4.0);
        let (words, ink) = (escaped(&words), self.colours.ink);
        self.put(format_args!(
            "<path d=\"M{x:.1} {top:.1}V{bottom:.1}\" stroke=\"{ink}\" stroke-width=\"2.5\" \
             stroke-dasharray=\"3 7\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{words}</text>",
            top - 14.0
        ));
    }
}

fn path(piece: &[(f64, f64)]) -> String {
    let mut line = String::with_capacity(piece.len() * 14);
    for (at, (x, y)) in piece.iter().enumerate() {
        let _ = write!(line, "{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' });
    }
    // One value alone is a point of the line's width.
    if piece.len() == 1 {
        line.push_str("h0.1");
    }
    line
}

fn chars(words: &str) -> usize {
    words.chars().count()
}

fn cut(words: &str, most: usize) -> String {
    contract::clean(words, most)
}

/// Words are words, whatever signs they hold.
fn escaped(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for sign in words.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // What XML has no place for.
            '\0'..='\u{8}' | '\u{B}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            sign => out.push(sign),
        }
    }
    out
}
