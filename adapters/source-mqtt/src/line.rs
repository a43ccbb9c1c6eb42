//! Bytes to and from a broker. Every wait can be dropped half-way: what was read or not yet written stays here.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_util::bytes::{Buf, BytesMut};

use crate::settings::Qos;
use crate::wire::{self, Malformed};

/// Room for one reading of the socket: at 100 bytes a message, a batch.
const READ: usize = 64 * 1024;
/// A buffer that a large packet made larger than this is given back.
const KEEP: usize = 4 * READ;

/// A TCP or a TLS stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// A connection, and what is on its way in and out.
pub struct Line {
    stream: Box<dyn Stream>,
    input: BytesMut,
    /// What is to be sent; goes out as soon as the socket takes it.
    pub output: BytesMut,
    /// How many bytes of a skipped packet are still to come.
    skip: usize,
    packet_max: usize,
    /// Written bytes may still lie in the TLS layer.
    is_flushed: bool,
}

/// The next packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole packet of `len` bytes, whose variable part begins at `body`.
    Whole {
        /// All its bytes.
        len: usize,
        /// Where the variable part begins.
        body: usize,
    },
    /// A message larger than we take. It is skipped as it comes in, without being held.
    Oversize {
        /// Its topic.
        topic: String,
        /// How it is to be acknowledged.
        qos: Qos,
        /// Its number.
        id: u16,
        /// All its bytes.
        len: usize,
    },
}

impl Line {
    /// A line over a stream.
    pub fn new(stream: Box<dyn Stream>, packet_max: usize) -> Line {
        Line {
            stream,
            input: BytesMut::with_capacity(READ),
            output: BytesMut::new(),
            skip: 0,
            packet_max,
            is_flushed: true,
        }
    }

    /// The next packet, if all of it (or all we need of it) is here.
    ///
    /// # Errors
    /// The bytes are no MQTT.
    pub fn frame(&mut self) -> Result<Option<Frame>, Malformed> {
        let Some((len, body)) = wire::head(&self.input)? else { return Ok(None) };
        if len > self.packet_max {
            return self.oversize(len, body);
        }
        Ok((self.input.len() >= len).then_some(Frame::Whole { len, body }))
    }

    fn oversize(&mut self, len: usize, body: usize) -> Result<Option<Frame>, Malformed> {
        if !wire::is_publish(self.input[0]) {
            return Err(Malformed(format!("a control packet of {len} bytes")));
        }
        let here = &self.input[..len.min(self.input.len())];
        let Ok((message, _)) = wire::publish_head(here, body) else {
            // A topic is at most 65,535 bytes: if it is not named by then, it never will be.
            let is_hopeless = self.input.len() >= len.min(body + 2 + 65_535 + 2);
            return if is_hopeless {
                Err(Malformed("a message without a topic".to_owned()))
            } else {
                Ok(None)
            };
        };
        let topic = String::from_utf8_lossy(message.topic).into_owned();
        let frame = Frame::Oversize { topic, qos: message.qos, id: message.id, len };
        self.skip = len;
        self.drop_skipped();
        Ok(Some(frame))
    }

    fn drop_skipped(&mut self) {
        let here = self.skip.min(self.input.len());
        self.input.advance(here);
        self.skip -= here;
    }

    /// The first byte that waits to be read.
    pub fn first(&self) -> Option<u8> {
        self.input.first().copied()
    }

    /// The bytes of a packet that [`Line::frame`] found.
    pub fn bytes(&self, len: usize) -> &[u8] {
        &self.input[..len]
    }

    /// Forgets a packet that was read.
    pub fn consume(&mut self, len: usize) {
        self.input.advance(len);
    }

    /// Sends what is to be sent and waits until something came in.
    ///
    /// # Errors
    /// The line is broken, or closed at the other end.
    pub async fn pump(&mut self) -> io::Result<()> {
        poll_fn(|context| {
            self.poll_send(context)?;
            self.poll_receive(context)
        })
        .await
    }

