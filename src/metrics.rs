//! Every counter, by name.
//!
//! A counter is a family and a reason, such as `events_dropped` and `expired`. Whatever the rules note, refuse, drop or
//! lose is counted once, whoever caused it. Beside them: msgEvents by kind and outcome, and how long crEvents take.

mod latency;
mod msg_events;
pub mod process;

use std::sync::atomic::{AtomicU64, Ordering};

pub use self::latency::{BUCKETS, Cumulated, Latency, Percentiles};
pub use self::msg_events::{MsgEvents, MsgKind, MsgOutcome};
use crate::protocol::event::Rejection;
use crate::protocol::sessions::{
    Bound, Dropped, Effect, Ended, NoClientIdNow, NotOpened, Note, Refused, ReplyLost, SendAnswer, WhyNothing,
};
use crate::protocol::wire::AbortReason;

/// Declares the counters: `Variant => "family", "reason";`.
macro_rules! counters {
    ($($counter:ident => $family:literal, $reason:literal;)*) => {
        /// A counter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each is its family and its reason")]
        pub enum Counter {
            $($counter,)*
        }

        impl Counter {
            /// All of them.
            pub const ALL: &'static [Counter] = &[$(Counter::$counter,)*];

            /// What is counted.
            pub fn family(self) -> &'static str {
                match self {
                    $(Counter::$counter => $family,)*
                }
            }

            /// Which of them; empty where there is one kind only.
            pub fn reason(self) -> &'static str {
                match self {
                    $(Counter::$counter => $reason,)*
                }
            }
        }
    };
}

counters! {
    SessionsBegan => "sessions_began", "";
    EndedClosed => "sessions_ended", "closed";
    EndedReleased => "sessions_ended", "released";
    EndedSilent => "sessions_ended", "silent";
    EndedGhost => "sessions_ended", "ghost";
    EndedContested => "sessions_ended", "contested";
    EndedBroken => "sessions_ended", "broken";
    EndedStalled => "sessions_ended", "stalled";
    EndedRecycled => "sessions_ended", "recycled";
    EndedAborted => "sessions_ended", "aborted";
    EndedStopped => "sessions_ended", "stopped";
    Contested => "sessions_contested", "";
    Defended => "sessions_defended", "";
    AbortedInvalidRole => "streams_not_opened", "invalidRole";
    AbortedInvalidClientId => "streams_not_opened", "invalidClientId";
    AbortedInvalidAccessToken => "streams_not_opened", "invalidAccessToken";
    AbortedNotAuthorized => "streams_not_opened", "notAuthorized";
    AbortedClientIdInUse => "streams_not_opened", "clientIdInUse";
    AbortedOther => "streams_not_opened", "other";
    RetryContested => "streams_not_opened", "contested";
    RetryReserved => "streams_not_opened", "reserved";
    RetryTooManyStreams => "streams_not_opened", "tooManyStreams";
    RetryStopping => "streams_not_opened", "stopping";
    EventsForwarded => "events_accepted", "forwarded";
    EventsWaiting => "events_accepted", "waits";
    EventsEchoed => "events_accepted", "echoed";
    EventsClosing => "events_accepted", "closed";
    EventsUnknownType => "events_without_effect", "unknownType";
    EventsNoSession => "events_without_effect", "noSession";
    EventsNotOwn => "events_without_effect", "notOwn";
    EventsDroppedAtOnce => "events_without_effect", "dropped";
    RefusedBadRequest => "events_refused", "badRequest";
    RefusedTooLong => "events_refused", "tooLong";
    RefusedBodyTooLong => "events_refused", "bodyTooLong";
    RefusedUnknownApp => "events_refused", "unknownApp";
    RefusedInvalidToken => "events_refused", "invalidToken";
    RefusedNotAuthorized => "events_refused", "notAuthorized";
    RefusedRate => "events_refused", "rate";
    RefusedOutput => "events_refused", "output";
    RefusedAllOutputs => "events_refused", "allOutputs";
    RefusedLine => "events_refused", "line";
    RefusedAllLines => "events_refused", "allLines";
    RefusedStopping => "events_refused", "stopping";
    DroppedAppIdMismatch => "events_dropped", "appIdMismatch";
    DroppedInvalidPartnerRole => "events_dropped", "invalidPartnerRole";
    DroppedAccessTokenMismatch => "events_dropped", "accessTokenMismatch";
    DroppedBlocked => "events_dropped", "blocked";
    DroppedIntercepted => "events_dropped", "intercepted";
    DroppedSenderAbsent => "events_dropped", "senderAbsent";
    DroppedRecipientAbsent => "events_dropped", "recipientAbsent";
    DroppedExpired => "events_dropped", "expired";
    DroppedReplaced => "events_dropped", "replaced";
    DroppedStopping => "events_dropped", "stopping";
    LostWithStream => "events_lost", "streamEnded";
    LostUnread => "events_lost", "leftUnread";
    ReplyLostSessionGone => "replies_lost", "sessionGone";
    ReplyLostFull => "replies_lost", "full";
    ReplyLostMalformed => "replies_lost", "malformed";
    ClientIdsGiven => "client_ids_given", "";
    ClientIdsAllInUse => "client_ids_refused", "allInUse";
    ClientIdsTooMany => "client_ids_refused", "tooMany";
    ClientIdsNotStored => "client_ids_refused", "notStored";
    PartnersLent => "practice_partners_lent", "";
    PartnersAllTaken => "practice_partners_refused", "allTaken";
    PartnersTooOften => "practice_partners_refused", "tooOften";
    SocketsReset => "sockets_reset", "";
    SocketsDied => "sockets_died", "";
    Heartbeats => "heartbeats_written", "";
    StreamsCut => "streams_cut", "";
    UnknownApp => "requests_refused", "unknownApp";
    MethodNotAllowed => "requests_refused", "methodNotAllowed";
    ServerGone => "requests_refused", "registryGone";
    TooManyRequests => "connections_cut", "tooManyRequests";
    IdleConnections => "connections_cut", "idle";
    ConnectionsFull => "connections_full", "";
}

