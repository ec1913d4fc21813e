//! HTTP: what comes in is known, bounded and read into a command; what goes out is JSON, a stream of events, or a problem.
//!
//! Promise: every route is a line of the table below and a path of the OpenAPI document; every error is a problem document; the
//! organisation always comes from the credential. Never here: rules of the product, waiting for a disk, or a look at a store.

pub mod api;
pub mod body;
pub mod caller;
pub mod check;
pub mod check_query;
pub mod credential;
pub mod docs;
pub mod foresight;
pub mod guard;
pub mod health;
pub mod idempotency;
pub mod metrics;
pub mod openapi;
pub mod origin;
pub mod paging;
pub mod password;
pub mod path;
pub mod percent;
pub mod problem;
pub mod problem_pages;
pub mod query;
pub mod respond;
pub mod sealed;
mod site;
pub mod snapshots;
pub mod stream;
pub mod streams;

use std::any::Any;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::guard::{GuardContext, fn_guard};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, ResponseError, web};

use api::{
    actions, approval_policy, approvals, blocks, bulk, capabilities, channels, dead_letters, decisions, inhibitions,
    keys, notifications, operator, overrides, process, reports, rush, session, settings, silences, submissions, tasks,
    templates, till, trends, users, vapid, venues, violation_types, violations, webhook_care, webhooks,
};
pub use foresight::Foresight;
use problem::problem;
pub use site::{BODY_BYTES_MAX, HttpSettings, HttpState, KEEP_ALIVE_S, Site};

/// Makes the route table: [`ROUTES`], the services, and the OpenAPI document of the same handlers.
macro_rules! routes {
    ($($path:literal => $($method:ident $module:ident :: $handler:ident),+;)+) => {
        /// Every route: method and path.
        pub const ROUTES: &[(&str, &str)] = &[$($((stringify!($method), $path)),+),+];

        fn table(cfg: &mut web::ServiceConfig) {
            $(if $path != HOT {
                let resource = web::resource($path)$(.route(web::method(Method::$method).to($module::$handler)))+;
                let resource = resource.default_service(web::to(|| refuse_method(concat!($(stringify!($method), ", "),+))));
                cfg.service(resource.wrap(from_fn(|req, next| guard::around($path, req, next))));
            })+
        }

        /// The handlers, described.
        #[derive(utoipa::OpenApi)]
        #[openapi(
            info(title = "Action Center", description = "Violations, blocks and checks of hospitality groups."),
            paths($($($module::$handler),+),+)
        )]
        pub(crate) struct Described;
    };
}

