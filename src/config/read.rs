//! The sections but for `[apps]`, and what contradicts each other across them.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::num::NonZero;
use std::path::PathBuf;

use config::{Map, Value};
use ipnet::IpNet;

use super::admin::{AdminSettings, AdminToken, LONGEST_TOKEN, SHORTEST_TOKEN};
use super::mistake::{Given, Mistake};
use super::section::Section;
use super::value::{self, place};
use super::{ServerSettings, Settings, TlsSettings, apps, hosted};
use crate::protocol::limits::Limits;
use crate::protocol::time::{Millis, Timing, TimingError};

type Tree = Map<String, Value>;

/// Longest length of time: a year. What is longer is a slip, and clocks need not reckon with it.
const LONGEST: i64 = 365 * 24 * 60 * 60 * 1000;
/// Longest eventData: it comes in a request line, and those are accepted up to 32 KiB (section 3).
const LONGEST_EVENT_DATA: usize = 32 * 1024;

/// The settings, as far as they can be understood, and what is wrong with the rest.
pub(super) fn settings(tree: &Tree, mistakes: &mut Vec<Mistake>) -> Settings {
    let mut server_section = Section::new("server", table(tree, "server"), mistakes);
    let server = server(&mut server_section);
    let bind_client_ids = server_section.truth("bind_client_ids", Limits::default().bind_client_ids);
    server_section.close();
    let tls = table(tree, "tls").and_then(|values| tls(Section::new("tls", Some(values), mistakes)));
    let admin = admin(Section::new("admin", table(tree, "admin"), mistakes));
    let timing = timing(Section::new("timing", table(tree, "timing"), mistakes));
    let limits = limits(Section::new("limits", table(tree, "limits"), mistakes), bind_client_ids);
    let apps = apps::read(table(tree, "apps"), mistakes);
    let hosted = hosted::read(tree.get("hosted"), mistakes);
    let settings = Settings { server, tls, admin, timing, limits, apps, hosted, demo: None };
    // A value that could not be read would be held against others as its default.
    if mistakes.is_empty() {
        check_addresses(tree, &settings, mistakes);
        check_timing(tree, &settings.timing, mistakes);
        check_limits(tree, &settings, mistakes);
        hosted::check(tree.get("hosted"), &settings, mistakes);
    }
    settings
}

/// Whether this key was given.
pub(super) fn says(tree: &Tree, section: &str, key: &str) -> bool {
    table(tree, section).is_some_and(|values| values.contains_key(key))
}

fn table<'a>(tree: &'a Tree, section: &str) -> Option<&'a Tree> {
    value::table(tree.get(section)?)
}

fn server(section: &mut Section<'_>) -> ServerSettings {
    let default = ServerSettings::default();
    ServerSettings {
        bind: section.list("bind", default.bind, ADDRESS, addresses),
        web_root: section.path("web_root", default.web_root),
        data_dir: section.path("data_dir", default.data_dir),
        workers: NonZero::new(section.whole("workers", default.workers.get(), 1..=1_024))
            .unwrap_or(NonZero::<usize>::MIN),
        max_connections: section.whole("max_connections", default.max_connections, 1..=10_000_000),
        backlog: section.whole("backlog", default.backlog, 1..=65_535),
        shutdown_timeout: length(section, "shutdown_timeout_ms", default.shutdown_timeout, 0),
        keep_alive: length(section, "keep_alive_ms", default.keep_alive, 0),
        any_app: section.truth("any_app", default.any_app),
        trusted_proxies: section.list("trusted_proxies", default.trusted_proxies, NETWORK, network),
        heartbeat: length(section, "heartbeat_ms", default.heartbeat, 1),
        heartbeat_http2: length(section, "heartbeat_http2_ms", default.heartbeat_http2, 1),
    }
}

const ADDRESS: &str =
    "an IP address and a port such as \"127.0.0.1:8080\", \"[::]:8080\" or \"localhost:8080\"";

