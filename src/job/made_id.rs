//! The ids of jobs that come without one: `job-` and 12 hex digits, as SpaceONE's are.

use sha2::{Digest, Sha256};

/// The number of bytes behind the digits of an id.
const ID_BYTES: usize = 6;

/// Makes an id from random bytes of the operating system.
///
/// # Errors
/// Where the operating system returns none.
pub fn random_job_id() -> Result<String, getrandom::Error> {
    let mut random = [0; ID_BYTES];
    getrandom::fill(&mut random)?;
    Ok(written(random))
}

/// Makes the id of the job at a position (from 0) of a request with an `Idempotency-Key`: the same key gives the same id.
#[must_use]
pub fn job_id_of_key(key: &str, domain_id: &str, position: usize) -> String {
    let mut hash = Sha256::new();
    for part in [key, domain_id] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.update(position.to_be_bytes());
    let hash = hash.finalize();
    let mut bytes = [0; ID_BYTES];
    for (byte, of_hash) in bytes.iter_mut().zip(hash) {
        *byte = of_hash;
    }
    written(bytes)
}

fn written(bytes: [u8; ID_BYTES]) -> String {
    format!("job-{}", base16ct::lower::encode_string(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_id(id: &str) -> bool {
        let digits = id.strip_prefix("job-").unwrap_or_default();
        digits.len() == 12
            && digits
                .bytes()
                .all(|digit| b"0123456789abcdef".contains(&digit))
    }

    #[test]
    fn a_random_id_is_new_and_one_of_a_key_is_the_same_again() {
        let random = [random_job_id().unwrap(), random_job_id().unwrap()];
        assert!(random.iter().all(|id| is_id(id)), "{random:?}");
        assert_ne!(random[0], random[1]);
        let first = job_id_of_key("k", "d", 0);
        assert!(is_id(&first), "{first}");
        assert_eq!(job_id_of_key("k", "d", 0), first);
        for (key, domain_id, position) in
            [("k2", "d", 0), ("k", "d2", 0), ("k", "d", 1), ("kd", "", 0)]
        {
            assert_ne!(job_id_of_key(key, domain_id, position), first);
        }
    }
}
