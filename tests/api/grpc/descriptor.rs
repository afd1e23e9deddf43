//! The rules of the descriptor, each of which some client of SpaceONE needs.

use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{Cardinality, Kind};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use super::client::{Client, JOB, connect, file, reflect};
use crate::app::{App, Setup};

fn app() -> App {
    App::serve(Setup {
        has_grpc: true,
        ..Setup::default()
    })
}

#[test]
fn services_are_listed_whose_file_begins_with_their_package() {
    let app = app();
    let client = Client::connect(&app);
    let ask = |questions| {
        client
            .runtime
            .block_on(reflect(client.channel.clone(), questions))
    };
    let answers = ask(vec![MessageRequest::ListServices(String::new())]).unwrap();
    let [MessageResponse::ListServicesResponse(services)] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    let mut names: Vec<_> = services
        .service
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["spaceone.api.inventory.v1.Collector", JOB]);

    let symbols = names
        .iter()
        .map(|name| MessageRequest::FileContainingSymbol((*name).to_owned()));
    for answer in ask(symbols.collect()).unwrap() {
        let found = file(answer);
        let folder = found.package().replace('.', "/");
        assert!(found.name().starts_with(&folder), "{}", found.name());
        check_dependencies(&found, &ask);
    }
}

/// Every file that another needs is there by its name.
fn check_dependencies(
    file_with: &FileDescriptorProto,
    ask: &impl Fn(Vec<MessageRequest>) -> Result<Vec<MessageResponse>, tonic::Status>,
) {
    for name in &file_with.dependency {
        let answers = ask(vec![MessageRequest::FileByFilename(name.clone())]).unwrap();
        let needed = file(answers.into_iter().next().unwrap());
        assert_eq!(needed.name(), name);
        check_dependencies(&needed, ask);
    }
}

#[test]
fn jobs_are_described_where_old_clients_look_and_as_new_ones_send() {
    let app = app();
    let client = Client::connect(&app);
    let pool = &client.pool;
    for name in ["JobInfo", "CollectorInfo", "PluginInfo", "ErrorInfo"] {
        let message = pool
            .get_message_by_name(&format!("spaceone.api.inventory.v1.{name}"))
            .unwrap();
        let file = message.parent_file();
        assert_eq!(
            file.name(),
            "spaceone/api/inventory/v1/collector.proto",
            "{name}"
        );
    }
    for method in ["get", "analyze", "delete"] {
        let (request, _) = client.messages(method);
        assert_eq!(request.full_name(), "google.protobuf.Struct", "{method}");
    }
    let query = pool
        .get_message_by_name("spaceone.api.core.v1.Query")
        .unwrap();
    let sort = query.get_field_by_name("sort").unwrap();
    assert_eq!(sort.cardinality(), Cardinality::Repeated);
    assert!(matches!(sort.kind(), Kind::Message(message) if message.name() == "Sort"));
    let stage = pool
        .get_message_by_name("spaceone.api.core.v1.StatisticsAggregate")
        .unwrap();
    let sort = stage.get_field_by_name("sort").unwrap();
    assert_eq!(sort.cardinality(), Cardinality::Optional);
    let statuses = [
        "spaceone.api.inventory.v1.JobsQuery.JobStatus",
        "spaceone.api.inventory.v1.JobInfo.Status",
    ];
    for (name, none) in statuses.into_iter().zip(["JOB_STATE_NONE", "NONE"]) {
        let status = pool.get_enum_by_name(name).unwrap();
        let names: Vec<_> = status
            .values()
            .map(|value| value.name().to_owned())
            .collect();
        assert_eq!(
            names,
            [
                none,
                "CREATED",
                "CANCELED",
                "IN_PROGRESS",
                "SUCCESS",
                "ERROR",
                "TIMEOUT"
            ]
        );
    }
}

#[test]
fn both_versions_of_reflection_answer_many_questions_of_one_stream_in_their_order() {
    use tonic_reflection::pb::v1alpha;
    let app = app();
    let client = Client::connect(&app);
    let names = [
        "google/protobuf/empty.proto",
        "google/protobuf/struct.proto",
    ];
    let questions = names.map(|name| MessageRequest::FileByFilename(name.to_owned()));
    let answers = client
        .runtime
        .block_on(reflect(client.channel.clone(), questions.into()));
    let found = answers
        .unwrap()
        .into_iter()
        .map(|answer| file(answer).name().to_owned());
    assert_eq!(found.collect::<Vec<_>>(), names);

    let alpha = client.runtime.block_on(async {
        let channel = connect(&app).await;
        let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
        let question = v1alpha::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(
                v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
            ),
        };
        let stream = client
            .server_reflection_info(tonic::codegen::tokio_stream::once(question))
            .await;
        stream
            .unwrap()
            .into_inner()
            .message()
            .await
            .unwrap()
            .unwrap()
    });
    assert!(format!("{alpha:?}").contains(JOB), "{alpha:?}");
    let unknown = MessageRequest::FileContainingSymbol("no.such.Symbol".to_owned());
    let refused = client
        .runtime
        .block_on(reflect(client.channel.clone(), vec![unknown]));
    assert_eq!(refused.unwrap_err().code(), tonic::Code::NotFound);
}
