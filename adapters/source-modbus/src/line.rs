//! One connection, and one exchange on it. A question takes the line and gives it back only if its answer came whole
//! and right: after a timeout, an error or a dropped future there is no line any more, so a late answer has nobody to
//! deceive. (Measured: a client that goes on with an RTU line after a late answer returns the value of the question
//! before, as good, for ever.)

use std::time::Duration;

use contract::SourceError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_serial::{DataBits, ErrorKind, FlowControl, SerialPortBuilderExt, StopBits};

use crate::frame::{self, Framing, Step};
use crate::pdu::{Answer, Request};
use crate::place::Place;
use crate::settings::{Parity, Serial};

/// How long a host may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long a serial line may babble before a question, until it is called broken.
const BABBLE_MAX: Duration = Duration::from_secs(1);
/// The largest frame of Modbus TCP is 260 bytes, of RTU 256; what is longer is wrong anyway.
const BUFFER: usize = 300;

trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A connection that is in step: nothing is on its way on it.
pub struct Line {
    io: Box<dyn Bytes>,
    framing: Framing,
    /// How long a serial line must be silent before a question; `None` over a network, where silence means nothing.
    silence: Option<Duration>,
}

/// Why there is no line any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// Nothing came in time.
    Silent,
    /// Something came that is no answer to the question.
    Garbled {
        /// What was found, what was expected.
        words: String,
        /// The unit has answered: no other answer is on its way.
        is_answered: bool,
    },
    /// The other end closed, or the system says that the line is gone, after the question was on its way.
    Closed(String),
    /// The same, before anything was asked: devices close what is idle.
    Idle(String),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Broken::Silent => f.write_str("no answer"),
            Broken::Garbled { words, .. } | Broken::Closed(words) | Broken::Idle(words) => f.write_str(words),
        }
    }
}

impl Line {
    /// Connects.
    ///
    /// # Errors
    /// What the system says, with the place: that the line is gone, that we may not use it, or that it cannot be so.
    pub async fn open(place: &Place) -> Result<Line, SourceError> {
        match place {
            Place::Network { framing, host, port } => {
                let connected = timeout(CONNECT_MAX, TcpStream::connect((host.as_str(), *port))).await;
                let io = connected
                    .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
                    .map_err(|error| SourceError::Lost(format!("{place}: {error}")))?;
                // A request is one small packet: it must not wait for company.
                io.set_nodelay(true).map_err(|error| SourceError::Lost(format!("{place}: {error}")))?;
                Ok(Line { io: Box::new(io), framing: *framing, silence: None })
            }
            Place::Serial(serial) => open_serial(serial),
        }
    }

    /// Asks, and gives the line back together with the answer.
    ///
    /// # Errors
    /// No line any more, and why.
    pub async fn ask(
        mut self,
        request: &Request,
        transaction: u16,
        wait: Duration,
    ) -> Result<(Line, Answer), Broken> {
        self.quiet().await?;
        let answer = self.exchange(request, transaction, wait).await?;
        Ok((self, answer))
    }

    /// As [`ask`](Line::ask), but what is there already is not looked at, and the line is used again after a timeout or a
    /// wrong answer: the mistake that this file exists to prevent.
    #[cfg(test)]
    pub async fn ask_and_keep(
        mut self,
        request: &Request,
        transaction: u16,
        wait: Duration,
    ) -> (Option<Line>, Result<Answer, Broken>) {
        let answer = self.exchange(request, transaction, wait).await;
        let is_closed = matches!(answer, Err(Broken::Closed(_) | Broken::Idle(_)));
        ((!is_closed).then_some(self), answer)
    }

