//! A run: its clients come, are looked at once an interval, and go.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use actix_rt::task::JoinHandle;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

use super::crowd::Crowd;
use super::crowd::messages::{Collect, Measure, Reckon, Rest};
use super::entrance::{Entrance, Ids};
use super::ledger::Missing;
use super::meter::Tally;
use super::plan::Plan;
use super::scenario::Scenario;
use super::time::{Micros, RunClock};
use super::totals::Totals;
use super::world::{Gathering, World};
use crate::actors::clock::duration;
use crate::actors::host::{Host, HostSettings, Published, Server, Threads};
use crate::metrics::Counters;
use crate::metrics::process::{ProcessUsage, thread_seconds};
use crate::protocol::client_id::ClientIdSequence;
use crate::protocol::ids::{AccessToken, AppId, ClientId, Role};
use crate::protocol::time::Timing;

/// How often it is looked whether everything has arrived.
const ARRIVE_DT: Duration = Duration::from_millis(100);

/// How much longer than anything waits nothing must have arrived until nothing more is waited for.
const GRACE: Duration = Duration::from_millis(1_500);

/// As long as it is waited at most, where something arrives all the time.
const LONGEST_GRACE: Duration = Duration::from_secs(60);

/// Where clientIds come from.
#[derive(Debug)]
pub enum ClientIds {
    /// The server is asked for each.
    Asked,
    /// Of a range, one after the other.
    Range(std::ops::RangeInclusive<u32>),
    /// Of a sequence of its own.
    Sequence(ClientIdSequence),
}

/// What a run is made with.
#[derive(Debug)]
pub struct RunSettings {
    /// What the clients do.
    pub scenario: Scenario,
    /// Of the plan.
    pub seed: u64,
    /// How many pairs.
    pub pairs: u32,
    /// How many controllers without a partner.
    pub controllers: u32,
    /// How many responders without a partner.
    pub responders: u32,
    /// Over how long they come.
    pub ramp: Duration,
    /// Their app.
    pub app: AppId,
    /// Their tokens, one at least.
    pub tokens: Vec<AccessToken>,
    /// Their clientIds.
    pub client_ids: ClientIds,
    /// On how many threads they live.
    pub threads: usize,
    /// Timings of their crSockets.
    pub timing: Timing,
    /// Their server.
    pub server: Server,
    /// What is published of them.
    pub published: Published,
    /// Where everything is counted.
    pub counters: Arc<Counters>,
    /// Told which clientIds single clients have.
    pub named: Option<mpsc::UnboundedSender<(Role, ClientId)>>,
}

/// A run that cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RunError {
    /// One of its threads has died.
    #[error("a thread of the simulation has died; its log says why")]
    ThreadDied,
    /// More clients than clientIds.
    #[error("{clients} clients need as many clientIds, and there are {there} in --client-ids, or in all")]
    TooFewClientIds {
        /// How many clients.
        clients: u64,
        /// How many clientIds.
        there: u64,
    },
}

/// What one interval brought.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Its end.
    pub at: Micros,
    /// How long it was, in seconds.
    pub seconds: f64,
    /// What was seen in it.
    pub tally: Tally,
    /// Processor time in it, in cores.
    pub cores: f64,
    /// Resident memory at its end, in bytes.
    pub memory_bytes: u64,
    /// The latest timer in it, in milliseconds; with an admin part, since that was asked.
    pub late_ms: i64,
    /// The latest timer of the whole run.
    pub latest_ms: i64,
}

impl Sample {
    /// CrEvents that arrived in a second of it.
    #[allow(clippy::cast_precision_loss, reason = "a figure to be read")]
    pub fn received_per_second(&self) -> f64 {
        self.tally.counts.received as f64 / self.seconds.max(1e-3)
    }
}

/// Somebody who may want it to end.
pub trait Stop {
    /// Ends when they do.
    fn told(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>>;
}

/// A run.
#[derive(Debug)]
pub struct Run {
    world: Arc<World>,
    crowds: Vec<Addr<Crowd>>,
    entering: JoinHandle<()>,
    totals: Totals,
    looked: (Micros, ProcessUsage),
    threads: BTreeMap<i32, f64>,
    rests: bool,
    /// How long nothing must have arrived until nothing more is waited for.
    grace: Duration,
}

impl Run {
    /// Begins it: its clients come from now on.
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn start(settings: RunSettings) -> Result<Run, RunError> {
        let usage = ProcessUsage::now().unwrap_or_default();
        let clients = clients_of(&settings);
        let ids = Ids::of(settings.client_ids, clients)?;
        let pairs = usize::try_from(settings.pairs).unwrap_or(usize::MAX / 2);
        let own_ids = ids.range();
        let waits = settings.timing.send_answer_dt.max(settings.timing.recipient_wait_dt);
        let grace = duration(waits) + GRACE;
        let host = Arc::new(Host::start(HostSettings {
            timing: settings.timing,
            threads: Threads::Own(settings.threads.max(1)),
            published: settings.published,
            counters: settings.counters,
            ..HostSettings::new(settings.server)
        }));
        let world = Arc::new(World {
            crowds: u32::try_from(host.threads()).unwrap_or(1),
            host,
            app: settings.app,
            tokens: settings.tokens,
            plan: Plan::new(settings.scenario, settings.seed, settings.pairs, settings.ramp),
            clock: RunClock::start(),
            own_ids,
            gathering: Gathering::new(pairs),
            named: settings.named,
        });
        let mut crowds = Vec::new();
        for number in 0..world.crowds {
            crowds.push(crowd(number, &world).await?);
        }
        let singles = [(Role::Controller, settings.controllers), (Role::Responder, settings.responders)];
        let entrance = Entrance { world: Arc::clone(&world), crowds: crowds.clone(), ids };
        let entering = actix_rt::spawn(entrance.let_in(settings.pairs, singles));
        let totals = Totals::new(usage.memory_bytes);
        let (looked, threads) = ((Micros::default(), usage), BTreeMap::new());
        Ok(Run { world, crowds, entering, totals, looked, threads, rests: false, grace })
    }

