//! Settings -> the text of a file that says the same, secrets apart.

use std::fmt::Display;
use std::path::Path;

use toml::Value;

use super::{
    AccessSettings, AdminSettings, AppSettings, CorsOrigins, HostedSettings, ListedToken, ServerSettings,
    Settings, TlsSettings,
};
use crate::protocol::ids::AppId;
use crate::protocol::limits::Limits;
use crate::protocol::time::Timing;

/// All of them.
pub(super) fn settings(settings: &Settings) -> String {
    let mut file = File::default();
    server(&mut file, &settings.server, &settings.limits);
    if let Some(settings) = &settings.tls {
        tls(&mut file, settings);
    }
    admin(&mut file, &settings.admin);
    timing(&mut file, &settings.timing);
    limits(&mut file, &settings.limits);
    for (id, settings) in &settings.apps {
        app(&mut file, id, settings);
    }
    for settings in &settings.hosted {
        hosted(&mut file, settings);
    }
    file.text
}

#[derive(Default)]
struct File {
    text: String,
}

impl File {
    fn section(&mut self, name: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        self.text.push_str(&format!("{gap}[{name}]\n"));
    }

    fn line(&mut self, key: &str, value: impl Display) {
        self.text.push_str(&format!("{key} = {value}\n"));
    }

    fn path(&mut self, key: &str, path: Option<&Path>) {
        self.line(key, text(path.map_or_else(String::new, |path| path.to_string_lossy().into_owned())));
    }

    fn list<T: Display>(&mut self, key: &str, items: impl IntoIterator<Item = T>) {
        self.line(key, Value::Array(items.into_iter().map(text).collect()));
    }
}

fn text(text: impl Display) -> Value {
    Value::String(text.to_string())
}

fn server(file: &mut File, server: &ServerSettings, limits: &Limits) {
    file.section("server");
    file.list("bind", &server.bind);
    file.path("web_root", server.web_root.as_deref());
    file.path("data_dir", server.data_dir.as_deref());
    file.line("any_app", server.any_app);
    file.line("bind_client_ids", limits.bind_client_ids);
    file.line("workers", server.workers);
    file.line("max_connections", server.max_connections);
    file.line("backlog", server.backlog);
    file.line("keep_alive_ms", server.keep_alive.0);
    file.line("heartbeat_ms", server.heartbeat.0);
    file.line("heartbeat_http2_ms", server.heartbeat_http2.0);
    file.line("shutdown_timeout_ms", server.shutdown_timeout.0);
    file.list("trusted_proxies", &server.trusted_proxies);
}

fn tls(file: &mut File, tls: &TlsSettings) {
    file.section("tls");
    file.list("bind", &tls.bind);
    file.path("certificate_file", Some(&tls.certificate_file));
    file.path("private_key_file", Some(&tls.private_key_file));
}

/// Its token is secret: whoever has it fills the line in.
fn admin(file: &mut File, admin: &AdminSettings) {
    file.section("admin");
    file.list("bind", &admin.bind);
    match admin.token {
        Some(_) => file.text.push_str("#token is not shown\n"),
        None => file.line("token", text("")),
    }
    file.line("show_params", admin.show_params);
}

fn timing(file: &mut File, timing: &Timing) {
    file.section("timing");
    for (name, length) in Timing::NAMES.into_iter().zip(lengths(timing)) {
        file.line(&format!("{name}_ms"), length);
    }
    file.line("max_event_data_length", timing.max_event_data_length);
}

/// The lengths in milliseconds, in the order of their names.
fn lengths(timing: &Timing) -> [i64; Timing::NAMES.len()] {
    [
        timing.server_interaction_complete_dt,
        timing.min_cr_event_dt,
        timing.interacting_max_event_out_dt,
        timing.searching_max_event_out_dt,
        timing.partner_active_max_event_in_dt,
        timing.invalid_client_id_retry_dt,
        timing.event_source_send_alive_dt,
        timing.max_prev_alive_dt,
        timing.recipient_wait_dt,
        timing.hello_settle_dt,
        timing.send_answer_dt,
        timing.hello_max_dt,
        timing.unassign_wait_dt,
        timing.release_dt,
    ]
    .map(|length| length.0)
}

fn limits(file: &mut File, limits: &Limits) {
    file.section("limits");
    file.line("output_frames", limits.output_frames);
    file.line("output_bytes", limits.output_bytes);
    file.line("all_outputs_bytes", limits.all_outputs_bytes);
    file.line("line_events", limits.line_events);
    file.line("all_lines_bytes", limits.all_lines_bytes);
    file.line("send_rate_per_second", limits.send_rate.per_second);
    file.line("send_rate_burst", limits.send_rate.burst);
    file.line("client_id_rate_per_second", limits.client_id_rate.per_second);
    file.line("client_id_rate_burst", limits.client_id_rate.burst);
    file.line("streams", limits.streams);
}

fn app(file: &mut File, id: &AppId, app: &AppSettings) {
    file.section(&format!("apps.{id}"));
    match &app.access {
        AccessSettings::Any => file.line("access", text("any")),
        AccessSettings::List { tokens, token_file } => {
            file.line("access", text("list"));
            file.line("tokens", format!("[]{}", masked(tokens)));
            if token_file.is_some() {
                file.path("token_file", token_file.as_deref());
            }
        }
    }
    if let Some(pattern) = &app.token_pattern {
        file.line("token_pattern", text(pattern.as_str()));
    }
    file.line("pairing", text(app.pairing.as_str()));
    match &app.cors_origins {
        CorsOrigins::Any => file.list("cors_origins", ["*"]),
        CorsOrigins::Only(origins) => file.list("cors_origins", origins),
    }
}

/// Its accessToken is secret: whoever has it fills the line in.
fn hosted(file: &mut File, hosted: &HostedSettings) {
    file.section("[hosted]");
    file.line("app", text(&hosted.app));
    file.text.push_str("#access_token is not shown\n");
    file.line("pairs", hosted.pairs);
    file.line("controllers", hosted.controllers);
    file.line("responders", hosted.responders);
    file.list("client_ids", &hosted.client_ids);
    file.line("behaviour", text(hosted.behaviour.as_str()));
}

/// A comment with a mask for each token, and its role.
fn masked(tokens: &[ListedToken]) -> String {
    let masks: Vec<String> = tokens
        .iter()
        .map(|token| token.role.map_or_else(|| "***".to_owned(), |role| format!("*** ({role})")))
        .collect();
    if masks.is_empty() {
        String::new()
    } else {
        format!(" # {} not shown: {}", masks.len(), masks.join(", "))
    }
}
