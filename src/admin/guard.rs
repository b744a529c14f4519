//! Who may use the admin part.
//!
//! Without a token it listens on loopback addresses alone, and believes no `Host` that is not this machine: a page of the
//! internet whose name was made to lead here (DNS rebinding) has its own. Whatever a browser says comes from another site is
//! refused. With a token everything but the page's files, the login and the health checks needs it.

use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{DefaultHeaders, Next};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::{Admin, REQUEST_DT, page};
use crate::config::AdminToken;
use crate::problem::Problem;

/// The cookie of somebody who has logged in at the page.
const COOKIE: &str = "crsocket-admin";

/// How long a login lasts.
const LOGIN_DT: Duration = Duration::from_secs(12 * 60 * 60);

/// How many logins are remembered; the oldest gives way.
const LOGINS: usize = 64;

/// How many wrong tokens an address may show at once; it earns one back each six seconds.
const FAILURES: NonZero<u32> = NonZero::<u32>::MIN.saturating_add(9);

/// How many addresses with failures are remembered; as long as there are more, all are one.
const ADDRESSES: usize = 10_000;

/// Who may use the admin part.
pub(super) struct Guard {
    token: Option<AdminToken>,
    logins: Mutex<VecDeque<Login>>,
    failures: DefaultKeyedRateLimiter<IpAddr>,
    /// Addresses that have shown too many, and until when nothing of theirs is looked at.
    locked: Mutex<Vec<(IpAddr, Instant)>>,
}

/// Somebody has logged in.
struct Login {
    secret: [u8; 32],
    until: Instant,
}

/// What the page logs in with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginBody {
    token: String,
}

impl Guard {
    pub(super) fn new(token: Option<AdminToken>) -> Guard {
        let quota = Quota::per_minute(FAILURES);
        Guard {
            token,
            logins: Mutex::default(),
            failures: RateLimiter::keyed(quota),
            locked: Mutex::default(),
        }
    }

    /// Whether somebody at this address may go on.
    fn admit(&self, from: IpAddr, headers: &HeaderMap, cookie: Option<&str>) -> Result<(), Problem> {
        let Some(token) = &self.token else { return Ok(()) };
        if cookie.is_some_and(|cookie| self.is_logged_in(cookie)) {
            return Ok(());
        }
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(shown) = shown else {
            return Err(unauthorized("a token is needed (Authorization: Bearer)"));
        };
        match shown.split_once(' ') {
            Some((scheme, shown)) if scheme.eq_ignore_ascii_case("bearer") => {
                self.compare(from, shown.trim(), token)
            }
            // No token was shown, so none was wrong.
            Some(_) | None => Err(unauthorized("a token is needed (Authorization: Bearer)")),
        }
    }

    /// Compares a token, unless this address has shown too many wrong ones.
    fn compare(&self, from: IpAddr, shown: &str, token: &AdminToken) -> Result<(), Problem> {
        let from = self.key(network(from));
        self.look_at(from)?;
        if bool::from(shown.as_bytes().ct_eq(token.as_str().as_bytes())) {
            return Ok(());
        }
        Err(self.failed(from))
    }

    /// Whose failures are counted together.
    fn key(&self, from: IpAddr) -> IpAddr {
        if self.failures.len() > ADDRESSES {
            self.failures.retain_recent();
        }
        let is_full = self.failures.len() > ADDRESSES;
        if is_full { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { from }
    }

    fn look_at(&self, from: IpAddr) -> Result<(), Problem> {
        let now = Instant::now();
        let mut locked = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        locked.retain(|(_, until)| *until > now);
        match locked.iter().find(|(address, _)| *address == from) {
            Some((_, until)) => Err(too_many(until.duration_since(now))),
            None => Ok(()),
        }
    }

    fn failed(&self, from: IpAddr) -> Problem {
        let Err(not_until) = self.failures.check_key(&from) else {
            return unauthorized("the token is wrong");
        };
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        let mut locked = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        if locked.len() < ADDRESSES {
            locked.push((from, Instant::now() + wait));
        }
        log::warn!("too many wrong admin tokens from {from}");
        too_many(wait)
    }

    fn log_in(&self) -> Result<String, Problem> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)
            .map_err(|_| Problem::not_now("the system gives no randomness for a login", 1))?;
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        if logins.len() >= LOGINS {
            logins.pop_front();
        }
        logins.push_back(Login { secret, until: Instant::now() + LOGIN_DT });
        Ok(secret.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn is_logged_in(&self, cookie: &str) -> bool {
        let Some(secret) = unhex(cookie) else { return false };
        let now = Instant::now();
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.retain(|login| login.until > now);
        // All are compared, wherever the right one stands.
        let found = logins.iter().fold(0, |found, login| found | login.secret.ct_eq(&secret).unwrap_u8());
        found == 1
    }

    fn log_out(&self, cookie: &str) {
        let Some(secret) = unhex(cookie) else { return };
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.retain(|login| !bool::from(login.secret.ct_eq(&secret)));
    }
}

/// Nothing of it is shown.
impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("has_token", &self.token.is_some()).finish_non_exhaustive()
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// From where a request comes.
fn peer(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip())
}

