//! The states of the published page as predicates over plain facts, and the subStates as lists of reasons of which the
//! first that applies counts.

/// What is the case with the clientId.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdFact {
    Missing,
    Invalid,
    /// Assigned and valid, but the old stream has not ended yet.
    NotCounted,
    Counted,
}

/// What is the case with an assigned text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextFact {
    Missing,
    Invalid,
    Valid,
}

/// What the receiver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReceiverFact {
    Closed(&'static str),
    Opening,
    Open,
    Closing(&'static str),
    Aborted(String),
}

/// What the sender is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SenderFact {
    NotReady(&'static str),
    PartnerRejected(String),
    Ready { client_active: bool },
}

/// All that a crSocket's state is a function of.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) visible: bool,
    pub(crate) online: bool,
    pub(crate) paused: bool,
    pub(crate) unloading: bool,
    pub(crate) id: IdFact,
    pub(crate) receiver: ReceiverFact,
    pub(crate) sender: SenderFact,
    pub(crate) partner_active: bool,
}

impl Facts {
    /// "the enclosing client is inactive (invisible, offline, paused, or unloading)"
    fn enclosing_client_is_inactive(&self) -> bool {
        !self.visible || !self.online || self.paused || self.unloading
    }

    fn has_a_client_id(&self) -> bool {
        self.id == IdFact::Counted
    }

    /// "the internal eventReceiver is trying to connect to an eventSource"
    fn receiver_is_trying(&self) -> bool {
        self.receiver == ReceiverFact::Opening
    }

    /// "the internal eventReceiver has connected to an eventSource"
    fn receiver_has_connected(&self) -> bool {
        self.receiver == ReceiverFact::Open
    }

    /// "has a partnerClient": one is assigned, and it has not rejected this client.
    fn has_a_partner_client(&self) -> bool {
        matches!(self.sender, SenderFact::Ready { .. })
    }

    /// "Entered when the enclosing client is inactive (invisible, offline, paused, or unloading) or the crSocket has not
    /// been assigned a clientId."
    fn passive(&self) -> bool {
        self.enclosing_client_is_inactive() || !self.has_a_client_id()
    }

    /// "The set of states implying that the enclosing client is active (visible, online, not paused, and not unloading)
    /// and has been assigned a clientId."
    pub(crate) fn active(&self) -> bool {
        self.visible && self.online && !self.paused && !self.unloading && self.has_a_client_id()
    }

    /// "Entered when the crSocket is active, but has not connected to an eventSource, either because it has not been
    /// assigned an accessToken or because a previous connection attempt has been aborted by the server."
    fn ready_to_connect(&self) -> bool {
        self.active() && !self.receiver_has_connected() && !self.receiver_is_trying()
    }

    /// "Entered when the crSocket is active, has been assigned an accessToken and the internal eventReceiver is trying to
    /// connect to an eventSource."
    fn connecting(&self) -> bool {
        self.active() && self.receiver_is_trying()
    }

    /// "The set of states implying that the crSocket is active and connected to an eventSource"
    pub(crate) fn connected(&self) -> bool {
        self.active() && self.receiver_has_connected()
    }

    /// "Entered when the crSocket is active, the internal eventReceiver has connected to an eventSource, but does not
    /// have a partnerClient, either because it has not been assigned a partnerClientId or because a previous pairing
    /// attempt has been rejected."
    fn ready_to_pair(&self) -> bool {
        self.connected() && !self.has_a_partner_client()
    }

    /// "The set of states implying that the crSocket is active, connected, has been assigned a partnerClient and has not
    /// been rejected by this partner."
    pub(crate) fn paired(&self) -> bool {
        self.connected() && self.has_a_partner_client()
    }

    /// "Entered when the crSocket is active, has connected to an eventSource, has a partnerClient, but has not received
    /// any events from the partnerClient within partnerActiveMaxEventInDt millisecs or has received an inactive event
    /// from the partnerClient."
    fn searching(&self) -> bool {
        self.connected() && self.has_a_partner_client() && !self.partner_active
    }

    /// "Entered when the crSocket is active, has connected to an eventSource, has a partnerClient, has received at least
    /// one event from the partnerClient within partnerActiveMaxEventInDt millisecs, and has not received an inactive
    /// event from the partnerClient."
    fn interacting(&self) -> bool {
        self.connected() && self.has_a_partner_client() && self.partner_active
    }

    /// Which published states hold: always one.
    pub(crate) fn holding(&self) -> Vec<&'static str> {
        [
            ("passive", self.passive()),
            ("readyToConnect", self.ready_to_connect()),
            ("connecting", self.connecting()),
            ("readyToPair", self.ready_to_pair()),
            ("searching", self.searching()),
            ("interacting", self.interacting()),
        ]
        .into_iter()
        .filter_map(|(name, holds)| holds.then_some(name))
        .collect()
    }

    /// The state that holds.
    ///
    /// # Panics
    /// If none or several hold.
    pub(crate) fn state(&self) -> &'static str {
        match self.holding().as_slice() {
            [one] => one,
            other => panic!("{other:?} hold with {self:?}"),
        }
    }

    /// The subState of the state that holds.
    pub(crate) fn sub_state(&self) -> String {
        match self.state() {
            "passive" => first_that_applies(&[
                ("noClientId", matches!(self.id, IdFact::Missing | IdFact::NotCounted)),
                ("invalidClientId", self.id == IdFact::Invalid),
                ("notVisible", !self.visible),
                ("notOnline", !self.online),
                ("paused", self.paused),
                ("unloading", self.unloading),
            ])
            .unwrap()
            .into(),
            "readyToConnect" => match &self.receiver {
                ReceiverFact::Closed(why) | ReceiverFact::Closing(why) => (*why).into(),
                ReceiverFact::Aborted(why) => why.clone(),
                ReceiverFact::Opening | ReceiverFact::Open => panic!("readyToConnect with {self:?}"),
            },
            "readyToPair" => match &self.sender {
                SenderFact::NotReady(why) => (*why).into(),
                SenderFact::PartnerRejected(why) => why.clone(),
                SenderFact::Ready { .. } => panic!("readyToPair with {self:?}"),
            },
            "searching" => "partnerInactive".into(),
            _ => String::new(),
        }
    }
}

/// Section 6: what a sender with these facts is.
pub(crate) fn sender(
    client_active: bool,
    has_id: bool,
    token: TextFact,
    partner: TextFact,
    rejection: Option<&str>,
) -> SenderFact {
    let missing = first_that_applies(&[
        ("noClientId", !has_id),
        ("noAccessToken", token == TextFact::Missing),
        ("invalidAccessToken", token == TextFact::Invalid),
        ("noPartnerClientId", partner == TextFact::Missing),
        ("invalidPartnerClientId", partner == TextFact::Invalid),
    ]);
    match (missing, rejection) {
        (Some(why), _) => SenderFact::NotReady(why),
        (None, Some(why)) => SenderFact::PartnerRejected(why.into()),
        (None, None) => SenderFact::Ready { client_active },
    }
}

/// Section 5: why no stream can be opened, if none can.
pub(crate) fn why_not_openable(client_active: bool, has_id: bool, token: TextFact) -> Option<&'static str> {
    first_that_applies(&[
        ("clientNotActive", !client_active),
        ("noClientId", !has_id),
        ("noAccessToken", token == TextFact::Missing),
        ("invalidAccessToken", token == TextFact::Invalid),
    ])
}

fn first_that_applies(reasons: &[(&'static str, bool)]) -> Option<&'static str> {
    reasons.iter().find(|(_, applies)| *applies).map(|(name, _)| *name)
}
