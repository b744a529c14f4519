//! `crsocket` without a command: a server that hosts a few pairs itself, to see how everything goes together.

use std::io::{self, Write};
use std::process::ExitCode;

use env_logger::{Builder, Env};

use crate::config::{AppSettings, Behaviour, ConfigError, HostedSettings, Overrides, Settings};
use crate::protocol::ids::{AccessToken, AppId, InvalidId};
use crate::server::{self, ServerError};

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
pub fn run(out: &mut impl Write) -> Result<ExitCode, DemoError> {
    let default = "warn,crsocket=info,actix_http=error";
    Builder::from_env(Env::default().default_filter_or(default))
        .format(|line, record| writeln!(line, "{}", record.args()))
        .init();
    server::run(settings()?, |addresses| {
        // Who has closed it does not want to read it.
        let _ = introduce(addresses, out);
    })?;
    Ok(ExitCode::SUCCESS)
}

fn introduce(addresses: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "\nOpen {addresses} in a browser. Two pairs of the app demo find each other now; a responder waits for a \
         controller\nand answers what it gets. Clients with the accessToken demo may join. `crsocket serve` is for your own \
         apps; Ctrl-C stops.\n"
    )?;
    out.flush()
}

/// The defaults and the environment, without a data folder; the app `demo`, with two pairs and a responder that waits.
fn settings() -> Result<Settings, DemoError> {
    let app = AppId::parse("demo")?;
    let mut settings = Settings::load(None, &Overrides::default())?;
    settings.server.data_dir = None;
    settings.server.any_app = false;
    settings.apps.insert(app.clone(), AppSettings::default());
    settings.hosted.push(HostedSettings {
        app,
        access_token: AccessToken::parse("demo")?,
        pairs: 2,
        controllers: 0,
        responders: 1,
        behaviour: Behaviour::Echo,
    });
    Ok(settings)
}
