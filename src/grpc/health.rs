//! The messages of `grpc.health.v1.Health`, which is served but not listed: a service of another package ends old clients.

use prost::Message;
use prost::bytes::Bytes;

/// The path of the one method: what watches a server asks again and again, and needs no stream.
pub(super) const CHECK: &str = "/grpc.health.v1.Health/Check";

/// Which service is asked about; none is the server.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    pub(super) service: String,
}

#[derive(Clone, PartialEq, Message)]
struct HealthCheckResponse {
    #[prost(enumeration = "ServingStatus", tag = "1")]
    status: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
enum ServingStatus {
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
}

/// Makes the message that says whether the server serves.
pub(super) fn message(is_serving: bool) -> Bytes {
    let mut answer = HealthCheckResponse::default();
    answer.set_status(if is_serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    });
    answer.encode_to_vec().into()
}
