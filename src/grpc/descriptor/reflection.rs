//! Reflection in its two versions: clients of SpaceONE ask `v1alpha`, other tools `v1`.

use std::sync::Arc;

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic_reflection::server::{Builder, Error};

use super::files::files;

/// Answers a request for reflection.
pub(in crate::grpc) type Reflect = dyn Fn(http::Request<Body>) -> Answering + Send + Sync;
type Answering = BoxFuture<http::Response<Body>, std::convert::Infallible>;

/// The services of reflection, neither of which is listed: a file that is not named by its package ends clients of 1.x.
#[derive(Clone)]
pub(in crate::grpc) struct Reflection {
    v1: Arc<Reflect>,
    v1alpha: Arc<Reflect>,
}

impl Reflection {
    /// Makes the services from the descriptor.
    ///
    /// # Errors
    /// Where the descriptor is no descriptor, which is a defect.
    pub(in crate::grpc) fn new() -> Result<Self, Error> {
        let builder = || {
            Builder::configure()
                .register_file_descriptor_set(files())
                .include_reflection_service(false)
        };
        let (v1, v1alpha) = (builder().build_v1()?, builder().build_v1alpha()?);
        Ok(Self {
            v1: Arc::new(move |request| v1.clone().call(request)),
            v1alpha: Arc::new(move |request| v1alpha.clone().call(request)),
        })
    }

    /// Finds the service of a path.
    pub(in crate::grpc) fn find(&self, path: &str) -> Option<&Reflect> {
        match path {
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo" => Some(&*self.v1),
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo" => {
                Some(&*self.v1alpha)
            }
            _ => None,
        }
    }
}
