//! Checks that every engine answers what PCRE2 answers.

use pcre2::bytes::RegexBuilder;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{Pattern, linear};

/// Runs a pattern by PCRE2 alone, without any limit of ours. `None` if it takes too long.
fn pcre2_alone(pattern: &pcre2::bytes::Regex, text: &str) -> Option<bool> {
    pattern.is_match(text.as_bytes()).ok()
}

fn compile(pattern: &str) -> Option<pcre2::bytes::Regex> {
    RegexBuilder::new()
        .utf(true)
        .caseless(true)
        .build(pattern)
        .ok()
}

/// Every character that has another in the other case, by any table at hand.
fn cased() -> Vec<char> {
    let by_tables = regex::Regex::new(r"[\p{Cased}\p{CWCM}\p{CWCF}\p{CWL}\p{CWU}\p{CWT}]").unwrap();
    let by_pcre2 =
        compile(r"[\p{Lu}\p{Ll}\p{Lt}\p{Cased}\p{CWCM}\p{CWCF}\p{CWL}\p{CWU}\p{CWT}]").unwrap();
    let is_cased = |letter: &char| {
        let text = letter.to_string();
        by_tables.is_match(&text) || by_pcre2.is_match(text.as_bytes()).unwrap()
    };
    (0..=0x10_ffff)
        .filter_map(char::from_u32)
        .filter(is_cased)
        .collect()
}

#[test]
fn both_engines_fold_every_letter_alike() {
    let letters = cased();
    assert!(letters.len() > 2_800, "only {} letters", letters.len());
    let all: String = letters.iter().collect();
    for letter in letters {
        let by_pcre2: Vec<_> = compile(&letter.to_string())
            .unwrap()
            .find_iter(all.as_bytes())
            .map(|found| found.unwrap().start())
            .collect();
        for pattern in [letter.to_string(), format!("[{letter}]")] {
            let by_us: Vec<_> = linear::compile(&pattern)
                .unwrap()
                .find_iter(&all)
                .map(|found| found.start())
                .collect();
            assert_eq!(by_us, by_pcre2, "{letter} is U+{:04X}", u32::from(letter));
        }
    }
}

/// A text of letters that are easily taken for one another.
fn texts() -> impl Strategy<Value = String> {
    let letter = prop::sample::select(vec![
        'a', 'A', 'b', 'k', 'K', 's', 'S', 'i', 'I', '0', '7', '_', '-', '.', ' ', '\n', '\t',
        '\u{b}', '\r', '\u{85}', '\u{a0}', '\u{212a}', 'ſ', 'İ', 'ı', 'ß', 'ẞ', 'Σ', 'σ', 'ς', 'ǅ',
        'ǆ', 'é', 'É', '가', '😀', '\\', '[', ']', '{', '}', '^', '$', '\0',
    ]);
    (prop::collection::vec(letter, 0..7), any::<bool>()).prop_map(|(letters, has_line_end)| {
        let text: String = letters.into_iter().collect();
        if has_line_end { text + "\n" } else { text }
    })
}

