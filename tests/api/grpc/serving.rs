//! What holds for REST holds here: tokens, faults, journal, metrics, ids of requests, deadlines, and the end of the server.

use std::time::Duration;

use jobdeck::mock::MockConfig;
use jobdeck::tokens::NewToken;
use prost_reflect::prost::bytes::Bytes;
use serde_json::{Value, json};
use tonic::Code;

use super::client::{Client, JOB, connect, text, unary};
use crate::app::{App, Setup, job};
use crate::metrics::Metrics;
use crate::streaming::endless;

const LIST: &str = "/spaceone.api.inventory.v1.Job/list";

fn mock(jobs: String) -> App {
    App::serve(Setup {
        jobs,
        mock: Some(MockConfig::default()),
        has_grpc: true,
        ..Setup::default()
    })
}

fn fault(app: &App, fault: &Value) {
    let added = app.post("/jobdeck/faults", fault);
    assert_eq!(added.status, 201, "{}", added.text);
}

/// A count of the jobs of a domain.
fn count() -> Value {
    json!({"domain_id": "d", "query": {"count_only": true}})
}

#[test]
fn get_analyze_and_delete_answer_as_by_rest() {
    let app = mock(job("j", "d", "\"total_tasks\":3") + &job("k", "d", ""));
    let client = Client::connect(&app);
    let one = json!({"domain_id": "d", "job_id": "j"});
    let search = app.search(&one).json();
    assert_eq!(
        client.call("get", &one).unwrap(),
        client.shown_of("get", &search["results"][0])
    );
    let counts = json!({"domain_id": "d", "query": {"group_by": ["status"], "fields": {"n": {"operator": "count"}}}});
    assert_eq!(
        client.call("analyze", &counts).unwrap(),
        json!({"results": [{"status": "CREATED", "n": 2.0}]})
    );
    assert_eq!(client.call("delete", &one).unwrap(), json!({}));
    let missing = client.call("get", &one).unwrap_err();
    assert_eq!(
        text(&missing),
        "NotFound ERROR_NOT_FOUND: there is no job `j` in domain `d`"
    );
    let read_only = App::serve(Setup {
        jobs: job("j", "d", ""),
        has_grpc: true,
        ..Setup::default()
    });
    let refused = Client::connect(&read_only)
        .call("delete", &one)
        .unwrap_err();
    assert!(text(&refused).contains("--writable"), "{refused}");
    assert_eq!(read_only.search(&one).json()["total_count"], 1);
}

/// Messages of jobs are cached.
#[test]
fn a_list_has_what_was_written_since_the_last_one() {
    let app = mock(job("j", "d", "\"total_tasks\":3") + &job("k", "d", ""));
    let client = Client::connect(&app);
    let lists = [json!({}), json!({"only": ["job_id", "status"]})];
    let check = || {
        for query in &lists {
            let request = json!({"domain_id": "d", "query": query});
            let rest = app.search(&request).json();
            assert_eq!(
                rest["total_count"],
                rest["results"].as_array().unwrap().len()
            );
            for _ in 0..2 {
                let listed = client.call("list", &request).unwrap();
                assert_eq!(listed, client.shown_of("list", &rest));
            }
        }
    };
    check();
    for written in [
        job("j", "d", "\"total_tasks\":4"),
        job("l", "d", "\"status\":\"SUCCESS\""),
    ] {
        app.import(written);
        check();
    }
    client
        .call("delete", &json!({"domain_id": "d", "job_id": "k"}))
        .unwrap();
    check();
}

