#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing)]
use crsocket::check::life::*;
use crsocket::check::plan::*;
use crsocket::protocol::time::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let from: u64 = a[1].parse().unwrap();
    let n: u64 = a[2].parse().unwrap();
    let faults = match a[3].as_str() {
        "none" => Faults::None,
        "mild" => Faults::Mild,
        _ => Faults::Harsh,
    };
    let t = std::time::Instant::now();
    let mut sum = Summary::default();
    let mut bad = std::collections::BTreeMap::new();
    for seed in from..from + n {
        let s = Scenario { seed, pairs: 2, length: Millis::from_secs(3600), faults };
        let plan = Plan::new(&s);
        match live(&plan, &Timing::default()) {
            Ok(x) => sum = sum.and(x),
            Err(v) => {
                let e = bad.entry(v.invariant).or_insert((0, vec![]));
                e.0 += 1;
                if e.1.len() < 3 {
                    e.1.push((seed, v));
                }
            }
        }
    }
    let el = t.elapsed().as_secs_f64();
    println!(
        "{sum:?}\n{:.1} s, {:.0} pair hours/s, {:.0} happenings/s",
        el,
        sum.pair_time.0 as f64 / 3.6e6 / el,
        sum.happened as f64 / el
    );
    for (i, (c, v)) in bad {
        println!("{i:?}: {c}");
        for (s, v) in v {
            println!("   seed {s} at {} client {:?}: {}", v.at, v.client, v.seen);
        }
    }
}
