//! The routes of the paths of the gateway of SpaceONE's console: `/inventory/job`.

super::handlers::handlers!(
    crate::job::Shape::Today,
    TodayList "listJobsToday",
    TodayStat "statJobsToday",
    TodayGet "getJobToday",
    TodayAnalyze "analyzeJobsToday",
    TodayDelete "deleteJobToday"
);
