//! Another partner, another clientId, another accessToken, another crSocket with the same clientId.

use std::sync::Arc;

use crsocket::actors::messages::{SetApps, SetFact};
use crsocket::protocol::action::Notice;
use crsocket::protocol::ids::{Assigned, Role};
use crsocket::protocol::policy::{App, ListAccess};

use crate::lab::{CONTROLLER, Lab, OTHER, RESPONDER, Wishes, apps, id, names, nobody, run, token};

#[test]
fn an_unassigned_responder_is_free_again() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        controller.set(nobody());
        lab.run(100).await;
        lab.expect(&controller, "readyToPair", "noPartnerClientId");
        lab.expect(&responder, "readyToPair", "noPartnerClientId");
        assert_eq!(lab.got_since(&responder, start), ["unassign"], "page: it must send an unassign event");
        assert_eq!(lab.partners_since(&responder, start), [None]);
        lab.run(60_000).await;
        assert_eq!(lab.got_since(&controller, start), [] as [String; 0], "7: it lets go in silence");
    });
}

#[test]
fn a_changed_partner_frees_the_old_one_and_pairs_with_the_new_one() {
    run(async {
        let lab = Lab::new();
        let (controller, first) = lab.interacting_pair().await;
        let second = lab.add(Role::Responder, OTHER);
        lab.run(1_000).await;
        let start = lab.now();
        lab.assign(&controller, OTHER);
        lab.run(1_500).await;
        lab.expect(&controller, "interacting", "");
        lab.expect(&second, "interacting", "");
        lab.expect(&first, "readyToPair", "noPartnerClientId");
        assert_eq!(lab.partners_since(&controller, start), [None, Some(OTHER)], "7: in two steps");
        lab.assign(&controller, RESPONDER);
        lab.run(1_500).await;
        lab.expect(&first, "interacting", "");
        lab.expect(&second, "readyToPair", "noPartnerClientId");
    });
}

#[test]
fn a_wrong_partner_is_searched_for_until_the_right_one_is_assigned() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = (lab.controller(), lab.responder());
        lab.run(1_000).await;
        lab.assign(&controller, 999_999);
        lab.run(60_000).await;
        lab.expect(&controller, "searching", "partnerInactive");
        lab.assign(&controller, RESPONDER);
        lab.run(1_500).await;
        lab.expect(&controller, "interacting", "");
        lab.expect(&responder, "interacting", "");
    });
}

#[test]
fn a_taken_responder_rejects_another_controller_until_it_is_free() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let rival = lab.add(Role::Controller, OTHER);
        lab.run(1_000).await;
        lab.assign(&rival, RESPONDER);
        lab.run(1_000).await;
        lab.expect(&rival, "readyToPair", "assignedToOther");
        lab.expect(&controller, "interacting", "");
        let sent = rival.summary().unwrap().sent;
        lab.run(30_000).await;
        assert_eq!(rival.summary().unwrap().sent, sent, "page: a rejection stops the pings");
        controller.set(nobody());
        lab.assign(&rival, RESPONDER);
        lab.run(2_000).await;
        lab.expect(&rival, "interacting", "");
        lab.expect(&responder, "interacting", "");
    });
}

#[test]
fn the_server_rejects_the_ping_of_a_client_of_the_same_role() {
    run(async {
        let lab = Lab::new();
        let (controller, _other) = (lab.controller(), lab.add(Role::Controller, OTHER));
        lab.run(1_000).await;
        lab.assign(&controller, OTHER);
        lab.run(1_000).await;
        lab.expect(&controller, "readyToPair", "invalidPartnerRole");
    });
}

#[test]
fn same_user_pairing_rejects_another_user() {
    run(async {
        let lab = Lab::same_user();
        let controller = lab.controller();
        let _responder = lab.add_as(Role::Responder, RESPONDER, "somebody");
        lab.run(1_000).await;
        lab.assign(&controller, RESPONDER);
        lab.run(1_000).await;
        lab.expect(&controller, "readyToPair", "accessTokenMismatch");
    });
}

#[test]
fn a_changed_clientid_says_goodbye_with_the_old_one_and_counts_when_the_stream_has_ended() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        responder.set(SetFact::ClientId(Assigned::Valid(id(OTHER))));
        lab.run(300).await;
        lab.expect(&responder, "readyToPair", "noPartnerClientId");
        lab.expect(&controller, "searching", "partnerInactive");
        assert_eq!(lab.got_since(&controller, start), ["inactive"]);
        let (_, goodbye) = &lab.events_since(&controller, start)[0];
        assert_eq!(goodbye.sender, Some(id(RESPONDER)), "7: with the old id");
        assert_eq!(responder.summary().unwrap().client_id, Some(id(OTHER)));
        lab.assign(&controller, OTHER);
        lab.run(2_000).await;
        lab.expect(&controller, "interacting", "");
        lab.expect(&responder, "interacting", "");
    });
}