routes! {
    "/api/action-center/blocks" => GET check::check, POST blocks::place;
    "/api/action-center/blocks/check" => POST blocks::check_many;
    "/api/action-center/blocks/{id}/lift" => POST blocks::lift;
    "/api/action-center/blocks/stream" => GET till::stream;
    "/api/action-center/blocks/{id}/overrides" => POST overrides::request;
    "/api/action-center/overrides" => GET overrides::list;
    "/api/action-center/overrides/{id}/consume" => POST overrides::consume;
    "/api/action-center/violations" => GET violations::list, POST violations::report;
    "/api/action-center/violations/bulk" => POST bulk::report_many;
    "/api/action-center/violations/clear" => POST violations::clear;
    "/api/action-center/violations/{id}" => GET violations::show;
    "/api/action-center/violations/{id}/acknowledge" => POST violations::acknowledge;
    "/api/action-center/violations/{id}/resolve" => POST violations::resolve;
    "/api/action-center/violations/{id}/actions/from-templates" => POST violations::run_templates;
    "/api/action-center/reports/comp-exception" => POST reports::comp_exception;
    "/api/action-center/reports/sales-pace" => POST reports::sales_pace;
    "/api/action-center/reports/greeting-delay" => POST reports::greeting_delay;
    "/api/action-center/reports/staffing-gap" => POST reports::staffing_gap;
    "/api/action-center/templates" => GET templates::list, POST templates::create;
    "/api/action-center/templates/dry-run" => POST templates::dry_run;
    "/api/action-center/templates/{id}" => GET templates::show, PUT templates::replace, DELETE templates::delete;
    "/api/action-center/templates/{id}/shadow" => GET templates::shadow;
    "/api/action-center/actions" => GET actions::list;
    "/api/action-center/actions/{id}/dismiss" => POST actions::dismiss;
    "/api/action-center/actions/{id}/retry" => POST actions::retry;
    "/api/action-center/silences" => GET silences::list, POST silences::add;
    "/api/action-center/silences/{id}" => DELETE silences::end;
    "/api/action-center/process" => POST process::process;
    "/api/action-center/trends" => GET trends::show;
    "/api/actions" => GET approvals::list;
    "/api/actions/submit" => POST submissions::submit;
    "/api/actions/pending" => GET approvals::pending;
    "/api/actions/approve-many" => POST decisions::approve_many;
    "/api/actions/audit/{id}" => GET approvals::audit;
    "/api/actions/{id}" => GET approvals::show;
    "/api/actions/{id}/approve" => POST decisions::approve;
    "/api/actions/{id}/reject" => POST decisions::reject;
    "/api/actions/{id}/payload" => PUT submissions::edit;
    "/api/actions/{id}/cancel" => POST decisions::cancel;
    "/api/actions/{id}/retry" => POST decisions::retry;
    "/api/actions/{id}/settle" => POST decisions::settle;
    "/api/actions/{id}/undo" => POST submissions::undo;
    "/api/tasks/{id}" => GET tasks::show;
    "/api/tasks/{id}/events" => GET tasks::events;
    "/api/capabilities" => GET capabilities::list, POST capabilities::register;
    "/api/capabilities/{name}" => DELETE capabilities::delete;
    "/api/events" => GET stream::events;
    "/api/notifications" => GET notifications::list;
    "/api/notifications/preferences" => GET notifications::preferences, PUT notifications::save_preferences;
    "/api/notifications/push-subscriptions" => POST notifications::subscribe;
    "/api/notifications/push-subscriptions/{id}" => DELETE notifications::unsubscribe;
    "/api/notifications/read-all" => POST notifications::read_all;
    "/api/notifications/{id}/read" => POST notifications::read;
    "/api/settings" => GET settings::show, PUT settings::change;
    "/api/settings/approval-policy" => GET approval_policy::show_policy, PUT approval_policy::change_policy;
    "/api/settings/channels" => GET channels::show_channels, PUT channels::change_channels;
    "/api/settings/inhibitions" => GET inhibitions::show, PUT inhibitions::change;
    "/api/settings/rush" => GET rush::show_rush, PUT rush::change_rush;
    "/api/settings/webhooks" => GET webhooks::list, POST webhooks::create;
    "/api/settings/webhooks/{id}" => DELETE webhooks::delete;
    "/api/settings/webhooks/{id}/test" => POST webhook_care::test;
    "/api/settings/webhooks/{id}/rotate" => POST webhook_care::rotate;
    "/api/settings/webhooks/{id}/attempts" => GET webhook_care::attempts;
    "/api/settings/webhooks/{id}/enable" => POST webhook_care::enable;
    "/api/settings/webhooks/{id}/replay" => POST webhook_care::replay;
    "/api/settings/dead-letters" => GET dead_letters::list_dead;
    "/api/settings/dead-letters/{id}/resend" => POST dead_letters::resend;
    "/api/settings/venues" => GET venues::list;
    "/api/settings/venues/{venue_id}" => GET venues::show, PUT venues::save, DELETE venues::delete;
    "/api/settings/violation-types" => GET violation_types::list;
    "/api/settings/violation-types/{type}" => GET violation_types::show, PUT violation_types::save, DELETE violation_types::delete;
    "/api/notifications/vapid-key" => GET vapid::vapid_key;
    "/api/keys" => GET keys::list, POST keys::create;
    "/api/keys/{id}" => DELETE keys::revoke;
    "/api/users" => GET users::list, POST users::create;
    "/api/users/{id}" => PATCH users::change, DELETE users::remove;
    "/api/session" => GET session::show, POST session::login, DELETE session::logout;
    "/api/operator/orgs" => GET operator::list, POST operator::register;
    "/healthz" => GET health::live;
    "/readyz" => GET health::ready;
    "/metrics" => GET health::counted;
    "/api/openapi.json" => GET docs::document;
    "/api/docs" => GET docs::reader;
    "/docs/problems" => GET docs::problems;
    "/docs/problems/{code}" => GET docs::problem;
}

/// The path of the check: looked at first, and with nothing around it.
const HOT: &str = "/api/action-center/blocks";

/// How long a connection may leave unread what was sent to it, before the system cuts it off.
pub const UNREAD_MAX: Duration = Duration::from_secs(10);

