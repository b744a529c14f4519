//! The resource `sendevent`: a client sends an event (section 3).

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_core::Stream;

use super::site::Site;
use crate::actors::messages::Send;
use crate::metrics::Counter;
use crate::problem::Problem;
use crate::protocol::ids::AppId;
use crate::protocol::sessions::{Bound, SendAnswer};
use crate::protocol::wire::{BadParam, Query, Refusal, SendEvent};

/// The longest body that is read and ignored, in bytes.
const LONGEST_BODY: usize = 64 * 1024;

/// The longest time that reading a body may take.
const BODY_DT: Duration = Duration::from_secs(5);

/// Answers the resource.
pub(super) async fn answer(
    site: &Site,
    app: AppId,
    request: &HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    let event = match SendEvent::parse(Query::new(request.query_string()), site.max_event_data_length) {
        Ok(event) => event,
        Err(refusal) => return refused(site, &refusal).response(),
    };
    if let Err(problem) = read_body(site, body.into_inner()).await {
        return problem.response();
    }
    let name = app.clone();
    match site.ask(Send { app, event }).await {
        Ok(SendAnswer::Accepted(_)) => {
            HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish()
        }
        Ok(refusal) => problem(&name, &refusal).response(),
        Err(problem) => problem.response(),
    }
}

/// Reads what comes with the request, and forgets it.
async fn read_body(site: &Site, body: Payload) -> Result<(), Problem> {
    if matches!(body, Payload::None) {
        return Ok(());
    }
    let too_slow = || {
        let detail = format!("the body did not arrive within {} s", BODY_DT.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
    };
    match tokio::time::timeout(BODY_DT, skim(body)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(problem)) => {
            site.counters.count(Counter::RefusedBodyTooLong);
            Err(problem)
        }
        Err(_) => {
            site.counters.count(Counter::RefusedBodyTooLong);
            Err(too_slow())
        }
    }
}

async fn skim(mut body: Payload) -> Result<(), Problem> {
    let mut len = 0_usize;
    while let Some(chunk) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
        let chunk = chunk.map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the body could not be read: {error}"))
        })?;
        len = len.saturating_add(chunk.len());
        if len > LONGEST_BODY {
            let detail = format!("the body is longer than {LONGEST_BODY} bytes; it is not needed at all");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).with("max", LONGEST_BODY));
        }
    }
    Ok(())
}

/// What is wrong with the request itself.
fn refused(site: &Site, refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::BadParam(bad) => {
            site.counters.count(Counter::RefusedBadRequest);
            bad_param(bad)
        }
        Refusal::TooLong { len, max } => {
            site.counters.count(Counter::RefusedTooLong);
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, refusal.to_string())
                .with("param", "eventData")
                .with("seen", *len)
                .with("max", *max)
        }
    }
}

fn bad_param(bad: &BadParam) -> Problem {
    let problem = Problem::new(StatusCode::BAD_REQUEST, bad.to_string())
        .with("param", bad.param.as_str())
        .with("problem", bad.problem.to_string())
        .with("accepted", bad.param.accepted());
    match &bad.seen {
        Some(seen) => problem.with("seen", &**seen),
        None => problem,
    }
}

/// Why the rules refuse it.
fn problem(app: &AppId, answer: &SendAnswer) -> Problem {
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let problem = Problem::new(status, answer.detail());
    match answer {
        SendAnswer::UnknownApp => Problem::unknown_app(app.as_str()),
        SendAnswer::InvalidToken => {
            problem.with("param", "accessToken").with("accepted", "what the app's token_pattern admits")
        }
        SendAnswer::TooMany(bound) => problem.with("bound", bound_name(*bound)),
        SendAnswer::Stopping => Problem::not_now(answer.detail(), 1),
        SendAnswer::Forbidden | SendAnswer::Accepted(_) => problem,
    }
}

fn bound_name(bound: Bound) -> &'static str {
    match bound {
        Bound::Rate => "sendRate",
        Bound::Output => "output",
        Bound::AllOutputs => "allOutputs",
        Bound::Line => "line",
        Bound::AllLines => "allLines",
    }
}
