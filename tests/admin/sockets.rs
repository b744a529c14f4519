//! `GET sockets`: which are shown, in which order.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::process::Server;
use crate::rig::{Admin, SHORT, ids, state_of};

const APPS: &str = "[apps.demo]\n[apps.other]\n[apps.listed]\naccess = \"list\"\ntokens = [\"bob\"]\n";

/// One or two of everything that filters tell apart, each by a name.
struct Crowd {
    admin: Admin,
    named: BTreeMap<&'static str, u64>,
    _server: Server,
}

impl Crowd {
    fn new() -> Crowd {
        let server = Server::with_admin(&format!("{APPS}{SHORT}"));
        let admin = Admin::of(&server);
        let pair = admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "pairs": 1 }));
        let searching = json!({ "partnerClientId": "777777", "clientId": "000042" });
        let named = BTreeMap::from([
            ("controller", pair[0]),
            ("responder", pair[1]),
            ("searching", admin.spawn_one("demo", "controller", &searching)),
            ("idle", admin.spawn_one("demo", "controller", &json!({}))),
            ("other", admin.spawn_one("other", "responder", &json!({ "clientId": "999999" }))),
            ("paused", admin.spawn_one("other", "controller", &json!({}))),
            ("refused", admin.spawn_one("listed", "responder", &json!({}))),
        ]);
        admin.set(named["paused"], &json!({ "paused": true }));
        for (name, state) in [
            ("controller", "interacting"),
            ("responder", "interacting"),
            ("searching", "searching/partnerInactive"),
            ("idle", "readyToPair/noPartnerClientId"),
            ("other", "readyToPair/noPartnerClientId"),
            ("paused", "passive/paused"),
            ("refused", "readyToConnect/notAuthorized"),
        ] {
            admin.wait_for(named[name], state);
        }
        Crowd { admin, named, _server: server }
    }

    fn list(&self, query: &str) -> Value {
        self.admin.get(&format!("/admin/api/sockets?{query}"))
    }

    /// The names of those that are listed, in the order of the list.
    fn names(&self, query: &str) -> Vec<&'static str> {
        let list = self.list(query);
        assert_eq!(list["total"], list["sockets"].as_array().unwrap().len(), "{list}");
        let name = |id: &u64| *self.named.iter().find(|(_, known)| *known == id).unwrap().0;
        ids(&list).iter().map(name).collect()
    }
}

#[test]
fn each_filter_shows_all_that_match_and_nothing_else() {
    let crowd = Crowd::new();
    let client_id =
        |name: &str| crowd.admin.socket(crowd.named[name])["clientId"].as_str().unwrap().to_owned();
    let (controller, responder) = (client_id("controller"), client_id("responder"));
    let all = ["controller", "responder", "searching", "idle", "other", "paused", "refused"];
    let cases: &[(&str, &[&str])] = &[
        ("", &all),
        ("app=&role=&state=&metastate=&subState=&clientId=&partnerClientId=&sort=&order=&cursor=", &all),
        ("app=demo", &["controller", "responder", "searching", "idle"]),
        ("app=other", &["other", "paused"]),
        ("app=nobody", &[]),
        ("role=controller", &["controller", "searching", "idle", "paused"]),
        ("role=responder", &["responder", "other", "refused"]),
        ("state=passive", &["paused"]),
        ("state=readyToConnect", &["refused"]),
        ("state=connecting", &[]),
        ("state=readyToPair", &["idle", "other"]),
        ("state=searching", &["searching"]),
        ("state=interacting", &["controller", "responder"]),
        ("state=!interacting", &["searching", "idle", "other", "paused", "refused"]),
        ("state=%21readyToPair", &["controller", "responder", "searching", "paused", "refused"]),
        ("metastate=active", &["controller", "responder", "searching", "idle", "other", "refused"]),
        ("metastate=connected", &["controller", "responder", "searching", "idle", "other"]),
        ("metastate=paired", &["controller", "responder", "searching"]),
        ("subState=noPartnerClientId", &["idle", "other"]),
        ("subState=paused", &["paused"]),
        ("subState=nothingLikeThis", &[]),
        ("clientId=000042", &["searching"]),
        ("clientId=123123", &[]),
        ("partnerClientId=777777", &["searching"]),
        (&format!("clientId={controller}"), &["controller"]),
        (&format!("partnerClientId={controller}"), &["responder"]),
        (&format!("partnerClientId={responder}"), &["controller"]),
        ("app=demo&role=controller&state=!interacting&metastate=connected", &["searching", "idle"]),
        ("app=demo&state=passive", &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(crowd.names(query), *expected, "{query}");
    }
}

#[test]
fn a_list_is_sorted_by_what_is_asked_for_and_then_by_number() {
    let crowd = Crowd::new();
    let states = ["passive", "readyToConnect", "connecting", "readyToPair", "searching", "interacting"];
    let place = |socket: &Value| states.iter().position(|state| socket["state"] == *state).unwrap();
    let key = |sort: &str, socket: &Value| match sort {
        "socketId" => String::new(),
        "since" => format!("{:020}", socket["since"].as_i64().unwrap()),
        "notInteractingSince" => format!("{:020}", socket[sort].as_i64().unwrap_or(i64::MAX)),
        "state" => place(socket).to_string(),
        "app" => socket["app"].as_str().unwrap().to_owned(),
        _ => socket["clientId"].as_str().unwrap_or_default().to_owned(),
    };
    for sort in ["socketId", "since", "notInteractingSince", "state", "app", "clientId"] {
        let ascending = crowd.list(&format!("sort={sort}&order=asc"));
        assert_eq!(ids(&ascending), ids(&crowd.list(&format!("sort={sort}"))), "asc is the default");
        let shown = ascending["sockets"].as_array().unwrap();
        assert_eq!(shown.len(), crowd.named.len());
        let keys: Vec<_> =
            shown.iter().map(|socket| (key(sort, socket), socket["socketId"].as_u64().unwrap())).collect();
        assert!(keys.is_sorted(), "{sort}: {keys:?}");
        let mut descending = ids(&crowd.list(&format!("sort={sort}&order=desc")));
        descending.reverse();
        assert_eq!(descending, ids(&ascending), "{sort}");
    }
}

/// An item has all that is promised, under its published names.
#[test]
fn an_item_of_the_list_says_what_a_crsocket_is() {
    let crowd = Crowd::new();
    let item = |name: &str| {
        crowd.list(&format!(
            "clientId={}",
            crowd.admin.socket(crowd.named[name])["clientId"].as_str().unwrap()
        ))["sockets"][0]
            .clone()
    };
    let (one, other) = (item("controller"), item("responder"));
    assert_eq!(one["partnerClientId"], other["clientId"]);
    assert_eq!(one["metastates"], json!(["active", "connected", "paired"]));
    assert_eq!((&one["subState"], &one["resets"]), (&Value::Null, &json!(0)));
    assert_eq!((&one["state"], &one["notInteractingSince"]), (&json!("interacting"), &Value::Null));
    let recently = one["since"].as_i64().unwrap() - i64::try_from(now()).unwrap();
    assert!((-60_000..1_000).contains(&recently), "since is in milliseconds since 1970: {one}");
    assert!(one["eventsOut"].as_u64() > Some(0) && one["eventsIn"].as_u64() > Some(0), "they ping: {one}");
    let paused = crowd.list("state=passive")["sockets"][0].clone();
    assert_eq!((state_of(&paused).as_str(), &paused["metastates"]), ("passive/paused", &json!([])));
    let apart = paused["notInteractingSince"].as_i64().unwrap();
    assert!(apart > 0 && apart <= paused["since"].as_i64().unwrap(), "since it came to be: {paused}");
    let mut names: Vec<_> = one.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = [
        "app",
        "clientId",
        "eventsIn",
        "eventsOut",
        "metastates",
        "notInteractingSince",
        "partnerClientId",
        "resets",
        "role",
        "since",
        "socketId",
        "state",
        "subState",
    ];
    assert_eq!(names, expected);
}

fn now() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()
}

