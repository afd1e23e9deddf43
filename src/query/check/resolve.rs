//! Resolves the paths of an aggregate: determines the value that each leads to in the rows that its stage reads.
//!
//! The shape of the rows passes from stage to stage.

use crate::job::Shape;
use crate::query::check::field::{Kind, Target, ValueType, resolve_segments};
use crate::query::check::resolved::{
    Accumulator, Base, Element, Expression, Group, GroupKey, Project, Requirement, ResolvedPath,
    ResolvedStage, ResolvedStages, RowShape, ShapeColumn, SortBy, SortKey, Unwind,
};
use crate::query::check::stages::{self, PathAt, Stage};
use crate::query::error::QueryError;
use crate::query::limits::MAX_ORDER_TERMS;

/// Resolves the stages of an aggregate.
///
/// # Errors
/// [`QueryError::Language`] for a path whose first segment is no field of a job, and for an order of too many terms.
pub(in crate::query) fn resolve(
    stages: Vec<Stage>,
    shape: Shape,
) -> Result<ResolvedStages, QueryError> {
    let mut resolver = Resolver {
        shape,
        rows: RowShape::Jobs {
            unwound: Vec::new(),
        },
        key_names: Vec::new(),
        order_terms: 1,
    };
    let stages = stages.into_iter().map(|stage| resolver.stage(stage));
    let stages = stages.collect::<Result<_, _>>()?;
    Ok(ResolvedStages {
        stages,
        rows: resolver.rows,
        shape,
    })
}

/// A fold over the stages.
struct Resolver {
    /// The shape of the jobs.
    shape: Shape,
    rows: RowShape,
    /// The names of the keys of all groups so far, until a `project` excludes them.
    ///
    /// Rule: SpaceONE looks for such a name, where it is a whole path, among the keys that the rows have, and nowhere else.
    /// So the name is missing where a later group or `count` has left the key out.
    key_names: Vec<String>,
    /// The number of terms that the order of the rows has.
    order_terms: usize,
}

impl Resolver {
    fn stage(&mut self, stage: Stage) -> Result<ResolvedStage, QueryError> {
        Ok(match stage {
            Stage::Unwind(path) => ResolvedStage::Unwind(self.unwind(&path)?),
            Stage::Group(group) => ResolvedStage::Group(self.group(group)?),
            Stage::Count(name) => {
                self.order_terms = 0;
                self.rows = RowShape::Columns(vec![ShapeColumn {
                    name,
                    value_type: ValueType::INTEGER,
                    is_key: false,
                }]);
                ResolvedStage::Count
            }
            Stage::Sort(keys) => ResolvedStage::Sort(self.sort(&keys)?),
            Stage::Limit(limit) => ResolvedStage::Limit(limit),
            Stage::Skip(skip) => ResolvedStage::Skip(skip),
            Stage::Project(project) => ResolvedStage::Project(self.project(project)?),
        })
    }

    fn unwind(&mut self, path: &PathAt) -> Result<Unwind, QueryError> {
        let resolved = match &self.rows {
            RowShape::Jobs { .. } => self.path(path)?,
            RowShape::Columns(columns) => in_fields(&path.segments, columns),
        };
        self.order_terms += 1;
        let element = match &mut self.rows {
            RowShape::Jobs { unwound } => {
                match resolve_segments(path.segments.clone(), &path.location)?.segments() {
                    Some(path) => {
                        unwound.push(path.clone());
                        Element::Job(path)
                    }
                    None => Element::Nowhere,
                }
            }
            RowShape::Columns(columns) => {
                let name = &path.segments[0];
                let is_field = |column: &ShapeColumn| !column.is_key && column.name == *name;
                match columns.iter().position(is_field) {
                    Some(at) => Element::Column {
                        column: at,
                        below: path.segments[1..].to_vec(),
                        value_type: std::mem::replace(&mut columns[at].value_type, ValueType::ANY),
                    },
                    None => Element::Nowhere,
                }
            }
        };
        Ok(Unwind {
            path: resolved,
            element,
        })
    }

