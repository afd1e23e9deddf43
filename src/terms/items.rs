//! The items of a search: terms, words, operators and parentheses.

use super::key;
use super::operator::{ItemKind, is_lower, operator};
use super::text::{depth, tokens};
use super::tidy::tidy;

/// An item with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: ItemKind,
    pub(super) text: String,
}

/// Returns what a token has before its term: a minus, an exclamation mark, parentheses.
fn prefix_of(token: &str) -> &str {
    let rest = token.trim_start_matches(['-', '!', '(']);
    if rest.is_empty() {
        ""
    } else {
        &token[..token.len() - rest.len()]
    }
}

/// Returns the items of a search. Where it has neither operators nor terms in parentheses, what is left are terms and words.
pub(super) fn items_of(text: &str) -> Vec<Item> {
    let items = lex(text, false);
    let mut others = items.iter().map(|item| item.kind);
    let is_lone_operator = match items.as_slice() {
        [only] => matches!(only.kind, ItemKind::And | ItemKind::Or | ItemKind::Not),
        _ => false,
    };
    let is_among_words = |kind| matches!(kind, ItemKind::Word | ItemKind::Open | ItemKind::Close);
    // Among words, parentheses are part of them.
    if is_lone_operator || others.clone().all(is_among_words) {
        let words = tokens(text).into_iter().map(|token| Item {
            kind: ItemKind::Word,
            text: token.to_owned(),
        });
        return words.collect();
    }
    if others.any(|kind| !matches!(kind, ItemKind::Term | ItemKind::Word)) {
        lex(text, true)
    } else {
        items
    }
}

/// Divides a text into items; `peels_words` takes parentheses off words, too.
fn lex(text: &str, peels_words: bool) -> Vec<Item> {
    let mut items = Vec::new();
    let tidied = tidy(text);
    let all = tokens(&tidied);
    let is_among_words = all.iter().any(|token| is_word(token));
    for (index, token) in all.iter().enumerate() {
        let bare = &token[prefix_of(token).len()..];
        let is_last = index + 1 == all.len();
        let is_term =
            key::divided(bare).is_some() && !key::is_plain_text(bare, is_last, is_among_words);
        push_token(&mut items, token, is_term, peels_words);
    }
    let kinds: Vec<_> = (0..items.len())
        .map(|index| kind_among(&items, index))
        .collect();
    for (item, kind) in items.iter_mut().zip(kinds) {
        item.kind = kind;
    }
    items
}

/// Whether a token is a word, and neither a term nor an operator.
fn is_word(token: &str) -> bool {
    token.contains(char::is_alphanumeric)
        && key::divided(&token[prefix_of(token).len()..]).is_none()
        && operator(token).is_none()
}

fn push_token(items: &mut Vec<Item>, token: &str, is_term: bool, peels_words: bool) {
    let mut push = |kind, text: &str| {
        items.push(Item {
            kind,
            text: text.to_owned(),
        });
    };
    let sign_kind = |sign| match sign {
        '(' => ItemKind::Open,
        _ => ItemKind::Not,
    };
    let prefix = prefix_of(token);
    let is_peeled = peels_words && (token.starts_with('(') || token.ends_with(')'));
    if operator(token).is_some() {
        push(ItemKind::Word, token);
    } else if token.chars().all(|letter| matches!(letter, '(' | ')')) {
        for sign in token.chars() {
            let kind = if sign == '(' {
                ItemKind::Open
            } else {
                ItemKind::Close
            };
            push(kind, sign.encode_utf8(&mut [0; 4]));
        }
    } else if !is_term && !is_peeled {
        push(ItemKind::Word, token);
    } else {
        let mut rest = if is_term {
            &token[prefix.len()..]
        } else {
            token.trim_start_matches('(')
        };
        for sign in token[..token.len() - rest.len()].chars() {
            push(sign_kind(sign), sign.encode_utf8(&mut [0; 4]));
        }
        let mut closes = 0;
        while depth(rest) < 0
            && let Some(shorter) = rest.strip_suffix(')')
        {
            rest = shorter;
            closes += 1;
        }
        let kind = if is_term {
            ItemKind::Term
        } else {
            ItemKind::Word
        };
        push(kind, rest);
        for _ in 0..closes {
            push(ItemKind::Close, ")");
        }
    }
}

/// Returns what an item is among its neighbours: a word in lower case is an operator only next to terms.
fn kind_among(items: &[Item], index: usize) -> ItemKind {
    let item = &items[index];
    let Some(operator) = operator(&item.text).filter(|_| item.kind == ItemKind::Word) else {
        return item.kind;
    };
    if !is_lower(&item.text) {
        return operator;
    }
    let Some(next) = items.get(index + 1) else {
        return item.kind;
    };
    let previous = index.checked_sub(1).and_then(|index| items.get(index));
    let precedes_term =
        matches!(next.kind, ItemKind::Term | ItemKind::Open | ItemKind::Not) || next.text == "not";
    let follows_term =
        previous.is_some_and(|previous| matches!(previous.kind, ItemKind::Term | ItemKind::Close));
    if precedes_term || (operator != ItemKind::Not && follows_term) {
        operator
    } else {
        item.kind
    }
}
