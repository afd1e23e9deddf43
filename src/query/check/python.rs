//! Texts as Python reads them, the language of SpaceONE.

/// Removes the white space at both ends. Rule: Python's `str.strip`, which also knows the four separators of ASCII.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(|char: char| char.is_whitespace() || ('\x1C'..='\x1F').contains(&char))
}

/// Why a text is no integer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum IntError {
    /// It has another form.
    Form,
    /// It needs more than 64 bits.
    Range,
}

/// Reads an integer: a sign, then digits of any script, with white space around them and single `_` between them.
///
/// Rule: Python's `int(text)`.
///
/// # Errors
/// [`IntError`] for another form, and beyond 64 bits.
pub(super) fn int(text: &str) -> Result<i64, IntError> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut number = Some(0_i64);
    for group in digits.split('_') {
        if group.is_empty() {
            return Err(IntError::Form);
        }
        for char in group.chars() {
            let digit = digit(char).ok_or(IntError::Form)?;
            // Counting down from 0 for a negative number: it has one value more.
            number = number
                .and_then(|number| number.checked_mul(10)?.checked_add(sign * i64::from(digit)));
        }
    }
    number.ok_or(IntError::Range)
}

/// Returns the value of a decimal digit of any script (Unicode's general category Nd).
fn digit(char: char) -> Option<u32> {
    let last_zero = ZEROS.partition_point(|zero| *zero <= char).checked_sub(1)?;
    let value = u32::from(char) - u32::from(ZEROS[last_zero]);
    (value < 10).then_some(value)
}

/// The zero of each script of Unicode 14, which Python 3.11 knows, ascending. The other digits follow their zero.
#[rustfmt::skip]
const ZEROS: [char; 66] = [
    '0', '\u{660}', '\u{6F0}', '\u{7C0}', '\u{966}', '\u{9E6}', '\u{A66}', '\u{AE6}', '\u{B66}', '\u{BE6}', '\u{C66}',
    '\u{CE6}', '\u{D66}', '\u{DE6}', '\u{E50}', '\u{ED0}', '\u{F20}', '\u{1040}', '\u{1090}', '\u{17E0}', '\u{1810}',
    '\u{1946}', '\u{19D0}', '\u{1A80}', '\u{1A90}', '\u{1B50}', '\u{1BB0}', '\u{1C40}', '\u{1C50}', '\u{A620}',
    '\u{A8D0}', '\u{A900}', '\u{A9D0}', '\u{A9F0}', '\u{AA50}', '\u{ABF0}', '\u{FF10}', '\u{104A0}', '\u{10D30}',
    '\u{11066}', '\u{110F0}', '\u{11136}', '\u{111D0}', '\u{112F0}', '\u{11450}', '\u{114D0}', '\u{11650}',
    '\u{116C0}', '\u{11730}', '\u{118E0}', '\u{11950}', '\u{11C50}', '\u{11D50}', '\u{11DA0}', '\u{16A60}',
    '\u{16AC0}', '\u{16B50}', '\u{1D7CE}', '\u{1D7D8}', '\u{1D7E2}', '\u{1D7EC}', '\u{1D7F6}', '\u{1E140}',
    '\u{1E2F0}', '\u{1E950}', '\u{1FBF0}',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_stripped_at_the_ends() {
        for (text, expected) in [
            ("\t a b \n", "a b"),
            ("\u{A0}\u{3000}a\u{85}", "a"),
            ("\x1C\x1Fa\x1E", "a"),
            ("\u{200B}a", "\u{200B}a"),
            (" \t", ""),
        ] {
            assert_eq!(strip(text), expected);
        }
    }

    #[test]
    fn integers_are_read_as_python_reads_them() {
        use IntError::{Form, Range};
        for (text, expected) in [
            ("2", Ok(2)),
            ("-5", Ok(-5)),
            ("+2", Ok(2)),
            ("02", Ok(2)),
            ("-0", Ok(0)),
            (" 2\n", Ok(2)),
            ("\u{A0}2\u{3000}", Ok(2)),
            ("1_0", Ok(10)),
            ("0_0", Ok(0)),
            ("٢", Ok(2)),
            ("-٥_5", Ok(-55)),
            ("９", Ok(9)),
            ("𝟗", Ok(9)),
            ("9223372036854775807", Ok(i64::MAX)),
            ("-9223372036854775808", Ok(i64::MIN)),
            ("9223372036854775808", Err(Range)),
            ("-9223372036854775809", Err(Range)),
            ("99999999999999999999999x", Err(Form)),
            ("", Err(Form)),
            (" ", Err(Form)),
            ("+", Err(Form)),
            ("2.0", Err(Form)),
            ("2e0", Err(Form)),
            ("0x2", Err(Form)),
            ("+ 2", Err(Form)),
            ("--2", Err(Form)),
            ("_2", Err(Form)),
            ("2_", Err(Form)),
            ("1__0", Err(Form)),
            ("-_2", Err(Form)),
            ("−2", Err(Form)),
            ("\x1F2", Err(Form)),
            ("2\0", Err(Form)),
            ("²", Err(Form)),
            ("many", Err(Form)),
        ] {
            assert_eq!(int(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_zeros_ascend() {
        assert!(ZEROS.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
