//! The examples for Prometheus and Grafana can be read by these, and name no metric that the server does not have.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what it saw by panicking"
)]

#[path = "support/metric_names.rs"]
mod metric_names;

use std::collections::BTreeSet;

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;

use metric_names::METRICS;

const PROMETHEUS: &str = include_str!("../config/prometheus.yml");
const GRAFANA: &str = include_str!("../config/grafana.json");

/// What Prometheus adds to every series.
const ADDED: [&str; 2] = ["instance", "job"];

fn dashboard() -> Value {
    serde_json::from_str(GRAFANA).unwrap()
}

fn array<'a>(value: &'a Value, pointer: &str) -> &'a Vec<Value> {
    value.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("no list {pointer} in {value}"))
}

/// The panels that show something, with their expressions.
fn panels(dashboard: &Value) -> impl Iterator<Item = (&str, Vec<&str>)> {
    let panels = array(dashboard, "/panels").iter().filter(|panel| panel["type"] != "row");
    panels.map(|panel| {
        let expressions = array(panel, "/targets").iter().map(|target| target["expr"].as_str().unwrap());
        (panel["title"].as_str().unwrap(), expressions.collect())
    })
}

/// All that is asked of Prometheus: by panels, and by the variables.
fn expressions(dashboard: &Value) -> Vec<String> {
    let queries = array(dashboard, "/templating/list").iter().filter(|variable| variable["type"] == "query");
    let queries = queries.map(|variable| variable["query"]["query"].as_str().unwrap());
    let all = panels(dashboard).flat_map(|(_, expressions)| expressions);
    all.chain(queries).map(str::to_owned).collect()
}

/// A word of an expression: outside of quotes, where it names metrics, labels and functions.
fn words(expression: &str) -> Vec<&str> {
    let outside = expression.split('"').step_by(2);
    let words =
        outside.flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && !"_$.".contains(c)));
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')).collect()
}

/// What PromQL and Grafana mean themselves.
const LANGUAGE: [&str; 8] = ["sum", "min", "by", "rate", "histogram_quantile", "label_values", "time", "max"];

/// The words that are neither metrics, nor labels of those metrics, nor of the language.
fn strange_words(expression: &str) -> Vec<&str> {
    let words = words(expression);
    let labels: Vec<&str> = METRICS
        .iter()
        .filter(|(metric, _)| words.contains(metric))
        .flat_map(|(_, labels)| labels.iter().copied())
        .chain(ADDED)
        .collect();
    let is_known = |word: &str| {
        METRICS.iter().any(|(metric, _)| *metric == word)
            || labels.contains(&word)
            || LANGUAGE.contains(&word)
    };
    words.iter().copied().filter(|word| !is_known(word)).collect()
}

#[test]
fn each_expression_names_what_the_server_has() {
    let dashboard = dashboard();
    for expression in expressions(&dashboard) {
        assert_eq!(strange_words(&expression), Vec::<&str>::new(), "in {expression}");
        assert!(
            METRICS.iter().any(|(metric, _)| words(&expression).contains(metric)),
            "no metric in {expression}"
        );
    }
}