/// What a bracket expression may hold, with what is special in one dialect or the other.
const IN_BRACKETS: [&str; 50] = [
    "a",
    "k",
    "s",
    "S",
    "a-c",
    "i-k",
    "K-T",
    "A-z",
    "0-7",
    "é",
    "ß",
    "\u{212a}",
    "ſ",
    "ı",
    "Σ",
    "ǅ",
    "α-ω",
    "가-힣",
    "&&",
    "--",
    "~~",
    "[",
    "]",
    "^",
    "-",
    "\\]",
    "\\-",
    "\\^",
    "\\\\",
    "\\d",
    "\\D",
    "\\s",
    "\\S",
    "\\w",
    "\\W",
    "\\x41-\\x5a",
    "\\n",
    "\\b",
    "[:",
    "[:alpha:]",
    "[:^alpha:]",
    "[:lower:]",
    "[:^upper:]",
    "[:alnum:]",
    "[:digit:]",
    "[:space:]",
    "[:^word:]",
    "[:xdigit:]",
    "[:blank:]",
    "\\t- ",
];
/// What one step of a pattern may be.
const ATOMS: [&str; 48] = [
    "a", "A", "b", "k", "K", "s", "i", "I", "0", "_", "-", " ", "é", "É", "ß", "ẞ", "Σ", "ς", "ǅ",
    "İ", "ı", "ſ", "\u{212a}", "가", ".", "^", "$", "\\A", "\\z", "\\Z", "\\b", "\\d", "\\D",
    "\\s", "\\S", "\\w", "\\W", "\\.", "\\n", "\\t", "\\x4b", "\\e", "{", "}", "]", "\\$", "\\-",
    "\n",
];
const QUANTIFIERS: [&str; 17] = [
    "", "", "", "", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}", "{1,2}?",
    "{0}",
];

/// A pattern of what `syntax` parses, and of some that it should not.
fn patterns() -> impl Strategy<Value = String> {
    let bracket = (
        any::<bool>(),
        prop::collection::vec(prop::sample::select(IN_BRACKETS.to_vec()), 1..5),
    )
        .prop_map(|(is_negated, items)| {
            format!("[{}{}]", if is_negated { "^" } else { "" }, items.concat())
        });
    let atom = prop_oneof![
        4 => prop::sample::select(ATOMS.to_vec()).prop_map(str::to_owned),
        1 => bracket,
    ];
    let quantified = |inner: BoxedStrategy<String>| {
        (inner, prop::sample::select(QUANTIFIERS.to_vec()))
            .prop_map(|(inner, quantifier)| inner + quantifier)
    };
    quantified(atom.boxed()).prop_recursive(4, 24, 4, move |inner| {
        let sequence = prop::collection::vec(inner.clone(), 0..4).prop_map(|parts| parts.concat());
        let choice = prop::collection::vec(inner, 1..4).prop_map(|parts| parts.join("|"));
        let group = choice.clone().prop_map(|inner| format!("({inner})"));
        let open = choice.clone().prop_map(|inner| format!("(?:{inner})"));
        prop_oneof![
            sequence,
            choice,
            quantified(prop_oneof![group, open].boxed()),
        ]
    })
}

/// Compares a pattern with PCRE2 alone over some texts. Returns whether it ran in linear time.
fn compare(pattern: &str, texts: &[String]) -> Result<bool, TestCaseError> {
    let is_linear = linear::compile(pattern).is_some();
    let Some(alone) = compile(pattern) else {
        prop_assert!(
            Pattern::new(pattern).is_err(),
            "{pattern:?} is malformed, linear: {is_linear}"
        );
        return Ok(is_linear);
    };
    let ours = match Pattern::new(pattern) {
        Ok(ours) => ours,
        Err(error) => return Err(TestCaseError::fail(format!("{pattern:?}: {error}"))),
    };
    for text in texts {
        let (Some(expected), Ok(found)) =
            (pcre2_alone(&alone, text), ours.is_match(text, &|| false))
        else {
            continue;
        };
        prop_assert_eq!(
            found,
            expected,
            "{:?} over {:?}, linear: {}",
            pattern,
            text,
            is_linear
        );
    }
    Ok(is_linear)
}

#[test]
fn every_pattern_answers_as_pcre2_does() {
    let config = ProptestConfig {
        cases: 3_000,
        rng_seed: RngSeed::Fixed(17),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let linear = std::cell::Cell::new(0);
    proptest!(config, |(pattern in patterns(), texts in prop::collection::vec(texts(), 12))| {
        linear.set(linear.get() + u32::from(compare(&pattern, &texts)?));
    });
    assert!(
        linear.get() > 1_000,
        "only {} patterns ran in linear time",
        linear.get()
    );
}