/// Whoever has one IPv6 address has all of its /64.
fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail).with_header(header::WWW_AUTHENTICATE, "Bearer")
}

fn too_many(wait: Duration) -> Problem {
    let seconds = wait.as_secs().saturating_add(1);
    Problem::new(StatusCode::TOO_MANY_REQUESTS, format!("too many wrong tokens; try again in {seconds} s"))
        .with_header(header::RETRY_AFTER, &seconds.to_string())
}

/// The middleware: lets through who may.
pub(super) async fn check<B>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error>
where
    B: MessageBody + 'static,
{
    let checked = match request.app_data::<Data<Admin>>() {
        Some(admin) => may_pass(&admin.guard, request.request()),
        None => Err(Problem::not_now("the server is not ready", 1)),
    };
    match checked {
        Ok(()) => match tokio::time::timeout(REQUEST_DT, next.call(request)).await {
            Ok(answer) => answer.map(ServiceResponse::map_into_boxed_body),
            Err(_) => {
                let detail = format!("the request was not complete within {} s", REQUEST_DT.as_secs());
                let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, detail);
                Err(problem.with_header(header::CONNECTION, "close").into())
            }
        },
        Err(problem) => Ok(request.into_response(problem.response())),
    }
}

fn may_pass(guard: &Guard, request: &HttpRequest) -> Result<(), Problem> {
    let headers = request.headers();
    let host = host(request);
    if guard.token.is_none() {
        check_host(host)?;
    }
    check_origin(request, host)?;
    if is_open(request.method(), request.path()) {
        return Ok(());
    }
    let from = peer(request);
    let cookie = request.cookie(COOKIE);
    guard.admit(from, headers, cookie.as_ref().map(Cookie::value))
}

/// What every answer says that does not say it itself: it is no page, and kept nowhere.
pub(super) fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::CACHE_CONTROL, "no-store"))
        .add((header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
}

/// What is served without a token: the page's files, which say nothing, its login, and whether the server is alive. These
/// alone, as they are written: what is another way to write an address is not among them.
fn is_open(method: &Method, path: &str) -> bool {
    match path {
        "/admin/login" => *method == Method::POST,
        "/healthz" | "/readyz" => true,
        _ => (*method == Method::GET || *method == Method::HEAD) && page::is_at(path),
    }
}

/// The host that is asked for, with its port.
fn host(request: &HttpRequest) -> Option<&str> {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| request.uri().authority().map(actix_web::http::uri::Authority::as_str))
}

/// Only this machine, by its address or as `localhost`: other names may have been made to lead here.
fn check_host(host: Option<&str>) -> Result<(), Problem> {
    let shown = host.unwrap_or_default();
    let name = match shown.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => shown,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let is_here = bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    if is_here {
        return Ok(());
    }
    let shown: String = shown.chars().take(80).collect();
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        format!(
            "Host = {shown:?} is not this machine; accepted without admin.token: localhost, 127.0.0.1, [::1]"
        ),
    ))
}

