//! Hosts as many crSockets as there are clientIds for, in one process over the local link, and says every ten seconds how
//! they are: `cargo run --release --example million -- 490000 10` hosts 490,000 pairs for ten minutes.

#![allow(clippy::print_stdout, reason = "what a program says is for whoever runs it")]

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Addr, Arbiter};
use crsocket::actors::host::{CrSocketBuilder, Host, HostSettings, Server, Threads};
use crsocket::actors::registry::{Registry, RegistrySettings};
use crsocket::metrics::{Counter, Counters};
use crsocket::protocol::client_id::ClientIdSequence;
use crsocket::protocol::ids::{AccessToken, AppId, ClientId, Role};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::{App, Apps};
use crsocket::protocol::sessions::PidSequence;
use crsocket::protocol::time::Timing;

/// The system's allocator took a little more memory.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How often it says how they are.
const REPORT: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let pairs: u32 = arguments.next().as_deref().unwrap_or("10000").parse()?;
    let minutes: u64 = arguments.next().as_deref().unwrap_or("1").parse()?;
    let threads: usize = arguments.next().as_deref().unwrap_or("2").parse()?;
    actix::System::new().block_on(run(pairs, minutes, threads))
}

async fn run(pairs: u32, minutes: u64, threads: usize) -> Result<(), Box<dyn Error>> {
    let counters = Arc::<Counters>::default();
    let registry = start_registry(Arc::clone(&counters)).await?;
    let settings = HostSettings {
        threads: Threads::Own(threads),
        counters: Arc::clone(&counters),
        ..HostSettings::new(Server::Local(registry))
    };
    let before = resident_kib()?;
    let host = Host::start(settings);
    spawn(&host, pairs).await?;
    // The slowest have their first ping behind them.
    tokio::time::sleep(Duration::from_secs(15)).await;
    println!("{} KB resident for each socket", kb_each(resident_kib()? - before, pairs));
    host.latest_timer();
    let begin = (Instant::now(), cpu_seconds()?, counters.get(Counter::EventsForwarded));
    let mut worst = 0;
    while begin.0.elapsed() < Duration::from_secs(60 * minutes) {
        tokio::time::sleep(REPORT).await;
        let late = host.latest_timer().0;
        worst = worst.max(late);
        println!(
            "{:4} s: {:?}; timers at most {late} ms late; {:.2} cores; {} KB a socket",
            begin.0.elapsed().as_secs(),
            host.board().count_by_state(),
            (cpu_seconds()? - begin.1) / begin.0.elapsed().as_secs_f64(),
            kb_each(resident_kib()? - before, pairs),
        );
    }
    let events = counters.get(Counter::EventsForwarded) - begin.2;
    let seconds = begin.0.elapsed().as_secs_f64();
    let cores = (cpu_seconds()? - begin.1) / seconds;
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    let rate = events as f64 / seconds;
    println!("{rate:.0} events a second, {cores:.2} cores, timers at most {worst} ms late");
    Ok(())
}

async fn start_registry(counters: Arc<Counters>) -> Result<Addr<Registry>, Box<dyn Error>> {
    let app = AppId::parse("demo")?;
    let settings = RegistrySettings {
        apps: Arc::new(Apps::new().with(app, App::default())),
        timing: Timing::default(),
        limits: Limits::default(),
        client_ids: ClientIdSequence::new([7; 16], 0, u64::MAX),
        pids: PidSequence::starting_at(1),
        counters,
        feed: Arc::default(),
        died: None,
    };
    let (tell, told) = tokio::sync::oneshot::channel();
    let arbiter = Arbiter::new();
    arbiter.spawn_fn(move || {
        let _ = tell.send(Registry::start(settings));
    });
    Ok(told.await?)
}

/// Spawns pairs over one ping interval at least, so that their phases are spread.
async fn spawn(host: &Host, pairs: u32) -> Result<(), Box<dyn Error>> {
    let (app, token) = (AppId::parse("demo")?, AccessToken::parse("team")?);
    let id = |number| ClientId::from_number(number).ok_or("there are a million clientIds");
    let begin = Instant::now();
    for pair in 0..pairs {
        let (controller, responder) = (id(2 * pair)?, id(2 * pair + 1)?);
        let build =
            |role, id| CrSocketBuilder::new(app.clone(), role).client_id(id).access_token(token.clone());
        host.spawn_pair(
            build(Role::Controller, controller).partner(responder),
            build(Role::Responder, responder),
        );
        let due = SPAWNING * pair / pairs;
        if pair % 100 == 0 {
            let ahead = due.saturating_sub(begin.elapsed());
            tokio::time::sleep(ahead.max(Duration::from_millis(1))).await;
        }
    }
    println!("{pairs} pairs spawned within {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

/// A multiple of the ping interval.
const SPAWNING: Duration = Duration::from_secs(30);

/// Thousands of bytes for each of two sockets a pair.
fn kb_each(kib: u64, pairs: u32) -> f64 {
    let bytes = kib * 1_024 / (2 * u64::from(pairs)).max(1);
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let kb = bytes as f64 / 1_000.0;
    kb
}

fn resident_kib() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// User and system time of this process.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u32>().ok()).ok_or("no times");
    Ok(f64::from(ticks(11)? + ticks(12)?) / 100.0)
}
