//! A client that knows nothing of the messages but what the server's reflection says.

use std::time::Duration;

use prost_reflect::prost::Message;
use prost_reflect::prost::bytes::Bytes;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions,
};
use serde_json::Value;
use tokio::runtime::Runtime;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::tokio_stream;
use tonic::metadata::{MetadataKey, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use super::codec::BytesCodec;
use crate::app::App;

pub(super) const JOB: &str = "spaceone.api.inventory.v1.Job";

/// A connection to a server, with what its reflection says.
pub(super) struct Client {
    pub(super) runtime: Runtime,
    pub(super) channel: Channel,
    pub(super) pool: DescriptorPool,
}

impl Client {
    /// Connects to a server, and reads its descriptor.
    pub(super) fn connect(app: &App) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let channel = runtime.block_on(connect(app));
        let files = [
            "google/protobuf/struct.proto",
            "google/protobuf/empty.proto",
            "spaceone/api/core/v1/query.proto",
            "spaceone/api/inventory/v1/collector.proto",
            "spaceone/api/inventory/v1/job.proto",
        ];
        let files = files.map(|name| MessageRequest::FileByFilename(name.to_owned()));
        let answers = runtime.block_on(reflect(channel.clone(), files.into()));
        let mut pool = DescriptorPool::new();
        for answer in answers.unwrap() {
            pool.add_file_descriptor_proto(file(answer)).unwrap();
        }
        Self {
            runtime,
            channel,
            pool,
        }
    }

    /// The message that a method takes, and the one that it answers.
    pub(super) fn messages(&self, method: &str) -> (MessageDescriptor, MessageDescriptor) {
        let service = self.pool.get_service_by_name(JOB).unwrap();
        let method = service.methods().find(|one| one.name() == method).unwrap();
        (method.input(), method.output())
    }

    /// Makes the message that JSON means; an error where no message can.
    pub(super) fn request(&self, method: &str, json: &Value) -> Result<Bytes, String> {
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let message =
            DynamicMessage::deserialize_with_options(self.messages(method).0, json, &options);
        message
            .map(|message| message.encode_to_vec().into())
            .map_err(|error| error.to_string())
    }

    /// Calls a method with a JSON request; answers JSON without members that have their defaults, as clients show it.
    pub(super) fn call(&self, method: &str, json: &Value) -> Result<Value, Status> {
        self.call_with(method, json, &[])
    }

    /// The same, with metadata.
    pub(super) fn call_with(
        &self,
        method: &str,
        json: &Value,
        metadata: &[(&str, &str)],
    ) -> Result<Value, Status> {
        let message = self.request(method, json).unwrap();
        let path = format!("/{JOB}/{method}");
        let answer =
            self.runtime
                .block_on(unary(self.channel.clone(), &path, message, metadata))?;
        let answer = answer.into_inner();
        let message = DynamicMessage::decode(self.messages(method).1, answer).unwrap();
        Ok(shown(&message))
    }

    /// What a client shows of an answer by REST: what the message of a method carries of it.
    pub(super) fn shown_of(&self, method: &str, rest: &Value) -> Value {
        // Members that no field is for are dropped.
        let options = DeserializeOptions::new().deny_unknown_fields(false);
        let message =
            DynamicMessage::deserialize_with_options(self.messages(method).1, rest, &options);
        shown(&message.unwrap_or_else(|error| panic!("{error}: {rest}")))
    }
}

fn shown(message: &DynamicMessage) -> Value {
    let options = SerializeOptions::new().use_proto_field_name(true);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap()
}

/// Connects to a server.
pub(super) async fn connect(app: &App) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", app.grpc.unwrap())).unwrap();
    endpoint
        .connect_timeout(Duration::from_secs(30))
        .connect()
        .await
        .unwrap()
}

/// Sends a message to a path, whatever it is.
pub(super) async fn unary(
    channel: Channel,
    path: &str,
    message: Bytes,
    metadata: &[(&str, &str)],
) -> Result<Response<Bytes>, Status> {
    let mut client = Grpc::new(channel).max_decoding_message_size(usize::MAX);
    client.ready().await.unwrap();
    let mut request = Request::new(message);
    for (key, value) in metadata {
        request.metadata_mut().append(
            MetadataKey::from_bytes(key.as_bytes()).unwrap(),
            MetadataValue::try_from(*value).unwrap(),
        );
    }
    let path = PathAndQuery::try_from(path).unwrap();
    client.unary(request, path, BytesCodec).await
}

/// Asks reflection, all in one stream; the answers come in the order of the questions.
pub(super) async fn reflect(
    channel: Channel,
    questions: Vec<MessageRequest>,
) -> Result<Vec<MessageResponse>, Status> {
    let requests = questions
        .into_iter()
        .map(|question| ServerReflectionRequest {
            host: String::new(),
            message_request: Some(question),
        });
    let requests = tokio_stream::iter(requests.collect::<Vec<_>>());
    let mut client = ServerReflectionClient::new(channel);
    let mut stream = client.server_reflection_info(requests).await?.into_inner();
    let mut answers = Vec::new();
    while let Some(answer) = stream.message().await? {
        answers.push(answer.message_response.unwrap());
    }
    Ok(answers)
}

/// The one file of an answer.
pub(super) fn file(answer: MessageResponse) -> FileDescriptorProto {
    match answer {
        MessageResponse::FileDescriptorResponse(mut answer) => {
            let bytes = answer.file_descriptor_proto.pop().unwrap();
            FileDescriptorProto::decode(bytes.as_slice()).unwrap()
        }
        other => panic!("no file: {other:?}"),
    }
}

/// A status as a text, `INVALID_ARGUMENT ERROR_DB_QUERY: …`.
pub(super) fn text(status: &Status) -> String {
    format!("{:?} {}", status.code(), status.message())
}
