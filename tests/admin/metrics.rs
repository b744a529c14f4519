//! `/metrics`, as a strict parser reads it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::Client;
use crate::metric_names::METRICS;
use crate::process::Server;
use crate::python_tools;
use crate::rig::{Admin, SHORT, until};

/// The families of a scrape, by their names.
struct Scrape(BTreeMap<String, Value>);

impl Scrape {
    fn of(admin: &Admin) -> Scrape {
        let answer = admin.ask("GET", "/metrics", None);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        let output = python_tools::run("metrics.py", &answer.body);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}\n{}", answer.text());
        let families: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        Scrape(
            families
                .into_iter()
                .map(|family| (family["name"].as_str().unwrap().to_owned(), family))
                .collect(),
        )
    }

    /// The sum of the samples of a family that have these labels.
    fn sum(&self, family: &str, labels: &Value) -> f64 {
        let samples = self.0.get(family).unwrap_or_else(|| panic!("no {family} in {:?}", self.0.keys()));
        let has = |sample: &&Value| {
            labels.as_object().unwrap().iter().all(|(name, value)| sample["labels"][name] == *value)
        };
        let samples = samples["samples"].as_array().unwrap();
        samples
            .iter()
            .filter(has)
            .map(|sample| sample["value"].as_f64().unwrap())
            .fold(0.0, |sum, more| sum + more)
    }
}

/// What the examples for Prometheus and Grafana ask for.
#[test]
fn what_the_examples_ask_for_is_there() {
    let server = Server::with_admin("[apps.demo]\n");
    let admin = Admin::of(&server);
    admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "pairs": 1 }));
    let text = admin.ask("GET", "/metrics", None).text();
    for (name, labels) in METRICS {
        let found = text
            .lines()
            .find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        let found = found.unwrap_or_else(|| panic!("no {name} in\n{text}"));
        for label in labels {
            assert!(found.contains(&format!("{label}=\"")), "{found}");
        }
    }
}

#[test]
fn metrics_are_accepted_by_a_strict_parser_and_say_what_is() {
    let server = Server::with_admin(&format!("[apps.demo]\n[apps.other]\n{SHORT}"));
    let admin = Admin::of(&server);
    Scrape::of(&admin);
    let pairs = admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "pairs": 2 }));
    pairs.iter().for_each(|id| drop(admin.wait_for(*id, "interacting")));
    let idle = admin.spawn_one("other", "controller", &json!({}));
    admin.wait_for(idle, "readyToPair/noPartnerClientId");
    let client = Client::responder(server.address, "000002");
    let (_stream, _) = client.connected();
    drop(Client::responder(server.address, "000003").connected());
    assert_eq!(client.send_event("000009", "toNobody"), 204);
    for _ in 0..3 {
        admin.send(pairs[0], &json!({ "eventType": "question" }));
    }
    let scrape = until("the counts", || {
        let scrape = Scrape::of(&admin);
        let expired = scrape.sum("crsocket_events_dropped", &json!({ "reason": "expired" }));
        let reserved = scrape.sum("crsocket_reserved_client_ids", &json!({}));
        let others = scrape.sum("crsocket_events", &json!({ "type": "other" }));
        let are_all = expired == 1.0 && reserved == 1.0 && others == 4.0;
        if are_all { Ok(scrape) } else { Err(format!("{expired} {reserved} {others}")) }
    });
    for (labels, count) in [
        (json!({ "app": "demo", "role": "controller", "state": "interacting" }), 2.0),
        (json!({ "app": "demo", "role": "responder", "state": "interacting" }), 2.0),
        (json!({ "app": "other", "state": "readyToPair" }), 1.0),
        (json!({}), 5.0),
    ] {
        assert_eq!(scrape.sum("crsocket_sockets", &labels), count, "{labels}");
    }
    assert_eq!(scrape.sum("crsocket_sessions", &json!({ "hosted": "true" })), 5.0);
    assert_eq!(scrape.sum("crsocket_sessions", &json!({ "hosted": "false" })), 1.0);
    assert!(scrape.sum("crsocket_events", &json!({ "type": "ping" })) >= 4.0);
    assert!(scrape.sum("process_resident_memory_bytes", &json!({})) > 1e6);
    assert!(scrape.sum("process_open_fds", &json!({})) > 3.0);
    let times = &scrape.0["crsocket_routing_seconds"]["samples"];
    let count =
        times.as_array().unwrap().iter().find(|sample| sample["name"] == "crsocket_routing_seconds_count");
    assert!(count.unwrap()["value"].as_f64() > Some(3.0), "{times}");
}

/// Names have their prefix, and no label grows with what clients say.
#[test]
fn no_label_is_a_client_id_or_a_text_of_a_client() {
    let server = Server::with_admin(&format!("[apps.demo]\n{SHORT}"));
    let admin = Admin::of(&server);
    let client = Client::responder(server.address, "000002");
    let (_stream, _) = client.connected();
    for number in 0..20 {
        assert_eq!(client.send_event("000009", &format!("marked{number}")), 204);
    }
    let scrape = Scrape::of(&admin);
    let known = ["app", "role", "state", "hosted", "type", "outcome", "reason", "le"];
    for (name, family) in &scrape.0 {
        assert!(name.starts_with("crsocket_") || name.starts_with("process_"), "{name}");
        for sample in family["samples"].as_array().unwrap() {
            for (label, value) in sample["labels"].as_object().unwrap() {
                assert!(known.contains(&label.as_str()), "{sample}");
                let value = value.as_str().unwrap();
                assert!(!value.contains("marked") && value != "000002", "{sample}");
            }
        }
    }
}

/// What is counted in two places is the same.
#[test]
fn metrics_and_stats_agree() {
    let server = Server::with_admin("[apps.demo]\n");
    let admin = Admin::of(&server);
    let ids = admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "role": "responder", "count": 7 }));
    ids.iter().for_each(|id| drop(admin.wait_for(*id, "readyToPair/noPartnerClientId")));
    until("the same counts", || {
        let (stats, scrape) = (admin.get("/admin/api/stats"), Scrape::of(&admin));
        for counter in stats["counters"].as_array().unwrap() {
            let (family, reason) = (counter["family"].as_str().unwrap(), counter["reason"].as_str().unwrap());
            let labels = if reason.is_empty() { json!({}) } else { json!({ "reason": reason }) };
            let scraped = scrape.sum(&format!("crsocket_{family}"), &labels);
            if counter["count"].as_f64() != Some(scraped) {
                return Err(format!("{counter}, and {scraped}"));
            }
        }
        match stats["sessions"]["total"].as_f64() == Some(scrape.sum("crsocket_sessions", &json!({}))) {
            true if stats["sessions"]["total"] == 7 => Ok(()),
            _ => Err(stats.to_string()),
        }
    });
}
