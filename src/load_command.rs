//! `crsocket load`: a load test at a terminal.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use actix::System;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use thiserror::Error;

use crate::actors::clock::unix_millis;
use crate::cli::{GateArgs, LoadArgs};
use crate::load::compare::{self, CompareError};
use crate::load::gates::{self, Gates};
use crate::load::report::{FORMAT, Report, Setting};
use crate::load::run::{Lengths, Phase, Recorded, test};
use crate::load::{html, table};
use crate::open_files;
use crate::protocol::time::Millis;
use crate::simulate::distribution::Distribution;
use crate::simulate::figures::Figures;
use crate::simulate::incident::{Incident, Trouble, Whom};
use crate::simulate::persona::Behaviour;
use crate::simulate::run::{Run, RunError, RunSettings, Sample};
use crate::simulate::scenario::Scenario;
use crate::simulate_command::setup::{SetUp, SetUpError, Wanted, pairs, scenario, set_up};
use crate::simulate_command::signals::Stop;
use crate::simulate_command::{look_writable, write_json};

/// How long it is measured where nothing else is said.
const SECONDS: Duration = Duration::from_secs(30);

/// How long the clients may take to say goodbye.
const GOODBYE_DT: Duration = Duration::from_secs(5);

/// How long a page of `--churn` is away, in milliseconds.
const RELOAD_MS: (f64, f64) = (200.0, 1_000.0);

/// How many files are needed besides the connections of streams: those to send with, and others.
const SPARE_FILES: u64 = 1_000;

/// How often a plain line is printed, in seconds.
const PLAIN_EVERY: f64 = 5.0;

