//! The table of routes: path, methods, audience, switch and effect of each.
//!
//! Registration, the answer to a wrong method, the OpenAPI document, the mock's faults and journal, CORS and tokens all
//! read it. `api::routes` binds each row to its handler; the paths of the pages are in [`PAGE`], [`DOCS`] and
//! [`ASSETS`].

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::json::names::unknown;

/// The path of the page.
pub const PAGE: &str = "/";
/// The folder of the page's files, whose paths go on with a version and a name.
pub const ASSETS: &str = "/assets";
/// The path of the documentation, below which its pages and files are.
pub const DOCS: &str = "/docs";
/// The path of the page that shows the API.
pub const API_PAGE: &str = "/docs/api";
/// The icon that browsers request by themselves.
const FAVICON: &str = "/favicon.ico";

/// Whom a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Clients of the API, or of a path without a route: faults apply, the journal records.
    Api,
    /// Health checks: no token is needed, faults apply only where they name the route, the journal leaves them out.
    Probe,
    /// Tests that control a mock, and what scrapes metrics: neither faults nor the journal see these requests.
    Control,
    /// Browsers that load the page, the documentation and their files: no token is needed, neither faults nor the journal see these requests.
    Page,
}

impl Audience {
    /// Returns whom a path is for, whether or not it has a route.
    ///
    /// The first two segments decide: `/jobdeck/faults/no/such/path` is for whom `/jobdeck/faults` is.
    #[must_use]
    pub fn of(path: &str) -> Self {
        if path == PAGE || path == FAVICON || is_asset(path) || is_documentation(path) {
            return Self::Page;
        }
        let root = two_segments(path);
        let mut routes = Route::ALL.iter();
        routes
            .find(|route| two_segments(route.path()) == root)
            .map_or(Self::Api, |route| route.audience())
    }
}

/// Returns whether a path, or the pattern of one, is that of a file of the page.
#[must_use]
pub fn is_asset(path: &str) -> bool {
    path.strip_prefix(ASSETS)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Returns whether a path is that of the documentation, or below it.
fn is_documentation(path: &str) -> bool {
    path.strip_prefix(DOCS)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns a path without double slashes, and without one at its end.
///
/// # Examples
///
/// ```
/// assert_eq!(jobdeck::route::tidy("//inventory/v1//jobs/"), "/inventory/v1/jobs");
/// assert_eq!(jobdeck::route::tidy("//"), "/");
/// ```
#[must_use]
pub fn tidy(path: &str) -> Cow<'_, str> {
    if !path.contains("//") && (path.len() <= 1 || !path.ends_with('/')) {
        return Cow::Borrowed(path);
    }
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    let tidy: String = segments.flat_map(|segment| ["/", segment]).collect();
    Cow::Owned(if tidy.is_empty() {
        PAGE.to_owned()
    } else {
        tidy
    })
}

/// Returns the first two segments of a path, or all of it where it has fewer.
fn two_segments(path: &str) -> &str {
    let end = path.match_indices('/').nth(2).map(|(index, _)| index);
    end.and_then(|end| path.get(..end)).unwrap_or(path)
}

/// The option of `jobdeck serve` that a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// None: every server has the route.
    Always,
    /// `--writable`, which `--mock` implies.
    Writable,
    /// `--mock`.
    Mock,
    /// None, but of the app alone that answers gRPC: over HTTP no server has the route.
    Grpc,
    /// `--writable`, in that app alone.
    WritableGrpc,
}

/// What a route does to the server's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Reads,
    Writes,
}

/// A row of the table.
struct Row {
    /// What faults and the journal call the route; `None` where they don't know it.
    name: Option<RouteName>,
    methods: &'static [&'static str],
    /// With at most one `{parameter}`, which matches one segment.
    path: &'static str,
    audience: Audience,
    switch: Switch,
    effect: Effect,
}

