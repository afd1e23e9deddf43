//! The routes of gRPC, whose calls become requests within the process. Its messages have the shape of the seed.

super::handlers::handlers!(
    crate::job::Shape::Seed,
    GrpcList "listJobsGrpc",
    GrpcStat "statJobsGrpc",
    GrpcGet "getJobGrpc",
    GrpcAnalyze "analyzeJobsGrpc",
    GrpcDelete "deleteJobGrpc"
);