/// Why it could not be measured.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It cannot be set up.
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    /// It cannot go on.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It was ended before it began.
    #[error("it was ended before the server had answered: nothing was measured")]
    EndedBefore,
    /// There is nobody to measure.
    #[error("--pairs 0: one pair at least is needed")]
    NoPairs,
    /// There is no time to measure in.
    #[error("--seconds 0: more than 0 seconds are needed to measure anything")]
    NoTime,
    /// Events are to be spaced wider than they are to be sent.
    #[error(
        "--rate {rate} needs an event of each crSocket every {needed:.1} ms, but they are spaced by {spacing}: give a \
         smaller --spacing"
    )]
    Spacing {
        /// Events a second of each pair.
        rate: f64,
        /// What that needs, in milliseconds.
        needed: f64,
        /// The spacing.
        spacing: Millis,
    },
    /// A report cannot be written.
    #[error("the report cannot be written to {}: {source}", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Reports cannot be compared.
    #[error("--compare: {0}")]
    Compare(#[from] CompareError),
    /// Signals could not be listened for.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// Measures, tells, and says by the exit status whether what had to hold did.
///
/// # Errors
/// [`LoadError`]; a gate that did not hold is none.
pub fn run(args: &LoadArgs, out: &mut impl Write) -> Result<ExitCode, LoadError> {
    if let Some([one, other]) = args.compare.as_deref() {
        compare::run(one, other, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    open_files::raise();
    System::new().block_on(load(args, out))
}

async fn load(args: &LoadArgs, out: &mut impl Write) -> Result<ExitCode, LoadError> {
    let mut stop = Stop::listen().map_err(LoadError::Signals)?;
    for path in [&args.crowd.json, &args.html].into_iter().flatten() {
        look_writable(path).map_err(unwritten(path))?;
    }
    let scenario = scenario(&args.crowd, Scenario::trials()).map_err(SetUpError::from)?;
    let measured = args.seconds.or(scenario.seconds).unwrap_or(SECONDS);
    if measured.is_zero() {
        return Err(LoadError::NoTime);
    }
    let (scenario, wanted) = (with_flags(scenario, args), wanted(args));
    let setting_up = set_up(&args.crowd, scenario, wanted);
    let SetUp { settings, .. } = tokio::select! {
        set_up = setting_up => set_up?,
        () = stop.told() => return Err(LoadError::EndedBefore),
    };
    check(args, &settings)?;
    let setting = setting(args, &settings, measured);
    let started_at = unix_millis().unwrap_or(0);
    let lengths = Lengths { warmup: args.warmup, measured };
    let mut run = Run::start(settings).await?;
    let mut progress = Progress::new(&setting, lengths);
    let recorded = test(&mut run, lengths, &mut stop, &mut |phase, sample, run| {
        progress.show(phase, sample, run, out);
    })
    .await?;
    progress.end();
    let given_up = recorded.given_up;
    let report = report(setting, started_at, &run, recorded, &args.gates);
    // What can be told is told, also where something else cannot.
    let written = write_reports(args, &report);
    table::write(&report, out)?;
    out.flush()?;
    written?;
    if args.crowd.server.is_some() && !given_up {
        // A second signal ends it at once.
        tokio::select! {
            _ = run.stop(GOODBYE_DT) => {}
            () = stop.told() => {}
        }
    }
    let held = report.gates.iter().all(|gate| gate.passed);
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The scenario with what `--rate` and `--churn` make of it.
fn with_flags(mut scenario: Scenario, args: &LoadArgs) -> Scenario {
    if let Some(rate) = args.rate {
        let every = Distribution::constant(Duration::from_secs_f64(2.0 / rate));
        scenario.controller = Behaviour::Chatter { every };
        scenario.responder = Behaviour::Chatter { every };
        if args.crowd.scenario.is_none() {
            scenario.name = "open loop".into();
            scenario.description =
                "Both of each pair send at their times, whether they are answered or not.".into();
        }
    }
    if args.churn > 0.0 {
        let pairs = f64::from(pairs(&args.crowd, None, &scenario));
        scenario.troubles.extend(reloads(pairs / args.churn * 1e3));
    }
    scenario
}

/// Of each pair, one in so many milliseconds.
fn reloads(every_ms: f64) -> Option<Trouble> {
    let lasts = Distribution::uniform_ms(RELOAD_MS.0, RELOAD_MS.1);
    // From the end of one to the next: the time that a page is away is not in it.
    let pause_ms = (every_ms - f64::midpoint(RELOAD_MS.0, RELOAD_MS.1)).max(10.0);
    let every = Distribution::exponential(pause_ms)?;
    Some(Trouble { what: Incident::Reload, whom: Whom::Either, every, lasts })
}

fn wanted(args: &LoadArgs) -> Wanted {
    Wanted { default_spacing: Some(Millis::ZERO), spacing: args.spacing.map(Millis), ..Wanted::default() }
}

fn check(args: &LoadArgs, settings: &RunSettings) -> Result<(), LoadError> {
    if settings.pairs == 0 {
        return Err(LoadError::NoPairs);
    }
    let spacing = settings.timing.min_cr_event_dt;
    if let Some(rate) = args.rate {
        let needed = 2_000.0 / rate;
        #[allow(clippy::cast_precision_loss, reason = "at most a minute")]
        if needed < spacing.0 as f64 {
            return Err(LoadError::Spacing { rate, needed, spacing });
        }
    }
    Ok(())
}

fn setting(args: &LoadArgs, settings: &RunSettings, measured: Duration) -> Setting {
    Setting {
        server: args.crowd.server.clone(),
        app: settings.app.to_string(),
        scenario: settings.scenario.name.clone(),
        description: settings.scenario.description.clone(),
        seed: settings.seed,
        pairs: settings.pairs,
        ramp_seconds: settings.ramp.as_secs_f64(),
        warmup_seconds: args.warmup.as_secs_f64(),
        seconds: measured.as_secs_f64(),
        rate_per_pair: args.rate,
        open_loop: is_open_loop(&settings.scenario),
        churn: args.churn,
        spacing_ms: settings.timing.min_cr_event_dt.0,
        threads: settings.threads,
    }
}

/// Whether somebody sends by a timetable.
fn is_open_loop(scenario: &Scenario) -> bool {
    [scenario.controller, scenario.responder]
        .iter()
        .any(|behaviour| matches!(behaviour, Behaviour::Chatter { .. }))
}

fn report(setting: Setting, started_at: i64, run: &Run, recorded: Recorded, args: &GateArgs) -> Report {
    let figures = run.totals().figures();
    let warnings = warnings(&setting, &figures, &recorded);
    Report {
        format: FORMAT.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at,
        interrupted: recorded.interrupted,
        gates: gates::judge(&gates_of(args), &figures),
        setting,
        figures,
        percentiles: recorded.percentiles,
        series: recorded.series,
        warnings,
    }
}

fn gates_of(args: &GateArgs) -> Gates {
    Gates {
        max_p50: args.max_p50,
        max_p90: args.max_p90,
        max_p99: args.max_p99,
        max_p999: args.max_p999,
        max_latency: args.max_latency,
        max_lost: args.max_lost,
        max_duplicated: args.max_duplicated,
        max_out_of_order: args.max_out_of_order,
        max_failed: args.max_failed,
        max_until_all_interacting: args.max_until_all_interacting,
        min_throughput: args.min_throughput,
    }
}

/// What whoever reads the figures should know.
fn warnings(setting: &Setting, figures: &Figures, recorded: &Recorded) -> Vec<String> {
    let mut warnings = Vec::new();
    if recorded.interrupted {
        warnings.push("It was ended before its time: these are the figures so far.".to_owned());
    }
    if recorded.given_up {
        warnings.push(
            "What was on its way was not waited for: some of what counts as lost may have arrived."
                .to_owned(),
        );
    }
    if let Some(why) = &figures.cpu.bottleneck {
        let place = match &setting.server {
            Some(_) => "The generator was the bottleneck: the server may be better than these figures",
            None => "Clients and server share this process, and it was at its limit",
        };
        warnings.push(format!("{place} ({why})."));
    }
    let clients = u64::from(setting.pairs) * 2;
    if setting.server.is_some()
        && let Some(limit) = open_files::limit().filter(|limit| clients + SPARE_FILES > *limit)
    {
        warnings.push(format!(
            "{clients} clients have a connection each, and some to send with, but this process may have {limit} files open: \
             fewer --pairs, or more files (ulimit -Hn)."
        ));
    }
    if figures.seconds_until_all_interacting.is_none() {
        warnings.push("At no moment were all pairs interacting.".to_owned());
    }
    let reloads = figures.incidents.iter().find(|incident| incident.kind == Incident::Reload.as_str());
    #[allow(clippy::cast_precision_loss, reason = "a figure to be read")]
    let churn = reloads.map_or(0.0, |reloads| reloads.count as f64) / recorded.series.measured_to.max(1e-3);
    if churn < setting.churn * 0.8 {
        warnings.push(format!(
            "{} reloads a second were asked for, {churn:.1} happened: a pair is loaded anew only once it has found together again.",
            setting.churn
        ));
    }
    if figures.events.intended > 0 && figures.latency_ms.count == 0 {
        warnings.push("Nothing that was due while it was measured arrived.".to_owned());
    }
    if figures.events.unexpected > 0 {
        warnings.push(format!(
            "{} events came that nobody had sent so: does somebody else use these clientIds?",
            figures.events.unexpected
        ));
    }
    warnings
}

/// That this report cannot be written.
fn unwritten(path: &Path) -> impl Fn(io::Error) -> LoadError {
    let path = path.to_owned();
    move |source| LoadError::Report { path: path.clone(), source }
}

fn write_reports(args: &LoadArgs, report: &Report) -> Result<(), LoadError> {
    if let Some(path) = &args.crowd.json {
        write_json(path, report).map_err(unwritten(path))?;
    }
    if let Some(path) = &args.html {
        let page = html::html(report).map_err(io::Error::other).map_err(unwritten(path))?;
        std::fs::write(path, page).map_err(unwritten(path))?;
    }
    Ok(())
}

/// How far it is: a bar at a terminal, plain lines elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    lengths: Lengths,
    phase: Option<Phase>,
    /// When the phase began, and a line was last printed, in seconds.
    begun: f64,
    printed: f64,
}

impl Progress {
    fn new(setting: &Setting, lengths: Lengths) -> Progress {
        let bar = io::stdout().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} {bar:30} {wide_msg}");
            let steps = (lengths.warmup + lengths.measured).as_secs().max(1);
            ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stdout())
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                .with_prefix(format!("{} pairs", setting.pairs))
        });
        Progress { bar, lengths, phase: None, begun: 0.0, printed: f64::NEG_INFINITY }
    }

    fn show(&mut self, phase: Phase, sample: &Sample, run: &Run, out: &mut impl Write) {
        let at = sample.at.as_secs_f64();
        let is_new = self.phase != Some(phase);
        if is_new {
            (self.phase, self.begun) = (Some(phase), at - sample.seconds);
        }
        let said = format!("{}: {}", what(phase), how(sample, run));
        match &self.bar {
            Some(bar) => {
                let before = match phase {
                    Phase::Gathering => return bar.set_message(said),
                    Phase::WarmingUp => Duration::ZERO,
                    Phase::Measuring => self.lengths.warmup,
                    Phase::Arriving => self.lengths.warmup + self.lengths.measured,
                };
                bar.set_position((before + Duration::from_secs_f64((at - self.begun).max(0.0))).as_secs());
                bar.set_message(said);
            }
            None if is_new || at - self.printed >= PLAIN_EVERY => {
                self.printed = at;
                // Where nobody reads it the figures are still worth it.
                let _ = writeln!(out, "{at:.0} s, {said}").and_then(|()| out.flush());
            }
            None => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn what(phase: Phase) -> &'static str {
    match phase {
        Phase::Gathering => "pairs come",
        Phase::WarmingUp => "warming up",
        Phase::Measuring => "measuring",
        Phase::Arriving => "waiting for what is on its way",
    }
}

fn how(sample: &Sample, run: &Run) -> String {
    let tally = &sample.tally;
    let latency = match tally.durations.latency.percentile(99.0) {
        Some(p99) => format!(", p99 {p99:.1} ms"),
        None => String::new(),
    };
    let rate = sample.received_per_second();
    let errors = run.totals().whole().counts.all_errors();
    format!(
        "{} of {} interacting, {rate:.0} events a second{latency}, {errors} errors",
        tally.interacting(),
        tally.sockets()
    )
}
