//! Section 3, clientid: `503` with Retry-After when all are in use.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it saw by panicking"
)]

use crsocket::protocol::client_id::ClientIdSequence;
use crsocket::protocol::ids::{AppId, ClientId};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::{App, Apps};
use crsocket::protocol::sessions::{NoClientIdNow, Opened, PidSequence, ServerStep, SessionTable};
use crsocket::protocol::time::{Millis, Timing};
use crsocket::protocol::wire::EventSourceParams;

#[test]
fn section_3_no_clientid_is_given_while_all_are_in_use() {
    let app = AppId::parse("lab").unwrap();
    let apps = Apps::new().with(app.clone(), App::default());
    let (timing, limits) = (Timing::default(), Limits::default());
    let step = ServerStep { now: Millis::ZERO, random: 7, timing: &timing, limits: &limits, apps: &apps };
    let sequence = ClientIdSequence::new([7; 16], 0, u64::MAX);
    let mut table = SessionTable::new(PidSequence::starting_at(1_795_000_000), sequence);
    let mut actions = Vec::new();
    let mut open = |table: &mut SessionTable, number: u32| {
        let id = ClientId::from_number(number).unwrap().to_string();
        let params = EventSourceParams {
            client_id: Some(id.into()),
            client_role: Some("responder".into()),
            access_token: Some("guest".into()),
        };
        actions.clear();
        match table.open(&app, &params, &step, &mut actions) {
            Opened::Stream { pid, .. } => pid,
            other => panic!("{number}: {other:?}"),
        }
    };
    // All but one: that one is found, wherever it stands in the sequence.
    let free = 482_913;
    for number in (0..ClientId::COUNT).filter(|number| *number != free) {
        open(&mut table, number);
    }
    assert_eq!(table.give_client_id(&step).map(ClientId::number), Ok(free));
    open(&mut table, free);
    let retry_after = timing.invalid_client_id_retry_dt;
    assert_eq!(table.give_client_id(&step), Err(NoClientIdNow::AllInUse { retry_after }));
}