macro_rules! routes {
    ($($route:ident: $name:tt, [$($method:ident),+], $path:literal, $audience:ident, $switch:ident, $effect:ident;)+) => {
        /// A route: one operation on one path.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Route {
            $($route),+
        }

        impl Route {
            /// Every route, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$route),+];

            const fn row(self) -> &'static Row {
                match self {
                    $(Self::$route => &const { Row {
                        name: routes!(@name $name),
                        methods: &[$(stringify!($method)),+],
                        path: $path,
                        audience: Audience::$audience,
                        switch: Switch::$switch,
                        effect: Effect::$effect,
                    } }),+
                }
            }
        }
    };
    (@name -) => { None };
    (@name $name:literal) => { Some(RouteName($name)) };
}

routes! {
    //               name        methods      path                                 audience switch    effect
    ListJobs:        "list",     [GET, HEAD], "/inventory/v1/jobs",                Api,     Always,   Reads;
    SearchJobs:      "search",   [POST],      "/inventory/v1/jobs/search",         Api,     Always,   Reads;
    StatJobs:        "stat",     [POST],      "/inventory/v1/jobs/stat",           Api,     Always,   Reads;
    StatWithPercentiles: "stat", [POST],      "/jobdeck/stat",                     Api,     Always,   Reads;
    ExportJobs:      "export",   [GET, HEAD], "/jobdeck/export",                   Api,     Always,   Reads;
    Overview:        "overview", [GET, HEAD], "/jobdeck/overview",                  Api,     Always,   Reads;
    Events:          "events",   [GET, HEAD], "/jobdeck/events",                    Api,     Always,   Reads;
    ListDomains:     "domains",  [GET, HEAD], "/jobdeck/domains",                  Api,     Always,   Reads;
    About:           "about",    [GET, HEAD], "/jobdeck/about",                    Api,     Always,   Reads;
    Notifications:   "notifications", [GET, HEAD], "/jobdeck/notifications",        Api,     Always,   Reads;
    Healthz:         "healthz",  [GET, HEAD], "/healthz",                          Probe,   Always,   Reads;
    Check:           "check",    [GET, HEAD], "/check",                            Probe,   Always,   Reads;
    Metrics:         -,          [GET, HEAD], "/metrics",                          Control, Always,   Reads;
    OpenApi:         "openapi",  [GET, HEAD], "/openapi.json",                     Api,     Always,   Reads;
    PutJob:          "put",      [PUT],       "/jobdeck/jobs/{job_id}",            Api,     Writable, Writes;
    PatchJob:        "patch",    [PATCH],     "/jobdeck/jobs/{job_id}",            Api,     Writable, Writes;
    DeleteJob:       "delete",   [DELETE],    "/jobdeck/jobs/{job_id}",            Api,     Writable, Writes;
    AddJobs:         "add",      [POST],      "/jobdeck/jobs",                     Api,     Writable, Writes;
    DeleteJobs:      "delete",   [DELETE],    "/jobdeck/jobs",                     Api,     Writable, Writes;
    TodayList:       "list",     [POST],      "/inventory/job/list",               Api,     Always,   Reads;
    TodayStat:       "stat",     [POST],      "/inventory/job/stat",               Api,     Always,   Reads;
    TodayGet:        "get",      [POST],      "/inventory/job/get",                Api,     Always,   Reads;
    TodayAnalyze:    "analyze",  [POST],      "/inventory/job/analyze",            Api,     Always,   Reads;
    TodayDelete:     "delete",   [POST],      "/inventory/job/delete",             Api,     Writable, Writes;
    ProtoList:       "list",     [POST],      "/inventory/v1/job/list",            Api,     Always,   Reads;
    ProtoStat:       "stat",     [POST],      "/inventory/v1/job/stat",            Api,     Always,   Reads;
    ProtoGet:        "get",      [POST],      "/inventory/v1/job/get",             Api,     Always,   Reads;
    ProtoAnalyze:    "analyze",  [POST],      "/inventory/v1/job/analyze",         Api,     Always,   Reads;
    ProtoDelete:     "delete",   [POST],      "/inventory/v1/job/delete",          Api,     Writable, Writes;
    GrpcList:        "list",     [POST],      "/spaceone.api.inventory.v1.Job/list",    Api, Grpc,    Reads;
    GrpcStat:        "stat",     [POST],      "/spaceone.api.inventory.v1.Job/stat",    Api, Grpc,    Reads;
    GrpcGet:         "get",      [POST],      "/spaceone.api.inventory.v1.Job/get",     Api, Grpc,    Reads;
    GrpcAnalyze:     "analyze",  [POST],      "/spaceone.api.inventory.v1.Job/analyze", Api, Grpc,    Reads;
    GrpcDelete:      "delete",   [POST],      "/spaceone.api.inventory.v1.Job/delete",  Api, WritableGrpc, Writes;
    Suggest:         "suggest",  [POST],      "/add-ons/autocomplete/distinct",    Api,     Always,   Reads;
    ConsoleReflection: -,        [GET, HEAD], "/console-api/api/reflection",       Page,    Always,   Reads;
    Reflection:      -,          [POST],      "/api/reflection",                   Page,    Always,   Reads;
    Reset:           -,          [POST],      "/jobdeck/reset",                    Control, Mock,     Writes;
    ListSnapshots:   -,          [GET, HEAD], "/jobdeck/snapshots",                Control, Mock,     Reads;
    SaveSnapshot:    -,          [PUT],       "/jobdeck/snapshots/{name}",         Control, Mock,     Writes;
    ForgetSnapshot:  -,          [DELETE],    "/jobdeck/snapshots/{name}",         Control, Mock,     Writes;
    RestoreSnapshot: -,          [POST],      "/jobdeck/snapshots/{name}/restore", Control, Mock,     Writes;
    GetClock:        -,          [GET, HEAD], "/jobdeck/clock",                    Control, Mock,     Reads;
    SetClock:        -,          [PUT],       "/jobdeck/clock",                    Control, Mock,     Writes;
    ResetClock:      -,          [DELETE],    "/jobdeck/clock",                    Control, Mock,     Writes;
    AdvanceClock:    -,          [POST],      "/jobdeck/clock/advance",            Control, Mock,     Writes;
    ListFaults:      -,          [GET, HEAD], "/jobdeck/faults",                   Control, Mock,     Reads;
    AddFault:        -,          [POST],      "/jobdeck/faults",                   Control, Mock,     Writes;
    ClearFaults:     -,          [DELETE],    "/jobdeck/faults",                   Control, Mock,     Writes;
    ClearFault:      -,          [DELETE],    "/jobdeck/faults/{id}",              Control, Mock,     Writes;
    ReleaseFault:    -,          [POST],      "/jobdeck/faults/{id}/release",      Control, Mock,     Writes;
    ReadJournal:     -,          [GET, HEAD], "/jobdeck/journal",                  Control, Mock,     Reads;
    ClearJournal:    -,          [DELETE],    "/jobdeck/journal",                  Control, Mock,     Writes;
}

