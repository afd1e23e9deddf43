//! Generates a token, and its entry for the file.

use toml::Value;

use super::hash::hash;
use super::table::TokenTable;

/// The beginning of every token, by which a person or a scanner for secrets recognizes it.
const PREFIX: &str = "jobdeck_";
/// The number of random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// A new token and its entry in a file.
pub struct NewToken {
    /// The token, to be shown once to its holder.
    pub token: String,
    /// The entry as TOML, to be added to the file.
    pub entry: String,
}

impl NewToken {
    /// Generates a token from random bytes of the operating system. Without a name it gets one from its hash.
    ///
    /// # Errors
    /// [`NewTokenError`] when the name or the domain is not allowed, or there are no random bytes.
    pub fn generate(
        domain_id: &str,
        may_write: bool,
        name: Option<&str>,
    ) -> Result<Self, NewTokenError> {
        let mut random = [0; TOKEN_BYTES];
        getrandom::fill(&mut random).map_err(NewTokenError::Random)?;
        let token = format!("{PREFIX}{}", base16ct::lower::encode_string(&random));
        let sha256 = base16ct::lower::encode_string(&hash(token.as_bytes()));
        let name = name.map_or_else(
            || format!("token-{}", sha256.chars().take(8).collect::<String>()),
            str::to_owned,
        );
        let access = if may_write { "write" } else { "read" };
        let [name, domain_id, access, sha256] =
            [&name, domain_id, access, &sha256].map(|text| Value::from(text).to_string());
        let entry = format!(
            "[[token]]\nname = {name}\ndomain_id = {domain_id}\naccess = {access}\nsha256 = {sha256}\n"
        );
        // The entry must be accepted when it is read.
        TokenTable::parse(&entry).map_err(|error| NewTokenError::Entry(error.problem))?;
        Ok(Self { token, entry })
    }
}

/// Why no token can be generated.
#[derive(Debug, thiserror::Error)]
pub enum NewTokenError {
    #[error("the operating system returns no random bytes: {0}")]
    Random(getrandom::Error),
    #[error("{0}")]
    Entry(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_unique_and_its_entry_grants_it() {
        let made: Vec<_> = [("d", false, None), ("*", true, Some("it's \"ci\""))]
            .map(|(domain, may_write, name)| NewToken::generate(domain, may_write, name).unwrap())
            .into();
        assert_ne!(made[0].token, made[1].token);
        let text = made
            .iter()
            .map(|one| one.entry.as_str())
            .collect::<String>();
        let tokens = TokenTable::parse(&text).unwrap();
        let first = tokens.find(made[0].token.as_bytes()).unwrap();
        assert_eq!(
            (first.domain_id.as_deref(), first.may_write),
            (Some("d"), false)
        );
        let second = tokens.find(made[1].token.as_bytes()).unwrap();
        assert_eq!(second.name, "it's \"ci\"");
        assert_eq!((&second.domain_id, second.may_write), (&None, true));
        for NewToken { token, entry } in made {
            assert_eq!(token.len(), PREFIX.len() + 2 * TOKEN_BYTES);
            assert!(
                token.starts_with(PREFIX) && !entry.contains(&token),
                "{entry}"
            );
        }
        for (domain, name) in [("", None), ("d", Some("")), ("d", Some("a\nb"))] {
            assert!(NewToken::generate(domain, false, name).is_err());
        }
    }
}
