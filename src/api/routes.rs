//! Binds each row of the table of routes to its handler and to what the OpenAPI document says of it.

use actix_web::guard::fn_guard;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use utoipa::OpenApi;

use super::access_log::Pattern;
use super::app::{App, Switches};
use super::error::ApiError;
use super::nearest::{elsewhere, nearest};
use super::{
    about, clock, events::stream, export, faults, jobs, journal, monitor::notifications,
    monitor::probes, openapi, overview, snapshots, statistics, today, write,
};
use crate::route::{Audience, Route, Switch};

/// Binds every route once: the compiler refuses a row without a handler.
macro_rules! handlers {
    ($($route:ident: $($module:ident)::+),+ $(,)?) => {
        fn handler(route: Route) -> actix_web::Route {
            match route {
                $(Route::$route => web::to($($module)::+)),+
            }
        }

        /// Describes a route: one operation, whose path and methods the table has, and the schemas that it refers to.
        pub(super) fn describe(route: Route) -> utoipa::openapi::OpenApi {
            match route {
                $(Route::$route => {
                    #[derive(OpenApi)]
                    #[openapi(paths($($module)::+))]
                    struct Described;
                    Described::openapi()
                }),+
            }
        }
    };
}

handlers! {
    ListJobs: jobs::list,
    SearchJobs: jobs::search,
    StatJobs: jobs::stat,
    StatWithPercentiles: statistics::stat,
    ExportJobs: export::export,
    Overview: overview::overview,
    Events: stream::events,
    ListDomains: about::domains,
    About: about::about,
    Notifications: notifications::list,
    Healthz: probes::healthz,
    Check: probes::check,
    Metrics: probes::metrics,
    OpenApi: openapi::get,
    PutJob: write::put,
    PatchJob: write::patch,
    DeleteJob: write::delete,
    AddJobs: write::add,
    DeleteJobs: write::delete_domain,
    TodayList: today::gateway::list,
    TodayStat: today::gateway::stat,
    TodayGet: today::gateway::get,
    TodayAnalyze: today::gateway::analyze,
    TodayDelete: today::gateway::delete,
    ProtoList: today::proto::list,
    ProtoStat: today::proto::stat,
    ProtoGet: today::proto::get,
    ProtoAnalyze: today::proto::analyze,
    ProtoDelete: today::proto::delete,
    GrpcList: today::grpc::list,
    GrpcStat: today::grpc::stat,
    GrpcGet: today::grpc::get,
    GrpcAnalyze: today::grpc::analyze,
    GrpcDelete: today::grpc::delete,
    Suggest: today::console::suggest,
    ConsoleReflection: today::console::reflection,
    Reflection: today::console::reflection_by_post,
    Reset: snapshots::reset,
    ListSnapshots: snapshots::list,
    SaveSnapshot: snapshots::save,
    ForgetSnapshot: snapshots::forget,
    RestoreSnapshot: snapshots::restore,
    GetClock: clock::get,
    SetClock: clock::set,
    ResetClock: clock::reset,
    AdvanceClock: clock::advance,
    ListFaults: faults::list,
    AddFault: faults::add,
    ClearFaults: faults::clear,
    ClearFault: faults::remove,
    ReleaseFault: faults::release,
    ReadJournal: journal::read,
    ClearJournal: journal::clear,
}

/// Registers the routes that a server with these switches has: a resource a path.
pub(crate) fn register(config: &mut web::ServiceConfig, switches: Switches) {
    // What answers a request without a route knows by them which routes there are.
    config.app_data(switches);
    let mut routes: Vec<Route> = Route::ALL.to_vec();
    routes.retain(|route| switches.bring(*route));
    while let Some(first) = routes.first().copied() {
        let is_same = |route: &mut Route| route.path() == first.path();
        let same: Vec<Route> = routes.extract_if(.., is_same).collect();
        config.service(resource(&same));
    }
}

/// Makes the resource of routes that share a path; any other method is answered with those that are allowed.
fn resource(routes: &[Route]) -> actix_web::Resource {
    let path = routes.first().map_or("", |route| route.path());
    let methods: Vec<_> = routes.iter().flat_map(|route| route.methods()).collect();
    let allow = methods
        .iter()
        .map(|method| **method)
        .collect::<Vec<_>>()
        .join(", ");
    let resource = web::resource(path).app_data(Pattern(path));
    let resource = routes.iter().fold(resource, |resource, &route| {
        let has_method = fn_guard(move |context| route.has_method(context.head().method.as_str()));
        resource.route(handler(route).guard(has_method))
    });
    resource.default_service(web::to(move |request: HttpRequest| {
        let response = method_not_allowed(&request, &allow);
        async move { response }
    }))
}

/// Answers a method that a path does not have; `allow` lists those that it has.
pub(crate) fn method_not_allowed(request: &HttpRequest, allow: &str) -> HttpResponse {
    let hint = elsewhere(request.method(), request.path());
    ApiError::MethodNotAllowed {
        method: request.method().to_string(),
        allow: allow.to_owned(),
        hint: hint.map_or_else(String::new, |hint| format!("; {hint}")),
    }
    .error_response()
}

/// Answers a request without a route, and says so where a switch would bring the route.
pub(crate) async fn not_found(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let route = Route::find(request.method().as_str(), request.path());
    let needed = match Audience::of(request.path()) {
        Audience::Control => Switch::Mock,
        _ => route.map_or(Switch::Always, Route::switch),
    };
    let path = request.path().chars().take(200).collect();
    let switches = request.app_data::<Switches>().copied();
    let switches = switches.unwrap_or_else(|| app.switches());
    match needed {
        Switch::Mock if app.mock.is_none() => ApiError::NeedsSwitch {
            path,
            switch: "--mock",
        },
        Switch::Writable if !app.is_writable => ApiError::NeedsSwitch {
            path,
            switch: "--writable",
        },
        Switch::WritableGrpc if switches.has_grpc && !app.is_writable => ApiError::NeedsSwitch {
            path,
            switch: "--writable",
        },
        _ => ApiError::NotFound {
            path,
            hint: meant(&request, switches),
        },
    }
    .error_response()
}

/// Says what a request without a route may have meant.
fn meant(request: &HttpRequest, switches: Switches) -> String {
    let (method, path) = (request.method().as_str(), request.path());
    if let Some(route) = Route::with_empty_parameter(method, path) {
        let path = route.path();
        let parameter = path.find('{').zip(path.find('}'));
        let parameter = parameter.and_then(|(start, end)| path.get(start..=end));
        return format!("{} of {path} is empty; ", parameter.unwrap_or_default());
    }
    let near = nearest(method, path, switches);
    near.map_or_else(String::new, |near| format!("did you mean `{near}`? "))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    #[test]
    fn every_handler_is_described_under_the_path_and_the_methods_of_its_route() {
        for &route in Route::ALL {
            let described = serde_json::to_value(describe(route).paths).unwrap();
            let methods = route.methods().iter();
            let operations = methods.map(|method| (method.to_ascii_lowercase(), Value::Null));
            let expected = json!({route.path(): operations.collect::<Map<_, _>>()});
            let mut names = described;
            for operations in names.as_object_mut().unwrap().values_mut() {
                for operation in operations.as_object_mut().unwrap().values_mut() {
                    *operation = Value::Null;
                }
            }
            assert_eq!(names, expected, "{route:?}");
        }
    }
}
