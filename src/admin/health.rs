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

/// The Registry answers. One that does not is not ready, whatever the process does else.
pub(super) async fn ready(admin: Data<Admin>) -> Result<impl Responder, Problem> {
    match tokio::time::timeout(READY_DT, admin.ask(GetLoad)).await {
        Ok(Ok(load)) if load.is_stopping => Err(Problem::not_now("the server stops", 1)),
        Ok(Ok(_)) => Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n")),
        Ok(Err(problem)) => Err(problem),
        Err(_) => {
            Err(Problem::not_now(format!("the Registry has not answered for {} s", READY_DT.as_secs()), 1))
        }
    }
}
