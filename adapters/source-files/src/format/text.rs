//! Bytes become UTF-8 as they are read, in constant memory.

use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::{Decoder, DecoderResult};
use rows::Encoding;

/// How much is decoded at a time.
const CHUNK: usize = 16 << 10;

/// Reads the mark at the start, if there is one; gives the rest, and how it is written. UTF-16 is given as UTF-8.
pub fn open<'a>(
    bytes: &'a mut dyn Read,
    declared: Encoding,
) -> io::Result<(Box<dyn BufRead + 'a>, Encoding)> {
    let mut reader = BufReader::with_capacity(CHUNK, bytes);
    let start = start(&mut reader)?;
    let (encoding, mark) = Encoding::by_mark(&start).unwrap_or((declared, 0));
    reader.consume(mark);
    if encoding.is_ascii_like() {
        return Ok((Box::new(reader), encoding));
    }
    Ok((Box::new(BufReader::new(Transcoder::new(reader, encoding.coder()))), Encoding::Utf8))
}

/// The first bytes, without taking them; fewer than three only where the file has no more.
pub fn start(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    Ok(reader.fill_buf()?.iter().copied().take(256).collect())
}

/// Decodes what another reader gives, and refuses what is no text.
pub struct Transcoder<R> {
    inner: R,
    decoder: Decoder,
    ready: Vec<u8>,
    taken: usize,
    /// Bytes of the other reader that were decoded.
    offset: u64,
    is_over: bool,
}

impl<R: BufRead> Transcoder<R> {
    /// The text of `inner`, which has no mark any more.
    pub fn new(inner: R, encoding: &'static encoding_rs::Encoding) -> Transcoder<R> {
        let decoder = encoding.new_decoder_without_bom_handling();
        Transcoder { inner, decoder, ready: Vec::new(), taken: 0, offset: 0, is_over: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.taken = 0;
        let mut piece = String::with_capacity(CHUNK);
        while piece.is_empty() && !self.is_over {
            let chunk = self.inner.fill_buf()?;
            let is_last = chunk.is_empty();
            let (result, read) =
                self.decoder.decode_to_string_without_replacement(chunk, &mut piece, is_last);
            self.inner.consume(read);
            self.offset += read as u64;
            match result {
                DecoderResult::InputEmpty => self.is_over = is_last,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    let words = format!("byte {}", self.offset);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, words));
                }
            }
        }
        self.ready = piece.into_bytes();
        Ok(())
    }
}

impl<R: BufRead> Read for Transcoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ready.len() {
            self.refill()?;
        }
        let count = into.len().min(self.ready.len() - self.taken);
        into[..count].copy_from_slice(&self.ready[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

/// The whole as UTF-8, however it is written: for formats whose reader wants nothing else.
pub fn utf8<'a>(
    reader: impl BufRead + 'a,
    encoding: &'static encoding_rs::Encoding,
) -> Box<dyn BufRead + 'a> {
    Box::new(BufReader::with_capacity(CHUNK, Transcoder::new(reader, encoding)))
}
