//! The page of a load test, opened from a file, as whoever gets it in a mail does.

use std::collections::BTreeMap;
use std::fs;

use crsocket::load::html::html;
use crsocket::load::report::Report;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::load_example;
use crate::look::{click, shows, text};
use crate::setup::until;

const CHARTS: [&str; 7] = ["latency", "percentiles", "throughput", "states", "incidents", "cores", "memory"];

/// The page of this report. None without Chromium.
fn opened(report: &Report) -> Option<(Browser, TempDir)> {
    let browser = Browser::start()?;
    if !browser.is_chromium() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    fs::write(&path, html(report).unwrap()).unwrap();
    browser.be_wide(1_400);
    browser.prefer("light");
    browser.open(&format!("file://{}", path.display()));
    Some((browser, folder))
}

/// How many pixels of a chart are of about this colour.
fn pixels(browser: &Browser, chart: &str, colour: [u8; 3]) -> u64 {
    let script = "const canvas = document.querySelector(`[data-chart=${arguments[0]}] canvas`); \
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d'); \
        copy.drawImage(canvas, 0, 0); \
        const { data } = copy.getImageData(0, 0, canvas.width, canvas.height); \
        let count = 0; \
        for (let at = 0; at < data.length; at += 4) { \
            count += data[at + 3] > 200 && arguments[1].every((value, c) => Math.abs(data[at + c] - value) < 12); \
        } \
        return count;";
    browser.run(script, &[json!(chart), json!(colour)])
}

/// What the scales of a chart reach from and to, by their names.
fn scales(browser: &Browser, chart: &str) -> BTreeMap<String, [f64; 2]> {
    let script = "const [, plot] = [...plots].find(([place]) => place.dataset.chart === arguments[0]); \
        return Object.fromEntries(Object.entries(plot.scales).map(([name, { min, max }]) => [name, [min, max]]));";
    browser.run(script, &[json!(chart)])
}

/// Nothing is in the console, and nothing but the page itself was asked for.
fn is_quiet(browser: &Browser) {
    assert_eq!(browser.console(), Vec::<Value>::new());
    let requested: Vec<String> =
        browser.run("return performance.getEntriesByType('resource').map(({ name }) => name);", &[]);
    assert_eq!(requested, Vec::<String>::new());
}

/// Of p50 by day and by night.
const BLUE: [[u8; 3]; 2] = [[0x00, 0x67, 0xa5], [0x63, 0xb4, 0xf0]];

#[test]
fn the_page_draws_its_charts_from_a_file_and_asks_for_nothing() {
    let report: Report = load_example::eventful();
    let Some((browser, _folder)) = opened(&report) else { return };
    assert_eq!(shows(&browser, "h1", "failed"), "2 of 5 gates failed");
    for chart in CHARTS {
        let label: String = browser
            .run("return document.querySelector(`[data-chart=${arguments[0]}]`).ariaLabel;", &[json!(chart)]);
        assert!(label.len() > 20, "{chart}: {label:?}");
    }
    // Lines in their colours, the outage, areas of states, the strokes of incidents.
    for (chart, colour, least) in [
        ("latency", BLUE[0], 1_000),
        ("latency", [0xc2, 0x6a, 0x00], 500),
        ("latency", [0xa8, 0x2a, 0x2a], 200),
        ("percentiles", BLUE[0], 300),
        ("throughput", BLUE[0], 500),
        ("states", [0x2a, 0x9d, 0x83], 30_000),
        ("incidents", [0xa2, 0x47, 0x8a], 500),
        ("cores", BLUE[0], 500),
        ("memory", [0xa2, 0x47, 0x8a], 300),
    ] {
        let seen = pixels(&browser, chart, colour);
        assert!(seen >= least, "{chart}: {seen} pixels of {colour:?}");
    }
    for chart in CHARTS.into_iter().filter(|chart| *chart != "percentiles") {
        assert_eq!(scales(&browser, chart)["x"], [0.0, 600.0], "{chart}");
    }
    assert_eq!(scales(&browser, "latency")["y"], [0.1, 10_000.0], "lengths of 1 ms to 4 s");
    assert_eq!(scales(&browser, "states")["y"], [0.0, 2_000.0]);
    let [from, to] = scales(&browser, "throughput")["y"];
    assert!(from == 0.0 && (10_000.0..11_500.0).contains(&to), "{from} to {to}");
    let [from, to] = scales(&browser, "percentiles")["x"];
    assert!(from == 0.0 && (to - 5_577_341_f64.log10()).abs() < 1e-6, "one of 5,577,341: {from} to {to}");
    is_quiet(&browser);
}

