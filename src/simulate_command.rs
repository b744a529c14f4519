//! `crsocket simulate`: simulated clients until somebody stops them.

pub mod setup;
pub mod signals;
mod view;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use actix::System;
use serde::Serialize;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use self::setup::{SetUp, SetUpError, Wanted, scenario, set_up};
use self::signals::Stop;
use self::view::View;
use crate::cli::SimulateArgs;
use crate::open_files;
use crate::protocol::ids::{ClientId, Role};
use crate::server::{Over, OverAdmin, ServerError};
use crate::simulate::figures::Figures;
use crate::simulate::run::{Run, RunError};
use crate::simulate::scenario::Scenario;

/// How often it is looked at.
const LOOK_DT: Duration = Duration::from_secs(1);

/// How long it is waited until all have found each other before it is measured.
const GATHER_DT: Duration = Duration::from_secs(30);

/// How long clients of a server elsewhere may take to say goodbye.
const GOODBYE_DT: Duration = Duration::from_secs(10);

/// Why nothing could be simulated, or not to its end.
#[derive(Debug, Error)]
pub enum SimulateError {
    /// It cannot be set up.
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    /// It cannot go on.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The admin part cannot be served.
    #[error("--admin: {0}")]
    Admin(#[from] ServerError),
    /// There is nobody to simulate.
    #[error("--pairs 0: a pair, or a single --controllers or --responders, is needed")]
    Nobody,
    /// The figures cannot be written.
    #[error("the figures cannot be written to {}: {source}", path.display())]
    Figures {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Signals could not be listened for.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// What is written to `--json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    format: &'static str,
    version: &'static str,
    interrupted: bool,
    server: Option<&'a str>,
    app: &'a str,
    scenario: &'a str,
    seed: u64,
    pairs: u32,
    controllers: u32,
    responders: u32,
    #[serde(flatten)]
    figures: &'a Figures,
}

/// Simulates until a signal says stop, or the time is over.
///
/// # Errors
/// [`SimulateError`].
pub fn run(args: &SimulateArgs, out: &mut impl Write) -> Result<ExitCode, SimulateError> {
    open_files::raise();
    System::new().block_on(simulate(args, out))
}

async fn simulate(args: &SimulateArgs, out: &mut impl Write) -> Result<ExitCode, SimulateError> {
    let mut stop = Stop::listen().map_err(SimulateError::Signals)?;
    let unwritten = |path: &PathBuf| {
        let path = path.clone();
        move |source| SimulateError::Figures { path, source }
    };
    if let Some(path) = &args.crowd.json {
        look_writable(path).map_err(unwritten(path))?;
    }
    let has_singles = args.controllers + args.responders > 0;
    // Whoever comes to a single responder wants answers.
    let otherwise = if has_singles { Scenario::trials() } else { Scenario::idle() };
    let scenario = scenario(&args.crowd, otherwise).map_err(SetUpError::from)?;
    let ends = args.seconds.or(scenario.seconds);
    let (named, names) = mpsc::unbounded_channel();
    let wanted = Wanted {
        pairs: has_singles.then_some(0),
        controllers: args.controllers,
        responders: args.responders,
        named: has_singles.then_some(named),
        ..Wanted::default()
    };
    let setting_up = set_up(&args.crowd, scenario, wanted);
    let SetUp { settings, registry } = tokio::select! {
        set_up = setting_up => set_up?,
        () = stop.told() => return Ok(ExitCode::SUCCESS),
    };
    let (scenario, pairs) = (settings.scenario.name.clone(), settings.pairs);
    if pairs == 0 && !has_singles {
        return Err(SimulateError::Nobody);
    }
    let (published, counters) = (settings.published.clone(), Arc::clone(&settings.counters));
    let timing = settings.timing.clone();
    let mut run = Run::start(settings).await?;
    let admin = match registry.filter(|_| !args.admin.is_empty()) {
        Some(registry) => {
            let (host, app) = (Arc::clone(run.host()), args.crowd.app.clone());
            let over = Over { registry, host, published, counters, timing, app };
            Some(OverAdmin::serve(over, &args.admin)?)
        }
        None => None,
    };
    let mut view = View::new(&title(args, &scenario, pairs));
    view.begin(admin.as_ref().map_or(&[][..], OverAdmin::addresses), out)?;
    let interrupted = watch(&mut run, &mut view, &mut stop, names, ends, out).await?;
    let figures = run.totals().figures();
    view.end(&figures, out)?;
    if let Some(path) = &args.crowd.json {
        let written = Written {
            format: "crsocket-simulate-1",
            version: env!("CARGO_PKG_VERSION"),
            interrupted,
            server: args.crowd.server.as_deref(),
            app: args.crowd.app.as_str(),
            scenario: &scenario,
            seed: args.crowd.seed,
            pairs,
            controllers: args.controllers,
            responders: args.responders,
            figures: &figures,
        };
        write_json(path, &written).map_err(unwritten(path))?;
    }
    if let Some(admin) = admin {
        admin.stop().await;
    }
    if args.crowd.server.is_some() {
        // A second signal ends it at once.
        tokio::select! {
            _ = run.stop(GOODBYE_DT) => {}
            () = stop.told() => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Looks at it until it ends. Whether a signal ended it.
async fn watch(
    run: &mut Run,
    view: &mut View,
    stop: &mut Stop,
    mut names: mpsc::UnboundedReceiver<(Role, ClientId)>,
    ends: Option<Duration>,
    out: &mut impl Write,
) -> Result<bool, SimulateError> {
    let begun = Instant::now();
    let end = ends.map(|length| begun + length);
    let mut look = interval(LOOK_DT);
    look.set_missed_tick_behavior(MissedTickBehavior::Skip);
    look.tick().await;
    let (mut all_came, mut measures) = (None, false);
    let interrupted = loop {
        tokio::select! {
            () = stop.told() => break true,
            () = sleep_until(end.unwrap_or(begun)), if end.is_some() => break false,
            Some((role, id)) = names.recv() => view.name(role, id, out)?,
            _ = look.tick() => {
                let sample = run.sample().await?;
                view.show(&sample, run, out)?;
                if run.have_all_come() && all_came.is_none() {
                    all_came = Some(Instant::now());
                }
                let waited = all_came.is_some_and(|since: Instant| since.elapsed() >= GATHER_DT);
                if !measures && (run.have_all_met() || waited) {
                    measures = true;
                    run.measure(true).await?;
                }
            }
        }
    };
    if measures {
        run.measure(false).await?;
    } else {
        run.sample().await?;
    }
    // A second signal ends it at once.
    run.arrive(stop, |_, _| ()).await?;
    Ok(interrupted)
}

fn title(args: &SimulateArgs, scenario: &str, pairs: u32) -> String {
    let mut who = Vec::new();
    for (count, what) in
        [(pairs, "pairs"), (args.controllers, "controllers"), (args.responders, "responders")]
    {
        if count > 0 {
            who.push(format!("{count} {what}"));
        }
    }
    let at = args.crowd.server.as_deref().unwrap_or("a server in this process");
    format!("{} ({scenario}) at {at}", if who.is_empty() { "nobody".to_owned() } else { who.join(", ") })
}

/// Looks whether a file can be written, so that this is known before hours have been measured. What is in it stays.
///
/// # Errors
/// Where it cannot be.
pub fn look_writable(path: &Path) -> io::Result<()> {
    let was_there = path.exists();
    fs::OpenOptions::new().append(true).create(true).open(path)?;
    if was_there { Ok(()) } else { fs::remove_file(path) }
}

/// Writes what can be serialised to a file.
///
/// # Errors
/// Where it cannot be written.
pub fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    fs::write(path, text)
}