impl Counter {
    /// What its family counts, in words.
    pub fn help(self) -> &'static str {
        match self.family() {
            "sessions_began" => "Sessions that began",
            "sessions_ended" => "Sessions that ended, by why",
            "sessions_contested" => "Sessions whose clientId another user asked for",
            "sessions_defended" => "Contested sessions that showed that they live",
            "streams_not_opened" => "Event streams that were asked for and not served, by why",
            "events_accepted" => "MsgEvents that were accepted, by what came of them",
            "events_without_effect" => "MsgEvents that had no effect, by why",
            "events_refused" => "MsgEvents that were refused, by why",
            "events_dropped" => "Accepted crEvents that went no further, by why",
            "events_lost" => "CrEvents that were written and not taken, by why",
            "replies_lost" => "Answers of the server that reached nobody, by why",
            "client_ids_given" => "ClientIds that were given out",
            "client_ids_refused" => "Requests for clientIds that got none, by why",
            "practice_partners_lent" => "Practice partners that were lent",
            "practice_partners_refused" => "Requests for practice partners that got none, by why",
            "sockets_reset" => "CrSockets that were reset because a child died",
            "sockets_died" => "CrSockets that died",
            "heartbeats_written" => "Comments that were written to quiet streams",
            "streams_cut" => "Streams that were cut since their readers took nothing",
            "requests_refused" => "Requests that were refused before they reached the Registry, by why",
            "connections_cut" => "Connections that were cut, by why",
            "connections_full" => "Connections that were accepted when no more may be",
            _ => "Counted",
        }
    }
}

/// All counters of one server. They start at zero and only grow.
#[derive(Debug)]
pub struct Counters {
    counts: Vec<AtomicU64>,
    msg_events: MsgEvents,
    latency: Latency,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            counts: Counter::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            msg_events: MsgEvents::default(),
            latency: Latency::default(),
        }
    }
}

