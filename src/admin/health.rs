//! `/healthz` and `/readyz`.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};

use super::Admin;
use crate::actors::messages::GetLoad;
use crate::problem::Problem;

/// How long the Registry may take to answer before it counts as wedged.
const READY_DT: Duration = Duration::from_secs(2);

/// The process is alive.
pub(super) async fn alive() -> impl Responder {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

/// The Registry answers, and the server does not stop. One that does not is not ready, whatever the process does else.
pub(super) async fn ready(admin: Data<Admin>) -> Result<impl Responder, Problem> {
    match tokio::time::timeout(READY_DT, admin.ask(GetLoad)).await {
        Ok(Ok(load)) if load.is_stopping || admin.is_stopping() => {
            Err(Problem::not_now("the server stops", 1))
        }
        Ok(Ok(_)) => Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n")),
        Ok(Err(problem)) => Err(problem),
        Err(_) => {
            Err(Problem::not_now(format!("the Registry has not answered for {} s", READY_DT.as_secs()), 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use actix::Arbiter;
    use actix_web::http::StatusCode;
    use actix_web::test::TestRequest;

    use super::*;
    use crate::actors::client_ids::ClientIds;
    use crate::actors::host::{Host, HostSettings, Published, Server, Threads};
    use crate::actors::registry::{Registry, RegistrySettings};
    use crate::admin::AdminParts;
    use crate::config::Settings;
    use crate::protocol::client_id::ClientIdSequence;
    use crate::protocol::policy::Apps;

    async fn status(admin: &Data<Admin>) -> StatusCode {
        let request = TestRequest::default().to_http_request();
        match ready(admin.clone()).await {
            Ok(answer) => answer.respond_to(&request).status(),
            Err(problem) => problem.response().status(),
        }
    }

    /// A Registry that is held up, and one that has died, are not ready; the process is alive all the same.
    #[actix_web::test]
    async fn a_registry_that_does_not_answer_is_not_ready() {
        let arbiter = Arbiter::new();
        let (tell, started) = mpsc::channel();
        arbiter.spawn_fn(move || {
            let client_ids = ClientIdSequence::new([7; 16], 0, 10);
            drop(tell.send(Registry::start(RegistrySettings::new(Apps::new(), client_ids))));
        });
        let registry = started.recv().unwrap();
        let settings =
            HostSettings { threads: Threads::Here, ..HostSettings::new(Server::Local(registry.clone())) };
        let admin = Data::from(Admin::new(AdminParts {
            registry,
            host: Arc::new(Host::start(settings)),
            published: Published::default(),
            client_ids: Arc::new(ClientIds::new(None)),
            counters: Arc::default(),
            settings: Settings::default(),
        }));
        assert_eq!(status(&admin).await, StatusCode::OK);
        let (go_on, held) = mpsc::channel::<()>();
        arbiter.spawn_fn(move || {
            // It goes on, too, when the test has failed.
            let _ = held.recv();
        });
        assert_eq!(status(&admin).await, StatusCode::SERVICE_UNAVAILABLE);
        go_on.send(()).unwrap();
        assert_eq!(status(&admin).await, StatusCode::OK);
        arbiter.stop();
        arbiter.join().unwrap();
        assert_eq!(status(&admin).await, StatusCode::SERVICE_UNAVAILABLE);
        let request = TestRequest::default().to_http_request();
        assert_eq!(alive().await.respond_to(&request).status(), StatusCode::OK);
    }
}
