//! gRPC, asked by tonic's own client with the messages that reflection describes.

mod client;
// The server has messages as bytes, too.
#[path = "../../../src/grpc/codec.rs"]
mod codec;
mod conformance;
mod descriptor;
mod hostile;
mod notifications;
#[path = "../../cli/receiver.rs"]
mod receiver;
mod serving;