#[test]
fn what_cannot_be_asked_for_is_refused_with_what_can() {
    let server = Server::with_admin(APPS);
    let admin = Admin::of(&server);
    let states = "passive, readyToConnect, connecting, readyToPair, searching, interacting";
    for (query, detail) in [
        ("app=a%20b", "app = \"a b\" is not accepted; accepted: an appId"),
        ("role=boss", "role = \"boss\" is not accepted; accepted: controller or responder"),
        ("state=busy", &format!("state = \"busy\" is not accepted; accepted: {states}")),
        ("state=!busy", &format!("state = \"busy\" is not accepted; accepted: {states}")),
        ("state=!", &format!("state = \"\" is not accepted; accepted: {states}")),
        ("metastate=free", "metastate = \"free\" is not accepted; accepted: active, connected, paired"),
        ("clientId=12345", "clientId = \"12345\" is not accepted; accepted: a clientId of six digits"),
        ("partnerClientId=x", "partnerClientId = \"x\" is not accepted; accepted: a clientId of six digits"),
        (
            "sort=role",
            "sort = \"role\" is not accepted; accepted: socketId, since, notInteractingSince, state, app, clientId",
        ),
        ("order=up", "order = \"up\" is not accepted; accepted: asc, desc"),
        ("limit=0", "limit = \"0\" is not accepted; accepted: 1 to 1000"),
        ("limit=1001", "limit = \"1001\" is not accepted; accepted: 1 to 1000"),
        ("limit=-1", "limit = \"-1\" is not accepted; accepted: 1 to 1000"),
        ("limit=many", "limit = \"many\" is not accepted; accepted: 1 to 1000"),
        ("cursor=x", "cursor = \"x\" is not accepted; accepted: the next of a page in the same order"),
        (
            "cursor=3-n0&sort=app",
            "cursor = \"3-n0\" is not accepted; accepted: the next of a page in the same order",
        ),
    ] {
        assert_eq!(
            admin.refused(400, "GET", &format!("/admin/api/sockets?{query}"), None),
            detail,
            "{query}"
        );
    }
    for (query, part) in [("app=a&app=b", "duplicate field `app`"), ("colour=red", "unknown field `colour`")]
    {
        let detail = admin.refused(400, "GET", &format!("/admin/api/sockets?{query}"), None);
        assert!(detail.starts_with("the query cannot be understood: ") && detail.contains(part), "{detail}");
    }
}

/// Nothing that is asked is repeated at length, whatever it is.
#[test]
fn a_long_text_is_not_repeated_in_full() {
    let server = Server::with_admin(APPS);
    let long = "x".repeat(5_000);
    let detail = Admin::of(&server).refused(400, "GET", &format!("/admin/api/sockets?state={long}"), None);
    assert!(detail.len() < 300, "{} characters", detail.len());
}