    async fn exchange(
        &mut self,
        request: &Request,
        transaction: u16,
        wait: Duration,
    ) -> Result<Answer, Broken> {
        let end = Instant::now() + wait;
        let gone = |error: std::io::Error| Broken::Closed(error.to_string());
        let frame = frame::encode(self.framing, transaction, request);
        match timeout_at(end, self.io.write_all(&frame)).await {
            Ok(written) => written.map_err(gone)?,
            Err(_) => return Err(Broken::Silent),
        }
        let mut bytes = Vec::with_capacity(BUFFER);
        loop {
            match timeout_at(end, self.io.read_buf(&mut bytes)).await {
                Ok(Ok(0)) => return Err(Broken::Closed("closed by the other end".to_owned())),
                Ok(read) => read.map_err(gone)?,
                Err(_) if bytes.is_empty() => return Err(Broken::Silent),
                Err(_) => {
                    let words = format!("{} bytes of an answer, then nothing", bytes.len());
                    return Err(Broken::Garbled { words, is_answered: false });
                }
            };
            match frame::decode(self.framing, transaction, request, &bytes) {
                Step::More => {}
                Step::Whole(answer) => return Ok(answer),
                Step::Wrong(wrong) => {
                    return Err(Broken::Garbled { words: wrong.words, is_answered: wrong.is_answered });
                }
            }
        }
    }

    /// What stands before a question: nothing. Bytes that are there already answer nothing that was asked.
    async fn quiet(&mut self) -> Result<(), Broken> {
        let mut stray = [0; BUFFER];
        let Some(silence) = self.silence else {
            // Read what is there without waiting.
            return match timeout(Duration::ZERO, self.io.read(&mut stray)).await {
                Err(_) => Ok(()),
                Ok(Ok(0)) => Err(Broken::Idle("closed by the other end".to_owned())),
                Ok(Ok(len)) => {
                    let words = format!("{len} bytes that nobody asked for");
                    Err(Broken::Garbled { words, is_answered: false })
                }
                Ok(Err(error)) => Err(Broken::Idle(error.to_string())),
            };
        };
        let end = Instant::now() + BABBLE_MAX;
        loop {
            match timeout(silence, self.io.read(&mut stray)).await {
                Err(_) => return Ok(()),
                Ok(Ok(0)) => return Err(Broken::Idle("the serial port is gone".to_owned())),
                Ok(Ok(_)) if Instant::now() < end => {}
                Ok(Ok(_)) => {
                    let words = "a line that is never silent".to_owned();
                    return Err(Broken::Garbled { words, is_answered: false });
                }
                Ok(Err(error)) => return Err(Broken::Idle(error.to_string())),
            }
        }
    }
}

fn open_serial(serial: &Serial) -> Result<Line, SourceError> {
    let parity = match serial.parity {
        Parity::Even => tokio_serial::Parity::Even,
        Parity::Odd => tokio_serial::Parity::Odd,
        Parity::None => tokio_serial::Parity::None,
    };
    let stop_bits = if serial.stop_bits == 2 { StopBits::Two } else { StopBits::One };
    let path = serial.port.display().to_string();
    let io = tokio_serial::new(&path, serial.baud)
        .data_bits(DataBits::Eight)
        .flow_control(FlowControl::None)
        .parity(parity)
        .stop_bits(stop_bits)
        .open_native_async()
        .map_err(|error| {
            use std::io::ErrorKind::{InvalidInput, PermissionDenied};
            let words = format!("{path}: {error}");
            match error.kind() {
                ErrorKind::Io(PermissionDenied) => SourceError::LockedOut(words),
                ErrorKind::Io(InvalidInput) | ErrorKind::InvalidInput => SourceError::Refused(words),
                _ => SourceError::Lost(words),
            }
        })?;
    Ok(Line { io: Box::new(io), framing: Framing::Rtu, silence: Some(silence(serial.baud)) })
}

/// 3.5 characters of 11 bits; 1.75 ms above 19,200 baud (Modbus over Serial Line V1.02, 2.5.1.1). In whole
/// milliseconds, which is what a timer of tokio can tell apart, and one more for the driver.
fn silence(baud: u32) -> Duration {
    let micros = if baud > 19_200 { 1_750 } else { 38_500_000_u64 / u64::from(baud.max(1)) };
    Duration::from_millis(micros.div_ceil(1_000) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_silence_of_the_specification() {
        assert_eq!(silence(9_600), Duration::from_millis(6));
        assert_eq!(silence(19_200), Duration::from_millis(4));
        assert_eq!(silence(115_200), Duration::from_millis(3));
    }
}