#[test]
fn the_charts_follow_the_colour_scheme() {
    let report: Report = load_example::eventful();
    let Some((browser, _folder)) = opened(&report) else { return };
    let ground = "return getComputedStyle(document.body).backgroundColor;";
    for (at, scheme, colour) in [(1, "dark", "rgb(16, 22, 28)"), (0, "light", "rgb(244, 246, 248)")] {
        browser.prefer(scheme);
        until(&format!("charts for {scheme}"), || {
            let [this, other] = [BLUE[at], BLUE[1 - at]].map(|blue| pixels(&browser, "latency", blue));
            if this > 1_000 && other == 0 { Ok(()) } else { Err(format!("{this} and {other} pixels")) }
        });
        assert_eq!(browser.run::<String>(ground, &[]), colour);
    }
    is_quiet(&browser);
}

#[test]
fn the_page_fits_a_phone() {
    for report in [load_example::eventful::<Report>(), load_example::empty()] {
        let Some((browser, _folder)) = opened(&report) else { return };
        browser.be_wide(390);
        let widest = "return Math.max(document.documentElement.scrollWidth, \
            ...[...document.querySelectorAll('.uplot, .card')].map((one) => one.getBoundingClientRect().right));";
        until("a page of 390 pixels", || match browser.run::<f64>(widest, &[]) {
            width if width <= 390.0 => Ok(()),
            width => Err(format!("{width}")),
        });
        is_quiet(&browser);
    }
}

#[test]
fn a_part_of_the_time_is_shown_by_all_charts_and_left_again() {
    let report: Report = load_example::eventful();
    let Some((browser, _folder)) = opened(&report) else { return };
    assert_eq!(text(&browser, "#show-all"), "");
    let places = "const over = document.querySelector('[data-chart=latency] .u-over'); \
        over.scrollIntoView(); \
        const { left, top, width } = over.getBoundingClientRect(); \
        return [0.25, 0.5].map((part) => [Math.round(left + width * part), Math.round(top + 50)]);";
    let [from, to]: [[i64; 2]; 2] = browser.run(places, &[]);
    browser.drag(from, to);
    shows(&browser, "#show-all", "Show all");
    for chart in ["latency", "states", "memory"] {
        let [from, to] = scales(&browser, chart)["x"];
        assert!((from - 150.0).abs() < 3.0 && (to - 300.0).abs() < 3.0, "{chart}: {from} to {to}");
    }
    click(&browser, "#show-all");
    for chart in ["latency", "states", "memory"] {
        assert_eq!(scales(&browser, chart)["x"], [0.0, 600.0], "{chart}");
    }
    assert_eq!(text(&browser, "#show-all"), "");
    is_quiet(&browser);
}

#[test]
fn the_tables_hold_what_the_charts_show_and_foreign_names_are_text() {
    let report: Report = load_example::eventful();
    let Some((browser, _folder)) = opened(&report) else { return };
    click(&browser, "#over-time summary");
    let rows = "return [...document.querySelectorAll('#over-time tbody tr')].map((row) => \
        [...row.cells].map((cell) => cell.textContent));";
    let rows: Vec<Vec<String>> = until("a table of all intervals", || {
        let rows: Vec<Vec<String>> = browser.run(rows, &[]);
        if rows.is_empty() { Err("none".to_owned()) } else { Ok(rows) }
    });
    assert_eq!(rows.len(), 600);
    for (row, point) in rows.iter().zip(&report.series.points) {
        let plain = |at: usize| row[at].replace(',', "");
        assert_eq!(row[0], format!("{} s", point.at));
        assert_eq!([plain(1), plain(2)], [point.sent.to_string(), point.received.to_string()]);
        assert_eq!(row[3] == "–", point.p50_ms.is_none(), "{row:?}");
        assert_eq!(plain(6), point.states["interacting"].to_string());
    }
    shows(&browser, "#Errors + .wide", "</script><img src=x onerror=alert(1)>");
    shows(&browser, "#Incidentsandrecovery ~ .wide", "wrong <b>partner</b>");
    assert_eq!(
        browser.run::<u64>("return document.querySelectorAll('img, b:not(.brand b)').length;", &[]),
        0
    );
    is_quiet(&browser);
}

#[test]
fn a_run_in_which_nothing_happened_is_a_page_too() {
    let Some((browser, _folder)) = opened(&load_example::empty()) else { return };
    shows(&browser, ".charts", "nothing was measured");
    shows(&browser, ".gates", "nothing: no event arrived while it was measured");
    assert_eq!(browser.run::<u64>("return document.querySelectorAll('canvas').length;", &[]), 0);
    is_quiet(&browser);
}
