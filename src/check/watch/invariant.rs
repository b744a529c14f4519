//! What must hold, by name, each with the sentence it comes from.

use crate::protocol::time::Millis;

/// Something that must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// The state is the one that the facts demand.
    StateFollowsFacts,
    /// Parent and children agree about what both hold.
    ChildrenAgree,
    /// Only the partner's events reach the enclosing client.
    OnlyThePartner,
    /// In peace, nobody interacts with who has another partner.
    OnePartner,
    /// A responder that was unassigned has no partner.
    UnassignFrees,
    /// A `reject` counts only if a ping left for who sent it.
    RejectNeedsPing,
    /// Accepted events are delivered in the order of acceptance, each at most once.
    OrderOfDelivery,
    /// A crSocket's events reach the link in the order in which it sent them.
    OrderAtTheLink,
    /// What is blocked crosses apps, roles or, where the policy says so, users; and its sender is told which.
    BlockedForCause,
    /// No crEvent comes within helloSettleDt behind a `hello`.
    HelloSettles,
    /// Nobody receives across apps, roles or, where the policy says so, users.
    NoCrossing,
    /// Who is not admitted gets no stream and says nothing; who is, is not refused for it.
    OnlyTheAdmitted,
    /// Nobody speaks for another's clientId.
    NoImpersonation,
    /// Nobody takes another user's clientId over.
    NoTakeover,
    /// Nobody is kept from a clientId that belongs to the same user.
    OwnersComeIn,
    /// Where clientIds are not bound to users, whoever comes is let in, and who was there is told.
    PlainTakeover,
    /// At most one session a clientId.
    OneSession,
    /// Nothing comes behind the last words of a stream, or before its `hello`.
    LastWords,
    /// What was accepted is written, dropped with a note, or waits: for as long as it may, and no longer.
    NothingVanishes,
    /// A server that stops has ended every stream with `shutdown`, keeps nothing waiting, and accepts nothing more.
    GracefulStop,
    /// At most one stream a receiver, and nothing from one that was given up.
    OneStream,
    /// While a stream has other credentials, new ones count as missing.
    OldStreamFirst,
    /// No timer is armed that the state has no use for.
    NoTimerLeak,
    /// Every timer that the state needs is armed, for no longer than it may take.
    TimersRun,
    /// Queues, lines and outputs stay within their bounds.
    Bounds,
    /// One sender holds at most as much of a line or output as it leaves free.
    FairShares,
    /// A goodbye is due, and carries the credentials and the partner that held when it became so.
    GoodbyeCredentials,
    /// A goodbye that is due is said.
    GoodbyeSaid,
    /// Whatever else is sent carries the credentials and the recipient it was made with.
    OwnCredentials,
    /// What was accepted before a goodbye leaves, is kept or is reported before it.
    NothingBehindAGoodbye,
    /// Nobody says interacting whose partner has been gone for too long.
    NoGhostPartner,
    /// After the faults, every willing pair is interacting again in time.
    WillingPairsInteract,
    /// After the faults, every client of this project is active and has a clientId: its page has given it all it needs.
    EverybodyIsBack,
    /// A pair that is left in peace stays interacting.
    PairsStay,
    /// No machine and no rule panics, whatever it is told.
    NoPanic,
    /// What happens at one moment comes to its end.
    TimeGoesOn,
}