    fn sort(&mut self, keys: &[stages::Sort]) -> Result<Vec<SortKey>, QueryError> {
        let mut resolved: Vec<SortKey> = Vec::with_capacity(keys.len());
        for key in keys {
            let (by, desc) = (self.sort_by(&key.path)?, key.desc);
            // Rule: `$sort` is one object: a repeated key has its first position and its last direction.
            match resolved.iter_mut().find(|other| other.by == by) {
                Some(first) => first.desc = desc,
                None => resolved.push(SortKey { by, desc }),
            }
        }
        self.order_terms += resolved.len();
        if self.order_terms > MAX_ORDER_TERMS {
            let location = keys.first().map(|key| key.path.location.clone());
            return Err(QueryError::Language {
                location: location.unwrap_or_default(),
                problem: format!(
                    "with the sorts and group keys before it, more than {MAX_ORDER_TERMS} keys to sort by"
                ),
            });
        }
        Ok(resolved)
    }

    /// Resolves a sort key. In MongoDB a sort key also leads into arrays.
    fn sort_by(&self, path: &PathAt) -> Result<SortBy, QueryError> {
        let (first, below) = path.segments.split_at(1);
        match &self.rows {
            RowShape::Columns(_) if below.is_empty() => {
                Ok(SortBy::Below(self.path(path)?, Vec::new()))
            }
            RowShape::Columns(columns) => {
                Ok(SortBy::Below(in_fields(first, columns), below.to_vec()))
            }
            RowShape::Jobs { unwound } => {
                let target = resolve_segments(path.segments.clone(), &path.location)?;
                let target = target.in_shape(self.shape);
                if unwound.is_empty() {
                    return Ok(match target {
                        Target::Document(path) => SortBy::Document(path),
                        target => SortBy::Below(ResolvedPath::in_job(target), Vec::new()),
                    });
                }
                let Some(mut segments) = target.segments() else {
                    return Ok(SortBy::Nothing);
                };
                let below = segments.split_off(1);
                let root = PathAt {
                    location: path.location.clone(),
                    segments,
                };
                Ok(SortBy::Below(self.path(&root)?, below))
            }
        }
    }

    fn group(&mut self, group: stages::Group) -> Result<Group, QueryError> {
        let mut columns = Vec::with_capacity(group.keys.len() + group.fields.len());
        let mut keys = Vec::with_capacity(group.keys.len());
        for key in group.keys {
            let path = self.path(&key.path)?;
            columns.push(ShapeColumn {
                name: key.name,
                value_type: match &key.date_format {
                    Some(_) => ValueType::NULLABLE,
                    None => path.value_type,
                },
                is_key: true,
            });
            keys.push(GroupKey {
                path,
                date_format: key.date_format,
            });
        }
        let mut fields = Vec::with_capacity(group.fields.len());
        for field in group.fields {
            let accumulator = self.accumulator(field.accumulator, field.location)?;
            columns.push(ShapeColumn {
                name: field.name,
                value_type: accumulator.value_type(),
                is_key: false,
            });
            fields.push(accumulator);
        }
        self.order_terms = keys.len();
        let keys_of_rows = columns.iter().filter(|column| column.is_key);
        self.key_names
            .extend(keys_of_rows.map(|column| column.name.clone()));
        self.rows = RowShape::Columns(columns);
        Ok(Group { keys, fields })
    }

