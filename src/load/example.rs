//! Reports to test with: a calm run, one in which much happened, one in which nothing did. As JSON, so that other tests can
//! have them, too.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::needless_pass_by_value,
    unreachable_pub,
    reason = "made up for tests"
)]

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// 100 pairs for half a minute, and all went well.
pub fn calm<T: DeserializeOwned>() -> T {
    let points: Vec<Value> = (1..=36).map(|second| point(f64::from(second), 200, None)).collect();
    report(json!({
        "setting": setting(100, 1.0, 5.0, 30.0),
        "seconds": 30.0,
        "secondsUntilAllInteracting": 1.31,
        "sockets": { "total": 200, "interacting": 200, "byState": { "interacting": 200 }, "leftInteracting": 0 },
        "events": events([6_000, 6_000, 6_000, 0, 0, 0, 0, 0, 0, 0, 0], 200.0),
        "latencyMs": quantiles(6_000, [1.31, 1.2, 2.1, 4.21, 9.8, 12.3]),
        "lagMs": quantiles(6_000, [0.04, 0.03, 0.06, 0.12, 0.4, 0.9]),
        "connectMs": quantiles(200, [3.1, 3.0, 4.4, 6.2, 7.0, 7.1]),
        "pairingMs": quantiles(100, [2.1, 2.0, 3.4, 5.2, 6.0, 6.1]),
        "shareOfTime": { "interacting": 1.0 },
        "percentiles": percentiles(&[1.2, 2.1, 4.21, 9.8, 12.3]),
        "series": { "interval": 1.0, "measuredFrom": 6.0, "measuredTo": 36.0, "points": points },
        "gates": [
            { "flag": "--max-p99", "limit": 5.0, "seen": 4.21, "unit": "ms", "passed": true },
            { "flag": "--max-lost", "limit": 0.0, "seen": 0.0, "unit": "events", "passed": true },
        ],
    }))
}

/// 1,000 pairs for ten minutes: incidents of all kinds, an outage, errors, gates that failed.
pub fn eventful<T: DeserializeOwned>() -> T {
    let mut dice = Dice(7);
    let points: Vec<Value> = (1..=600).map(|second| eventful_point(f64::from(second), &mut dice)).collect();
    report(json!({
        "setting": setting(1_000, 20.0, 10.0, 565.0),
        "seconds": 565.0,
        "secondsUntilAllInteracting": 22.4,
        "sockets": {
            "total": 2_000,
            "interacting": 1_987,
            "byState": { "interacting": 1_987, "searching": 6, "readyToPair": 3, "connecting": 2, "passive": 2 },
            "leftInteracting": 31,
        },
        "events": events([5_900_412, 5_893_201, 5_889_877, 3_324, 41, 12, 7, 0, 7_211, 118, 803], 9_871.4),
        "latencyMs": quantiles(5_577_341, [4.82, 1.24, 3.4, 38.2, 911.0, 4_215.0]),
        "trialsMs": quantiles(12_400, [804.0, 790.0, 1_120.0, 1_480.0, 5_310.0, 9_120.0]),
        "lagMs": quantiles(5_900_412, [0.09, 0.05, 0.11, 0.9, 6.4, 31.0]),
        "connectMs": quantiles(2_000, [12.1, 9.4, 21.0, 48.0, 91.0, 120.0]),
        "pairingMs": quantiles(1_000, [8.1, 6.4, 15.0, 41.0, 77.0, 81.0]),
        "shareOfTime": {
            "interacting": 0.9812, "searching": 0.0084, "readyToPair": 0.0031, "connecting": 0.0042,
            "readyToConnect": 0.0027, "passive": 0.0004,
        },
        "incidents": [
            incident("reload", 1_130, 1_127, [412.0, 380.0, 610.0, 1_310.0, 2_904.0, 3_010.0]),
            incident("offline", 92, 90, [1_212.0, 1_100.0, 1_900.0, 4_100.0, 4_600.0, 4_600.0]),
            incident("pause", 61, 61, [96.0, 88.0, 140.0, 260.0, 270.0, 270.0]),
            incident("silentDeath", 12, 10, [20_310.0, 20_200.0, 20_900.0, 21_400.0, 21_400.0, 21_400.0]),
            incident("wrong <b>partner</b>", 4, 0, [0.0; 6]),
        ],
        "outages": [{ "from": 311.2, "to": 324.9 }],
        "errors": [
            { "kind": "notSent notReady", "count": 7_211 },
            { "kind": "connecting aborted", "count": 2_010 },
            { "kind": "refused 429", "count": 118 },
            { "kind": "</script><img src=x onerror=alert(1)>", "count": 3 },
            { "kind": "<!-- \u{1b}[31m", "count": 1 },
        ],
        "cpu": { "cores": 1.21, "busiestThread": 0.97, "bottleneck": "one thread used 0.97 cores" },
        "memory": { "bytes": 214_000_000, "bytesPerSocket": 4_380 },
        "pings": { "maxLateMs": 84 },
        "percentiles": percentiles(&[1.24, 3.4, 38.2, 911.0, 2_904.0, 3_917.0, 4_215.0]),
        "series": { "interval": 1.0, "measuredFrom": 30.0, "measuredTo": 595.0, "points": points },
        "gates": [
            { "flag": "--max-p50", "limit": 2.0, "seen": 1.24, "unit": "ms", "passed": true },
            { "flag": "--max-p99", "limit": 5.0, "seen": 38.2, "unit": "ms", "passed": false },
            { "flag": "--max-lost", "limit": 0.0, "seen": 3_324.0, "unit": "events", "passed": false },
            { "flag": "--max-until-all-interacting", "limit": 30.0, "seen": 22.4, "unit": "s", "passed": true },
            { "flag": "--min-throughput", "limit": 9_500.0, "seen": 9_871.4, "unit": "events/s", "passed": true },
        ],
        "warnings": ["The server spaces crEvents wider than was asked for: 12 ms, not 10 ms."],
    }))
}

