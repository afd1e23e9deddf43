//! `GET /jobdeck/notifications`: who sees which rules, and nothing that is secret.

use serde_json::{Value, json};

use jobdeck::tokens::NewToken;

use crate::app::{App, Setup};

fn rules() -> String {
    let rule = |name: &str, domain: &str| {
        format!(
            "[[notify]]\nname = \"{name}\"\ndomain_id = \"{domain}\"\non = [\"stuck\", \"failed\"]\n\
             url = \"https://hooks.example/secret-path?secret-query\"\nheaders = {{ x-key = \"secret-value\" }}\n"
        )
    };
    rule("first", "d") + &rule("second", "e")
}

fn names(answer: &Value) -> Vec<&str> {
    let rules = answer["rules"].as_array().unwrap();
    rules
        .iter()
        .map(|rule| rule["name"].as_str().unwrap())
        .collect()
}

#[test]
fn without_a_file_there_are_no_rules() {
    let app = App::with_jobs("");
    let answer = app.get("/jobdeck/notifications");
    assert_eq!(answer.json(), json!({"rules": [], "deliveries": []}));
}

#[test]
fn a_rule_is_listed_without_its_secrets() {
    let app = App::serve(Setup {
        notify: Some(rules()),
        ..Setup::default()
    });
    let answer = app.get("/jobdeck/notifications");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(
        answer.json()["rules"][0],
        json!({
            "name": "first",
            "domain_id": "d",
            "on": ["failed", "stuck"],
            "host": "hooks.example",
            "headers": ["x-key"],
            "pending": 0,
            "delivered": 0,
            "failed": 0
        })
    );
    assert_eq!(names(&answer.json()), ["first", "second"]);
    assert!(!answer.text.contains("secret"), "{}", answer.text);
}

#[test]
fn a_token_of_a_domain_sees_its_rules_alone() {
    let (mut file, mut tokens) = (String::new(), Vec::new());
    for domain in ["*", "d", "e", "f"] {
        let NewToken { token, entry } = NewToken::generate(domain, false, None).unwrap();
        file.push_str(&entry);
        tokens.push(token);
    }
    let app = App::serve(Setup {
        notify: Some(rules()),
        tokens: Some(file),
        ..Setup::default()
    });
    let expected: [&[&str]; 4] = [&["first", "second"], &["first"], &["second"], &[]];
    for (token, expected) in tokens.iter().zip(expected) {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let answer = app.send("GET", "/jobdeck/notifications", &headers, None);
        assert_eq!(names(&answer.json()), expected);
    }
    assert_eq!(app.get("/jobdeck/notifications").status, 401);
}
