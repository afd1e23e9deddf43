//! The handlers of one set of paths, which differ in their paths and in the shape of their jobs.

/// Makes the handlers `list`, `stat`, `get`, `analyze` and `delete` of five routes.
macro_rules! handlers {
    (
        $shape:expr, $list:ident $list_id:literal, $stat:ident $stat_id:literal, $get:ident $get_id:literal,
        $analyze:ident $analyze_id:literal, $delete:ident $delete_id:literal
    ) => {
        use actix_web::web::{Data, Payload};
        use actix_web::{HttpRequest, HttpResponse};

        use super::verbs;
        use crate::api::admission::Access;
        use crate::api::app::App;
        use crate::api::error::ApiError;
        use crate::api::schema::answers::{
            Analysis, JobOfToday, JobStats, JobsOfToday, Nothing,
        };
        use crate::api::schema::errors::{BodyErrors, NoSuch};
        use crate::api::schema::examples;
        use crate::query::request::{
            GetJobRequest, JobAnalyzeQuery, JobListQuery, JobRequest, JobStatisticsQuery,
        };
        use crate::route::Route;

        /// Lists jobs, as today's clients ask.
        ///
        /// The body may leave the domain out: the header `x-domain-id`, the token, or a mock with one domain gives it. Without a limit
        /// the answer holds every match, and is streamed.
        #[utoipa::path(
            post,
            path = Route::$list.path(),
            operation_id = $list_id,
            tag = "today",
            request_body(content = JobListQuery, description = "At most 1 MiB.", examples(
                ("tab" = (summary = "The newest failures", value = json!(examples::today_list()))),
                ("count" = (summary = "How many a collector has", value = json!(examples::today_count())))
            )),
            responses(
                (status = 200, description = "The jobs that match.", body = JobsOfToday, example = json!(examples::jobs_of_today())),
                BodyErrors
            )
        )]
        pub(in crate::api) async fn list(
            request: HttpRequest,
            app: Data<App>,
            access: Access,
            body: Payload,
        ) -> Result<HttpResponse, ApiError> {
            verbs::list(request, app, access, body, $shape).await
        }

        /// Computes statistics over jobs, as today's clients ask.
        #[utoipa::path(
            post,
            path = Route::$stat.path(),
            operation_id = $stat_id,
            tag = "today",
            request_body(content = JobStatisticsQuery, description = "At most 1 MiB.", example = json!(examples::stat_by_status())),
            responses(
                (status = 200, description = "The rows of the last stage, or the values.", body = JobStats,
                    example = json!(examples::stats_of_today())),
                BodyErrors
            )
        )]
        pub(in crate::api) async fn stat(
            request: HttpRequest,
            app: Data<App>,
            access: Access,
            body: Payload,
        ) -> Result<HttpResponse, ApiError> {
            verbs::stat(request, app, access, body, $shape).await
        }

        /// Answers one job.
        #[utoipa::path(
            post,
            path = Route::$get.path(),
            operation_id = $get_id,
            tag = "today",
            request_body(content = GetJobRequest, description = "At most 1 MiB.", example = json!(examples::today_get())),
            responses(
                (status = 200, description = "The job.", body = JobOfToday, example = json!(examples::job_of_today())),
                BodyErrors,
                NoSuch
            )
        )]
        pub(in crate::api) async fn get(
            request: HttpRequest,
            app: Data<App>,
            access: Access,
            body: Payload,
        ) -> Result<HttpResponse, ApiError> {
            verbs::get(request, app, access, body, $shape).await
        }

        /// Analyzes jobs: groups, with fields, an order, and a page.
        #[utoipa::path(
            post,
            path = Route::$analyze.path(),
            operation_id = $analyze_id,
            tag = "today",
            request_body(content = JobAnalyzeQuery, description = "At most 1 MiB.", examples(
                ("collectors" = (summary = "The jobs of each collector", value = json!(examples::analyze_collectors()))),
                ("totals" = (summary = "Jobs by provider, within them by status", value = json!(examples::analyze_totals())))
            )),
            responses(
                (status = 200, description = "The rows.", body = Analysis, example = json!(examples::analysis())),
                BodyErrors
            )
        )]
        pub(in crate::api) async fn analyze(
            request: HttpRequest,
            app: Data<App>,
            access: Access,
            body: Payload,
        ) -> Result<HttpResponse, ApiError> {
            verbs::analyze(request, app, access, body, $shape).await
        }

        /// Deletes one job.
        #[utoipa::path(
            post,
            path = Route::$delete.path(),
            operation_id = $delete_id,
            tag = "today",
            request_body(content = JobRequest, description = "At most 1 MiB.", example = json!(examples::today_delete())),
            responses(
                (status = 200, description = "The job is deleted.", body = Nothing, example = json!({})),
                BodyErrors,
                NoSuch
            )
        )]
        pub(in crate::api) async fn delete(
            request: HttpRequest,
            app: Data<App>,
            access: Access,
            body: Payload,
        ) -> Result<HttpResponse, ApiError> {
            verbs::delete(request, app, access, body).await
        }
    };
}

pub(super) use handlers;