/// Nobody ever came, and gates were asked for.
pub fn empty<T: DeserializeOwned>() -> T {
    report(json!({
        "interrupted": false,
        "setting": setting(0, 0.0, 0.0, 1.0),
        "gates": [
            { "flag": "--max-p99", "limit": 5.0, "seen": null, "unit": "ms", "passed": false },
            { "flag": "--max-until-all-interacting", "limit": 10.0, "seen": null, "unit": "s", "passed": false },
        ],
    }))
}

/// A report with these fields; the others are as if there had been nothing.
fn report<T: DeserializeOwned>(fields: Value) -> T {
    let mut all = json!({
        "format": "crsocket-load-1",
        "version": "0.1.0",
        "startedAt": 1_795_000_000_000_i64,
        "interrupted": false,
        "seconds": 0.0,
        "secondsUntilAllInteracting": null,
        "sockets": { "total": 0, "interacting": 0, "byState": {}, "leftInteracting": 0 },
        "memory": { "bytes": 21_300_000, "bytesPerSocket": 4_400 },
        "cpu": { "cores": 0.31, "busiestThread": 0.16, "bottleneck": null },
        "pings": { "maxLateMs": 3 },
        "events": events([0; 11], 0.0),
        "shareOfTime": {},
        "incidents": [],
        "outages": [],
        "errors": [],
        "percentiles": [],
        "series": { "interval": 1.0, "measuredFrom": 0.0, "measuredTo": 0.0, "points": [] },
        "gates": [],
        "warnings": [],
    });
    for name in ["latencyMs", "trialsMs", "lagMs", "connectMs", "pairingMs"] {
        all[name] = quantiles(0, [0.0; 6]);
    }
    for (name, value) in fields.as_object().cloned().unwrap_or_default() {
        all[name] = value;
    }
    serde_json::from_value(all).unwrap()
}

fn setting(pairs: u32, ramp: f64, warmup: f64, seconds: f64) -> Value {
    json!({
        "server": (pairs >= 1_000).then_some("https://crsocket.example.org"),
        "app": "demo",
        "scenario": if pairs >= 1_000 { "classroom <&> \"wireless\"" } else { "trials" },
        "description": "Pairs that are disturbed now and then.",
        "seed": 1,
        "pairs": pairs,
        "rampSeconds": ramp,
        "warmupSeconds": warmup,
        "seconds": seconds,
        "ratePerPair": (pairs >= 1_000).then_some(10.0),
        "churn": if pairs >= 1_000 { 2.0 } else { 0.0 },
        "spacingMs": 10,
        "threads": 2,
    })
}

/// Intended, sent, received, lost, lost without incident, duplicated, out of order, unexpected, not sent, refused, unconfirmed.
fn events(counts: [u64; 11], per_second: f64) -> Value {
    const NAMES: [&str; 11] = [
        "intended",
        "sent",
        "received",
        "lost",
        "lostWithoutIncident",
        "duplicated",
        "outOfOrder",
        "unexpected",
        "notSent",
        "refused",
        "unconfirmed",
    ];
    let mut all: Map<String, Value> =
        NAMES.iter().map(|name| (*name).to_owned()).zip(counts.map(Value::from)).collect();
    all.insert("perSecond".to_owned(), json!(per_second));
    Value::Object(all)
}

