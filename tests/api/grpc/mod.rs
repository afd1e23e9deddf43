//! gRPC, asked by tonic's own client with the messages that reflection describes.

mod client;
mod conformance;
mod descriptor;
mod hostile;
mod serving;
