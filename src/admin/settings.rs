//! `/admin/api/config`: the settings in force.

use actix_web::get;
use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Admin, openapi};

/// The settings in force, without secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConfigView {
    /// As a configuration file; tokens are masked.
    toml: String,
}

/// The settings in force.
#[utoipa::path(operation_id = "getConfig", tag = openapi::SERVER, responses((status = 200, description = "The settings in force.", body = ConfigView)))]
#[get("/config")]
pub(super) async fn get(admin: Data<Admin>) -> Json<ConfigView> {
    Json(ConfigView { toml: admin.parts.settings.to_toml() })
}