/// The mean, p50, p90, p99, p99.9 and the longest.
fn quantiles(count: u64, [mean, p50, p90, p99, p999, max]: [f64; 6]) -> Value {
    json!({ "count": count, "mean": mean, "p50": p50, "p90": p90, "p99": p99, "p999": p999, "max": max })
}

fn incident(kind: &str, count: u64, recovered: u64, recovery: [f64; 6]) -> Value {
    json!({ "kind": kind, "count": count, "recovered": recovered, "recoveryMs": quantiles(recovered, recovery) })
}

/// A curve through p50, p90, p99 and so on, with eight points in between; the last one is the longest.
fn percentiles(lengths: &[f64]) -> Value {
    let (longest, at) = lengths.split_last().unwrap();
    let mut points = vec![json!({ "percentile": 0.0, "ms": at[0] / 3.0 })];
    let nines = |nines: f64| 100.0 * (1.0 - 10_f64.powf(-nines));
    let ends: Vec<(f64, f64)> = at
        .iter()
        .zip(0_u32..)
        .map(|(ms, nine)| (if nine == 0 { 2_f64.log10() } else { f64::from(nine) }, *ms))
        .collect();
    for pair in ends.windows(2) {
        let [(from, low), (to, high)] = pair else { continue };
        for step in 0..8 {
            let part = f64::from(step) / 8.0;
            let ms = low * (high / low).powf(part * part);
            points.push(json!({ "percentile": nines(from + (to - from) * part), "ms": ms }));
        }
    }
    let (last, ms) = ends[ends.len() - 1];
    points.push(json!({ "percentile": nines(last), "ms": ms }));
    points.push(json!({ "percentile": 100.0, "ms": longest }));
    Value::Array(points)
}

fn point(at: f64, sockets: u64, incidents: Option<Value>) -> Value {
    let wave = 1.0 + 0.1 * (at / 3.0).sin();
    json!({
        "at": at, "sent": 200, "received": 200, "p50Ms": 1.2 * wave, "p99Ms": 4.0 * wave, "maxMs": 9.0 * wave,
        "states": { "interacting": sockets }, "cores": 0.3 * wave, "memoryBytes": 21_300_000,
        "incidents": incidents.unwrap_or_else(|| json!({})), "errors": 0,
    })
}

/// Of 2,000 crSockets that come over 20 s, and lose the server for 14 s.
fn eventful_point(at: f64, dice: &mut Dice) -> Value {
    let share = (at / 20.0).min(1.0);
    let down = (311.0..325.0).contains(&at);
    let back = (325.0..335.0).contains(&at);
    let mut incidents = Map::new();
    for (kind, odds) in [("reload", 0.86), ("offline", 0.14), ("pause", 0.1), ("silentDeath", 0.02)] {
        if at > 30.0 && dice.roll() < odds {
            incidents.insert(kind.to_owned(), json!(1 + (dice.roll() * 3.0) as u64));
        }
    }
    let away = if down { 2_000.0 } else { (9.0 + 40.0 * dice.roll()) * share };
    let away = if back { 2_000.0 * (335.0 - at) / 12.0 } else { away };
    let part = |of: f64| (away * of).round() as u64;
    let waiting = part(0.32) + part(0.15) + part(0.2) + part(0.28) + part(0.05);
    let here = (2_000.0 * share) as u64;
    let events = if down { 0 } else { (10_000.0 * share * (0.985 + 0.03 * dice.roll())) as u64 };
    let spike = if back {
        40.0
    } else if dice.roll() > 0.97 {
        12.0
    } else {
        1.0
    };
    let length = |typical: f64, rolled: f64| (!down && events > 0).then_some(typical * (0.8 + 0.5 * rolled));
    json!({
        "at": at,
        "sent": events + (dice.roll() * 60.0) as u64,
        "received": events,
        "p50Ms": length(1.24, dice.roll()),
        "p99Ms": length(7.4 * spike, dice.roll()),
        "maxMs": length(29.0 * spike, dice.roll() * 3.0),
        "states": {
            "interacting": here.saturating_sub(waiting), "searching": part(0.32), "readyToPair": part(0.15),
            "connecting": part(0.2), "readyToConnect": part(0.28), "passive": part(0.05),
        },
        "cores": if down { 0.2 } else { 0.2 + share * (0.95 + 0.12 * dice.roll()) },
        "memoryBytes": 21_300_000 + (192_000_000.0 * share) as u64 + (at * 9_000.0) as u64,
        "incidents": incidents,
        "errors": if down { 120 + (dice.roll() * 90.0) as u64 } else { u64::from(dice.roll() > 0.9) },
    })
}

/// The same numbers each time, from 0 to 1.
struct Dice(u32);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 8) / f64::from(1_u32 << 24)
    }
}
