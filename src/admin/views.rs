//! What the API shows, as it goes over the wire.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::actors::board::{StateName, Summary};
use crate::actors::details::KindCounts;
use crate::actors::inspection::{InUse, SessionDetails, UsedBy};
use crate::actors::recent::{Happening, What};
use crate::protocol::ids::ClientId;
use crate::protocol::sessions::Contest;
use crate::protocol::time::Millis;

/// A state and its subState.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StateView {
    /// The published name of the state.
    #[schema(example = "searching")]
    pub(super) state: &'static str,
    /// The published name of the subState; `other` where it is a peer's own word.
    #[schema(example = "partnerInactive")]
    pub(super) sub_state: Option<&'static str>,
}

/// A hosted crSocket, as lists show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SocketView {
    /// Its number: stable, and never given again.
    pub(super) socket_id: u32,
    /// Its app.
    #[schema(example = "demo")]
    pub(super) app: String,
    /// `controller` or `responder`.
    pub(super) role: &'static str,
    /// Its clientId, if it has one.
    #[schema(example = "482913")]
    pub(super) client_id: Option<String>,
    /// Its partner, if one is assigned.
    pub(super) partner_client_id: Option<String>,
    #[serde(flatten)]
    pub(super) state: StateView,
    /// `active`, `connected`, `paired`, as far as they hold.
    pub(super) metastates: Vec<&'static str>,
    /// When it came into its state, in milliseconds since 1970.
    pub(super) since: i64,
    /// Since when it has not been interacting, in milliseconds since 1970; none while it is.
    pub(super) not_interacting_since: Option<i64>,
    /// How many crEvents of its own left, pings too.
    pub(super) events_out: u32,
    /// How many crEvents of its partner it got, pings too.
    pub(super) events_in: u32,
    /// How often it was reset because a part of it died.
    pub(super) resets: u32,
}

/// How many msgEvents of each kind.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct KindCountsView {
    pub(super) ping: u32,
    pub(super) inactive: u32,
    pub(super) unassign: u32,
    pub(super) reject: u32,
    pub(super) alive: u32,
    pub(super) close: u32,
    /// The enclosing client's own.
    pub(super) other: u32,
}

/// Something that happened to a crSocket.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct HappeningView {
    /// When, in milliseconds since 1970.
    pub(super) at: i64,
    /// `spawned`, `transition`, `sent`, `received`, `reset` or `removed`.
    pub(super) what: &'static str,
    /// The state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<StateView>,
    /// The state after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<StateView>,
    /// The type of the crEvent, or the beginning of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event_type: Option<String>,
}

/// A clientId that is in use: by a session, or reserved.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionView {
    /// Which.
    #[schema(example = "482913")]
    pub(super) client_id: String,
    /// `session` or `reserved`. Of a reserved one, only how long it is reserved and how many events wait is known.
    pub(super) standing: &'static str,
    /// How many crEvents wait in its line.
    pub(super) waiting: usize,
    /// How long it stays reserved.
    pub(super) reserved_for_ms: Option<i64>,
    pub(super) app: Option<String>,
    pub(super) role: Option<&'static str>,
    /// The server's name for its stream.
    pub(super) pid: Option<String>,
    /// Whether its client is a crSocket of this process.
    pub(super) hosted: Option<bool>,
    pub(super) open_for_ms: Option<i64>,
    /// How long ago anything arrived for it.
    pub(super) silent_for_ms: Option<i64>,
    /// How long ago something of its client's own arrived.
    pub(super) own_silent_for_ms: Option<i64>,
    /// `quiet`, `contested` or `defended`: whether another user wants its clientId.
    pub(super) contest: Option<&'static str>,
    pub(super) remote_address: Option<String>,
    /// What its client says it is, or the beginning of that.
    pub(super) user_agent: Option<String>,
    /// What its reader has not taken.
    pub(super) queue: Option<QueueView>,
    pub(super) frames_out: Option<u64>,
    pub(super) bytes_out: Option<u64>,
    pub(super) last_pinged: Option<PingedView>,
    pub(super) last_reject: Option<RejectView>,
}

/// What a reader has not taken.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueueView {
    pub(super) frames: usize,
    pub(super) events: usize,
    pub(super) bytes: usize,
}

/// Whom a client pinged last.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PingedView {
    pub(super) client_id: String,
    pub(super) ago_ms: i64,
}

/// The last `reject` that was written to a session.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RejectView {
    /// In whose name; none where that was no clientId.
    pub(super) by: Option<String>,
    /// Its subType.
    #[schema(example = "assignedToOther")]
    pub(super) reason: String,
    pub(super) ago_ms: i64,
}