impl Counters {
    /// Counts one.
    pub fn count(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts some.
    pub fn add(&self, counter: Counter, more: usize) {
        if let Some(count) = self.counts.get(counter as usize) {
            count.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// How many so far.
    pub fn get(&self, counter: Counter) -> u64 {
        self.counts.get(counter as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Those that are not zero, with their counts.
    pub fn nonzero(&self) -> impl Iterator<Item = (Counter, u64)> {
        Counter::ALL.iter().map(|counter| (*counter, self.get(*counter))).filter(|(_, count)| *count > 0)
    }

    /// Counts what the rules noted.
    pub fn note(&self, note: &Note) {
        match note {
            Note::Began { .. } => self.count(Counter::SessionsBegan),
            Note::NotOpened { why, .. } => self.count(of_not_opened(why)),
            Note::Contested { .. } => self.count(Counter::Contested),
            Note::Defended { .. } => self.count(Counter::Defended),
            Note::Ended { why, lost, .. } => {
                self.count(of_ended(why));
                self.add(Counter::LostWithStream, *lost);
            }
            Note::LeftUnread { lost, .. } => self.add(Counter::LostUnread, *lost),
            Note::Refused { why, .. } => self.count(of_refused(*why)),
            Note::Dropped { why, .. } => self.count(of_dropped(why)),
            Note::ReplyLost { why, .. } => self.count(of_reply_lost(*why)),
        }
    }

    /// MsgEvents by kind and outcome.
    pub fn msg_events(&self) -> &MsgEvents {
        &self.msg_events
    }

    /// How long crEvents take from their acceptance until they are written.
    pub fn latency(&self) -> &Latency {
        &self.latency
    }

    /// Counts the answer to a `sendevent` of this kind; refusals are counted by their notes, too.
    pub fn answer(&self, kind: MsgKind, answer: &SendAnswer) {
        self.msg_events.count(kind, answer);
        match answer {
            SendAnswer::Accepted(effect) => self.count(of_effect(effect)),
            SendAnswer::UnknownApp => self.count(Counter::RefusedUnknownApp),
            SendAnswer::InvalidToken
            | SendAnswer::Forbidden
            | SendAnswer::TooMany(_)
            | SendAnswer::Stopping => {}
        }
    }

    /// Counts a clientId that was not given.
    pub fn no_client_id(&self, why: NoClientIdNow) {
        self.count(match why {
            NoClientIdNow::AllInUse { .. } => Counter::ClientIdsAllInUse,
            NoClientIdNow::TooMany { .. } => Counter::ClientIdsTooMany,
            NoClientIdNow::NotReserved { .. } => Counter::ClientIdsNotStored,
        });
    }
}

fn of_not_opened(why: &NotOpened) -> Counter {
    match why {
        NotOpened::Aborted(reason) => match reason {
            AbortReason::InvalidRole => Counter::AbortedInvalidRole,
            AbortReason::InvalidClientId => Counter::AbortedInvalidClientId,
            AbortReason::InvalidAccessToken => Counter::AbortedInvalidAccessToken,
            AbortReason::NotAuthorized => Counter::AbortedNotAuthorized,
            AbortReason::ClientIdInUse => Counter::AbortedClientIdInUse,
            AbortReason::ReleasedByOther | AbortReason::ClientNotAlive | AbortReason::Other(_) => {
                Counter::AbortedOther
            }
        },
        NotOpened::Contested => Counter::RetryContested,
        NotOpened::Reserved => Counter::RetryReserved,
        NotOpened::TooManyStreams => Counter::RetryTooManyStreams,
        NotOpened::Stopping => Counter::RetryStopping,
    }
}

fn of_ended(why: &Ended) -> Counter {
    match why {
        Ended::Closed => Counter::EndedClosed,
        Ended::Released { .. } => Counter::EndedReleased,
        Ended::Silent => Counter::EndedSilent,
        Ended::Ghost => Counter::EndedGhost,
        Ended::Contested => Counter::EndedContested,
        Ended::Broken => Counter::EndedBroken,
        Ended::Stalled => Counter::EndedStalled,
        Ended::Recycled => Counter::EndedRecycled,
        Ended::Aborted(_) => Counter::EndedAborted,
        Ended::Stopped => Counter::EndedStopped,
    }
}

fn of_refused(why: Refused) -> Counter {
    match why {
        Refused::InvalidToken => Counter::RefusedInvalidToken,
        Refused::NotAuthorized => Counter::RefusedNotAuthorized,
        Refused::Full(Bound::Rate) => Counter::RefusedRate,
        Refused::Full(Bound::Output) => Counter::RefusedOutput,
        Refused::Full(Bound::AllOutputs) => Counter::RefusedAllOutputs,
        Refused::Full(Bound::Line) => Counter::RefusedLine,
        Refused::Full(Bound::AllLines) => Counter::RefusedAllLines,
        Refused::Stopping => Counter::RefusedStopping,
    }
}

fn of_dropped(why: &Dropped) -> Counter {
    match why {
        Dropped::Blocked(Rejection::AppIdMismatch) => Counter::DroppedAppIdMismatch,
        Dropped::Blocked(Rejection::InvalidPartnerRole) => Counter::DroppedInvalidPartnerRole,
        Dropped::Blocked(Rejection::AccessTokenMismatch) => Counter::DroppedAccessTokenMismatch,
        Dropped::Blocked(_) => Counter::DroppedBlocked,
        Dropped::Intercepted(_) => Counter::DroppedIntercepted,
        Dropped::SenderAbsent => Counter::DroppedSenderAbsent,
        Dropped::RecipientAbsent => Counter::DroppedRecipientAbsent,
        Dropped::Expired => Counter::DroppedExpired,
        Dropped::Replaced => Counter::DroppedReplaced,
        Dropped::Stopping => Counter::DroppedStopping,
    }
}

fn of_reply_lost(why: ReplyLost) -> Counter {
    match why {
        ReplyLost::SessionGone => Counter::ReplyLostSessionGone,
        ReplyLost::Full(_) => Counter::ReplyLostFull,
        ReplyLost::Malformed => Counter::ReplyLostMalformed,
    }
}

fn of_effect(effect: &Effect) -> Counter {
    match effect {
        Effect::Forwarded => Counter::EventsForwarded,
        Effect::Waits => Counter::EventsWaiting,
        Effect::Echoed => Counter::EventsEchoed,
        Effect::Closed => Counter::EventsClosing,
        Effect::Nothing(WhyNothing::UnknownType) => Counter::EventsUnknownType,
        Effect::Nothing(WhyNothing::NoSession) => Counter::EventsNoSession,
        Effect::Nothing(WhyNothing::NotOwn) => Counter::EventsNotOwn,
        Effect::Nothing(WhyNothing::Dropped(_)) => Counter::EventsDroppedAtOnce,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_counters_have_the_same_name() {
        let names: BTreeSet<_> =
            Counter::ALL.iter().map(|counter| (counter.family(), counter.reason())).collect();
        assert_eq!(names.len(), Counter::ALL.len());
    }

    #[test]
    fn each_family_is_told_in_words_and_stands_together() {
        let mut families: Vec<&str> = Counter::ALL.iter().map(|counter| counter.family()).collect();
        families.dedup();
        let distinct: BTreeSet<_> = families.iter().collect();
        assert_eq!(distinct.len(), families.len(), "{families:?}");
        for counter in Counter::ALL {
            assert_ne!(counter.help(), "Counted", "{}", counter.family());
        }
    }

    #[test]
    fn each_counter_counts_for_itself() {
        let counters = Counters::default();
        for (times, counter) in Counter::ALL.iter().enumerate() {
            counters.add(*counter, times);
        }
        for (times, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(counters.get(*counter), times as u64, "{counter:?}");
        }
        assert_eq!(counters.nonzero().count(), Counter::ALL.len() - 1);
    }
}
