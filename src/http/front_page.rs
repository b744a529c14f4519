//! stub
use super::files::WebRoot;
use crate::apps::AppTable;
use actix_web::{HttpRequest, HttpResponse};
pub(super) struct FrontPage;
impl FrontPage {
    pub(super) fn new(_: &AppTable, _: Option<&WebRoot>) -> FrontPage {
        FrontPage
    }
}
pub(super) fn answer(_: &FrontPage, _: &HttpRequest) -> HttpResponse {
    HttpResponse::Ok().body("crsocket\n")
}
