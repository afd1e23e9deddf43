//! Decodes a source, layer by layer.

use std::io::{Read, Result};

use super::compressed::{GzipReader, ZstdReader};
use super::format::Format;
use super::peeked::Peeked;
use super::problem::ContentProblem;
use super::read_ahead::ReadAhead;
use super::utf16::Utf16Reader;

/// The most times that a source may be compressed.
const MAX_LAYERS: usize = 3;

/// How a source is decoded.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::transfer) struct Decoding {
    /// Whether it is decompressed on a thread of its own. That is worth its cost for long sources.
    pub(in crate::transfer) has_thread: bool,
    /// The most bytes of text that are read.
    pub(in crate::transfer) max_bytes: Option<usize>,
}

/// Decodes a source to UTF-8, as far as it is text. A byte order mark of UTF-8 stays.
///
/// # Errors
/// Where the source can't be read; a [`ContentProblem`] where it is nothing that is read.
pub(in crate::transfer) fn decoded(
    mut reader: Box<dyn Read + Send>,
    decoding: Decoding,
) -> Result<Box<dyn Read + Send>> {
    for _ in 0..=MAX_LAYERS {
        let peeked = Peeked::new(reader)?;
        reader = match Format::of(peeked.head()) {
            Format::Text => return Ok(limited(peeked, decoding)),
            Format::Utf16(order) => {
                return Ok(limited(Utf16Reader::new(peeked, order), decoding));
            }
            Format::Gzip => on_thread(GzipReader::new(peeked), decoding),
            Format::Zstd => on_thread(ZstdReader::new(peeked), decoding),
            Format::Foreign(problem) => return Err(ContentProblem::of_source(problem).into()),
        };
    }
    let problem = format!("is compressed more than {MAX_LAYERS} times over");
    Err(ContentProblem::of_source(problem).into())
}

fn on_thread(reader: impl Read + Send + 'static, decoding: Decoding) -> Box<dyn Read + Send> {
    if decoding.has_thread {
        Box::new(ReadAhead::new(reader))
    } else {
        Box::new(reader)
    }
}

fn limited(reader: impl Read + Send + 'static, decoding: Decoding) -> Box<dyn Read + Send> {
    match decoding.max_bytes {
        None => Box::new(reader),
        Some(max_bytes) => Box::new(Limited {
            reader,
            max_bytes,
            read_bytes: 0,
        }),
    }
}

/// A reader that fails behind a number of bytes.
struct Limited<R> {
    reader: R,
    max_bytes: usize,
    read_bytes: usize,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let length = self.reader.read(buffer)?;
        self.read_bytes += length;
        if self.read_bytes > self.max_bytes {
            return Err(ContentProblem::TooLarge(self.max_bytes).into());
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn utf16(text: &str, order: ByteOrderOfTest) -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(order).collect()
    }

    type ByteOrderOfTest = fn(u16) -> [u8; 2];

    /// Decodes with and without a thread, which must make no difference.
    fn decode(bytes: &[u8], max_bytes: Option<usize>) -> std::result::Result<String, String> {
        let [with, without] = [true, false].map(|has_thread| {
            let decoding = Decoding {
                has_thread,
                max_bytes,
            };
            let mut text = String::new();
            let read = decoded(Box::new(Cursor::new(bytes.to_vec())), decoding)
                .and_then(|mut reader| reader.read_to_string(&mut text));
            read.map(|_| text).map_err(|error| error.to_string())
        });
        assert_eq!(with, without);
        with
    }

    #[test]
    fn every_encoding_is_read_and_several_layers_of_them() {
        let text = "{\"a\": \"값 🎈\"}\n".repeat(40_000);
        let plain = text.as_bytes();
        let (first, second) = plain.split_at(400_001);
        let skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
        for encoded in [
            plain.to_vec(),
            gzip(plain),
            [gzip(first), gzip(b""), gzip(second)].concat(),
            zstd(plain),
            [
                skipped.to_vec(),
                zstd(first),
                skipped.to_vec(),
                zstd(second),
            ]
            .concat(),
            gzip(&zstd(&gzip(plain))),
            utf16(&text, u16::to_le_bytes),
            utf16(&text, u16::to_be_bytes),
            gzip(&utf16(&text, u16::to_be_bytes)),
        ] {
            assert!(decode(&encoded, None).as_deref() == Ok(&text));
        }
        assert_eq!(decode(b"", None), Ok(String::new()));
        assert_eq!(decode(&gzip(b""), None), Ok(String::new()));
    }

    #[test]
    fn damaged_bytes_are_named() {
        let text = "some text\n".repeat(9_000);
        let (gzip_bytes, zstd_bytes) = (gzip(text.as_bytes()), zstd(text.as_bytes()));
        let damage = |bytes: &[u8], at: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 0xff;
            bytes
        };
        let lone = |units: &[u16]| -> Vec<u8> {
            let units = [&[0xfeff, 0x0a, 0x41], units].concat();
            units.into_iter().flat_map(u16::to_le_bytes).collect()
        };
        for (bytes, expected) in [
            (
                gzip_bytes[..gzip_bytes.len() / 2].to_vec(),
                "the gzip data ends before its end: the file is not whole",
            ),
            (
                damage(&gzip_bytes, gzip_bytes.len() - 6),
                "the gzip data is damaged: ",
            ),
            (
                [&gzip_bytes[..], b"and what is no gzip"].concat(),
                "the gzip data is damaged: ",
            ),
            (
                zstd_bytes[..zstd_bytes.len() / 2].to_vec(),
                "the zstd data ends before its end: the file is not whole",
            ),
            (
                damage(&zstd_bytes, zstd_bytes.len() - 1),
                "the zstd data is damaged: its checksum is wrong",
            ),
            (
                [&zstd_bytes[..], b"and what is no zstd"].concat(),
                "the zstd data is damaged: ",
            ),
            (lone(&[0xd800]), "ends within a character of UTF-16"),
            (
                lone(&[0xd800, 0x41]),
                "half of a character of UTF-16 (0xd800) has no other half",
            ),
            (
                lone(&[0xdc00]),
                "half of a character of UTF-16 (0xdc00) has no other half",
            ),
            (
                b"\xff\xfeA\0B".to_vec(),
                "ends within a character of UTF-16",
            ),
            (gzip(b"PK\x03\x04"), "is a ZIP archive"),
            (
                gzip(&gzip(&gzip(&gzip(b"x")))),
                "is compressed more than 3 times over",
            ),
        ] {
            let got = decode(&bytes, None).unwrap_err();
            assert!(got.starts_with(expected), " got: {got}\nwant: {expected}");
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let zeros = vec![b' '; 16 << 20];
        let bomb = gzip(&gzip(&zeros));
        assert!(bomb.len() < 1 << 16);
        let limit = 1 << 20;
        assert_eq!(
            decode(&bomb, Some(limit)),
            Err(format!("is longer than {limit} bytes"))
        );
        let fits = gzip(&zeros[..limit]);
        assert_eq!(decode(&fits, Some(limit)).unwrap().len(), limit);
    }
}