    /// Sends what the socket takes at once; the rest goes with the next [`Line::pump`].
    pub async fn push(&mut self) {
        // An error shows again in `pump`, where there is somebody to tell it to.
        poll_fn(|context| {
            let _ = self.poll_send(context);
            Poll::Ready(())
        })
        .await;
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while !self.output.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.output)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(sent) => self.output.advance(sent),
                Poll::Pending => return Ok(()),
            }
            self.is_flushed = false;
        }
        if !self.is_flushed {
            self.is_flushed = Pin::new(&mut self.stream).poll_flush(context)?.is_ready();
        }
        Ok(())
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.input.is_empty() && self.input.capacity() > KEEP {
            self.input = BytesMut::with_capacity(READ);
        }
        loop {
            self.input.reserve(READ / 2);
            let read = match pin!(self.stream.read_buf(&mut self.input)).poll(context)? {
                Poll::Ready(read) => read,
                Poll::Pending => return Poll::Pending,
            };
            if read == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.drop_skipped();
            if !self.input.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn publish(payload: usize) -> Vec<u8> {
        let mut length = 2 + 3 + 2 + payload;
        let mut packet = vec![0x32];
        while length > 127 {
            packet.push((length % 128) as u8 | 0x80);
            length /= 128;
        }
        packet.push(length as u8);
        packet.extend([0, 3, b'a', b'/', b'b', 0, 7]);
        packet.extend(vec![b'x'; payload]);
        packet
    }

    async fn next(line: &mut Line) -> Frame {
        loop {
            if let Some(frame) = line.frame().expect("MQTT") {
                return frame;
            }
            line.pump().await.expect("an open line");
        }
    }

    #[tokio::test]
    async fn a_large_message_is_skipped_and_never_held() {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let mut line = Line::new(Box::new(ours), 1000);
        let (large, small) = (publish(10_000_000), publish(10));
        let len = large.len();
        let writer = tokio::spawn(async move {
            theirs.write_all(&large).await.expect("taken");
            theirs.write_all(&small).await.expect("taken");
            theirs
        });
        let want = Frame::Oversize { topic: "a/b".to_owned(), qos: Qos::One, id: 7, len };
        assert_eq!(next(&mut line).await, want);
        assert_eq!(next(&mut line).await, Frame::Whole { len: 19, body: 2 });
        assert!(line.input.capacity() <= KEEP, "{}", line.input.capacity());
        writer.await.expect("the writer ended");
    }

    #[tokio::test]
    async fn a_packet_in_pieces_is_put_together_and_bad_bytes_are_told() {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let mut line = Line::new(Box::new(ours), 1000);
        for byte in publish(10) {
            assert_eq!(line.frame(), Ok(None));
            theirs.write_all(&[byte]).await.expect("taken");
            line.pump().await.expect("an open line");
        }
        assert_eq!(line.frame(), Ok(Some(Frame::Whole { len: 19, body: 2 })));
        line.consume(19);
        theirs.write_all(&[0x20, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]).await.expect("taken");
        line.pump().await.expect("an open line");
        assert!(line.frame().is_err());
    }

    /// Whatever a broker sends, it is read or refused.
    #[test]
    fn hostile_bytes_never_panic() {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

        use crate::settings::Version;

        let random = |seed: (u32, u32)| BuildHasherDefault::<DefaultHasher>::default().hash_one(seed);
        for round in 0..200_000_u32 {
            let len = (random((round, 0)) % 40) as u8;
            let mut packet = vec![random((round, 1)) as u8, len];
            // Small numbers are likelier to be lengths that nearly fit.
            packet.extend((0..u32::from(len)).map(|at| {
                let byte = random((round, 2 + at));
                (byte >> 8) as u8 % if byte & 1 == 0 { 255 } else { 8 }
            }));
            for version in [Version::V5, Version::V311] {
                let _ = wire::read(version, &packet, 2);
            }
            let mut line = Line::new(Box::new(tokio::io::empty()), 20);
            line.input.extend_from_slice(&packet);
            while let Ok(Some(frame)) = line.frame() {
                if let Frame::Whole { len, .. } = frame {
                    line.consume(len);
                }
            }
        }
    }
}
