//! The routes of the paths of SpaceONE's proto files: `/inventory/v1/job`.

super::handlers::handlers!(
    crate::job::Shape::Today,
    ProtoList "listJobsTodayV1",
    ProtoStat "statJobsTodayV1",
    ProtoGet "getJobTodayV1",
    ProtoAnalyze "analyzeJobsTodayV1",
    ProtoDelete "deleteJobTodayV1"
);
