//! Decodes bodies: undoes their content encodings, and turns what begins with a byte order mark into UTF-8 without it.

use std::io::{self, Read};

use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use actix_web::web::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;

use crate::api::error::{ApiError, MAX_ENCODINGS};

/// The largest window that every decoder of zstd takes (RFC 9659), in bytes.
const MAX_ZSTD_WINDOW_BYTES: u64 = 8 << 20;
/// How much is decoded at a time, in bytes.
const CHUNK_BYTES: usize = 1 << 20;
/// The longest encoding that an error repeats, in characters.
const MAX_SHOWN_CHARS: usize = 64;

/// A content encoding (RFC 9110, 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    Deflate,
    Zstd,
}

impl Encoding {
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }

    /// Undoes the encoding, up to a limit. Memory stays below twice the limit, however much the body would become.
    fn undo(self, body: &[u8], max_bytes: usize) -> Result<Vec<u8>, ApiError> {
        let decoded = match self {
            Self::Gzip => read_at_most(MultiGzDecoder::new(body), max_bytes),
            // Some clients leave the frame of zlib out, which the name promises.
            Self::Deflate if has_zlib_head(body) => read_at_most(ZlibDecoder::new(body), max_bytes),
            Self::Deflate => read_at_most(DeflateDecoder::new(body), max_bytes),
            Self::Zstd => read_zstd(body, max_bytes),
        };
        match decoded {
            Ok(Some(decoded)) => Ok(decoded),
            Ok(None) => Err(ApiError::TooLarge(max_bytes)),
            Err(error) => Err(ApiError::BrokenEncoding {
                encoding: self.name(),
                problem: error.to_string(),
            }),
        }
    }
}

/// Reads to the end; `None` where there are more bytes than allowed.
fn read_at_most(reader: impl Read, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let mut decoded = Decoded::new(max_bytes);
    Ok(decoded.read(reader)?.then(|| decoded.into_bytes()))
}

/// Reads the frames of zstd to the end; `None` where there are more bytes than allowed.
fn read_zstd(mut frames: &[u8], max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let invalid = |problem: String| io::Error::new(io::ErrorKind::InvalidData, problem);
    // A frame of one segment has a window as large as its content.
    let max_window = MAX_ZSTD_WINDOW_BYTES.max(max_bytes as u64);
    let mut decoded = Decoded::new(max_bytes);
    while !frames.is_empty() {
        let decoder = StreamingDecoder::new_with_max_window_size(&mut frames, max_window);
        let mut decoder = decoder.map_err(|error| invalid(error.to_string()))?;
        if !decoded.read(&mut decoder)? {
            return Ok(None);
        }
        let frame = decoder.into_frame_decoder();
        let expected = frame.get_checksum_from_data();
        if expected.is_some() && expected != frame.get_calculated_checksum() {
            return Err(invalid("its checksum is another one".to_owned()));
        }
    }
    Ok(Some(decoded.into_bytes()))
}

/// Bytes that were decoded, in chunks: one buffer that grows would be copied, and take its memory twice meanwhile.
struct Decoded {
    chunks: Vec<Vec<u8>>,
    /// How many more bytes are allowed.
    left: usize,
}

impl Decoded {
    fn new(max_bytes: usize) -> Self {
        Self {
            chunks: Vec::new(),
            left: max_bytes,
        }
    }

    /// Reads to the end; returns false where there are more bytes than allowed.
    fn read(&mut self, mut reader: impl Read) -> io::Result<bool> {
        loop {
            let wanted = CHUNK_BYTES.min(self.left + 1);
            let mut chunk = Vec::new();
            reader
                .by_ref()
                .take(wanted as u64)
                .read_to_end(&mut chunk)?;
            let Some(left) = self.left.checked_sub(chunk.len()) else {
                return Ok(false);
            };
            self.left = left;
            let is_end = chunk.len() < wanted;
            self.chunks.push(chunk);
            if is_end {
                return Ok(true);
            }
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.chunks.iter().map(Vec::len).sum());
        for chunk in self.chunks {
            bytes.extend_from_slice(&chunk);
        }
        bytes
    }
}