impl Invariant {
    /// The sentence it comes from.
    pub fn sentence(self) -> &'static str {
        match self {
            Invariant::StateFollowsFacts => "7: the state is a function of the facts",
            Invariant::ChildrenAgree => "7: a change is one step",
            Invariant::OnlyThePartner => {
                "page: crSockets will only forward crEvents from their currently assigned partnerClient"
            }
            Invariant::OnePartner => {
                "page: if a crSocket has a partner, it rejects every other client that pings it"
            }
            Invariant::UnassignFrees => "7: unassign clears the partner (responders only)",
            Invariant::RejectNeedsPing => {
                "6: a reject flags the partner only if a ping left for it since the flag was last cleared"
            }
            Invariant::OrderOfDelivery => {
                "4: accepted events from one sender to one recipient are delivered in the order of acceptance, each at \
                 most once"
            }
            Invariant::OrderAtTheLink => "6: ordinary crEvents leave in order",
            Invariant::BlockedForCause => {
                "4: crEvents are blocked unless the app is the session's, the role the partner role, and the pairing \
                 policy allows it"
            }
            Invariant::HelloSettles => "4: until helloSettleDt after its hello is over, crEvents for it wait",
            Invariant::NoCrossing => {
                "page: events with mismatching appIds and clientRoles will always be blocked by the server"
            }
            Invariant::OnlyTheAdmitted => {
                "4: credentials are checked as above; the access policy admits the token; 3: invalidAccessToken, \
                 notAuthorized; 400, 403"
            }
            Invariant::NoImpersonation => {
                "4: a sender whose clientId has a live session must show that session's app, role and user, one with a \
                 reservation its user"
            }
            Invariant::NoTakeover => "4: nobody takes over a stranger's clientId",
            Invariant::OwnersComeIn => {
                "4: a session of the same user, or a reservation for the same user: hello"
            }
            Invariant::PlainTakeover => {
                "4: bind_client_ids off: a newcomer of any user gets hello, and the old session aborted releasedByOther"
            }
            Invariant::OneSession => {
                "4: a session of the same user: the old one is aborted with the newcomer's pid, both at once; of another \
                 user: it stays"
            }
            Invariant::LastWords => {
                "3: hello: every later frame belongs to this pid; aborted, closed, shutdown: the stream then ends"
            }
            Invariant::NothingVanishes => {
                "4: an accepted event is written, dropped and noted, or waits for recipientWaitDt or unassignWaitDt"
            }
            Invariant::GracefulStop => {
                "4: graceful stop: every stream gets shutdown and then ends; nothing new is served or accepted"
            }
            Invariant::OneStream => {
                "5: never two streams at a time; frames of one that was given up are ignored"
            }
            Invariant::OldStreamFirst => {
                "5: changing clientId or accessToken counts as missing until the old stream has ended"
            }
            Invariant::NoTimerLeak => "7: stop the timers",
            Invariant::TimersRun => "8: each wait has its length; 7: start the ping schedule",
            Invariant::Bounds => "4: bounds; 6: bounded queues",
            Invariant::FairShares => {
                "4: one sender may hold at most as much of a line or output as it leaves free"
            }
            Invariant::GoodbyeCredentials => {
                "7: events that say goodbye carry the credentials and the partner that held before"
            }
            Invariant::GoodbyeSaid => "7: send inactive; whose partner is cleared or replaced sends unassign",
            Invariant::OwnCredentials => {
                "6: it keeps the clientId, accessToken and recipient it was made with; 5: close is sent with the \
                 credentials under which the stream was opened"
            }
            Invariant::NothingBehindAGoodbye => "6: goodbyes are not overtaken",
            Invariant::NoGhostPartner => {
                "10: nobody says interacting whose partner has been gone for longer than partnerActiveMaxEventInDt + \
                 recipientWaitDt + helloSettleDt + delta"
            }
            Invariant::WillingPairsInteract => "10: every willing pair is interacting again",
            Invariant::EverybodyIsBack => "7: whoever has every input set is active",
            Invariant::PairsStay => "10: no stranger parts or blocks a pair",
            Invariant::NoPanic => {
                "4: the server's rules are a function of the session table, the request and the time"
            }
            Invariant::TimeGoesOn => {
                "4: the answer comes as soon as the event is accepted; 8: each wait has its length"
            }
        }
    }
}

/// Something that must hold did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What.
    pub invariant: Invariant,
    /// When, in virtual time.
    pub at: Millis,
    /// Of which client, if of one.
    pub client: Option<usize>,
    /// What was seen.
    pub seen: String,
}

/// What did not hold, and what was seen.
pub(super) type Broken = (Invariant, String);
