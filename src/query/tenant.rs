//! The tenant: the condition that limits every statement to one domain.
//!
//! All SQL that reads jobs is built from a [`Tenant`]: its condition comes first in every WHERE clause.

use crate::query::sql::Sql;

/// The one domain whose jobs a request may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    domain_id: String,
}

impl Tenant {
    /// The domain of this id.
    #[must_use]
    pub(crate) fn new(domain_id: &str) -> Self {
        Self {
            domain_id: domain_id.to_owned(),
        }
    }

    /// The id of the domain.
    pub(crate) fn domain_id(&self) -> &str {
        &self.domain_id
    }

    /// Returns the condition that a row belongs to the domain.
    #[must_use]
    pub(crate) fn condition(&self) -> Sql {
        let mut sql = Sql::new("domain = (SELECT id FROM domains WHERE domain_id = ");
        sql.bind(self.domain_id.as_str()).push(")");
        sql
    }
}
