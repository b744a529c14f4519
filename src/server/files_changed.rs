//! Files that are read again while the server runs: token files and certificates.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;

use super::tls::Certificates;
use crate::actors::messages::SetApps;
use crate::config::Settings;
use crate::file_watch::FileWatch;
use crate::http::site::Site;

/// How often the files are looked at: who is struck off a list is out within two seconds.
pub(super) const LOOK_DT: Duration = Duration::from_millis(1_000);

/// What is read again.
pub(super) struct Watched {
    settings: Settings,
    site: web::Data<Site>,
    certificates: Option<(Arc<Certificates>, FileWatch)>,
}

impl Watched {
    pub(super) fn new(
        settings: &Settings,
        site: &web::Data<Site>,
        certificates: Option<Arc<Certificates>>,
    ) -> Watched {
        let certificates = certificates.map(|certificates| {
            let watch = FileWatch::new(certificates.files());
            (certificates, watch)
        });
        Watched { settings: settings.clone(), site: site.clone(), certificates }
    }

    /// Reads again what has changed.
    pub(super) async fn look(&mut self) {
        if self.site.apps.load().token_files().changed() {
            self.read_tokens().await;
        }
        if self.certificates.as_mut().is_some_and(|(_, watch)| watch.has_changed()) {
            self.read_certificates();
        }
    }

    /// Reads everything again.
    pub(super) async fn read_all(&mut self) {
        log::info!("reading token files and certificates again");
        self.read_tokens().await;
        self.read_certificates();
    }

    async fn read_tokens(&self) {
        let rebuilt = self.site.apps.load().rebuild(&self.settings);
        let (table, faults) = match rebuilt {
            Ok(rebuilt) => rebuilt,
            Err(error) => {
                return log::error!("the token files cannot be used, the former ones stay in force: {error}");
            }
        };
        for fault in &faults {
            log::warn!("a token file cannot be used, the former list stays in force: {fault}");
        }
        let apps = Arc::new(table.apps.clone());
        self.site.apps.store(Arc::new(table));
        if self.site.ask(SetApps(apps)).await.is_ok() && faults.is_empty() {
            log::info!("the token files were read again");
        }
    }

    fn read_certificates(&self) {
        let Some((certificates, _)) = &self.certificates else { return };
        match certificates.read_again() {
            Ok(()) => log::info!("the certificate was read again"),
            Err(error) => {
                log::warn!("the certificate cannot be used, the former one stays in force: {error}");
            }
        }
    }
}