#[test]
fn a_cleared_clientid_is_replaced_by_one_of_the_servers() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        responder.set(SetFact::ClientId(Assigned::Nothing));
        lab.run(1_000).await;
        lab.expect(&responder, "readyToPair", "noPartnerClientId");
        let given: Vec<_> = lab.notices_since(&responder, start);
        let given = given.iter().filter_map(|(_, told)| match told {
            Notice::ClientId(id) => Some(*id),
            _ => None,
        });
        let given: Vec<_> = given.collect();
        assert_eq!(given.len(), 1, "{given:?}");
        assert_ne!(given[0], id(RESPONDER));
        lab.assign(&controller, given[0].number());
        lab.run(2_000).await;
        lab.expect(&controller, "interacting", "");
        lab.expect(&responder, "interacting", "");
        // A controller that gets another clientId unassigns its partner.
        controller.set(SetFact::ClientId(Assigned::Nothing));
        lab.run(1_000).await;
        lab.expect(&controller, "readyToPair", "noPartnerClientId");
        lab.expect(&responder, "readyToPair", "noPartnerClientId");
    });
}

#[test]
fn a_changed_token_of_the_same_policy_pairs_again_by_itself() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        controller.set(SetFact::AccessToken(Assigned::Valid(token("renewed"))));
        lab.run(10_000).await;
        lab.expect(&controller, "interacting", "");
        lab.expect(&responder, "interacting", "");
        let states = lab.states_since(&controller, start);
        assert_eq!(states[0].1.as_str(), "readyToConnect", "7: the old stream ends first: {states:?}");
        assert_eq!(states[0].1.sub_state(), "noAccessToken");
        assert_eq!(lab.got_since(&responder, start)[..2], ["inactive", "ping"], "7: goodbye, and again");
    });
}

#[test]
fn a_responder_is_told_also_while_the_old_stream_of_another_token_closes() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        controller.set(SetFact::AccessToken(Assigned::Valid(token("another"))));
        controller.set(nobody());
        controller.set(SetFact::Visible(false));
        lab.run(500).await;
        let got = lab.got_since(&responder, start);
        assert_eq!(got, ["inactive", "unassign"], "7: in every state, with the credentials that held before");
        lab.expect(&responder, "readyToPair", "noPartnerClientId");
    });
}

#[test]
fn a_token_that_is_withdrawn_ends_the_stream_and_one_that_is_admitted_again_brings_it_back() {
    run(async {
        let list = |tokens: &[&str]| {
            let admitted = tokens.iter().fold(ListAccess::new(), |list, text| list.with(token(text), None));
            apps(App { access: Arc::new(admitted), ..App::default() })
        };
        let lab = Lab::with(Wishes { apps: list(&["guest", "other"]), ..Wishes::default() });
        let controller = lab.add_as(Role::Controller, CONTROLLER, "other");
        let responder = lab.responder();
        lab.pair(&controller, &responder).await;
        lab.registry.send(SetApps(Arc::new(list(&["guest"])))).await.unwrap();
        lab.run(1_000).await;
        lab.expect(&controller, "readyToConnect", "notAuthorized");
        lab.run(60_000).await;
        lab.expect(&controller, "readyToConnect", "notAuthorized");
        lab.expect(&responder, "searching", "partnerInactive");
        assert_eq!(lab.load().await.streams, 1);
        lab.registry.send(SetApps(Arc::new(list(&["guest", "other"])))).await.unwrap();
        controller.set(SetFact::AccessToken(Assigned::Valid(token("other"))));
        lab.run(6_000).await;
        lab.expect(&controller, "interacting", "");
        lab.expect(&responder, "interacting", "");
    });
}

#[test]
fn a_second_stream_of_the_same_user_takes_over() {
    run(async {
        let lab = Lab::new();
        let (controller, first) = lab.interacting_pair().await;
        // Longer than helloMaxDt after its own hello, so that the first one does not take itself for overtaken.
        lab.run(20_000).await;
        let second = lab.responder();
        lab.run(1_000).await;
        lab.expect(&first, "readyToConnect", "releasedByOther");
        lab.run(20_000).await;
        lab.expect(&controller, "interacting", "");
        lab.expect(&second, "interacting", "");
        assert_eq!(lab.load().await.streams, 2, "the stream that was taken over is gone");
        first.set(SetFact::Visible(true));
        lab.run(20_000).await;
        lab.expect(&first, "interacting", "");
        lab.expect(&second, "readyToConnect", "releasedByOther");
        assert_eq!(lab.load().await.streams, 2);
    });
}

#[test]
fn a_stranger_cannot_take_a_clientid_over() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let stranger = lab.add_as(Role::Responder, RESPONDER, "stranger");
        lab.run(45_000).await;
        lab.expect(&responder, "interacting", "");
        lab.expect(&controller, "interacting", "");
        lab.expect(&stranger, "readyToConnect", "clientIdInUse");
        let start = lab.now();
        responder.set(SetFact::Visible(false));
        controller.set(SetFact::Visible(false));
        lab.run(70_000).await;
        assert_eq!(lab.got_since(&stranger, start), [] as [String; 0]);
        lab.expect(&stranger, "readyToPair", "noPartnerClientId");
        assert_eq!(names(&lab.states_since(&controller, start)), ["passive"]);
    });
}
