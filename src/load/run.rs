//! A load test: pairs come, find each other, warm up, are measured, and what is on its way is waited for.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::recorder::Recorder;
use super::report::{PercentilePoint, Series};
use crate::simulate::run::{Run, RunError, Sample};

/// How long it is waited for all to interact, after the last has come.
const GATHER_DT: Duration = Duration::from_secs(30);

/// How often it is looked at, unless the points are longer apart.
const LOOK_DT: Duration = Duration::from_secs(1);

/// How often it is looked whether everything has arrived.
const ARRIVE_DT: Duration = Duration::from_millis(100);

/// Longer than the answer to a sendevent and a recipient are waited for: when nothing has arrived for so long, nothing will.
const GRACE: Duration = Duration::from_millis(6_500);

/// As long as it is waited at most, where something arrives all the time.
const LONGEST_GRACE: Duration = Duration::from_secs(60);

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
    // Also where it was ended before: what there is, is measured.
    test.measure(true).await?;
    let from = test.run.now();
    if goes_on {
        goes_on = test.watch(Phase::Measuring, lengths.measured, |_| false).await?;
    }
    test.measure(false).await?;
    let to = test.run.now();
    let waited = test.arrive().await?;
    test.run.reckon().await?;
    let series = Series {
        interval,
        measured_from: from.as_secs_f64(),
        measured_to: to.as_secs_f64(),
        points: test.recorder.into_points(),
    };
    let curve = run.totals().curve();
    let percentiles = curve.into_iter().map(|(percentile, ms)| PercentilePoint { percentile, ms }).collect();
    Ok(Recorded { series, percentiles, interrupted: !goes_on, given_up: !waited })
}

/// Somebody who may want it to end.
pub trait Stop {
    /// Ends when they do.
    fn told(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>>;
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
        // A short look first: small runs gather in no time.
        let mut look = Instant::now() + ARRIVE_DT;
        while !is_over(self.run) && Instant::now() < end {
            let until = end.min(look);
            tokio::select! {
                () = self.stop.told() => return Ok(false),
                () = sleep_until(until) => {}
            }
            if until == look || until == end {
                let sample = self.run.sample().await?;
                self.note(phase, &sample);
            }
            look = match phase {
                Phase::Gathering => Instant::now() + ARRIVE_DT * 2,
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

    /// Waits for what is on its way. Whether it waited as long as needed.
    async fn arrive(&mut self) -> Result<bool, RunError> {
        self.run.rest().await?;
        let last = Instant::now() + LONGEST_GRACE;
        let mut end = Instant::now() + GRACE;
        loop {
            let sample = self.run.sample().await?;
            self.note(Phase::Arriving, &sample);
            if sample.tally.counts.received > 0 {
                end = last.min(Instant::now() + GRACE);
            }
            if sample.tally.on_their_way == 0 || Instant::now() >= end {
                return Ok(true);
            }
            tokio::select! {
                () = self.stop.told() => return Ok(false),
                () = sleep_until(Instant::now() + ARRIVE_DT) => {}
            }
        }
    }
}