/// Nothing that a browser says comes from another site, but for links that lead to the page.
fn check_origin(request: &HttpRequest, host: Option<&str>) -> Result<(), Problem> {
    let headers = request.headers();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let foreign = |what: &str, seen: &str| {
        let seen: String = seen.chars().take(80).collect();
        Problem::new(StatusCode::FORBIDDEN, format!("{what} = {seen:?}: requests of other sites are refused"))
    };
    for origin in headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let of = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if of.is_none() || !host.is_some_and(|host| of.is_some_and(|of| of.eq_ignore_ascii_case(host))) {
            return Err(foreign("Origin", origin));
        }
    }
    let is_link = *request.method() == Method::GET
        && text("sec-fetch-mode") == Some("navigate")
        && text("sec-fetch-dest") == Some("document");
    match text("sec-fetch-site") {
        Some(site @ ("cross-site" | "same-site")) if !is_link => Err(foreign("Sec-Fetch-Site", site)),
        _ => Ok(()),
    }
}

/// `POST /admin/login`: a session cookie for the right token.
pub(super) async fn log_in(
    admin: Data<Admin>,
    request: HttpRequest,
    body: Json<LoginBody>,
) -> Result<HttpResponse, Problem> {
    let Some(token) = &admin.guard.token else { return Ok(HttpResponse::NoContent().finish()) };
    let from = peer(&request);
    admin.guard.compare(from, &body.token, token)?;
    let cookie = Cookie::build(COOKIE, admin.guard.log_in()?)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(actix_web::cookie::time::Duration::seconds(
            i64::try_from(LOGIN_DT.as_secs()).unwrap_or(i64::MAX),
        ))
        .finish();
    Ok(HttpResponse::NoContent().cookie(cookie).finish())
}

/// `POST /admin/logout`: the cookie counts no more.
pub(super) async fn log_out(admin: Data<Admin>, request: HttpRequest) -> HttpResponse {
    if let Some(cookie) = request.cookie(COOKIE) {
        admin.guard.log_out(cookie.value());
    }
    let mut gone = Cookie::build(COOKIE, "").path("/").http_only(true).same_site(SameSite::Strict).finish();
    gone.make_removal();
    HttpResponse::NoContent().cookie(gone).finish()
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;

    use super::*;

    const RIGHT: &str = "the-right-admin-token";

    fn guard() -> (Guard, AdminToken) {
        let token = AdminToken::parse(RIGHT).unwrap();
        (Guard::new(Some(token.clone())), token)
    }

    fn address(number: usize) -> IpAddr {
        IpAddr::V4(u32::try_from(number).unwrap().saturating_add(0x0a00_0000).into())
    }

    fn status(result: Result<(), Problem>) -> u16 {
        result.map_or_else(|problem| problem.status_code().as_u16(), |()| 200)
    }

    #[test]
    fn whoever_shows_too_many_wrong_tokens_is_not_looked_at_and_others_are() {
        let (guard, token) = guard();
        let compare = |from: &str, shown: &str| status(guard.compare(from.parse().unwrap(), shown, &token));
        let wrong: Vec<u16> = (0..11).map(|_| compare("2001:db8::1", "wrong")).collect();
        assert_eq!((&wrong[..10], wrong[10]), (&[401; 10][..], 429));
        assert_eq!(compare("2001:db8::2", RIGHT), 429, "another address of that network");
        assert_eq!(compare("2001:db8:0:1::1", RIGHT), 200);
        assert_eq!(compare("10.0.0.1", RIGHT), 200);
    }

    /// Somebody with more addresses than are remembered gains nothing by it.
    #[test]
    fn more_addresses_than_are_remembered_count_as_one() {
        let (guard, token) = guard();
        let compare = |number, shown: &str| status(guard.compare(address(number), shown, &token));
        assert!((0..=ADDRESSES).all(|number| compare(number, "wrong") == 401));
        let statuses: Vec<u16> = (1..=20).map(|number| compare(ADDRESSES + number, "wrong")).collect();
        assert_eq!((statuses[0], statuses[19]), (401, 429), "{statuses:?}");
        assert_eq!(compare(ADDRESSES + 100, RIGHT), 429);
        assert!(guard.locked.lock().unwrap().len() < 20);
    }

    #[test]
    fn of_too_many_logins_the_oldest_gives_way() {
        let (guard, _) = guard();
        let logins: Vec<String> = (0..=LOGINS).map(|_| guard.log_in().unwrap()).collect();
        assert!(!guard.is_logged_in(&logins[0]));
        assert!(logins[1..].iter().all(|login| guard.is_logged_in(login)));
    }
}