#[test]
fn a_token_is_needed_where_rest_needs_one_and_names_the_domain() {
    let tokens = ["d", "e"].map(|domain| NewToken::generate(domain, true, None).unwrap());
    let app = App::serve(Setup {
        jobs: job("j", "d", "") + &job("k", "e", "") + &job("l", "e", ""),
        tokens: Some(tokens.each_ref().map(|one| one.entry.as_str()).join("\n")),
        has_grpc: true,
        ..Setup::default()
    });
    let client = Client::connect(&app);
    let none = client.call("list", &count()).unwrap_err();
    assert_eq!(none.code(), Code::Unauthenticated);
    assert!(
        none.message().starts_with("ERROR_AUTHENTICATE_FAILURE: "),
        "{none}"
    );
    let wrong = client.call_with("list", &count(), &[("token", "wrong")]);
    assert_eq!(wrong.unwrap_err().code(), Code::Unauthenticated);
    let [own, other] = tokens.each_ref().map(|one| [("token", one.token.as_str())]);
    let answer = client.call_with("list", &count(), &own).unwrap();
    assert_eq!(answer, json!({"total_count": 1}));
    let denied = client.call_with("list", &count(), &other).unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    assert!(
        denied.message().starts_with("ERROR_PERMISSION_DENIED: "),
        "{denied}"
    );
    let unnamed = json!({"query": {"count_only": true}});
    let answer = client.call_with("list", &unnamed, &other).unwrap();
    assert_eq!(answer, json!({"total_count": 2}));
    let named = [other[0], ("x_domain_id", "d")];
    let denied = client.call_with("list", &unnamed, &named).unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let twice = [own[0], other[0]];
    let refused = client.call_with("list", &count(), &twice).unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[test]
fn the_domain_may_be_metadata() {
    let app = mock(job("j", "d", "") + &job("k", "e", ""));
    let client = Client::connect(&app);
    let unnamed = json!({"query": {"count_only": true}});
    let missing = client.call("list", &unnamed).unwrap_err();
    assert_eq!(
        text(&missing),
        "InvalidArgument ERROR_REQUIRED_PARAMETER: Required parameter. (key = domain_id)"
    );
    let answer = client.call_with("list", &unnamed, &[("x_domain_id", "e")]);
    assert_eq!(answer.unwrap(), json!({"total_count": 1}));
}

#[test]
fn faults_are_injected_by_the_name_of_the_route() {
    let app = mock(job("j", "d", ""));
    let client = Client::connect(&app);
    for (fault_of, expected) in [
        (json!({"code": 503}), Code::Unavailable),
        (json!({"code": 409}), Code::AlreadyExists),
        (
            json!({"code": "ERROR_AUTHENTICATE_FAILURE"}),
            Code::Unauthenticated,
        ),
    ] {
        let mut given = json!({"route": "list", "times": 1});
        given
            .as_object_mut()
            .unwrap()
            .extend(fault_of.as_object().unwrap().clone());
        fault(&app, &given);
        let refused = client.call("list", &count()).unwrap_err();
        assert_eq!(refused.code(), expected, "{refused}");
        assert!(refused.message().starts_with("ERROR_"), "{refused}");
    }
    fault(&app, &json!({"route": "list", "times": 1, "truncate": 5}));
    let cut = client.call("list", &count()).unwrap_err();
    assert!(
        text(&cut).starts_with("Unavailable ERROR_UNAVAILABLE: the answer broke off"),
        "{cut}"
    );
    fault(&app, &json!({"route": "list", "times": 1, "drop": true}));
    let dropped = client.call("list", &count()).unwrap_err();
    assert!(
        !dropped.message().starts_with("ERROR_"),
        "no answer: {dropped}"
    );
    let answer = client.call("list", &count()).unwrap();
    assert_eq!(
        answer,
        json!({"total_count": 1}),
        "the channel connects again"
    );

    fault(&app, &json!({"route": "stat", "hold": true}));
    let body = json!({"domain_id": "d", "query": {"distinct": "job_id"}});
    let held = std::thread::scope(|scope| {
        let call = scope.spawn(|| client.call("stat", &body));
        let fault = loop {
            let fault = app.get("/jobdeck/faults").json()["results"]
                .as_array()
                .unwrap()
                .last()
                .unwrap()
                .clone();
            if fault["holding"] != 0 {
                break fault;
            }
        };
        let release = format!("/jobdeck/faults/{}/release", fault["id"].as_str().unwrap());
        assert_eq!(app.send("POST", &release, &[], None).json()["released"], 1);
        call.join().unwrap()
    });
    assert_eq!(held.unwrap(), json!({"results": ["j"]}));
}

#[test]
fn journal_and_metrics_have_the_call_and_the_client_its_id() {
    let app = mock(job("j", "d", ""));
    let client = Client::connect(&app);
    let message = client.request("list", &count()).unwrap();
    let id = [("transaction_id", "transaction-1")];
    let answer = client
        .runtime
        .block_on(unary(client.channel.clone(), LIST, message, &id))
        .unwrap();
    assert_eq!(
        answer.metadata().get("x-request-id").unwrap(),
        "transaction-1"
    );
    let journal = app.get("/jobdeck/journal").json();
    let entry = &journal["results"][0];
    for (member, expected) in [
        ("path", json!(LIST)),
        ("route", json!("list")),
        ("domain_id", json!("d")),
        ("request_id", json!("transaction-1")),
        ("status", json!(200)),
        ("body", count()),
    ] {
        assert_eq!(entry[member], expected, "{member} of {entry}");
    }
    let metrics = Metrics::of(&app);
    metrics.check(
        &format!("jobdeck_http_requests_total{{route=\"{LIST}\",method=\"POST\",status=\"200\"}}"),
        1.0,
    );
    metrics.check("jobdeck_grpc_connections", 1.0);
    drop(client);
    Metrics::wait_for(&app, "jobdeck_grpc_connections", 0.0);
}

#[test]
fn health_is_answered_though_it_is_not_listed() {
    let app = mock(String::new());
    let client = Client::connect(&app);
    let check = |service: &str| {
        let mut message = Vec::new();
        if !service.is_empty() {
            message.extend([10, u8::try_from(service.len()).unwrap()]);
            message.extend(service.bytes());
        }
        let path = "/grpc.health.v1.Health/Check";
        let answer = unary(client.channel.clone(), path, message.into(), &[]);
        client
            .runtime
            .block_on(answer)
            .map(tonic::Response::into_inner)
    };
    // The field `status` is SERVING.
    let serving = Bytes::from_static(&[8, 1]);
    assert_eq!(check("").unwrap(), serving);
    assert_eq!(check(JOB).unwrap(), serving);
    assert_eq!(check("other").unwrap_err().code(), Code::NotFound);
}

#[test]
fn a_method_that_there_is_not_is_unimplemented() {
    let app = mock(String::new());
    let client = Client::connect(&app);
    for path in [
        "/spaceone.api.inventory.v1.Job/create",
        "/a",
        "/grpc.health.v1.Health/Watch",
    ] {
        let answer = unary(client.channel.clone(), path, Bytes::new(), &[]);
        let refused = client.runtime.block_on(answer).unwrap_err();
        assert_eq!(refused.code(), Code::Unimplemented, "{refused}");
        assert!(
            refused.message().starts_with("ERROR_NOT_FOUND: "),
            "{refused}"
        );
    }
}

#[test]
fn the_query_of_a_client_that_leaves_ends() {
    const BY_CLIENT: &str = "jobdeck_queries_stopped_total{by=\"client\"}";
    let app = App::serve(Setup {
        jobs: job("j", "d", "\"filter\":{\"x\":[1,2,3]}"),
        query_timeout: Duration::from_mins(1),
        has_grpc: true,
        ..Setup::default()
    });
    let client = Client::connect(&app);
    let message = client.request("stat", &endless()).unwrap();
    let path = format!("/{JOB}/stat");
    let channel = client.channel.clone();
    let call = client
        .runtime
        .spawn(async move { unary(channel, &path, message, &[]).await });
    Metrics::wait_for(&app, "jobdeck_readers_busy", 1.0);
    call.abort();
    Metrics::wait_for(&app, BY_CLIENT, 1.0);
}

#[test]
fn a_query_past_its_deadline_is_answered_so() {
    let app = App::serve(Setup {
        jobs: job("j", "d", "\"filter\":{\"x\":[1,2,3]}"),
        query_timeout: Duration::from_millis(50),
        has_grpc: true,
        ..Setup::default()
    });
    let late = Client::connect(&app).call("stat", &endless()).unwrap_err();
    assert_eq!(
        text(&late),
        "DeadlineExceeded ERROR_REQUEST_TIMEOUT: the query ran past its deadline and was stopped"
    );
}

#[test]
fn a_server_that_stops_answers_what_was_asked() {
    let app = mock(job("j", "d", ""));
    let client = Client::connect(&app);
    fault(&app, &json!({"route": "list", "hold": true}));
    let (message, path) = (client.request("list", &count()).unwrap(), LIST.to_owned());
    let (channel, idle) = (
        client.channel.clone(),
        client.runtime.block_on(connect(&app)),
    );
    let call = client
        .runtime
        .spawn(async move { unary(channel, &path, message, &[]).await });
    let held = || app.get("/jobdeck/faults").json()["results"][0]["holding"].clone();
    while held() == 0 {
        std::thread::yield_now();
    }
    // A server that stops releases what a mock holds.
    let stopping = std::thread::spawn(move || app.stop());
    let answer = client.runtime.block_on(call).unwrap().unwrap().into_inner();
    assert!(!answer.is_empty());
    drop(idle);
    stopping.join().unwrap();
}