    fn accumulator(
        &self,
        accumulator: stages::Accumulator,
        location: String,
    ) -> Result<Accumulator, QueryError> {
        use stages::Accumulator as Checked;
        Ok(match accumulator {
            Checked::Count(conditions) => Accumulator::Count(self.requirements(conditions)?),
            Checked::Sum(path, conditions) => {
                let path = self.path(&path)?;
                if matches!(path.value_type.kind, Kind::Text | Kind::Time) {
                    return Ok(Accumulator::Zero);
                }
                Accumulator::Sum(path, self.requirements(conditions)?)
            }
            Checked::Average(path, conditions) => {
                Accumulator::Average(self.path(&path)?, self.requirements(conditions)?)
            }
            Checked::Percentile(path, percent) => {
                Accumulator::Percentile(self.path(&path)?, percent)
            }
            Checked::Max(path) => Accumulator::Max(self.path(&path)?),
            Checked::Min(path) => Accumulator::Min(self.path(&path)?),
            Checked::First(path) => Accumulator::First(self.path(&path)?),
            Checked::Last(path) => Accumulator::Last(self.path(&path)?),
            Checked::Push(fields) => {
                let fields = fields.into_iter();
                let fields = fields.map(|(name, path)| Ok((name, self.path(&path)?)));
                Accumulator::Push(fields.collect::<Result<_, _>>()?)
            }
            Checked::AddToSet(path) => Accumulator::AddToSet(self.path(&path)?),
            Checked::MergeObjects(path) => Accumulator::MergeObjects(self.path(&path)?, location),
        })
    }

    fn requirements(
        &self,
        conditions: Vec<stages::Requirement>,
    ) -> Result<Vec<Requirement>, QueryError> {
        let conditions = conditions.into_iter().map(|condition| {
            Ok(Requirement {
                path: self.path(&condition.path)?,
                test: condition.test,
                value: condition.value,
            })
        });
        conditions.collect()
    }

    fn project(&mut self, project: stages::Project) -> Result<Project, QueryError> {
        let mut columns = Vec::new();
        let mut keys = Vec::new();
        if let (RowShape::Columns(before), false) = (&self.rows, project.exclude_keys) {
            let staying = before.iter().enumerate();
            for (at, column) in staying.filter(|(_, column)| column.is_key) {
                keys.push(at);
                columns.push(column.clone());
            }
        }
        let mut fields = Vec::with_capacity(project.fields.len());
        for field in project.fields {
            let expression = self.expression(field.expression)?;
            columns.push(ShapeColumn {
                name: field.name,
                value_type: expression.value_type(),
                is_key: false,
            });
            fields.push(expression);
        }
        if project.exclude_keys {
            self.key_names.clear();
        }
        self.rows = RowShape::Columns(columns);
        Ok(Project { keys, fields })
    }

    fn expression(&self, expression: stages::Expression) -> Result<Expression, QueryError> {
        use stages::Expression as Checked;
        Ok(match expression {
            Checked::Path(path) => Expression::Path(self.path(&path)?),
            Checked::Number(number) => Expression::Number(number),
            Checked::Function(function, path) => {
                Expression::Function(function, self.path(&path)?, path.location)
            }
            Checked::Calculation(calculation, operands, location) => {
                let operands = operands.into_iter().map(|operand| self.expression(operand));
                Expression::Calculation(calculation, operands.collect::<Result<_, _>>()?, location)
            }
        })
    }

    /// Resolves a path to the value that it leads to.
    fn path(&self, path: &PathAt) -> Result<ResolvedPath, QueryError> {
        match &self.rows {
            RowShape::Jobs { unwound } => {
                let target = resolve_segments(path.segments.clone(), &path.location)?;
                Ok(in_jobs(target.in_shape(self.shape), unwound))
            }
            RowShape::Columns(columns) => Ok(match path.segments.as_slice() {
                [name] if self.key_names.contains(name) => in_keys(name, columns),
                segments => in_fields(segments, columns),
            }),
        }
    }
}

/// Resolves a path into jobs with unwound arrays: each such array is replaced by its element.
fn in_jobs(target: Target, unwound: &[Vec<String>]) -> ResolvedPath {
    let Some(segments) = target.segments() else {
        return ResolvedPath::never_there();
    };
    let above = unwound
        .iter()
        .rposition(|unwound| segments.starts_with(unwound));
    // Arrays below the value that were unwound later are replaced by their elements, too.
    let later = above.map_or(0, |at| at + 1);
    let inner = unwound.iter().enumerate().skip(later);
    let replaced: Vec<_> = inner
        .filter(|(_, inner)| inner.len() > segments.len() && inner.starts_with(&segments))
        .map(|(at, inner)| (at, inner[segments.len()..].to_vec()))
        .collect();
    let in_job = match above {
        None => ResolvedPath::in_job(target),
        Some(at) => ResolvedPath {
            base: Base::Element {
                unwound: at,
                below: segments[unwound[at].len()..].to_vec(),
            },
            ..ResolvedPath::never_there()
        },
    };
    ResolvedPath { replaced, ..in_job }
}

