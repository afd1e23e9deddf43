//! The limits and the names in the document are those of the code.

use serde_json::{Value, json};

use super::document::everything;

/// Every limit that the document states is the constant of the code.
#[test]
fn the_limits_in_the_document_are_those_of_the_code() {
    use jobdeck::mock::{MAX_ENTRIES, MAX_TEXT_BYTES};
    use jobdeck::query::limits;
    let schemas = &everything().0["components"]["schemas"];
    let number = |pointer: &str| {
        let found = schemas.pointer(pointer).and_then(Value::as_u64);
        usize::try_from(found.expect(pointer)).unwrap()
    };
    for (pointer, limit) in [
        ("/Query/properties/filter/maxItems", limits::MAX_CONDITIONS),
        (
            "/Query/properties/filter_or/maxItems",
            limits::MAX_CONDITIONS,
        ),
        ("/Query/properties/only/maxItems", limits::MAX_PATHS),
        (
            "/Sort/oneOf/0/properties/keys/maxItems",
            limits::MAX_SORT_KEYS,
        ),
        ("/Sort/oneOf/1/maxItems", limits::MAX_SORT_KEYS),
        (
            "/StatisticsQuery/properties/aggregate/maxItems",
            limits::MAX_STAGES,
        ),
        ("/Group/properties/keys/maxItems", limits::MAX_FIELDS),
        ("/Group/properties/fields/maxItems", limits::MAX_FIELDS),
        ("/GroupField/properties/fields/maxItems", limits::MAX_FIELDS),
        ("/Project/properties/fields/maxItems", limits::MAX_FIELDS),
        ("/Name/maxLength", limits::MAX_NAME_BYTES),
        (
            "/JobInfo/properties/job_id/maxLength",
            jobdeck::job::MAX_ID_BYTES,
        ),
        (
            "/JobInfo/properties/domain_id/maxLength",
            jobdeck::job::MAX_ID_BYTES,
        ),
        (
            "/JobInfo/properties/project_id/maxLength",
            jobdeck::job::MAX_ID_BYTES,
        ),
        (
            "/JobDraft/properties/job_id/maxLength",
            jobdeck::job::MAX_ID_BYTES,
        ),
        (
            "/JobDraft/properties/life/maxItems",
            jobdeck::job::MAX_STEPS,
        ),
        ("/Fault/properties/domain_id/maxLength", MAX_TEXT_BYTES),
        ("/Fault/properties/message/maxLength", MAX_TEXT_BYTES),
    ] {
        assert_eq!(number(pointer), limit, "{pointer}");
    }
    let document = everything();
    let journal = &document.0["paths"]["/jobdeck/journal"]["get"];
    let mut parameters = document.parameters(journal);
    let wait_for = parameters.find(|parameter| parameter["name"] == "wait_for");
    assert_eq!(wait_for.unwrap()["schema"]["maximum"], MAX_ENTRIES);
}

#[test]
fn every_field_of_a_job_is_a_path() {
    let document = everything();
    let path = document.named("JobPath");
    let fields = document.0["components"]["schemas"]["JobInfo"]["properties"].as_object();
    for field in fields.unwrap().keys() {
        assert!(path.is_valid(&json!(field)), "{field}");
        assert!(
            jobdeck::query::check::field::resolve(field, "").is_ok(),
            "{field}"
        );
    }
    assert!(!path.is_valid(&json!("stauts")) && !path.is_valid(&json!("filter..a")));
}