/// Puts every route in place.
pub fn configure(cfg: &mut web::ServiceConfig) {
    let around = || from_fn(|req, next| guard::around(HOT, req, next));
    let decides =
        fn_guard(|context: &GuardContext<'_>| !check_query::is_list(context.head().uri.query().unwrap_or("")));
    let hot = web::resource(HOT)
        .route(web::get().guard(decides).to(check::check))
        .route(web::get().to(blocks::list).wrap(around()))
        .route(web::post().to(blocks::place).wrap(around()))
        .default_service(web::to(|| refuse_method("GET, POST")).wrap(around()));
    cfg.service(hot);
    table(cfg);
    cfg.service(docs::pages());
    cfg.default_service(web::to(no_such_route).wrap(from_fn(|req, next| guard::around("none", req, next))));
}

/// Serves `listener` until it is stopped through its handle; signals are the caller's business.
///
/// # Errors
/// A listener that cannot be taken over.
pub fn server(listener: TcpListener, state: HttpState, settings: HttpSettings) -> std::io::Result<Server> {
    metrics::install();
    openapi::text(); // made now rather than for the first reader
    let (workers, keep_alive) = (settings.workers.max(1), Duration::from_secs(settings.keep_alive_s));
    let client_timeout = Duration::from_millis(settings.client_timeout_ms);
    let stop_timeout_s = settings.stop_timeout_s;
    let site = web::Data::new(Site::new(state, settings));
    let server = HttpServer::new(move || App::new().app_data(site.clone()).configure(configure))
        .workers(workers)
        .keep_alive(keep_alive)
        .client_request_timeout(client_timeout)
        .tcp_nodelay(true)
        .on_connect(|connection, _| limit_unread(connection))
        .shutdown_timeout(stop_timeout_s)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// Whoever reads nothing more closes their window, and a write then waits for ever: the server above has no time limit for
/// writing, and a caller who acknowledges the probes of the system looks alive to it. `TCP_USER_TIMEOUT` ends that; only Linux
/// knows it, so elsewhere such a connection stays until the caller closes it.
fn limit_unread(connection: &dyn Any) {
    #[cfg(target_os = "linux")]
    if let Some(connection) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() {
        let limit_ms = u32::try_from(UNREAD_MAX.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(connection, limit_ms) {
            tracing::debug!(%error, "a connection without a limit for what is unread");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = connection;
}

async fn no_such_route(_: HttpRequest) -> HttpResponse {
    problem!("no-such-route", "there is nothing at this path").error_response()
}

async fn refuse_method(methods: &'static str) -> HttpResponse {
    let methods = methods.trim_end_matches(", ");
    problem!("method-not-allowed", "this path knows {methods}").allow(methods).error_response()
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use serde_json::Value;

    use super::*;

    async fn asked(method: Method, path: &str) -> (u16, HttpResponse, Value) {
        let app = init_service(App::new().configure(configure)).await;
        let answer = call_service(&app, TestRequest::with_uri(path).method(method).to_request()).await;
        let status = answer.status().as_u16();
        let mut shown = HttpResponse::build(answer.status());
        for (name, value) in answer.headers() {
            shown.insert_header((name, value));
        }
        let body = serde_json::from_slice(&read_body(answer).await).unwrap_or_default();
        (status, shown.finish(), body)
    }

    #[actix_web::test]
    async fn an_unknown_route_is_a_problem() {
        for path in ["/api/nowhere", "/", "/api/action-center/violations/a/b/c"] {
            let (status, answer, body) = asked(Method::GET, path).await;
            assert_eq!((status, body["code"].as_str()), (404, Some("no-such-route")), "{path}");
            assert_eq!(answer.headers().get("content-type").unwrap(), "application/problem+json");
        }
    }

    #[cfg(target_os = "linux")]
    #[actix_web::test]
    async fn a_connection_that_reads_nothing_has_its_time() {
        let listener = actix_web::rt::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = actix_web::rt::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        limit_unread(&near);
        assert_eq!(rustix::net::sockopt::tcp_user_timeout(&near).unwrap(), 10_000);
    }

    #[actix_web::test]
    async fn a_wrong_method_says_which_are_right() {
        let (status, answer, body) = asked(Method::DELETE, "/api/action-center/process").await;
        assert_eq!((status, body["code"].as_str()), (405, Some("method-not-allowed")));
        assert_eq!(answer.headers().get("allow").unwrap(), "POST");
        let (status, answer, _) = asked(Method::PUT, HOT).await;
        assert_eq!((status, answer.headers().get("allow").unwrap().to_str().unwrap()), (405, "GET, POST"));
    }

    #[actix_web::test]
    async fn every_route_of_the_table_is_served() {
        for (method, path) in ROUTES {
            let path = path
                .replace("{id}", "x")
                .replace("{code}", "not-found")
                .replace("{venue_id}", "x")
                .replace("{type}", "x");
            let (_, _, body) = asked(method.parse().unwrap(), &path).await;
            let code = body["code"].as_str().unwrap_or_default();
            assert!(!["no-such-route", "method-not-allowed"].contains(&code), "{method} {path}: {code}");
        }
    }

    #[actix_web::test]
    async fn what_people_read_is_served_from_the_binary() {
        let app = init_service(App::new().configure(configure)).await;
        for (path, part) in
            [("/docs/problems/already-lifted", "# Already lifted"), ("/docs/problems", "already-lifted")]
        {
            let answer = call_service(&app, TestRequest::with_uri(path).to_request()).await;
            let text = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
            assert!(text.contains(part), "{path}");
        }
        let page = call_service(&app, TestRequest::with_uri("/api/docs/").to_request()).await;
        assert_eq!(page.status(), 200);
        let text = String::from_utf8(read_body(page).await.to_vec()).unwrap();
        assert!(!text.contains("src=\"http") && !text.contains("src=\"//") && !text.contains("href=\"http"), "{text}");
        let start = call_service(&app, TestRequest::with_uri("/api/docs/swagger-initializer.js").to_request()).await;
        let text = to_bytes(start.into_body()).await.unwrap();
        assert!(String::from_utf8_lossy(&text).contains("/api/openapi.json"));
    }
}