/// Returns whether bytes begin as zlib's do (RFC 1950): with the method, and with a checksum of it.
fn has_zlib_head(bytes: &[u8]) -> bool {
    let [method, flags, ..] = bytes else {
        return false;
    };
    method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0
}

/// Reads the encodings of a body, in the order in which they were applied.
pub(super) fn encodings(headers: &HeaderMap) -> Result<Vec<Encoding>, ApiError> {
    let mut encodings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let value = String::from_utf8_lossy(value.as_bytes());
        for name in value.split(',').map(str::trim) {
            encodings.push(match name.to_ascii_lowercase().as_str() {
                "" | "identity" => continue,
                "gzip" | "x-gzip" => Encoding::Gzip,
                "deflate" => Encoding::Deflate,
                "zstd" => Encoding::Zstd,
                _ => {
                    let shown: String = name.chars().take(MAX_SHOWN_CHARS).collect();
                    return Err(ApiError::UnknownEncoding(shown));
                }
            });
        }
    }
    if encodings.len() > MAX_ENCODINGS {
        let shown = format!("{} encodings", encodings.len());
        return Err(ApiError::UnknownEncoding(shown));
    }
    Ok(encodings)
}

/// Undoes encodings, the last one first. Each result has at most `max_bytes`.
pub(super) fn undo(
    encodings: &[Encoding],
    body: Bytes,
    max_bytes: usize,
) -> Result<Bytes, ApiError> {
    encodings.iter().rev().try_fold(body, |body, encoding| {
        encoding.undo(&body, max_bytes).map(Bytes::from)
    })
}

const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF_16_LE_MARK: &[u8] = b"\xff\xfe";
const UTF_16_BE_MARK: &[u8] = b"\xfe\xff";

/// Returns whether a body is UTF-16, by its mark.
pub(super) fn is_utf_16(body: &[u8]) -> bool {
    body.starts_with(UTF_16_LE_MARK) || body.starts_with(UTF_16_BE_MARK)
}

/// Turns a body with a mark into UTF-8 without it, of at most `max_bytes`. A body without a mark stays as it is.
pub(super) fn without_mark(body: Bytes, max_bytes: usize) -> Result<Bytes, ApiError> {
    let text = if let Some(text) = body.strip_prefix(UTF_16_LE_MARK) {
        from_utf_16(text, u16::from_le_bytes)?
    } else if let Some(text) = body.strip_prefix(UTF_16_BE_MARK) {
        from_utf_16(text, u16::from_be_bytes)?
    } else if body.starts_with(UTF_8_MARK) {
        return Ok(body.slice(UTF_8_MARK.len()..));
    } else {
        return Ok(body);
    };
    if text.len() <= max_bytes {
        Ok(Bytes::from(text))
    } else {
        Err(ApiError::TooLarge(max_bytes))
    }
}

