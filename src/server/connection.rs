//! Connections whose requests offer no upgrade, whatever the client has sent.
//!
//! A server may ignore an offer to change the protocol (RFC 9110, 7.8), and this one has nothing to change to. But actix
//! closes the connection after the answer to a request with `Connection: Upgrade`, and reads the body after `Upgrade:
//! websocket` without an end. Java's own client offers `h2c` with every request to `http://`, and loses those that it writes
//! into a closing connection. So the offer is overwritten by blanks, in the heads of requests alone, before actix reads it. The
//! length of a head stays, and no other byte changes.

use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::TcpStream;
use httparse::{Request, Status};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most headers of a request, as in actix: one with more is refused there.
const MAX_HEADERS: usize = 96;
/// The longest head, in bytes, as in actix.
const MAX_HEAD_BYTES: usize = 128 << 10;
/// How much is read at a time while a head is incomplete, in bytes.
const READ_BYTES: usize = 4 << 10;

/// A connection. What is read from it has no offers to upgrade.
#[derive(Debug)]
pub(super) struct Connection<S = TcpStream> {
    stream: S,
    framing: Framing,
    /// Bytes that were read and not passed on yet: a head without its end, or what did not fit into the reader's buffer.
    held: Vec<u8>,
    /// How many of them may be passed on.
    checked: usize,
}

impl<S> Connection<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            framing: Framing::Head,
            held: Vec::new(),
            checked: 0,
        }
    }

    /// Returns the connection as the system knows it.
    pub(super) fn stream(&self) -> &S {
        &self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.held.is_empty() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
            let (_, read) = buffer.filled_mut().split_at_mut(before);
            let passed = this.framing.check(read);
            let (_, held) = read.split_at(passed);
            let is_end = read.is_empty();
            this.held.extend_from_slice(held);
            buffer.set_filled(before + passed);
            if passed > 0 || is_end {
                return Poll::Ready(Ok(()));
            }
        }
        while this.checked == 0 {
            let mut bytes = [0; READ_BYTES];
            let mut more = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut more))?;
            if more.filled().is_empty() {
                // The client has left within a head, which goes on as it is.
                this.framing = Framing::Unknown;
            }
            this.held.extend_from_slice(more.filled());
            this.checked = this.framing.check(&mut this.held);
        }
        let fitting = this.checked.min(buffer.remaining());
        buffer.put_slice(this.held.get(..fitting).unwrap_or_default());
        this.held.drain(..fitting);
        this.checked -= fitting;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// What the next byte of a connection belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// The head of a request, from its beginning.
    Head,
    /// A body, of which this many bytes are to come.
    Sized(u64),
    Chunked(Chunk),
    /// Something without requests: the connection ends with it.
    Unknown,
}

/// What the next byte of a chunked body belongs to (RFC 9112, 7.1). What is wrong is refused by actix, which reads it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    /// The size of a chunk, as far as it was read.
    Size(u64),
    /// The rest of the line with the size.
    Extension(u64),
    /// A chunk and the end of its line, of which this many bytes are to come.
    Data(u64),
    /// The trailer; whether a line begins.
    Trailer { is_line_start: bool },
}

impl Framing {
    /// Overwrites the offers in bytes that follow those before; returns how many of them may be passed on. The others are the
    /// beginning of a head, and are given again together with what follows.
    fn check(&mut self, bytes: &mut [u8]) -> usize {
        let mut passed = 0;
        loop {
            let (_, rest) = bytes.split_at_mut(passed);
            if rest.is_empty() {
                return passed;
            }
            let (length, next) = match *self {
                Self::Head => match plain_head(rest).or_else(|| read_head(rest)) {
                    Some(head) => head,
                    None if rest.len() < MAX_HEAD_BYTES => return passed,
                    None => (rest.len(), Self::Unknown),
                },
                Self::Sized(left) => within(left, rest.len(), Self::Sized, Self::Head),
                Self::Chunked(chunk) => chunk.read(rest),
                Self::Unknown => (rest.len(), Self::Unknown),
            };
            *self = next;
            passed += length;
        }
    }
}

/// Takes up to `left` of the bytes that there are; returns how many, and what follows: more of the same, or `after`.
fn within(
    left: u64,
    there: usize,
    more: impl FnOnce(u64) -> Framing,
    after: Framing,
) -> (usize, Framing) {
    match usize::try_from(left) {
        Ok(left) if left <= there => (left, after),
        _ => (there, more(left - there as u64)),
    }
}

impl Chunk {
    /// Reads a part of a chunked body; returns its length and what follows.
    fn read(self, bytes: &[u8]) -> (usize, Framing) {
        let first = bytes.first().copied().unwrap_or_default();
        let next = match self {
            Self::Size(size) => match char::from(first).to_digit(16) {
                Some(digit) => Self::Size(size.saturating_mul(16).saturating_add(digit.into())),
                None if first == b'\n' => Self::after_size(size),
                None => Self::Extension(size),
            },
            Self::Extension(size) if first == b'\n' => Self::after_size(size),
            Self::Extension(size) => Self::Extension(size),
            Self::Data(left) => {
                let more = |left| Framing::Chunked(Self::Data(left));
                return within(left, bytes.len(), more, Framing::Chunked(Self::Size(0)));
            }
            Self::Trailer { is_line_start } => match first {
                b'\n' if is_line_start => return (1, Framing::Head),
                b'\r' => Self::Trailer { is_line_start },
                _ => Self::Trailer {
                    is_line_start: first == b'\n',
                },
            },
        };
        (1, Framing::Chunked(next))
    }