impl StateView {
    pub(super) fn of(state: StateName) -> StateView {
        StateView { state: state.state(), sub_state: not_empty(state.sub_state()) }
    }
}

impl SocketView {
    pub(super) fn of(summary: &Summary) -> SocketView {
        SocketView {
            socket_id: summary.id.0,
            app: summary.app.to_string(),
            role: summary.role.as_str(),
            client_id: summary.client_id.map(shown),
            partner_client_id: summary.partner.map(shown),
            state: StateView::of(summary.state),
            metastates: summary.state.metastates(),
            since: summary.since,
            not_interacting_since: summary.apart_since,
            events_out: summary.sent,
            events_in: summary.received,
            resets: summary.resets,
        }
    }
}

impl From<KindCounts> for KindCountsView {
    fn from(counts: KindCounts) -> KindCountsView {
        let KindCounts { ping, inactive, unassign, reject, alive, close, other } = counts;
        KindCountsView { ping, inactive, unassign, reject, alive, close, other }
    }
}

impl From<&Happening> for HappeningView {
    fn from(happening: &Happening) -> HappeningView {
        let mut view =
            HappeningView { at: happening.at, what: "spawned", from: None, to: None, event_type: None };
        match &happening.what {
            What::Spawned => {}
            What::Changed { from, to } => {
                view.what = "transition";
                (view.from, view.to) = (Some(StateView::of(*from)), Some(StateView::of(*to)));
            }
            What::Sent(event_type) => {
                (view.what, view.event_type) = ("sent", Some(event_type.as_str().to_owned()));
            }
            What::Received(event_type) => {
                (view.what, view.event_type) = ("received", Some(event_type.as_str().to_owned()));
            }
            What::Reset => view.what = "reset",
            What::Removed { .. } => view.what = "removed",
        }
        view
    }
}

impl SessionView {
    pub(super) fn of(in_use: &InUse) -> SessionView {
        let mut view = SessionView {
            client_id: shown(in_use.client_id),
            standing: "reserved",
            waiting: in_use.waiting,
            reserved_for_ms: None,
            app: None,
            role: None,
            pid: None,
            hosted: None,
            open_for_ms: None,
            silent_for_ms: None,
            own_silent_for_ms: None,
            contest: None,
            remote_address: None,
            user_agent: None,
            queue: None,
            frames_out: None,
            bytes_out: None,
            last_pinged: None,
            last_reject: None,
        };
        match &in_use.by {
            UsedBy::Session(session) => view.fill(session),
            UsedBy::Reserved { left } => view.reserved_for_ms = Some(left.0),
        }
        view
    }

    fn fill(&mut self, session: &SessionDetails) {
        let seen = &session.seen;
        self.standing = "session";
        self.app = Some(session.app.to_string());
        self.role = Some(session.role.as_str());
        self.pid = Some(session.pid.to_string());
        self.hosted = Some(session.hosted);
        let ages =
            [session.open_for, session.silent_for, session.own_silent_for].map(|Millis(age)| Some(age));
        [self.open_for_ms, self.silent_for_ms, self.own_silent_for_ms] = ages;
        self.contest = Some(contest(session.contest));
        self.remote_address = seen.remote.map(|address| address.to_string());
        self.user_agent = seen.user_agent.as_deref().map(str::to_owned);
        self.queue = Some(QueueView {
            frames: session.queued_frames,
            events: session.queued_events,
            bytes: session.queued_bytes,
        });
        (self.frames_out, self.bytes_out) = (Some(seen.frames), Some(seen.bytes));
        self.last_pinged =
            seen.last_pinged.map(|(id, ago)| PingedView { client_id: shown(id), ago_ms: ago.0 });
        self.last_reject = seen.last_reject.as_deref().map(|reject| RejectView {
            by: reject.by.map(shown),
            reason: reject.reason.as_str().to_owned(),
            ago_ms: reject.ago.0,
        });
    }
}

fn contest(contest: Contest) -> &'static str {
    match contest {
        Contest::Quiet => "quiet",
        Contest::Contested { .. } => "contested",
        Contest::Defended => "defended",
    }
}

/// A clientId as it is shown.
pub(super) fn shown(id: ClientId) -> String {
    id.to_string()
}

/// A text, unless it is empty.
pub(super) fn not_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A view as JSON; what cannot be shown, and everything here can, is null.
pub(super) fn json(view: &impl Serialize) -> Value {
    serde_json::to_value(view).unwrap_or_default()
}
