//! The resource `clientid`: gives out a clientId (section 3).

use std::sync::atomic::Ordering;

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::problem::Problem;
use super::site::Site;
use super::throttle::Throttle;
use crate::actors::messages::{ClientIdsReserved, GiveClientId};
use crate::metrics::Counter;
use crate::protocol::ids::ClientId;
use crate::protocol::sessions::NoClientIdNow;
use crate::protocol::time::Millis;
use crate::protocol::wire::write_client_id_answer;

/// How long a client waits, in seconds, when ids cannot be kept on disk.
const STORE_RETRY: i64 = 10;

/// Answers the resource.
pub(super) async fn answer(site: &Site) -> HttpResponse {
    match give(site).await {
        Ok(client_id) => HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, "text/xml; charset=UTF-8"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(write_client_id_answer(client_id)),
        Err(problem) => problem.response(),
    }
}

async fn give(site: &Site) -> Result<ClientId, Problem> {
    if site.client_ids_closed.load(Ordering::SeqCst) {
        return Err(Problem::not_now("the server stops", 1));
    }
    match ask(site).await? {
        Ok(client_id) => return Ok(client_id),
        Err(NoClientIdNow::NotReserved { .. }) => {}
        Err(why) => return Err(not_now(why)),
    }
    // One at a time: whoever waited here finds what another one reserved.
    let store = site.client_id_store.lock().await;
    loop {
        let needed = match ask(site).await? {
            Ok(client_id) => return Ok(client_id),
            Err(NoClientIdNow::NotReserved { needed }) => needed,
            Err(why) => return Err(not_now(why)),
        };
        let Some(store) = store.clone() else { return Err(not_stored(site)) };
        let reserved = web::block(move || store.lock().map(|mut store| store.reserve(needed)).ok()).await;
        match reserved {
            Ok(Some(Ok(bound))) => {
                site.ask(ClientIdsReserved(bound)).await?;
            }
            Ok(Some(Err(error))) => {
                static SAID: Throttle = Throttle::new();
                if SAID.says() {
                    log::error!("no clientId is given out: {error}");
                }
                return Err(not_stored(site));
            }
            Ok(None) | Err(_) => {
                log::error!("no clientId is given out: the thread that reserves them has died");
                return Err(not_stored(site));
            }
        }
    }
}

async fn ask(site: &Site) -> Result<Result<ClientId, NoClientIdNow>, Problem> {
    site.ask(GiveClientId).await
}

fn not_stored(site: &Site) -> Problem {
    site.counters.count(Counter::ClientIdsNotStored);
    Problem::not_now("clientIds cannot be kept on the server's disk now, so none is given out", STORE_RETRY)
}

fn not_now(why: NoClientIdNow) -> Problem {
    match why {
        NoClientIdNow::AllInUse { retry_after } => {
            Problem::not_now("all clientIds are in use", seconds(retry_after))
        }
        NoClientIdNow::TooMany { retry_after } => {
            Problem::not_now("more clientIds are asked for than are given", seconds(retry_after))
        }
        NoClientIdNow::NotReserved { .. } => Problem::not_now("clientIds are being reserved", STORE_RETRY),
    }
}

/// Whole seconds, rounded up, as Retry-After has them.
fn seconds(wait: Millis) -> i64 {
    wait.0.saturating_add(999) / 1_000
}