#[test]
fn each_metric_is_shown() {
    let dashboard = dashboard();
    let expressions = expressions(&dashboard);
    let named: BTreeSet<&str> = expressions.iter().flat_map(|expression| words(expression)).collect();
    let missing: Vec<&str> =
        METRICS.iter().map(|(metric, _)| *metric).filter(|metric| !named.contains(metric)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// What only grows is of no use but as a rate, and what does not grow has none.
#[test]
fn counters_are_shown_as_rates() {
    for (title, expressions) in panels(&dashboard()) {
        for expression in expressions {
            let is_counter = expression.contains("_total{") || expression.contains("_bucket{");
            assert_eq!(is_counter, expression.contains("rate("), "{title}: {expression}");
            assert_eq!(is_counter, expression.contains("[$__rate_interval]"), "{title}: {expression}");
        }
    }
}

#[test]
fn strange_words_are_found() {
    assert_eq!(strange_words(r#"sum(rate(crsocket_events_total{kind="ping"}[1m]))"#), ["kind"]);
    assert_eq!(strange_words(r#"sum by (state) (crsocket_sessions{hosted="true"})"#), ["state"]);
    assert_eq!(strange_words(r#"crsocket_sessionz{instance=~"$instance"}"#), ["crsocket_sessionz"]);
    assert_eq!(
        strange_words(
            r#"sum by (le) (rate(crsocket_routing_seconds_bucket{job="a b"}[$__rate_interval])) * 1.5"#
        ),
        [""; 0]
    );
}

/// What Grafana needs to import it, and to draw it: a uid, panels with ids of their own that do not lie upon each other,
/// and the data source that whoever looks has chosen.
#[test]
fn grafana_can_import_the_dashboard() {
    let dashboard = dashboard();
    assert_eq!((&dashboard["uid"], &dashboard["title"]), (&"crsocket".into(), &"CRSocket".into()));
    assert!(
        dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 36),
        "{}",
        dashboard["schemaVersion"]
    );
    assert_eq!(dashboard["id"], Value::Null, "an id is of one Grafana only");
    let variables = array(&dashboard, "/templating/list");
    assert_eq!((&variables[0]["type"], &variables[0]["query"]), (&"datasource".into(), &"prometheus".into()));

    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in array(&dashboard, "/panels") {
        let title = &panel["title"];
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is another's, too");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(w > 0 && h > 0 && x + w <= 24, "{title} does not fit");
        let cells = (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y)));
        assert!(cells.into_iter().all(|cell| taken.insert(cell)), "{title} lies upon another");
        if panel["type"] != "row" {
            assert!(["timeseries", "stat"].contains(&panel["type"].as_str().unwrap()), "{title}");
            assert!(!panel["description"].as_str().unwrap().is_empty(), "{title} is not explained");
        }
    }
    let sources: Vec<&Value> = sources(&dashboard).filter(|source| source["type"] == "prometheus").collect();
    assert!(
        sources.len() > 50 && sources.iter().all(|source| source["uid"] == "${datasource}"),
        "{sources:?}"
    );
}

/// Every data source that is named anywhere.
fn sources(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Object(fields) => {
            Box::new(fields.get("datasource").into_iter().chain(fields.values().flat_map(sources)))
        }
        Value::Array(values) => Box::new(values.iter().flat_map(sources)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Box::new(std::iter::empty()),
    }
}

#[test]
fn prometheus_knows_what_the_example_says() {
    let documents = Yaml::load_from_str(PROMETHEUS).unwrap();
    let [document] = documents.as_slice() else { panic!("one document, not {}", documents.len()) };
    assert_eq!(keys(document), ["global", "scrape_configs"]);
    assert_eq!(keys(&document["global"]), ["scrape_interval"]);
    let jobs = document["scrape_configs"].as_sequence().unwrap();
    let accepted = ["job_name", "metrics_path", "scheme", "authorization", "static_configs"];
    for job in jobs {
        assert!(keys(job).iter().all(|key| accepted.contains(key)), "{:?}", keys(job));
        assert_eq!(job["metrics_path"].as_str(), Some("/metrics"));
        let [targets] = job["static_configs"].as_sequence().unwrap().as_slice() else {
            panic!("one list of targets")
        };
        for target in targets["targets"].as_sequence().unwrap() {
            let (host, port) = target.as_str().unwrap().rsplit_once(':').unwrap();
            assert_eq!(port, "8081", "the admin listener");
            let is_local = host == "127.0.0.1";
            let file = job
                .as_mapping_get("authorization")
                .and_then(|authorization| authorization["credentials_file"].as_str());
            assert_eq!(
                file.is_none(),
                is_local,
                "{host}: a token is needed where others can reach the server"
            );
        }
    }
    let names: BTreeSet<&str> = jobs.iter().map(|job| job["job_name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), jobs.len(), "each job has a name of its own");
}

fn keys<'a>(yaml: &'a Yaml<'_>) -> Vec<&'a str> {
    yaml.as_mapping().unwrap().keys().map(|key| key.as_str().unwrap()).collect()
}