/// The socket addresses that a text names. `localhost` is the one name that needs no network.
fn addresses(text: &str) -> Option<Vec<SocketAddr>> {
    if let Ok(address) = text.parse() {
        return Some(vec![address]);
    }
    let port: u16 = text.strip_prefix("localhost:")?.parse().ok()?;
    let found = ("localhost", port).to_socket_addrs().ok()?;
    // A machine without IPv6 often has a name for its loopback address all the same.
    let usable: Vec<SocketAddr> =
        found.filter(|address| UdpSocket::bind((address.ip(), 0)).is_ok()).collect();
    (!usable.is_empty()).then_some(usable)
}

const NETWORK: &str = "an IP address or a network such as \"10.0.0.0/8\"";

fn network(text: &str) -> Option<Vec<IpNet>> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.ok().map(|network| vec![network])
}

fn length(section: &mut Section<'_>, key: &'static str, default: Millis, least: i64) -> Millis {
    Millis(section.whole(key, default.0, least..=LONGEST))
}

/// `None` where something is wrong with it.
fn tls(mut section: Section<'_>) -> Option<TlsSettings> {
    let bind = section.list("bind", TlsSettings::default_bind(), ADDRESS, addresses);
    let certificate_file = needed_path(&mut section, "certificate_file");
    let private_key_file = needed_path(&mut section, "private_key_file");
    section.close();
    Some(TlsSettings { bind, certificate_file: certificate_file?, private_key_file: private_key_file? })
}

fn admin(mut section: Section<'_>) -> AdminSettings {
    let default = AdminSettings::default();
    let accepted = format!("{SHORTEST_TOKEN} to {LONGEST_TOKEN} visible ASCII characters, or \"\" for none");
    let settings = AdminSettings {
        bind: section.list("bind", default.bind, ADDRESS, addresses),
        token: section.text("token", default.token, &accepted, |text| match text {
            "" => Some(None),
            text => AdminToken::parse(text).map(Some),
        }),
        show_params: section.truth("show_params", default.show_params),
    };
    section.close();
    settings
}

fn needed_path(section: &mut Section<'_>, key: &'static str) -> Option<PathBuf> {
    section.needed(key, "TLS needs a certificate and its key", "the path of a PEM file", |text| {
        (!text.is_empty()).then(|| PathBuf::from(text))
    })
}

fn timing(mut section: Section<'_>) -> Timing {
    let mut timing = Timing::default();
    for (key, place) in [
        ("server_interaction_complete_dt_ms", &mut timing.server_interaction_complete_dt),
        ("min_cr_event_dt_ms", &mut timing.min_cr_event_dt),
        ("interacting_max_event_out_dt_ms", &mut timing.interacting_max_event_out_dt),
        ("searching_max_event_out_dt_ms", &mut timing.searching_max_event_out_dt),
        ("partner_active_max_event_in_dt_ms", &mut timing.partner_active_max_event_in_dt),
        ("invalid_client_id_retry_dt_ms", &mut timing.invalid_client_id_retry_dt),
        ("event_source_send_alive_dt_ms", &mut timing.event_source_send_alive_dt),
        ("max_prev_alive_dt_ms", &mut timing.max_prev_alive_dt),
        ("recipient_wait_dt_ms", &mut timing.recipient_wait_dt),
        ("hello_settle_dt_ms", &mut timing.hello_settle_dt),
        ("send_answer_dt_ms", &mut timing.send_answer_dt),
        ("hello_max_dt_ms", &mut timing.hello_max_dt),
        ("unassign_wait_dt_ms", &mut timing.unassign_wait_dt),
        ("release_dt_ms", &mut timing.release_dt),
    ] {
        *place = length(&mut section, key, *place, 0);
    }
    timing.max_event_data_length =
        section.whole("max_event_data_length", timing.max_event_data_length, 0..=LONGEST_EVENT_DATA);
    section.close();
    timing
}

