//! The schemas of bodies that are not read into one struct: patches, and lists of jobs.

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::job::Draft;

/// A merge patch of a job: [`Draft`], of which null removes a member.
pub(crate) struct JobPatch;

impl PartialSchema for JobPatch {
    fn schema() -> RefOr<Schema> {
        let mut schema = Draft::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.description = Some(
                "A JSON merge patch of a job: a field that is null is removed, and has its default then; one that is left out stays. It can't move a job: an id must be the one that the job has.".to_owned(),
            );
            for (name, member) in &mut object.properties {
                match name.as_str() {
                    "job_id" | "domain_id" => describe(member, "As the job has it."),
                    "updated_at" => describe(member, "The present time if left out."),
                    "life" => describe(
                        member,
                        "The future of the job from now on; only a mock plays it. A life that the job had ends with any patch.",
                    ),
                    _ => allow_null(member),
                }
            }
        }
        schema
    }
}

impl ToSchema for JobPatch {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Draft::schemas(schemas);
    }
}

fn describe(member: &mut RefOr<Schema>, text: &str) {
    if let RefOr::T(Schema::Object(object)) = member {
        object.description = Some(text.to_owned());
    } else if let RefOr::T(Schema::Array(array)) = member {
        array.description = Some(text.to_owned());
    }
}

/// Allows null, by which a patch does what a draft does by leaving a member out.
fn allow_null(member: &mut RefOr<Schema>) {
    let of_null = |text: &str| {
        text.replace("if left out", "if null")
            .replace("If left out", "If null")
    };
    let (types, description) = match member {
        RefOr::T(Schema::Object(object)) => (&mut object.schema_type, &mut object.description),
        RefOr::T(Schema::Array(array)) => (&mut array.schema_type, &mut array.description),
        RefOr::Ref(reference) => {
            reference.description = of_null(&reference.description);
            let null = ObjectBuilder::new().schema_type(Type::Null);
            *member = OneOfBuilder::new()
                .item(reference.clone())
                .item(null)
                .into();
            return;
        }
        // The schema allows null already.
        RefOr::T(_) => return,
    };
    *description = description.as_deref().map(of_null);
    if let SchemaType::Type(one) = types {
        *types = SchemaType::Array(vec![one.clone(), Type::Null]);
    }
}

/// Many jobs, as `transfer` reads them one by one: an array, a saved answer of the list, or one job.
pub(crate) struct JobsBody;

impl PartialSchema for JobsBody {
    fn schema() -> RefOr<Schema> {
        let job = || Ref::from_schema_name("JobDraft");
        OneOfBuilder::new()
            .description(Some(
                "Many jobs: an array, a saved answer of the list, or one job.",
            ))
            .item(ArrayBuilder::new().items(job()))
            .item(Ref::from_schema_name("SavedAnswer"))
            .item(job())
            .into()
    }
}

impl ToSchema for JobsBody {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((SavedAnswer::name().into_owned(), SavedAnswer::schema()));
        schemas.push((Draft::name().into_owned(), Draft::schema()));
        Draft::schemas(schemas);
    }
}

/// An answer of the list, as it was saved.
struct SavedAnswer;

impl PartialSchema for SavedAnswer {
    fn schema() -> RefOr<Schema> {
        let count = ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::Integer, Type::Null]))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .description(Some("Ignored."));
        ObjectBuilder::new()
            .description(Some("An answer of the list, as it was saved."))
            .property(
                "results",
                ArrayBuilder::new().items(Ref::from_schema_name("JobDraft")),
            )
            .required("results")
            .property("total_count", count)
            .into()
    }
}

impl ToSchema for SavedAnswer {}