fn from_utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, ApiError> {
    let broken = |problem: String| ApiError::BrokenEncoding {
        encoding: "UTF-16",
        problem,
    };
    let (units, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(broken("it ends within a character".to_owned()));
    }
    let mut text = String::with_capacity(bytes.len());
    for letter in char::decode_utf16(units.iter().map(|bytes| unit(*bytes))) {
        text.push(letter.map_err(|alone| {
            let line = text.matches('\n').count() + 1;
            let unit = alone.unpaired_surrogate();
            broken(format!("line {line} has half a character, {unit:04x}"))
        })?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use actix_web::http::header::HeaderValue;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    const MAX_BYTES: usize = 100_000;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn decoded(values: &[&'static str], body: Vec<u8>) -> Result<Bytes, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
        }
        encodings(&headers)
            .and_then(|encodings| undo(&encodings, body.into(), MAX_BYTES))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn encodings_are_undone_in_the_reverse_order() {
        let text = b"{\"domain_id\":\"d\"}".as_slice();
        for (values, body) in [
            (&[][..], text.to_vec()),
            (&["identity"], text.to_vec()),
            (&["gzip"], gzip(text)),
            (&["X-GZip"], gzip(text)),
            (&["gzip"], [gzip(&text[..5]), gzip(&text[5..])].concat()),
            (&["zstd"], zstd(text)),
            (&["zstd"], [zstd(&text[..5]), zstd(&text[5..])].concat()),
            (&["deflate"], zlib(text)),
            (&["deflate"], deflate(text)),
            (&["deflate, identity, gzip"], gzip(&zlib(text))),
            (&["deflate", "gzip"], gzip(&deflate(text))),
            (&["gzip,gzip,gzip,gzip"], gzip(&gzip(&gzip(&gzip(text))))),
        ] {
            assert_eq!(decoded(values, body).as_deref(), Ok(text), "{values:?}");
        }
    }

    #[test]
    fn what_can_not_be_decoded_is_refused() {
        let zeros = gzip(&vec![0; MAX_BYTES + 1]);
        let mut flipped = gzip(b"{}");
        flipped[12] ^= 0xff;
        let mut broken_zstd = zstd(b"{}");
        *broken_zstd.last_mut().unwrap() ^= 0xff;
        for (values, body, expected) in [
            (&["br"][..], b"{}".to_vec(), "came encoded as br"),
            (
                &["gzip, compress"],
                b"{}".to_vec(),
                "came encoded as compress",
            ),
            (
                &["gzip,gzip,gzip,gzip,gzip"],
                Vec::new(),
                "came encoded as 5 encodings",
            ),
            (&["gzip"], b"{}".to_vec(), "can't be decoded as gzip"),
            (
                &["gzip"],
                gzip(b"{}")[..15].to_vec(),
                "can't be decoded as gzip",
            ),
            (&["gzip"], flipped, "can't be decoded as gzip"),
            (&["deflate"], b"{}".to_vec(), "can't be decoded as deflate"),
            (&["zstd"], b"{}".to_vec(), "can't be decoded as zstd"),
            (
                &["zstd"],
                zstd(b"{}")[..7].to_vec(),
                "can't be decoded as zstd",
            ),
            (
                &["zstd"],
                broken_zstd,
                "decoded as zstd: its checksum is another one",
            ),
            (
                &["zstd"],
                zstd(&vec![0; MAX_BYTES + 1]),
                "is larger than 100000 bytes",
            ),
            (&["gzip"], zeros.clone(), "is larger than 100000 bytes"),
            (&["gzip, gzip"], gzip(&zeros), "is larger than 100000 bytes"),
            (
                &["gzip, gzip"],
                gzip(&vec![0; MAX_BYTES + 1]),
                "is larger than 100000 bytes",
            ),
        ] {
            let error = decoded(values, body).unwrap_err();
            assert!(error.contains(expected), "{values:?}: {error}");
        }
        assert!(decoded(&["gzip"], gzip(&vec![0; MAX_BYTES])).is_ok());
    }

    #[test]
    fn a_text_with_a_mark_becomes_utf_8_without_it() {
        let le = |text: &str| {
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            UTF_16_LE_MARK
                .iter()
                .copied()
                .chain(units)
                .collect::<Vec<_>>()
        };
        let be = |text: &str| {
            let units = text.encode_utf16().flat_map(u16::to_be_bytes);
            UTF_16_BE_MARK
                .iter()
                .copied()
                .chain(units)
                .collect::<Vec<_>>()
        };
        let text = "{\"a\":\"ü한😀\"}";
        for body in [
            text.as_bytes().to_vec(),
            [UTF_8_MARK, text.as_bytes()].concat(),
            le(text),
            be(text),
        ] {
            let plain = without_mark(body.into(), MAX_BYTES);
            assert_eq!(
                plain.map_err(|error| error.to_string()),
                Ok(Bytes::from(text))
            );
        }
        let half = [le("a\n"), 0xd800_u16.to_le_bytes().to_vec()].concat();
        for (body, expected) in [
            (le("{}")[..5].to_vec(), "UTF-16: it ends within a character"),
            (half, "UTF-16: line 2 has half a character, d800"),
            (
                le(&"한".repeat(MAX_BYTES / 2)),
                "is larger than 100000 bytes",
            ),
        ] {
            let error = without_mark(body.into(), MAX_BYTES)
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
