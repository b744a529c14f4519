//! Arguments -> command.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::load::{GateArgs, LoadArgs};
pub use self::simulate::{ClientIdRange, CrowdArgs, SimulateArgs};
use crate::check::plan::Faults;
use crate::config::Overrides;
use crate::protocol::time::Millis;

mod load;
mod simulate;

/// CRSocket: pairs a tester's controller with a participant's responder.
///
/// Without a command it is `crsocket demo`: a demonstration at http://127.0.0.1:8080/.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A demonstration to open in a browser: pages for a controller and a responder, partners to practise with, and two
    /// pairs that the server hosts itself. It keeps nothing.
    Demo(DemoArgs),
    /// Simulates lives of pairs with faults, and checks after every step what must hold.
    ///
    /// At a violation it says what did not hold, leaves out of that life what it went wrong without, and tells it;
    /// the exit status is then 1. The same seed gives the same life on any machine.
    Check(CheckArgs),
    /// Serves apps: clients get clientIds and event streams, and send events to each other.
    ///
    /// SIGHUP reads token files and certificates again; SIGINT and SIGTERM end every stream properly, a second one ends
    /// at once. The log goes to standard error; RUST_LOG=debug says more.
    Serve(ServeArgs),
    /// Checks a configuration file as the server would at its start, together with the environment.
    ///
    /// Says all that is wrong with it: which key, which value, where it came from and what is accepted.
    CheckConfig {
        /// The file.
        file: PathBuf,
    },
    /// Prints the settings in force as a configuration file: flags before environment variables
    /// (CRSOCKET__SERVER__BIND) before the file before the defaults. Tokens are not shown.
    PrintConfig(ServeArgs),
    /// Shows how a running server is: its crSockets by state, rates, drops, latency, memory, and the ten crSockets that have
    /// not been interacting for the longest time.
    ///
    /// In a terminal it is drawn anew at each interval (q ends it, p pauses it; NO_COLOR=1 leaves colours out); elsewhere it
    /// prints plain lines. Where the server asks for a token, it is read from a file or from the environment variable
    /// CRSOCKET_ADMIN_TOKEN.
    Top(TopArgs),
    /// Hosts simulated clients in this process, against a server in it or elsewhere, until it is stopped.
    ///
    /// In a terminal it shows how they are, elsewhere it prints a line now and then.
    Simulate(SimulateArgs),
    /// Measures a server with simulated clients: latency, losses, order, connecting and pairing, recovery.
    ///
    /// It ends by itself; at Ctrl-C with the report so far. The exit status is 1 where a gate does not hold, 2 where it
    /// could not be measured.
    Load(Box<LoadArgs>),
}

/// Where the demonstration is served.
#[derive(Debug, Default, Args)]
pub struct DemoArgs {
    /// Where to listen: 127.0.0.1:8080 (the default) serves this device alone, 0.0.0.0:8080 others of its network, too. As
    /// often as needed.
    #[arg(long, value_name = "ADDR")]
    pub bind: Vec<String>,
    /// Where the admin page is served: 127.0.0.1:8081 (the default), or "" for nowhere.
    #[arg(long, value_name = "ADDR")]
    pub admin_bind: Vec<String>,
}

impl DemoArgs {
    /// What they say instead of environment and defaults.
    pub fn overrides(&self) -> Overrides {
        let (bind, admin_bind) = (self.bind.clone(), self.admin_bind.clone());
        Overrides { bind, admin_bind, ..Overrides::default() }
    }
}

/// How a server is configured.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// A configuration file; config/crsocket.toml explains every setting. Without one the defaults count.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to listen, such as 127.0.0.1:8080, or 0.0.0.0:8080 for all of IPv4. As often as needed.
    #[arg(long, value_name = "ADDR")]
    pub bind: Vec<String>,
    /// Where the admin page and API are served: 127.0.0.1:8081 (the default), or "" for nowhere. As often as needed.
    #[arg(long, value_name = "ADDR")]
    pub admin_bind: Vec<String>,
    /// The public folder whose files are served below /crsocket/.
    #[arg(long, value_name = "DIR")]
    pub web_root: Option<String>,
    /// Where the sequence of clientIds is kept over restarts.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
}

impl ServeArgs {
    /// What they say instead of environment, file and defaults.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            bind: self.bind.clone(),
            admin_bind: self.admin_bind.clone(),
            web_root: self.web_root.clone(),
            data_dir: self.data_dir.clone(),
        }
    }
}

/// Which lives are simulated.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// How many lives, each from a seed of its own.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    pub from: u64,
    /// One seed only.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    pub seed: Option<u64>,
    /// How many controllers, each with a responder.
    #[arg(long, default_value_t = NonZero::<u16>::MIN.saturating_add(1))]
    pub pairs: NonZero<u16>,
    /// How long each life lasts, in hours.
    #[arg(long, default_value_t = 1.0, value_parser = hours)]
    pub hours: f64,
    /// How much goes wrong.
    #[arg(long, value_enum, default_value_t = FaultsArg::Mild)]
    pub faults: FaultsArg,
    /// On how many threads; by default on all cores.
    #[arg(long, default_value_t = all_cores())]
    pub threads: NonZero<usize>,
    /// A timing other than its default, in milliseconds: `--timing hello_max_dt=5000`. As often as needed.
    #[arg(long, value_name = "NAME=MS", value_parser = timing)]
    pub timing: Vec<(String, Millis)>,
    /// Writes the whole trace of a violation (or, with `--seed`, of that life) to this file.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Tells the life of one pair instead, as a sequence diagram, at the timings given. It is always the same story;
    /// the seed gives the clientIds and what else is random.
    #[arg(long, requires = "seed", conflicts_with_all = ["pairs", "hours", "faults", "threads", "trace"])]
    pub show: bool,
}

/// How much goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FaultsArg {
    /// Nothing; strangers try all the same.
    None,
    /// What a day in a laboratory brings.
    Mild,
    /// Everything at once.
    Harsh,
}

impl From<FaultsArg> for Faults {
    fn from(faults: FaultsArg) -> Faults {
        match faults {
            FaultsArg::None => Faults::None,
            FaultsArg::Mild => Faults::Mild,
            FaultsArg::Harsh => Faults::Harsh,
        }
    }
}

/// Which server is shown, and how.
#[derive(Debug, Args)]
pub struct TopArgs {
    /// Where the server's admin listener is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    pub url: String,
    /// A file that holds the server's admin token, and nothing else; it goes before the environment.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// How often it is asked.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    pub interval: Duration,
    /// Prints plain lines once and ends.
    #[arg(long)]
    pub once: bool,
}

fn all_cores() -> NonZero<usize> {
    thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

fn hours(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(hours) if hours > 0.0 && hours <= 1_000.0 => Ok(hours),
        _ => Err("more than 0 and at most 1000 hours".into()),
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("at least 0.1 and at most 3600 seconds".into()),
    }
}

fn timing(text: &str) -> Result<(String, Millis), String> {
    let (name, length) = text.split_once('=').ok_or("NAME=MS, such as hello_max_dt=5000")?;
    let length = length.parse().map_err(|_| format!("{length:?} is no whole number of milliseconds"))?;
    Ok((name.to_owned(), Millis(length)))
}
