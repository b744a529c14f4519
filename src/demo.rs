//! `crsocket demo`, and `crsocket` without a command: a server with pages to open in two windows or on two devices, to see
//! how everything goes together.

use std::io::{self, Write};
use std::process::ExitCode;

use env_logger::{Builder, Env};

use crate::cli::DemoArgs;
use crate::config::{AppSettings, Behaviour, ConfigError, DemoSettings, HostedSettings, Settings};
use crate::protocol::ids::{AccessToken, AppId, InvalidId};
use crate::server::{self, Reach, ServerError};

/// Why it could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The environment says something that cannot be accepted.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// The server could not start, or had to give up.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A name made here was not valid.
    #[error(transparent)]
    Name(#[from] InvalidId),
}

/// Serves with the defaults, without a data folder, and says in plain words what happens.
///
/// # Errors
/// [`DemoError`].
pub fn run(args: &DemoArgs, out: &mut impl Write) -> Result<ExitCode, DemoError> {
    let default = "warn,crsocket=info,actix_http=error";
    Builder::from_env(Env::default().default_filter_or(default))
        .format(|line, record| writeln!(line, "{}", record.args()))
        .init();
    server::run(settings(args)?, |reach| {
        // Who has closed it does not want to read it.
        let _ = introduce(reach, out);
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Says where it is to be opened, on this device and on others.
fn introduce(reach: &Reach, out: &mut impl Write) -> io::Result<()> {
    let (here, elsewhere) = (reach.here(), reach.elsewhere());
    if elsewhere.is_empty() {
        let here = if here.is_empty() { reach.to_string() } else { here.join(" or ") };
        writeln!(out, "\nOpen {here} in a browser on this device.")?;
        if reach.is_loopback() {
            writeln!(out, "To serve other devices of your network too: crsocket demo --bind 0.0.0.0:8080")?;
        } else {
            writeln!(out, "This device has no address yet under which others could open it.")?;
        }
    } else {
        if !here.is_empty() {
            writeln!(out, "\nOpen in a browser on this device:\n")?;
            here.iter().try_for_each(|address| writeln!(out, "  {address}"))?;
        }
        writeln!(out, "\nOpen in a browser on any device of the same network:\n")?;
        elsewhere.iter().try_for_each(|address| writeln!(out, "  {address}"))?;
    }
    writeln!(
        out,
        "\nA tester's page and a participant's page find each other there. So do two pairs that are hosted here, as the \
         lines\nbelow tell. `crsocket serve` is for your own apps; Ctrl-C stops.\n"
    )?;
    out.flush()
}

/// The defaults, the environment and the arguments, without a data folder; the app `demo`, with two pairs.
fn settings(args: &DemoArgs) -> Result<Settings, DemoError> {
    let (app, access_token) = (AppId::parse("demo")?, AccessToken::parse("demo")?);
    let mut settings = Settings::load(None, &args.overrides())?;
    settings.demo = Some(DemoSettings { app: app.clone(), access_token: access_token.clone() });
    settings.server.data_dir = None;
    settings.server.any_app = false;
    settings.apps.insert(app.clone(), AppSettings::default());
    settings.hosted.push(HostedSettings {
        app,
        access_token,
        pairs: 2,
        controllers: 0,
        responders: 0,
        client_ids: Vec::new(),
        behaviour: Behaviour::Echo,
    });
    Ok(settings)
}
