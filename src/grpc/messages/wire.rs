//! How fields are written on the wire, by their numbers.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

/// Begins a message within another one; returns where its content begins.
pub(super) fn open(number: u32, out: &mut Vec<u8>) -> usize {
    encode_key(number, WireType::LengthDelimited, out);
    // The length, which most messages have in one byte.
    out.push(0);
    out.len()
}

/// Ends the message whose content begins at `start`: writes its length before it.
pub(super) fn close(start: usize, out: &mut Vec<u8>) {
    let end = out.len();
    let length = (end - start) as u64;
    let more = encoded_len_varint(length) - 1;
    if more > 0 {
        out.resize(end + more, 0);
        out.copy_within(start..end, start + more);
    }
    encode_varint(length, &mut &mut out[start - 1..start + more]);
}

/// Writes a number as a varint.
pub(super) fn write_number(number: u32, value: u64, out: &mut Vec<u8>) {
    encode_key(number, WireType::Varint, out);
    encode_varint(value, out);
}

/// Writes a text, or a message.
pub(super) fn write_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
