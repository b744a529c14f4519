//! What the apps' configuration amounts to: policies for the rules, and what HTTP needs to know.
//!
//! An [`AppTable`] is built as a whole, and again when a token file has changed ([`TokenFiles::changed`]). Whoever holds
//! a session whose token is no longer admitted is told by the rules, not here.

mod access;
mod token_file;

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::config::{AccessSettings, AppSettings, CorsOrigins, Settings};
use crate::protocol::ids::AppId;
use crate::protocol::policy::{Access, AnyAccess, App, Apps};

use access::{Listed, Patterned, Tokens};
pub use token_file::{LineFault, TokenFileError, TokenFiles};

/// The apps of a server, as their settings and token files say.
#[derive(Clone, Debug)]
pub struct AppTable {
    /// The policies of each app, for the rules.
    pub apps: Apps,
    /// The apps that are configured by name, in order.
    pub names: Vec<AppId>,
    cors: BTreeMap<AppId, CorsOrigins>,
    lists: BTreeMap<AppId, Arc<Tokens>>,
    files: TokenFiles,
}

/// Why an app's access list cannot be made.
#[derive(Debug, Error)]
pub enum AppsError {
    /// Its token file.
    #[error("apps.{app}.token_file: {source}")]
    TokenFile {
        /// Which app.
        app: AppId,
        /// What is wrong with it.
        source: TokenFileError,
    },
    /// The operating system gives no random key.
    #[error("the operating system gives no randomness: {0}")]
    Random(#[from] getrandom::Error),
}

impl AppTable {
    /// Reads the token files, and puts everything together.
    ///
    /// # Errors
    /// The first file that cannot be read or understood.
    pub fn build(settings: &Settings) -> Result<AppTable, AppsError> {
        let (table, mut faults) = AppTable::assemble(settings, &BTreeMap::new())?;
        if faults.is_empty() { Ok(table) } else { Err(faults.swap_remove(0)) }
    }

    /// Reads the token files again. Where one cannot be read or understood, its app keeps the list that it had, and the
    /// fault is among those returned: a warning for the operator, told once for each change of the file.
    ///
    /// # Errors
    /// [`AppsError::Random`]; then nothing has changed.
    pub fn rebuild(&self, settings: &Settings) -> Result<(AppTable, Vec<AppsError>), AppsError> {
        AppTable::assemble(settings, &self.lists)
    }

    /// Whether pages of this origin may speak with this app.
    pub fn allows_origin(&self, app: &AppId, origin: &str) -> bool {
        self.cors.get(app).is_some_and(|origins| origins.allows(origin))
    }

    /// The token files as they were when they were read.
    pub fn token_files(&self) -> &TokenFiles {
        &self.files
    }

    fn assemble(
        settings: &Settings,
        former: &BTreeMap<AppId, Arc<Tokens>>,
    ) -> Result<(AppTable, Vec<AppsError>), AppsError> {
        let mut table = AppTable {
            apps: Apps::new(),
            names: settings.apps.keys().cloned().collect(),
            cors: BTreeMap::new(),
            lists: BTreeMap::new(),
            files: TokenFiles::default(),
        };
        let mut faults = Vec::new();
        for (id, app) in &settings.apps {
            let access = match &app.access {
                AccessSettings::Any => Arc::new(AnyAccess) as Arc<dyn Access>,
                AccessSettings::List { tokens, token_file } => {
                    let listed = match token_file {
                        Some(path) => table.files.read(path, tokens, app.token_pattern.as_ref()),
                        None => Ok(tokens.clone()),
                    };
                    let list = match listed {
                        Ok(listed) => Arc::new(Tokens::new(listed)?),
                        Err(source) => {
                            faults.push(AppsError::TokenFile { app: id.clone(), source });
                            former.get(id).cloned().unwrap_or_else(|| Arc::new(Tokens::none()))
                        }
                    };
                    table.lists.insert(id.clone(), Arc::clone(&list));
                    Arc::new(Listed(list))
                }
            };
            table.cors.insert(id.clone(), app.cors_origins.clone());
            table.apps = table.apps.with(id.clone(), policies(app, access));
        }
        if settings.server.any_app {
            table.apps = table.apps.with_any(App::default());
        }
        Ok((table, faults))
    }
}

fn policies(app: &AppSettings, access: Arc<dyn Access>) -> App {
    let access = match &app.token_pattern {
        Some(pattern) => Arc::new(Patterned { pattern: pattern.clone(), rest: access }),
        None => access,
    };
    App { access, pairing: app.pairing, ..App::default() }
}
