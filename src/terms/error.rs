//! Why a search can't be read: each text says what was found, and how it is written.

/// Why a text is no search. The page has the same errors under the same names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermError {
    #[error("there is no key `{key}`; did you mean `{near}`?")]
    NearKey { key: String, near: &'static str },
    #[error("there is no key `{key}`; keys are {keys}, and any path of a job")]
    NoKey { key: String, keys: String },
    #[error(
        "jobs can't be filtered by duration: the API has no condition for it; `jobdeck stat --duration` shows durations"
    )]
    NoDuration,
    #[error("`{key}` takes {signs}, not {sign}")]
    NoOperator {
        key: String,
        signs: String,
        sign: &'static str,
    },
    #[error("words without a key look anywhere: write {words}")]
    PlainIsAnywhere { words: String },
    #[error("`{term}` needs a value")]
    NoValue { term: String },
    #[error("`{term}` takes one value")]
    OneValue { term: String },
    #[error("`{key}!=` takes no text with <n>, <value>, <address> or <time>; `{key}:` does")]
    NoGroup { key: String },
    #[error("`{key}` takes a number, not `{value}`")]
    NoNumber { key: String, value: String },
    #[error("there is no status `{value}`; statuses are {statuses}")]
    NoStatus { value: String, statuses: String },
    #[error("`{key}` takes a time as 2026-01-31 or 2026-01-31T08:00, not `{value}`")]
    NoTime { key: String, value: String },
    #[error("`{term}` has no opposite, since a job may have no `{key}`: write {other}")]
    NoOpposite {
        term: String,
        key: String,
        other: String,
    },
    #[error("`{text}` holds for every job; jobs with none of these values: {none}")]
    AllJobs { text: String, none: String },
    #[error(
        "`{text}` can't be searched for: all terms must hold, and only the values of one key may be alternatives, as status:ERROR,TIMEOUT"
    )]
    NoOr { text: String },
    #[error(
        "`{text}` can't be searched for: words are looked for as one text; give each its key, as collector~nova message~quota"
    )]
    OneText { text: String },
    #[error("NOT takes one term, as status!=ERROR, not `{text}`")]
    NotOne { text: String },
    #[error(
        "AND and OR together need parentheses, as project:a AND (status:ERROR OR status:TIMEOUT)"
    )]
    AndOr,
    #[error("`{text}` needs a term after it")]
    TermAfter { text: String },
    #[error("`{text}` needs a term before it")]
    TermBefore { text: String },
    #[error("a parenthesis is not closed; a text with parentheses is put into double quotes")]
    NotClosed,
    #[error("a parenthesis is not opened; a text with parentheses is put into double quotes")]
    NotOpened,
    #[error("parentheses are nested more than {0} deep")]
    TooDeep(usize),
}