impl Route {
    /// The routes that are requested every few seconds, by what watches a server.
    pub const WATCHING: [Self; 3] = [Self::Healthz, Self::Check, Self::Metrics];

    /// Finds the route of a request, whether or not this server has it. HEAD finds what GET does.
    #[must_use]
    pub fn find(method: &str, path: &str) -> Option<Self> {
        let method = if method == "HEAD" { "GET" } else { method };
        let mut routes = Self::ALL.iter().copied();
        routes.find(|route| route.has_method(method) && route.parameter(path).is_some())
    }

    /// Returns whether a path has a route that only reads, though by POST.
    #[must_use]
    pub fn is_read_by_post(path: &str) -> bool {
        let mut routes = Self::ALL.iter();
        routes.any(|route| {
            route.effect() == Effect::Reads && route.has_method("POST") && route.path() == path
        })
    }

    /// Returns what faults and the journal call the route; `None` where they don't know it.
    #[must_use]
    pub fn name(self) -> Option<RouteName> {
        self.row().name
    }

    /// Returns the methods that the route answers, in capitals.
    #[must_use]
    pub fn methods(self) -> &'static [&'static str] {
        self.row().methods
    }

    /// Returns the path, with at most one `{parameter}`.
    #[must_use]
    pub fn path(self) -> &'static str {
        self.row().path
    }

    #[must_use]
    pub fn audience(self) -> Audience {
        self.row().audience
    }

    #[must_use]
    pub fn switch(self) -> Switch {
        self.row().switch
    }

    #[must_use]
    pub fn effect(self) -> Effect {
        self.row().effect
    }

    /// Returns whether the route answers this method.
    #[must_use]
    pub fn has_method(self, method: &str) -> bool {
        self.methods().contains(&method)
    }

    /// Matches a path with the route's; returns the value of its `{parameter}`, not decoded, or an empty text where the route
    /// has no parameter.
    #[must_use]
    pub fn parameter(self, path: &str) -> Option<&str> {
        let pattern = self.path();
        let Some((before, rest)) = pattern.split_once('{') else {
            return (path == pattern).then_some("");
        };
        let after = rest.split_once('}').map_or("", |(_, after)| after);
        let parameter = path.strip_prefix(before)?.strip_suffix(after)?;
        (!parameter.is_empty() && !parameter.contains('/')).then_some(parameter)
    }

    /// Returns the route that a path would have if it did not leave the `{parameter}` empty, as a script does whose variable is
    /// not set: what is meant is not the path without it, which may be all of a domain.
    #[must_use]
    pub fn with_empty_parameter(method: &str, path: &str) -> Option<Self> {
        let mut routes = Self::ALL.iter().copied();
        routes.find(|route| {
            let Some((before, rest)) = route.path().split_once('{') else {
                return false;
            };
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            let is_empty_there = path.trim_end_matches('/').ends_with(&format!("/{after}"))
                || after.is_empty() && path.ends_with('/');
            route.has_method(method)
                && is_empty_there
                && tidy(path) == tidy(&format!("{before}{after}"))
        })
    }

    /// Returns whether the body holds jobs, and so may be larger than a query.
    #[must_use]
    pub fn has_jobs_in_body(self) -> bool {
        matches!(self, Self::PutJob | Self::PatchJob | Self::AddJobs)
    }

    /// Returns whether the route changes jobs, and nothing of a mock besides.
    #[must_use]
    pub fn writes_jobs(self) -> bool {
        self.effect() == Effect::Writes && self.audience() == Audience::Api
    }

    /// Returns whether the route is a health check.
    #[must_use]
    pub fn is_probe(self) -> bool {
        self.audience() == Audience::Probe
    }

    /// Returns whether the answer is about all domains for a token of `*`, whatever domain the request names: the journal of
    /// one domain must not have it.
    #[must_use]
    pub fn spans_domains(self) -> bool {
        matches!(
            self,
            Self::ListDomains | Self::About | Self::Notifications | Self::OpenApi
        )
    }

    /// Returns whether a request may leave its domain out, which a header, the token or the server then has.
    #[must_use]
    pub fn may_omit_domain(self) -> bool {
        matches!(
            self,
            Self::TodayList
                | Self::TodayStat
                | Self::TodayGet
                | Self::TodayAnalyze
                | Self::TodayDelete
                | Self::ProtoList
                | Self::ProtoStat
                | Self::ProtoGet
                | Self::ProtoAnalyze
                | Self::ProtoDelete
                | Self::GrpcList
                | Self::GrpcStat
                | Self::GrpcGet
                | Self::GrpcAnalyze
                | Self::GrpcDelete
                | Self::Suggest
        )
    }

    /// Returns whether the answer comes from jobs, so that jobs that live must be up to date before it.
    #[must_use]
    pub fn depends_on_jobs(self) -> bool {
        self.audience() == Audience::Api && self != Self::OpenApi
    }
}

