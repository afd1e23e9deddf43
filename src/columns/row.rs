//! A job as a block has it.

use super::row_errors::RowErrors;

/// The number of ids in a block.
pub const BLOCK_JOBS: i64 = 1_024;

/// A column of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberColumn {
    CreatedAt,
    UpdatedAt,
    FinishedAt,
    TotalTasks,
    RemainedTasks,
    SuccessTasks,
    FailureTasks,
    ErrorCount,
    /// `collector_infos.id`.
    CollectorInfo,
}

impl NumberColumn {
    /// The number of columns.
    pub(super) const COUNT: usize = 9;

    /// The column of which this one's values are distances: times of a job are near each other, so they take fewer bytes.
    pub(super) fn base(self) -> Option<Self> {
        match self {
            Self::UpdatedAt => Some(Self::CreatedAt),
            Self::FinishedAt => Some(Self::UpdatedAt),
            _ => None,
        }
    }

    /// Every column, in the order in which a block has them: a base comes before what is based on it.
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::FinishedAt,
        Self::TotalTasks,
        Self::RemainedTasks,
        Self::SuccessTasks,
        Self::FailureTasks,
        Self::ErrorCount,
        Self::CollectorInfo,
    ];
}

/// A column of texts that many jobs share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextColumn {
    Status,
    CollectorId,
    ProjectId,
    SecretId,
    RequestSecretId,
    RequestWorkspaceId,
    ResourceGroup,
    WorkspaceId,
}

impl TextColumn {
    /// The number of columns.
    pub(super) const COUNT: usize = 8;

    /// Every column, in the order in which a block has them.
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::Status,
        Self::CollectorId,
        Self::ProjectId,
        Self::SecretId,
        Self::RequestSecretId,
        Self::RequestWorkspaceId,
        Self::ResourceGroup,
        Self::WorkspaceId,
    ];
}

/// What a block has of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// `jobs.id`.
    pub id: i64,
    pub job_id: String,
    numbers: [Option<i64>; NumberColumn::COUNT],
    texts: [Option<String>; TextColumn::COUNT],
    pub errors: RowErrors,
}

impl Row {
    /// A job without values.
    #[must_use]
    pub fn new(id: i64, job_id: &str) -> Self {
        Self {
            id,
            job_id: job_id.to_owned(),
            ..Self::default()
        }
    }

    /// Sets a number; `None` where the job has none.
    pub fn set_number(&mut self, column: NumberColumn, value: Option<i64>) {
        self.numbers[column as usize] = value;
    }

    /// Sets a text; `None` where the job has none.
    pub fn set_text(&mut self, column: TextColumn, value: Option<&str>) {
        self.texts[column as usize] = value.map(str::to_owned);
    }

    /// Returns a number; `None` where the job has none.
    #[must_use]
    pub fn number(&self, column: NumberColumn) -> Option<i64> {
        self.numbers[column as usize]
    }

    /// Returns a text; `None` where the job has none.
    #[must_use]
    pub fn text(&self, column: TextColumn) -> Option<&str> {
        self.texts[column as usize].as_deref()
    }
}
