//! The tenant: the condition that limits every statement to one domain.
//!
//! SQL that reads jobs is built from a [`Tenant`] or not at all: its condition comes first in every WHERE clause.

use crate::query::sql::Sql;

/// The domain that a request may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    domain_id: String,
}

impl Tenant {
    #[must_use]
    pub(crate) fn new(domain_id: &str) -> Self {
        Self {
            domain_id: domain_id.to_owned(),
        }
    }

    /// The domain's name.
    pub(crate) fn domain_id(&self) -> &str {
        &self.domain_id
    }

    /// The condition that a row belongs to the domain.
    #[must_use]
    pub(crate) fn condition(&self) -> Sql {
        let mut sql = Sql::new("domain = (SELECT id FROM domains WHERE domain_id = ");
        sql.bind(self.domain_id.as_str()).push(")");
        sql
    }
}
