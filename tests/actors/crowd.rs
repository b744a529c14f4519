//! Ten thousand crSockets that come and go leave nothing behind.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crsocket::actors::host::SocketHandle;
use crsocket::metrics::Counter;
use crsocket::protocol::ids::Role;
use tokio::runtime::Handle;

use crate::lab::{Lab, id, run};

const WAVES: u32 = 5;
const PAIRS: u32 = 1_000;

#[test]
fn ten_thousand_crsockets_that_come_and_go_leave_nothing_behind() {
    run(async {
        let lab = Lab::new();
        lab.settle().await;
        let idle = parks_in_an_hour().await;
        let holders = Arc::strong_count(&lab.counters);
        let mut resident = Vec::new();
        for wave in 0..WAVES {
            live_and_leave(&lab, wave).await;
            assert_eq!(lab.host.len(), 0, "wave {wave}");
            assert!(lab.host.board().is_empty(), "wave {wave}");
            assert_eq!(Arc::strong_count(lab.host.board()), 1, "places on the board that nobody gave back");
            let load = lab.load().await;
            assert_eq!((load.sessions, load.streams, load.endings), (0, 0, 0), "wave {wave}");
            assert_eq!((load.output_bytes, load.line_bytes), (0, 0), "wave {wave}");
            resident.push(resident_kib());
        }
        // What is kept for a while: reservations.
        lab.run(3_600_000).await;
        let load = lab.load().await;
        assert_eq!(load.reservations, 0, "{load:?}");
        assert_eq!((lab.count(Counter::SocketsReset), lab.count(Counter::SocketsDied)), (0, 0));
        assert_eq!(lab.count(Counter::EndedClosed), u64::from(2 * PAIRS * WAVES), "all said goodbye");
        let parks = parks_in_an_hour().await;
        assert!(
            parks <= idle + 20,
            "something still waits for a timer: {parks} wakings in an hour, {idle} before"
        );
        expect_no_growth(&resident);
        let Lab { host, counters, registry, .. } = lab;
        assert_eq!(host.stop(Duration::from_secs(1)).await, 0);
        drop(host);
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Every actor of a crSocket keeps what its host shares, and that keeps the counters.
        assert!(registry.connected(), "the Registry keeps them too");
        let left = Arc::strong_count(&counters);
        assert_eq!(left, holders - 1, "an actor that is not gone keeps the counters");
    });
}

/// A wave of pairs: they interact, and half of each pair is removed before the other.
async fn live_and_leave(lab: &Lab, wave: u32) {
    let pairs: Vec<(SocketHandle, SocketHandle)> = (0..PAIRS)
        .map(|pair| {
            let (controller, responder) = (2 * (wave * PAIRS + pair), 2 * (wave * PAIRS + pair) + 1);
            let build = |role, own| lab.build(role, Some(own), "guest");
            lab.host.spawn_pair(
                build(Role::Controller, controller).partner(id(responder)),
                build(Role::Responder, responder),
            )
        })
        .collect();
    lab.run(15_000).await;
    assert_eq!(
        lab.host.board().count_by_state().get("interacting"),
        Some(&(2 * PAIRS as usize)),
        "wave {wave}"
    );
    for (controller, responder) in &pairs {
        if wave.is_multiple_of(2) { controller.remove() } else { responder.remove() }
    }
    lab.run(1_000).await;
    assert_eq!(lab.host.len(), PAIRS as usize, "wave {wave}");
    for (controller, responder) in &pairs {
        controller.remove();
        responder.remove();
    }
    // Longer than recipientWaitDt: their last words wait for those who left before.
    lab.run(5_000).await;
    lab.forget();
}

/// How often the thread went to sleep in an hour with nothing to do: once for each timer.
async fn parks_in_an_hour() -> u64 {
    let metrics = Handle::current().metrics();
    let before = metrics.worker_park_count(0);
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    metrics.worker_park_count(0) - before
}

/// What each wave left behind would make memory grow with each of them: by a megabyte if it were half a kilobyte of each
/// crSocket. Other tests of this process may make it grow now and then.
fn expect_no_growth(resident: &[u64]) {
    println!("resident memory after each wave, in KiB: {resident:?}");
    let growth = resident.windows(2).map(|two| two[1].saturating_sub(two[0]));
    let least = growth.min().expect("two waves at least");
    assert!(least < u64::from(PAIRS), "resident memory after each wave, in KiB: {resident:?}");
}

fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
