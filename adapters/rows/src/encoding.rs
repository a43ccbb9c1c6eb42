//! Bytes become text. A mark at the start decides, else the declared encoding.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Wrong;

/// How text is written in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8, with or without a mark at the start.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// What Windows in western Europe calls ANSI.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// Latin 9: as ISO 8859-1, with € and œ.
    #[serde(rename = "iso-8859-15")]
    Iso885915,
    /// UTF-16, little end first: "Unicode text" of Excel.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, big end first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
}

impl Encoding {
    /// The mark at the start of a document, if there is one, and how many bytes it has.
    pub fn by_mark(start: &[u8]) -> Option<(Encoding, usize)> {
        match start {
            [0xef, 0xbb, 0xbf, ..] => Some((Encoding::Utf8, 3)),
            [0xff, 0xfe, ..] => Some((Encoding::Utf16Le, 2)),
            [0xfe, 0xff, ..] => Some((Encoding::Utf16Be, 2)),
            _ => None,
        }
    }

    /// The word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Windows1252 => "windows-1252",
            Encoding::Iso885915 => "iso-8859-15",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
        }
    }

    /// A line feed is one byte in it, and every byte below 128 means what it means in ASCII.
    pub fn is_ascii_like(self) -> bool {
        !matches!(self, Encoding::Utf16Le | Encoding::Utf16Be)
    }

    /// The decoder behind it.
    pub fn coder(self) -> &'static encoding_rs::Encoding {
        match self {
            Encoding::Utf8 => encoding_rs::UTF_8,
            Encoding::Windows1252 => encoding_rs::WINDOWS_1252,
            Encoding::Iso885915 => encoding_rs::ISO_8859_15,
            Encoding::Utf16Le => encoding_rs::UTF_16LE,
            Encoding::Utf16Be => encoding_rs::UTF_16BE,
        }
    }

    /// Decodes a cell or a line, without a mark.
    ///
    /// # Errors
    /// Bytes that are no text in this encoding. Also text that is UTF-8 where an encoding of one byte for each
    /// character was declared: there nothing is invalid, so `é` would silently become `Ã©`.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, Wrong> {
        if self.is_ascii_like() && bytes.is_ascii() {
            // Just checked, so it cannot fail; the other arm is never an error.
            return Ok(String::from_utf8_lossy(bytes));
        }
        let is_single = matches!(self, Encoding::Windows1252 | Encoding::Iso885915);
        if is_single && let Ok(text) = std::str::from_utf8(bytes) {
            return Err(Wrong::new(text, format!("text in {}, found UTF-8", self.name())));
        }
        let (text, has_wrong) = self.coder().decode_without_bom_handling(bytes);
        if has_wrong {
            return Err(Wrong::new(&text, format!("text in {}", self.name())));
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_word_in_each_encoding() {
        for (encoding, bytes) in [
            (Encoding::Utf8, b"\xc5\x93uvr\xc3\xa9 \xe2\x82\xac".as_slice()),
            (Encoding::Windows1252, b"\x9cuvr\xe9 \x80"),
            (Encoding::Iso885915, b"\xbduvr\xe9 \xa4"),
            (Encoding::Utf16Le, b"\x53\x01u\0v\0r\0\xe9\0 \0\xac\x20"),
            (Encoding::Utf16Be, b"\x01\x53\0u\0v\0r\0\xe9\0 \x20\xac"),
        ] {
            assert_eq!(encoding.decode(bytes).as_deref(), Ok("œuvré €"), "{encoding:?}");
        }
    }

    #[test]
    fn what_is_written_another_way_is_told() {
        assert!(Encoding::Utf8.decode(b"\xe9").is_err());
        assert!(Encoding::Utf16Le.decode(b"\xe9\0x").is_err());
        for encoding in [Encoding::Windows1252, Encoding::Iso885915] {
            assert!(encoding.decode("réusiné".as_bytes()).unwrap_err().expected.contains("found UTF-8"));
        }
    }

    #[test]
    fn a_mark_decides() {
        assert_eq!(Encoding::by_mark(b"\xef\xbb\xbfx"), Some((Encoding::Utf8, 3)));
        assert_eq!(Encoding::by_mark(b"\xff\xfex\0"), Some((Encoding::Utf16Le, 2)));
        assert_eq!(Encoding::by_mark(b"OF"), None);
    }
}
