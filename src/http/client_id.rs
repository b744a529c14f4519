//! The resource `clientid`: gives out a clientId (section 3).

use actix_web::HttpResponse;
use actix_web::http::header;

use super::site::Site;
use super::throttle::Throttle;
use crate::actors::client_ids::NoClientId;
use crate::metrics::Counter;
use crate::problem::Problem;
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
    let registry = site.registry()?;
    site.client_ids.give(registry).await.map_err(|why| match why {
        NoClientId::Gone => site.registry_gone(),
        NoClientId::Closed => Problem::not_now("the server stops", 1),
        NoClientId::NotNow(why) => not_now(why),
        NoClientId::NotStored(error) => {
            static SAID: Throttle = Throttle::new();
            if SAID.says() {
                log::error!("no clientId is given out: {error}");
            }
            not_stored(site)
        }
    })
}

fn not_stored(site: &Site) -> Problem {
    site.counters.count(Counter::ClientIdsNotStored);
    Problem::not_now("clientIds cannot be kept on the server's disk now, so none is given out", STORE_RETRY)
}

fn not_now(why: NoClientIdNow) -> Problem {
    Problem::not_now(why.detail(), why.retry_after().map_or(STORE_RETRY, seconds))
}

/// Whole seconds, rounded up, as Retry-After has them.
fn seconds(wait: Millis) -> i64 {
    wait.0.saturating_add(999) / 1_000
}
