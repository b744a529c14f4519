//! A load test: pairs come, find each other, warm up, are measured, and what is on its way is waited for.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::recorder::Recorder;
use super::report::{PercentilePoint, Series};
use crate::simulate::run::{Run, RunError, Sample, Stop};

/// How long it is waited for all to interact, after the last has come.
const GATHER_DT: Duration = Duration::from_secs(30);

/// How often it is looked at, unless the points are longer apart.
const LOOK_DT: Duration = Duration::from_secs(1);

/// How often it is looked first: small runs gather in no time.
const FIRST_LOOK_DT: Duration = Duration::from_millis(100);

/// The most points in a series.
const MOST_POINTS: f64 = 600.0;

/// How long what takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// Before it is measured.
    pub warmup: Duration,
    /// While it is.
    pub measured: Duration,
}

/// Where a load test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Pairs come and find each other.
    Gathering,
    /// They do what they do.
    WarmingUp,
    /// It is measured.
    Measuring,
    /// What is on its way is waited for.
    Arriving,
}

/// What came of it, besides the totals of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Over time.
    pub series: Series,
    /// Of the latency.
    pub percentiles: Vec<PercentilePoint>,
    /// Whether it was ended before its time.
    pub interrupted: bool,
    /// Whether it was given up at once: what was on its way was not waited for.
    pub given_up: bool,
}

/// Tests a run. `stop` ends when somebody wants it to end; it is asked again after that. `show` is told how it goes.
///
/// # Errors
/// [`RunError`].
pub async fn test<S: Stop>(
    run: &mut Run,
    lengths: Lengths,
    stop: &mut S,
    show: &mut (impl FnMut(Phase, &Sample, &Run) + ?Sized),
) -> Result<Recorded, RunError> {
    let interval = (lengths.measured.as_secs_f64() / MOST_POINTS).ceil().max(1.0);
    let mut test = Test { run, recorder: Recorder::new(interval), stop, show };
    let mut goes_on = test.gather().await?;
    if goes_on {
        goes_on = test.watch(Phase::WarmingUp, lengths.warmup, |_| false).await?;
    }
    // Ended before that, all of it is what there is.
    let mut measured = (test.run.now(), test.run.now());
    if goes_on {
        test.measure(true).await?;
        measured.0 = test.run.now();
        goes_on = test.watch(Phase::Measuring, lengths.measured, |_| false).await?;
        test.measure(false).await?;
        measured.1 = test.run.now();
    }
    let Test { run, mut recorder, stop, show } = test;
    let waited = run.arrive(stop, |sample, run| {
        recorder.add(sample);
        show(Phase::Arriving, sample, run);
    });
    let waited = waited.await?;
    let series = Series {
        interval,
        measured_from: measured.0.as_secs_f64(),
        measured_to: measured.1.as_secs_f64(),
        points: recorder.into_points(),
    };
    let curve = run.totals().curve();
    let percentiles = curve.into_iter().map(|(percentile, ms)| PercentilePoint { percentile, ms }).collect();
    Ok(Recorded { series, percentiles, interrupted: !goes_on, given_up: !waited })
}

struct Test<'a, S, F: ?Sized> {
    run: &'a mut Run,
    recorder: Recorder,
    stop: &'a mut S,
    show: &'a mut F,
}

impl<S: Stop, F: FnMut(Phase, &Sample, &Run) + ?Sized> Test<'_, S, F> {
    /// Waits until all have come and found each other, or it takes too long. Whether it goes on.
    async fn gather(&mut self) -> Result<bool, RunError> {
        let day = Duration::from_secs(86_400);
        if !self.watch(Phase::Gathering, day, Run::have_all_come).await? {
            return Ok(false);
        }
        self.watch(Phase::Gathering, GATHER_DT, Run::have_all_met).await
    }

    /// Looks at it for so long, or until something holds. Whether it goes on: nobody wanted it to end.
    async fn watch(
        &mut self,
        phase: Phase,
        length: Duration,
        is_over: impl Fn(&Run) -> bool,
    ) -> Result<bool, RunError> {
        let end = Instant::now() + length;
        let mut look = Instant::now() + FIRST_LOOK_DT;
        while !is_over(self.run) && Instant::now() < end {
            let until = end.min(look);
            tokio::select! {
                () = self.stop.told() => return Ok(false),
                () = sleep_until(until) => {}
            }
            let sample = self.run.sample().await?;
            self.note(phase, &sample);
            look = match phase {
                Phase::Gathering => Instant::now() + FIRST_LOOK_DT * 2,
                Phase::WarmingUp | Phase::Measuring | Phase::Arriving => {
                    look.max(Instant::now() - LOOK_DT) + LOOK_DT
                }
            };
        }
        Ok(true)
    }

    fn note(&mut self, phase: Phase, sample: &Sample) {
        self.recorder.add(sample);
        (self.show)(phase, sample, self.run);
    }

    async fn measure(&mut self, begins: bool) -> Result<(), RunError> {
        let sample = self.run.measure(begins).await?;
        self.recorder.add(&sample);
        Ok(())
    }
}