    /// Returns what follows the line with a size.
    fn after_size(size: u64) -> Self {
        const LINE_END: u64 = 2;
        if size == 0 {
            Self::Trailer {
                is_line_start: true,
            }
        } else {
            Self::Data(size.saturating_add(LINE_END))
        }
    }
}

/// Returns the length of a head that has no offers, and what follows; `None` where that is not certain.
///
/// Only the beginnings of lines are looked at, which takes a tenth of the instructions of the parser. A head that the parser
/// would refuse may be taken for a plain one: it is refused by actix, and nothing that follows it is read.
fn plain_head(bytes: &[u8]) -> Option<(usize, Framing)> {
    const END: &[u8] = b"\r\n\r\n";
    let length = memchr::memmem::find(bytes, END)? + END.len();
    let head = bytes.get(..length - END.len() / 2)?;
    let mut lines = memchr::memchr_iter(b'\n', head).scan(0, |start, end| {
        let line = head.get(std::mem::replace(start, end + 1)..end);
        line?.strip_suffix(b"\r")
    });
    let request = lines.next()?;
    if !request.ends_with(b" HTTP/1.1")
        || !request.first().is_some_and(u8::is_ascii_uppercase)
        || request.starts_with(b"CONNECT")
    {
        return None;
    }
    let (mut framing, mut read) = (Framing::Head, request.len() + END.len() / 2);
    for line in lines {
        read += line.len() + END.len() / 2;
        if !matches!(line.first(), Some(b'c' | b'C' | b't' | b'T' | b'u' | b'U')) {
            continue;
        }
        let colon = memchr::memchr(b':', line)?;
        let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?.trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            if framing != Framing::Head || !value.iter().all(u8::is_ascii_digit) {
                return None;
            }
            framing = match std::str::from_utf8(value).ok()?.parse().ok()? {
                0 => Framing::Head,
                size => Framing::Sized(size),
            };
        } else if name.eq_ignore_ascii_case(b"connection") {
            if !value.eq_ignore_ascii_case(b"keep-alive") && !value.eq_ignore_ascii_case(b"close") {
                return None;
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding")
            || name.eq_ignore_ascii_case(b"upgrade")
        {
            return None;
        }
    }
    // The lines end early at one that ends in a line feed alone.
    (read == head.len()).then_some((length, framing))
}

/// Overwrites the offers in a head; returns its length and what follows, or `None` where its end is not there yet.
fn read_head(bytes: &mut [u8]) -> Option<(usize, Framing)> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return None,
        // Refused by actix.
        Err(_) => return Some((bytes.len(), Framing::Unknown)),
    };
    let mut framing = Framing::Head;
    let mut offers = Vec::new();
    for header in request.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let size = std::str::from_utf8(header.value).ok();
            let size = size.and_then(|size| size.trim().parse().ok());
            framing = match (framing, size) {
                (Framing::Head, Some(0)) => Framing::Head,
                (Framing::Head, Some(size)) => Framing::Sized(size),
                _ => Framing::Unknown,
            };
        } else if is("transfer-encoding") {
            let is_chunked = header.value.trim_ascii().eq_ignore_ascii_case(b"chunked");
            framing = match framing {
                Framing::Head if is_chunked => Framing::Chunked(Chunk::Size(0)),
                _ => Framing::Unknown,
            };
        } else if is("connection") {
            let options = header.value.split(|byte| *byte == b',');
            let upgrades = options.filter(|o| o.trim_ascii().eq_ignore_ascii_case(b"upgrade"));
            offers.extend(upgrades.map(|option| range_within(bytes, option)));
        } else if is("upgrade") {
            offers.push(range_within(bytes, header.value));
        }
    }
    if request.method == Some("CONNECT") && framing == Framing::Head {
        framing = Framing::Unknown;
    }
    for offer in offers {
        bytes.get_mut(offer).unwrap_or_default().fill(b' ');
    }
    Some((length, framing))
}

