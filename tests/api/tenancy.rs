//! No query reaches another domain.

use serde_json::{Value, json};

use crate::app::{App, job};

#[test]
fn no_query_reaches_another_domain() {
    let secret = "\"status\":\"ERROR\",\"project_id\":\"secret\",\"errors\":[{\"error_code\":\"secret\"}],\
                  \"collector_info\":{\"collector_id\":\"secret\"},\"filter\":{\"secret\":1}";
    let app = App::with_jobs(job("mine", "a", "") + &job("secret", "b", secret));
    let tricks = [
        json!({"filter_or": [{"k": "domain_id", "v": "b", "o": "eq"}, {"k": "job_id", "v": "secret", "o": "eq"}]}),
        json!({"filter": [{"k": "domain_id", "v": "b", "o": "eq"}]}),
        json!({"filter": [{"k": "domain_id", "v": ["a", "b"], "o": "in"}]}),
        json!({"filter": [{"k": "job_id", "v": ".*", "o": "regex"}]}),
        json!({"filter": [{"k": "status", "v": "x' OR '1'='1", "o": "not"}]}),
        json!({"keyword": "secret mine"}),
        json!({"sort": {"key": "filter.secret"}, "page": {"start": 1, "limit": 100}}),
    ];
    for query in &tricks {
        let answer = app.search(&json!({"domain_id": "a", "query": query}));
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(!answer.text.contains("secret"), "{query}: {}", answer.text);
        assert!(
            answer.json()["total_count"].as_u64().unwrap() <= 1,
            "{query}"
        );
    }
    let group = |key: &str| json!({"group": {"keys": [{"key": key, "name": "k"}], "fields": [{"name": "n", "operator": "count"}]}});
    let questions: Vec<Value> = [
        "domain_id",
        "status",
        "project_id",
        "collector_id",
        "errors.error_code",
        "filter",
    ]
    .into_iter()
    .flat_map(|key| [json!({"aggregate": [group(key)]}), json!({"distinct": key})])
    .chain([json!({"aggregate": [{"unwind": {"path": "errors"}}, {"count": {"name": "n"}}]})])
    .collect();
    for question in &questions {
        for filter in [json!([]), json!([{"k": "domain_id", "v": "b", "o": "eq"}])] {
            let mut query = question.clone();
            query["filter_or"] = filter;
            let answer = app.stat(&json!({"domain_id": "a", "query": query}));
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert!(
                !answer.text.contains("secret") && !answer.text.contains("\"b\""),
                "{query}: {}",
                answer.text
            );
        }
    }
}