fn limits(mut section: Section<'_>, bind_client_ids: bool) -> Limits {
    const MOST: usize = 1 << 40;
    let mut limits = Limits { bind_client_ids, ..Limits::default() };
    for (key, place) in [
        ("output_frames", &mut limits.output_frames),
        ("output_bytes", &mut limits.output_bytes),
        ("all_outputs_bytes", &mut limits.all_outputs_bytes),
        ("line_events", &mut limits.line_events),
        ("all_lines_bytes", &mut limits.all_lines_bytes),
    ] {
        *place = section.whole(key, *place, 0..=MOST);
    }
    for (key, place) in [
        ("send_rate_per_second", &mut limits.send_rate.per_second),
        ("send_rate_burst", &mut limits.send_rate.burst),
        ("client_id_rate_per_second", &mut limits.client_id_rate.per_second),
        ("client_id_rate_burst", &mut limits.client_id_rate.burst),
    ] {
        *place = section.whole(key, *place, 0..=u32::MAX);
    }
    limits.streams = section.whole("streams", limits.streams, 0..=1_000_000);
    section.close();
    limits
}

/// A key with the value that it has, and where that came from.
fn given(tree: &Tree, section: &str, key: &str, value: String) -> Given {
    let place =
        table(tree, section).and_then(|values| values.get(key)).map_or("the default".to_owned(), place);
    Given { key: format!("{section}.{key}"), value: Some(value), place }
}

fn check_addresses(tree: &Tree, settings: &Settings, mistakes: &mut Vec<Mistake>) {
    let tls = settings.tls.as_ref().map_or(&[][..], |tls| &tls.bind);
    if settings.server.bind.is_empty() && tls.is_empty() {
        let given = given(tree, "server", "bind", "[]".to_owned());
        let accepted = "at least one address, unless [tls] has one".to_owned();
        mistakes.push(Mistake::Refused { given, accepted });
    }
    let others = settings.admin.bind.iter().any(|address| !address.ip().is_loopback());
    if others && settings.admin.token.is_none() {
        mistakes.push(Mistake::Missing {
            key: "admin.token".to_owned(),
            because: "admin.bind names an address that other machines reach",
        });
    }
    let mut taken: Vec<(&str, &SocketAddr)> = Vec::new();
    let all = settings.server.bind.iter().map(|address| ("server", address));
    let all = all.chain(tls.iter().map(|address| ("tls", address)));
    for (section, address) in all.chain(settings.admin.bind.iter().map(|address| ("admin", address))) {
        let as_given = |section| given(tree, section, "bind", format!("\"{address}\""));
        // Port 0 is another one each time.
        match taken.iter().find(|(_, other)| *other == address && address.port() != 0) {
            Some((other, _)) => mistakes.push(Mistake::Contradiction {
                given: as_given(section),
                must: "names an address once more:".to_owned(),
                other: as_given(other),
            }),
            None => taken.push((section, address)),
        }
    }
}

fn check_timing(tree: &Tree, timing: &Timing, mistakes: &mut Vec<Mistake>) {
    let as_given = |key: &str, value: i64| {
        // The one that is no length is written without a unit.
        let unit = if key == "max_event_data_length" { "" } else { "_ms" };
        given(tree, "timing", &format!("{key}{unit}"), value.to_string())
    };
    match timing.check() {
        Ok(()) => {}
        Err(TimingError::TooSmall { key, value, least }) => mistakes
            .push(Mistake::Refused { given: as_given(key, value), accepted: format!("at least {least}") }),
        Err(TimingError::Contradiction { key, value, must, other, other_value }) => {
            mistakes.push(Mistake::Contradiction {
                given: as_given(key, value.0),
                must: format!("must be {must}"),
                other: as_given(other, other_value.0),
            });
        }
    }
}

fn check_limits(tree: &Tree, settings: &Settings, mistakes: &mut Vec<Mistake>) {
    if let Err(error) = settings.limits.check(&settings.timing) {
        // A rate is one value there, and two keys here.
        let key = error.key.replace('.', "_");
        let given = given(tree, "limits", &key, error.value.to_string());
        let accepted = format!("at least {}: {}", error.least, error.because);
        mistakes.push(Mistake::Refused { given, accepted });
    }
}