/// Resolves the name of a group's key.
fn in_keys(name: &str, columns: &[ShapeColumn]) -> ResolvedPath {
    let is_key = |column: &ShapeColumn| column.is_key && column.name == name;
    match columns.iter().position(is_key) {
        Some(at) => in_column(at, &[], columns),
        None => ResolvedPath::never_there(),
    }
}

/// Resolves a path into the columns that are not keys of a group.
fn in_fields(segments: &[String], columns: &[ShapeColumn]) -> ResolvedPath {
    let (name, below) = (&segments[0], &segments[1..]);
    let is_field = |column: &ShapeColumn| !column.is_key && column.name == *name;
    match columns.iter().position(is_field) {
        Some(at) => in_column(at, below, columns),
        None => ResolvedPath::never_there(),
    }
}

/// Resolves a path below a column.
fn in_column(at: usize, below: &[String], columns: &[ShapeColumn]) -> ResolvedPath {
    let value_type = columns[at].value_type;
    if !below.is_empty() && value_type.kind != Kind::Any {
        return ResolvedPath::never_there();
    }
    ResolvedPath {
        base: Base::Column {
            column: at,
            below: below.to_vec(),
        },
        replaced: Vec::new(),
        value_type: if below.is_empty() {
            value_type
        } else {
            ValueType::ANY
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::query::check::stat;
    use crate::query::request::JobStatQuery;
    use crate::time::Timestamp;

    #[track_caller]
    fn check(stages: &str, expected: &str) {
        let body = format!(r#"{{"domain_id":"d","query":{{"aggregate":[{stages}]}}}}"#);
        let request = JobStatQuery::from_json(body.as_bytes()).unwrap();
        let got = match stat::check(&request, Timestamp::MIN) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{stages}");
    }

    #[test]
    fn the_first_segment_must_be_a_field_only_in_paths_into_jobs() {
        let unknown = "unknown field `stauts`; did you mean `status`?";
        check(
            r#"{"sort":{"key":"stauts"}}"#,
            &format!("query.aggregate[0].sort.key: {unknown}"),
        );
        check(
            r#"{"unwind":{"path":"errors"}},{"unwind":{"path":"stauts"}}"#,
            &format!("query.aggregate[1].unwind.path: {unknown}"),
        );
        check(
            r#"{"count":{"name":"n"}},{"sort":{"key":"stauts"}},{"unwind":{"path":"n.x"}}"#,
            "",
        );
    }

    #[test]
    fn conditions_of_a_sum_over_a_text_field_are_ignored() {
        let sum = |key: &str| {
            format!(
                r#"{{"group":{{"fields":[{{"name":"n","operator":"sum","key":"{key}","conditions":[{{"key":"stauts","operator":"eq","value":1}}]}}]}}}}"#
            )
        };
        check(&sum("job_id"), "");
        check(
            &sum("total_tasks"),
            "query.aggregate[0].group.fields[0].conditions[0].key: unknown field `stauts`; did you mean `status`?",
        );
    }

    #[test]
    fn an_order_has_a_limited_number_of_terms() {
        let sort = |keys: usize| {
            let keys = (0..keys).map(|n| format!(r#"{{"key":"filter.m{n}"}}"#));
            let keys: Vec<_> = keys.collect();
            format!(r#"{{"sort":{{"keys":[{}]}}}}"#, keys.join(","))
        };
        // The job id is the first term.
        let most = [vec![sort(32); 7], vec![sort(25)]].concat();
        check(&most.join(","), "");
        check(
            &[most, vec![sort(1)]].concat().join(","),
            "query.aggregate[8].sort.keys[0].key: with the sorts and group keys before it, more than 250 keys to sort by",
        );
    }
}