    /// Where its crSockets live.
    pub fn host(&self) -> &Arc<Host> {
        &self.world.host
    }

    /// Whether all its clients have come.
    pub fn have_all_come(&self) -> bool {
        self.entering.is_finished()
    }

    /// Whether all have come, and each pair has been interacting once.
    pub fn have_all_met(&self) -> bool {
        self.have_all_come() && self.world.gathering.have_all_met()
    }

    /// When all its pairs were interacting at once for the first time.
    pub fn all_interacting_at(&self) -> Option<Micros> {
        self.world.gathering.done_at()
    }

    /// How late it is.
    pub fn now(&self) -> Micros {
        self.world.clock.now()
    }

    /// What was measured so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What was seen since the last time.
    ///
    /// # Errors
    /// [`RunError::ThreadDied`].
    pub async fn sample(&mut self) -> Result<Sample, RunError> {
        let collect = Collect { on_their_way: self.rests };
        let asked: Vec<_> = self.crowds.iter().map(|crowd| crowd.send(collect)).collect();
        let mut tally = Tally::default();
        for answer in asked {
            tally.add(&answer.await.map_err(|_| RunError::ThreadDied)?);
        }
        // Where there is no file to ask with, it is as it was.
        let (at, usage) = (self.now(), ProcessUsage::now().unwrap_or(self.looked.1));
        let (before, used) = std::mem::replace(&mut self.looked, (at, usage));
        let seconds = at.since(before).as_secs_f64();
        let sample = Sample {
            at,
            seconds,
            tally,
            cores: (usage.cpu_seconds - used.cpu_seconds) / seconds.max(1e-3),
            memory_bytes: usage.memory_bytes,
            late_ms: self.world.host.latest_timer().0,
            latest_ms: self.world.host.latest_timer_ever().0,
        };
        self.totals.add(&sample, self.world.gathering.done_at());
        Ok(sample)
    }

    /// From now on it is measured, or not any more. What was seen until now is looked at first.
    ///
    /// # Errors
    /// [`RunError::ThreadDied`].
    pub async fn measure(&mut self, begins: bool) -> Result<Sample, RunError> {
        let asked: Vec<_> = self.crowds.iter().map(|crowd| crowd.send(Measure(begins))).collect();
        for answer in asked {
            answer.await.map_err(|_| RunError::ThreadDied)?;
        }
        let sample = self.sample().await?;
        let threads = thread_seconds();
        if begins {
            self.totals.begin_to_measure(sample.at);
        } else {
            let busiest = threads
                .iter()
                .map(|(thread, seconds)| seconds - self.threads.get(thread).copied().unwrap_or(0.0));
            self.totals.end_measuring(busiest.fold(0.0, f64::max));
        }
        self.threads = threads;
        Ok(sample)
    }

    /// Nobody sends anything any more; what is on its way is waited for, and what has not arrived then is counted. `look` is told
    /// how it goes. Whether it waited as long as needed: nobody wanted it to end before.
    ///
    /// # Errors
    /// [`RunError::ThreadDied`].
    pub async fn arrive(
        &mut self,
        stop: &mut impl Stop,
        mut look: impl FnMut(&Sample, &Run),
    ) -> Result<bool, RunError> {
        self.rest().await?;
        let last = Instant::now() + LONGEST_GRACE;
        let mut end = Instant::now() + self.grace;
        let waited = loop {
            let sample = self.sample().await?;
            look(&sample, self);
            if sample.tally.counts.received > 0 {
                end = last.min(Instant::now() + self.grace);
            }
            if sample.tally.on_their_way == 0 || Instant::now() >= end {
                break true;
            }
            tokio::select! {
                () = stop.told() => break false,
                () = sleep(ARRIVE_DT) => {}
            }
        };
        self.reckon().await?;
        Ok(waited)
    }

    /// Nobody sends anything any more, and nothing happens to anybody.
    async fn rest(&mut self) -> Result<(), RunError> {
        self.entering.abort();
        self.rests = true;
        for crowd in &self.crowds {
            crowd.send(Rest).await.map_err(|_| RunError::ThreadDied)?;
        }
        Ok(())
    }

    /// Nothing more is waited for: what has not arrived is counted.
    async fn reckon(&mut self) -> Result<(), RunError> {
        let mut missing = Missing::default();
        for crowd in &self.crowds {
            missing.add(crowd.send(Reckon).await.map_err(|_| RunError::ThreadDied)?);
        }
        self.totals.reckon(missing);
        Ok(())
    }

    /// All say goodbye, and it is waited for that, at most so long. How many had not by then.
    pub async fn stop(self, within: Duration) -> usize {
        self.world.host.stop(within).await
    }
}

fn clients_of(settings: &RunSettings) -> u64 {
    let RunSettings { pairs, controllers, responders, .. } = settings;
    u64::from(*pairs) * 2 + u64::from(*controllers) + u64::from(*responders)
}

/// Starts the clients of one thread.
async fn crowd(number: u32, world: &Arc<World>) -> Result<Addr<Crowd>, RunError> {
    let (tell, told) = oneshot::channel();
    let theirs = Arc::clone(world);
    let thread = usize::try_from(number).unwrap_or(usize::MAX);
    world.host.run_on(thread, move || {
        // Whoever starts it waits for it.
        let _ = tell.send(Crowd::create(|context| Crowd::new(number, theirs, context)));
    });
    told.await.map_err(|_| RunError::ThreadDied)
}