/// Returns where a part of a text is in it.
fn range_within(text: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes a text on as a connection would that gives it in two parts.
    fn passed(text: &str, split: usize) -> (String, Framing) {
        let mut framing = Framing::Head;
        let (mut held, mut out) = (Vec::new(), Vec::new());
        let (first, second) = text.as_bytes().split_at(split);
        for part in [first, second] {
            held.extend_from_slice(part);
            let length = framing.check(&mut held);
            out.extend(held.drain(..length));
        }
        out.extend(held);
        (String::from_utf8(out).unwrap(), framing)
    }

    #[test]
    fn offers_are_overwritten_in_heads_alone_wherever_a_read_ends() {
        let offer = "GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n";
        let blank = "GET / HTTP/1.1\r\nConnection:        , HTTP2-Settings\r\nUpgrade:    \r\n\r\n";
        let sized = format!(
            "POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{offer}",
            offer.len()
        );
        let chunked = format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n{:x};a=b\r\n{offer}\r\n0\r\nUpgrade: a\r\n\r\n",
            offer.len()
        );
        // What precedes a request with an offer, and what becomes of it.
        for (before, expected) in [
            ("", ""),
            ("\r\n", "\r\n"),
            (offer, blank),
            (
                "GET / HTTP/1.0\nconnection:keep-alive , upGRADE\n\n",
                "GET / HTTP/1.0\nconnection:keep-alive ,        \n\n",
            ),
            (
                "POST / HTTP/1.1\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\n{}",
                "POST / HTTP/1.1\r\nupgrade:          \r\ncontent-length: 2\r\n\r\n{}",
            ),
            // Bodies that look like a head.
            (&sized, &sized),
            (&chunked, &chunked),
            (
                "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
                "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
            ),
        ] {
            check(
                &format!("{before}{offer}"),
                &format!("{expected}{blank}"),
                Framing::Head,
            );
        }
        // Heads whose end is not that of a line, or is not where it seems to be.
        for (before, expected) in [
            ("GET / HTTP/1.1\na: b\n\n", "GET / HTTP/1.1\na: b\n\n"),
            (
                "GET / HTTP/1.1\r\na: b\n\nGET / HTTP/1.1\r\nUpgrade: a\r\n\r\n",
                "GET / HTTP/1.1\r\na: b\n\nGET / HTTP/1.1\r\nUpgrade:  \r\n\r\n",
            ),
            (
                "GET / HTTP/1.1\r\nUpgrade-Insecure-Requests: 1\r\nConnection: Keep-Alive\r\n\r\n",
                "GET / HTTP/1.1\r\nUpgrade-Insecure-Requests: 1\r\nConnection: Keep-Alive\r\n\r\n",
            ),
            (
                "POST / HTTP/1.1\r\nCONTENT-LENGTH:\t7 \r\n\r\nUpgrade",
                "POST / HTTP/1.1\r\nCONTENT-LENGTH:\t7 \r\n\r\nUpgrade",
            ),
        ] {
            check(
                &format!("{before}{offer}"),
                &format!("{expected}{blank}"),
                Framing::Head,
            );
        }
        // What actix refuses, or reads to the end of the connection, goes on as it is.
        for before in [
            "CONNECT a:1 HTTP/1.1\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        ] {
            let text = format!("{before}{offer}");
            check(&text, &text, Framing::Unknown);
        }
    }

    #[test]
    fn a_plain_head_is_read_as_by_the_parser() {
        let head = |lines: &str| format!("POST /a HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n");
        let many = "a: b\r\n".repeat(MAX_HEADERS);
        for (lines, is_plain) in [
            ("", true),
            ("user-agent: curl/8\r\naccept: */*\r\n", true),
            ("Content-Type: a/b\r\nContent-Length: 12\r\n", true),
            ("connection: Close\r\ntrailer: x\r\n", true),
            ("content-length: 0\r\ncontent-length: 3\r\n", true),
            ("Upgrade-Insecure-Requests: 1\r\n", true),
            ("Transfer-Encoding: chunked\r\n", false),
            ("connection: keep-alive, Upgrade\r\n", false),
            ("upgrade: h2c\r\n", false),
            ("content-length: +1\r\n", false),
            ("content-length: 1\r\ncontent-length: 1\r\n", false),
            ("a: b\nc: d\r\n", false),
        ] {
            let mut text = head(lines).into_bytes();
            text.extend_from_slice(b"{\"upgrade: a\r\n\r\n");
            let plain = plain_head(&text);
            assert_eq!(plain.is_some(), is_plain, "{lines}");
            if is_plain {
                assert_eq!(plain, read_head(&mut text), "{lines}");
            }
        }
        for text in [
            "GET / HTTP/1.1\r\nhost: a\r\n",
            "PRI * HTTP/2.0\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert_eq!(plain_head(text.as_bytes()), None, "{text}");
        }
        // With too many headers actix refuses it.
        assert!(plain_head(head(&many).as_bytes()).is_some());
    }

    #[track_caller]
    fn check(text: &str, expected: &str, framing: Framing) {
        for split in 0..=text.len() {
            let (out, end) = passed(text, split);
            assert_eq!(out, expected, "{text:?} split at {split}");
            assert_eq!(end, framing, "{text:?} split at {split}");
        }
    }

    #[test]
    fn a_head_without_end_goes_on_when_it_is_too_long() {
        let mut framing = Framing::Head;
        let mut head = b"GET / HTTP/1.1\r\na: ".to_vec();
        head.resize(MAX_HEAD_BYTES - 1, b'a');
        assert_eq!(framing.check(&mut head), 0);
        head.push(b'a');
        assert_eq!(framing.check(&mut head), MAX_HEAD_BYTES);
        assert_eq!(framing, Framing::Unknown);
    }
}
