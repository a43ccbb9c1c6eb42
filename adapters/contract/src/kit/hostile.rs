//! The hostile corpus: words of machines that want to be more than words, one file each in `tests/hostile/`; and a
//! generator of more.

/// One string of the corpus, byte for byte.
#[derive(Debug, Clone, Copy)]
pub struct Nasty {
    /// The name of its file, without `.txt`.
    pub name: &'static str,
    /// What a wire may bring: not always UTF-8.
    pub bytes: &'static [u8],
}

macro_rules! nasty {
    ($name:literal) => {
        Nasty { name: $name, bytes: include_bytes!(concat!("../../../../tests/hostile/", $name, ".txt")) }
    };
}

/// The files, in the order of the alphabet.
pub static FILES: &[Nasty] = &[
    nasty!("at-all"),
    nasty!("at-channel"),
    nasty!("at-everyone"),
    nasty!("at-here"),
    nasty!("at-room"),
    nasty!("backslash"),
    nasty!("bidi"),
    nasty!("bold"),
    nasty!("channel-link"),
    nasty!("cite"),
    nasty!("code-indented"),
    nasty!("command"),
    nasty!("dots"),
    nasty!("emoji"),
    nasty!("emoji-times"),
    nasty!("emoticon"),
    nasty!("empty"),
    nasty!("escape-colour"),
    nasty!("escape-title"),
    nasty!("hashtag"),
    nasty!("heading"),
    nasty!("heading-line"),
    nasty!("homoglyph"),
    nasty!("html-attribute"),
    nasty!("html-comment"),
    nasty!("html-entity"),
    nasty!("html-heading"),
    nasty!("html-image"),
    nasty!("html-script"),
    nasty!("html-script-whole"),
    nasty!("image"),
    nasty!("json-end"),
    nasty!("latex"),
    nasty!("line-fake"),
    nasty!("line-separator"),
    nasty!("link-autolink-mail"),
    nasty!("link-bare"),
    nasty!("link-data"),
    nasty!("link-domain"),
    nasty!("link-javascript"),
    nasty!("link-mail"),
    nasty!("link-mail-bare"),
    nasty!("link-markdown"),
    nasty!("link-no-scheme"),
    nasty!("link-reference"),
    nasty!("link-slack"),
    nasty!("link-www"),
    nasty!("list"),
    nasty!("long-mention"),
    nasty!("matrix-user"),
    nasty!("nul"),
    nasty!("printf"),
    nasty!("private-use"),
    nasty!("room-link"),
    nasty!("rule"),
    nasty!("rule-stars"),
    nasty!("slack-channel"),
    nasty!("slack-group"),
    nasty!("slack-here"),
    nasty!("slack-user"),
    nasty!("space"),
    nasty!("spaces-wide"),
    nasty!("sql"),
    nasty!("strike"),
    nasty!("surrogate-alone"),
    nasty!("table"),
    nasty!("table-whole"),
    nasty!("tags-block"),
    nasty!("template-block"),
    nasty!("template-comment"),
    nasty!("template-double"),
    nasty!("template-env"),
    nasty!("tick"),
    nasty!("ticks"),
    nasty!("ticks-block"),
    nasty!("tildes"),
    nasty!("utf8-broken"),
    nasty!("zero-width"),
    nasty!("zulip-all"),
    nasty!("zulip-group"),
];

/// Every string of the corpus as text: what is not UTF-8 is replaced, as a source does at its door. The two that
/// are too long to be read are among them.
pub fn strings() -> Vec<(&'static str, String)> {
    let files = FILES.iter().map(|nasty| (nasty.name, String::from_utf8_lossy(nasty.bytes).into_owned()));
    files.chain([("combining-accents", combining_accents()), ("one-mib", one_mib())]).collect()
}

/// An `e` under 10,000 accents.
pub fn combining_accents() -> String {
    format!("e{}", "\u{301}".repeat(10_000))
}

/// 1 MiB of `A`.
pub fn one_mib() -> String {
    "A".repeat(1 << 20)
}

/// Makes nasty strings, the same ones for the same seed.
#[derive(Debug, Clone)]
pub struct Random(u64);

/// What they are made of: every sign of every markup, starters of links and mentions, harmless words, blanks.
const PIECES: &[&str] = &[
    "*",
    "**",
    "_",
    "__",
    "~",
    "~~",
    "`",
    "``",
    "```",
    "#",
    "##",
    ">",
    "|",
    "||",
    "[",
    "]",
    "(",
    ")",
    "](",
    "![",
    "!",
    "<",
    "</",
    "<!",
    "/>",
    "\\",
    ":",
    "::",
    "://",
    "//",
    "+",
    "-",
    "--",
    "---",
    "===",
    "=",
    ".",
    "..",
    "1.",
    "2)",
    "&",
    "&#",
    ";",
    "$",
    "{",
    "}",
    "{{",
    "}}",
    "{%",
    "%}",
    "%s",
    "\"",
    "'",
    "@",
    "@@",
    "^",
    ",",
    "?",
    "/",
    "\n",
    "\r\n",
    "\t",
    " ",
    "  ",
    "    ",
    "\u{a0}",
    "\u{200b}",
    "\u{202e}",
    "\u{2028}",
    "\u{301}",
    "\u{fe0f}",
    "\u{1b}[",
    "\0",
    "all",
    "channel",
    "here",
    "http",
    "https",
    "www",
    "mailto",
    "javascript",
    "evil",
    "example",
    "com",
    "fr",
    "a",
    "B",
    "é",
    "漢",
    "3",
    "42",
    "fire",
    "img src=x",
    "script",
    "b",
    "h1",
    "urgence",
    "x^2",
    "D",
    "⚠️",
    "LOT",
    "x",
];

impl Random {
    /// Begins at a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next string: up to twelve pieces; now and then one of the corpus in the middle of them.
    pub fn nasty(&mut self) -> String {
        let mut words = String::new();
        for _ in 0..=self.below(12) {
            if self.below(16) == 0 {
                let file = &FILES[self.below(FILES.len())];
                words.push_str(&String::from_utf8_lossy(file.bytes));
            } else {
                words.push_str(PIECES[self.below(PIECES.len())]);
            }
        }
        words
    }

    /// A number under `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_in_the_list() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".txt")?.to_owned()))
            .collect();
        found.sort();
        let listed: Vec<&str> = FILES.iter().map(|nasty| nasty.name).collect();
        assert_eq!(found, listed);
    }

    #[test]
    fn the_same_seed_is_as_nasty_again() {
        let three = |seed| {
            let mut random = Random::new(seed);
            [random.nasty(), random.nasty(), random.nasty()]
        };
        assert_eq!(three(7), three(7));
        assert_ne!(three(7), three(8));
    }
}
