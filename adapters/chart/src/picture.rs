//! From the SVG to the PNG.

use std::sync::{Arc, OnceLock};

use contract::Chart;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::svg::{HEIGHT, Theme, WIDTH, svg};

/// A picture for a telephone on the network of a plant.
pub const BYTES_MAX: usize = 60_000;

/// The one font: Latin letters and signs, 42 KB.
const FONT: &[u8] = include_bytes!("../font/dejavu-sans-subset.ttf");

/// A PNG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The file, at most [`BYTES_MAX`] long.
    pub png: Vec<u8>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The SVG is wrong: a mistake of ours.
    #[error("the drawing cannot be read: {0}")]
    Drawing(#[from] resvg::usvg::Error),
    /// The picture cannot be written.
    #[error("the picture cannot be written: {0}")]
    Writing(String),
    /// Even at half its size it is too large.
    #[error("the picture has {0} bytes, more than {BYTES_MAX}")]
    Large(usize),
}

/// The picture of a chart.
///
/// # Errors
/// None for a chart that portevoix made; told all the same, so that a post goes without its picture.
pub fn png(chart: &Chart, theme: Theme) -> Result<Picture, ChartError> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_source(fontdb::Source::Binary(Arc::new(FONT)));
        fonts.set_sans_serif_family("DejaVu Sans");
        Arc::new(fonts)
    });
    let options =
        Options { fontdb: Arc::clone(fonts), font_family: "DejaVu Sans".into(), ..Options::default() };
    let tree = Tree::from_str(&svg(chart, theme), &options)?;
    let whole = drawn(&tree, 1.0)?;
    if whole.png.len() <= BYTES_MAX {
        return Ok(whole);
    }
    let half = drawn(&tree, 0.5)?;
    if half.png.len() <= BYTES_MAX { Ok(half) } else { Err(ChartError::Large(half.png.len())) }
}

fn drawn(tree: &Tree, scale: f32) -> Result<Picture, ChartError> {
    // Both are small and whole.
    let side = |length: u32| (length as f32 * scale) as u32;
    let (width, height) = (side(WIDTH), side(HEIGHT));
    let mut pixels = Pixmap::new(width, height)
        .ok_or_else(|| ChartError::Writing(format!("{width} x {height} pixels")))?;
    resvg::render(tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    let png = pixels.encode_png().map_err(|error| ChartError::Writing(error.to_string()))?;
    Ok(Picture { png, width, height })
}