/// What faults and the journal call a route. Two routes may share a name: `delete` is of one job or of a domain's jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteName(&'static str);

impl RouteName {
    /// Reads a name.
    ///
    /// # Errors
    /// The name is unknown; the text says which are known, or which one is near.
    pub fn parse(name: &str) -> Result<Self, String> {
        let names = Self::all();
        let known = names.iter().find(|known| **known == name);
        known
            .map(|known| Self(known))
            .ok_or_else(|| unknown("route", name, &names))
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Returns every name once, in the order of the table.
    fn all() -> Vec<&'static str> {
        let mut names = Vec::new();
        for Self(name) in Route::ALL.iter().filter_map(|route| route.name()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

impl Serialize for RouteName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for RouteName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&name).map_err(D::Error::custom)
    }
}

impl PartialSchema for RouteName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A route by its name."))
            .enum_values(Some(Self::all()))
            .into()
    }
}

impl ToSchema for RouteName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_for_clients_probes_controls_or_the_page() {
        for (path, expected) in [
            ("/", Audience::Page),
            ("/assets/0123/style.css", Audience::Page),
            ("/favicon.ico", Audience::Page),
            ("/docs", Audience::Page),
            ("/docs/query", Audience::Page),
            ("/docs/no/such/page", Audience::Page),
            ("/docs-of-others", Audience::Api),
            ("/healthz", Audience::Probe),
            ("/check", Audience::Probe),
            ("/jobdeck/faults", Audience::Control),
            ("/jobdeck/faults/fault-1/release", Audience::Control),
            ("/jobdeck/faults/no/such/path", Audience::Control),
            ("/jobdeck/journal", Audience::Control),
            ("/jobdeck/reset", Audience::Control),
            ("/jobdeck/clock/advance", Audience::Control),
            ("/jobdeck/snapshots/a", Audience::Control),
            ("/metrics", Audience::Control),
            ("//", Audience::Api),
            ("/assets", Audience::Api),
            ("/healthz/", Audience::Api),
            ("/check/all", Audience::Api),
            ("/metrics/all", Audience::Api),
            ("/openapi.json", Audience::Api),
            ("/jobdeck/faulty", Audience::Api),
            ("/jobdeck/jobs/faults", Audience::Api),
            ("/inventory/v1/jobs", Audience::Api),
            ("/inventory/v1/nothing", Audience::Api),
            ("/inventory/job/list", Audience::Api),
            ("/inventory/v1/job/list", Audience::Api),
            ("/spaceone.api.inventory.v1.Job/list", Audience::Api),
            ("/add-ons/autocomplete/distinct", Audience::Api),
            ("/console-api/api/reflection", Audience::Page),
            ("/api/reflection", Audience::Page),
        ] {
            assert_eq!(Audience::of(path), expected, "{path}");
        }
        for route in Route::ALL {
            assert_eq!(Audience::of(route.path()), route.audience(), "{route:?}");
        }
    }

    #[test]
    fn method_and_path_decide_the_route() {
        for (method, path, expected) in [
            ("GET", "/inventory/v1/jobs", Some(Route::ListJobs)),
            ("HEAD", "/inventory/v1/jobs", Some(Route::ListJobs)),
            ("POST", "/inventory/v1/jobs", None),
            ("POST", "/inventory/v1/jobs/search", Some(Route::SearchJobs)),
            ("POST", "/inventory/v1/jobs/stat", Some(Route::StatJobs)),
            ("GET", "/jobdeck/export", Some(Route::ExportJobs)),
            ("HEAD", "/jobdeck/domains", Some(Route::ListDomains)),
            ("GET", "/healthz", Some(Route::Healthz)),
            ("PUT", "/jobdeck/jobs/j", Some(Route::PutJob)),
            ("PATCH", "/jobdeck/jobs/j", Some(Route::PatchJob)),
            ("DELETE", "/jobdeck/jobs/j", Some(Route::DeleteJob)),
            ("DELETE", "/jobdeck/jobs", Some(Route::DeleteJobs)),
            ("POST", "/jobdeck/jobs", Some(Route::AddJobs)),
            ("PUT", "/jobdeck/jobs/", None),
            ("PUT", "/jobdeck/jobs/a/b", None),
            (
                "POST",
                "/jobdeck/faults/f/release",
                Some(Route::ReleaseFault),
            ),
            ("POST", "/jobdeck/faults//release", None),
            ("GET", "/elsewhere", None),
        ] {
            assert_eq!(Route::find(method, path), expected, "{method} {path}");
        }
        for route in Route::ALL {
            for method in route.methods() {
                assert_eq!(Route::find(method, route.path()), Some(*route));
            }
        }
    }

    #[test]
    fn a_path_holds_the_parameter_of_its_route() {
        for (route, path, expected) in [
            (Route::PutJob, "/jobdeck/jobs/a%2Fb", Some("a%2Fb")),
            (Route::PutJob, "/jobdeck/jobs/", None),
            (
                Route::RestoreSnapshot,
                "/jobdeck/snapshots/s/restore",
                Some("s"),
            ),
            (Route::RestoreSnapshot, "/jobdeck/snapshots/restore", None),
            (Route::About, "/jobdeck/about", Some("")),
            (Route::About, "/jobdeck/about/", None),
        ] {
            assert_eq!(route.parameter(path), expected, "{path}");
        }
    }

    #[test]
    fn an_empty_parameter_is_not_the_path_without_it() {
        for (method, path, expected) in [
            ("DELETE", "/jobdeck/jobs/", Some(Route::DeleteJob)),
            ("DELETE", "//jobdeck//jobs//", Some(Route::DeleteJob)),
            ("DELETE", "/jobdeck/faults/", Some(Route::ClearFault)),
            ("PUT", "/jobdeck/jobs/", Some(Route::PutJob)),
            ("PUT", "/jobdeck/snapshots/", Some(Route::SaveSnapshot)),
            (
                "POST",
                "/jobdeck/snapshots//restore",
                Some(Route::RestoreSnapshot),
            ),
            (
                "POST",
                "/jobdeck/faults//release/",
                Some(Route::ReleaseFault),
            ),
            ("DELETE", "/jobdeck/jobs", None),
            ("DELETE", "//jobdeck/jobs", None),
            ("DELETE", "/jobdeck/jobs/j/", None),
            ("DELETE", "/jobdeck/clock/", None),
            ("POST", "/jobdeck/jobs/", None),
            ("GET", "/jobdeck/faults/", None),
            ("POST", "/jobdeck/faults/f/release/", None),
            ("POST", "/jobdeck//faults/release", None),
        ] {
            let route = Route::with_empty_parameter(method, path);
            assert_eq!(route, expected, "{method} {path}");
        }
    }

    #[test]
    fn the_table_is_consistent() {
        for route in Route::ALL {
            assert!(
                route.writes_jobs() || !route.has_jobs_in_body(),
                "{route:?}"
            );
            assert_eq!(
                route.writes_jobs(),
                matches!(route.switch(), Switch::Writable | Switch::WritableGrpc),
                "{route:?}"
            );
            // Faults and the journal know the routes for clients and health checks only.
            let is_seen = matches!(route.audience(), Audience::Api | Audience::Probe);
            assert!(is_seen || route.name().is_none(), "{route:?}");
        }
    }

    #[test]
    fn an_unknown_route_name_is_answered_with_the_nearest() {
        for name in RouteName::all() {
            assert_eq!(RouteName::parse(name).map(RouteName::as_str), Ok(name));
        }
        assert_eq!(
            RouteName::parse("serch"),
            Err("unknown route `serch`; did you mean `search`?".to_owned())
        );
    }
}
