//! The methods of the service `Job`: their routes, and how their messages become JSON and back.

use std::ops::Range;

use prost::Message;
use prost::bytes::Bytes;
use serde::Serialize;
use serde::de::Error;

use super::messages::{JobStatQuery, JobsQuery, MessageCaches, Struct, structure, transcode};
use crate::route::Route;

/// A method of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    List,
    Stat,
    Get,
    Analyze,
    Delete,
}

impl Method {
    pub(super) const ALL: [Self; 5] = [
        Self::List,
        Self::Stat,
        Self::Get,
        Self::Analyze,
        Self::Delete,
    ];

    /// Returns the route that answers the method.
    fn route(self) -> Route {
        match self {
            Self::List => Route::GrpcList,
            Self::Stat => Route::GrpcStat,
            Self::Get => Route::GrpcGet,
            Self::Analyze => Route::GrpcAnalyze,
            Self::Delete => Route::GrpcDelete,
        }
    }

    /// Returns the path of the method, which is that of its route.
    pub(super) fn path(self) -> &'static str {
        self.route().path()
    }

    /// Finds the method of a path.
    pub(super) fn find(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.path() == path)
    }

    /// Turns a request into the JSON that its route takes.
    ///
    /// # Errors
    /// Why the message can't be decoded.
    pub(super) fn to_json(self, message: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::List => to_json::<JobsQuery>(message),
            Self::Stat => to_json::<JobStatQuery>(message),
            // The descriptor has them with a Struct, since old clients fail where they meet a message that they don't know.
            Self::Get | Self::Analyze | Self::Delete => to_json::<Struct>(message),
        }
    }

    /// Turns the JSON of an answer into a message, with the places of the jobs of a list.
    ///
    /// # Errors
    /// Where it is not the JSON of such an answer, which is a defect.
    pub(super) fn to_message(
        self,
        json: &[u8],
        jobs: &[Range<usize>],
        caches: &MessageCaches,
    ) -> Result<Bytes, serde_json::Error> {
        // Checked here all at once, which takes much less time than a check of each string.
        let json = std::str::from_utf8(json).map_err(serde_json::Error::custom)?;
        match self {
            Self::List => transcode::list(json, jobs, caches),
            Self::Get => transcode::job(json, caches),
            Self::Stat | Self::Analyze => structure::message(json),
            // The message without fields.
            Self::Delete => Ok(Bytes::new()),
        }
    }
}

fn to_json<M: Message + Default + Serialize>(message: &[u8]) -> Result<Vec<u8>, String> {
    let message = M::decode(message).map_err(|error| error.to_string())?;
    let mut json = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut json);
    serde_path_to_error::serialize(&message, &mut serializer).map_err(|error| {
        let path = error.path().to_string();
        format!("{path}: {}", error.into_inner())
    })?;
    Ok(json)
}
