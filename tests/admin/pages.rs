//! Pages of lists while crSockets come and go.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::process::Server;
use crate::rig::{Admin, SHORT, ids, until};

/// The pages of a list one after the other, each with what is done between it and the next.
fn walk(admin: &Admin, query: &str, mut between: impl FnMut(&[u64])) -> Vec<u64> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/admin/api/sockets?{query}&cursor={cursor}"));
        let shown = ids(&page);
        seen.extend(&shown);
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return seen,
        }
        between(&shown);
    }
}

/// Without partners none of them changes its state, and with it what the list is sorted by.
fn crowd(admin: &Admin, count: usize) -> Vec<u64> {
    let ids =
        admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "role": "controller", "count": count }));
    until("all connected", || {
        let page = admin.get("/admin/api/sockets?state=readyToPair&limit=1");
        if page["total"] == count { Ok(()) } else { Err(page.to_string()) }
    });
    ids
}

#[test]
fn pages_one_after_the_other_are_the_whole_list() {
    let server = Server::with_admin("[apps.demo]\n[apps.other]\n");
    let admin = Admin::of(&server);
    crowd(&admin, 23);
    admin.spawn(&json!({ "app": "other", "accessToken": "alice", "role": "responder", "count": 9 }));
    until("all connected", || {
        let page = admin.get("/admin/api/sockets?state=readyToPair&limit=1");
        if page["total"] == 32 { Ok(()) } else { Err(page.to_string()) }
    });
    for sort in ["socketId", "since", "notInteractingSince", "state", "app", "clientId"] {
        for order in ["asc", "desc"] {
            let query = format!("sort={sort}&order={order}");
            let whole = ids(&admin.get(&format!("/admin/api/sockets?{query}")));
            assert_eq!(whole.len(), 32);
            for limit in [1, 5, 31, 32, 33, 1000] {
                assert_eq!(walk(&admin, &format!("{query}&limit={limit}"), |_| ()), whole, "{query} {limit}");
            }
        }
    }
    let filtered = walk(&admin, "app=other&limit=4", |page| assert!(page.len() <= 4));
    assert_eq!(filtered.len(), 9);
}

/// Nothing is seen twice, and nothing that stayed is missed, whoever is removed and spawned between the pages.
#[test]
fn who_stays_is_seen_once_while_others_come_and_go() {
    for sort in ["socketId", "clientId", "app"] {
        for order in ["asc", "desc"] {
            let server = Server::with_admin("[apps.demo]\n");
            let admin = Admin::of(&server);
            let all = crowd(&admin, 40);
            let mut gone = BTreeSet::new();
            let mut turn = 0;
            let seen = walk(&admin, &format!("sort={sort}&order={order}&limit=6"), |page| {
                // One that was shown just now, the very last one shown, and one that may still come.
                let ahead = all[(turn * 17 + 3) % all.len()];
                for id in [page[0], page[page.len() - 1], ahead] {
                    if gone.insert(id) {
                        assert_eq!(
                            admin.ask("DELETE", &format!("/admin/api/sockets/{id}"), None).status,
                            204
                        );
                        until("its removal", || {
                            match admin.ask("GET", &format!("/admin/api/sockets/{id}"), None).status {
                                404 => Ok(()),
                                status => Err(status.to_string()),
                            }
                        });
                    }
                }
                admin.spawn(
                    &json!({ "app": "demo", "accessToken": "alice", "role": "responder", "count": 2 }),
                );
                turn += 1;
                // New ones behind the end would make it endless.
                assert!(turn < 100);
            });
            let distinct: BTreeSet<u64> = seen.iter().copied().collect();
            assert_eq!(distinct.len(), seen.len(), "{sort} {order}: seen twice in {seen:?}");
            let missed: Vec<_> =
                all.iter().filter(|id| !gone.contains(id) && !distinct.contains(id)).collect();
            assert_eq!(missed, Vec::<&u64>::new(), "{sort} {order}: missed in {seen:?}");
        }
    }
}

/// The same while others do it all the time, and not only between the pages.
#[test]
fn who_stays_is_seen_once_while_a_crowd_churns() {
    let server = Server::with_admin("[apps.demo]\n");
    let admin = Admin::of(&server);
    let stay: BTreeSet<u64> = crowd(&admin, 50).into_iter().collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let body = json!({ "app": "demo", "accessToken": "alice", "role": "responder", "count": 5 });
                for id in admin.spawn(&body) {
                    admin.ask("DELETE", &format!("/admin/api/sockets/{id}"), None);
                }
            }
        });
        for round in 0..20 {
            let sort = ["socketId", "clientId"][round % 2];
            let seen = walk(&admin, &format!("sort={sort}&limit=7"), |_| ());
            let of_them: Vec<u64> = seen.iter().copied().filter(|id| stay.contains(id)).collect();
            let distinct: BTreeSet<u64> = of_them.iter().copied().collect();
            assert_eq!((&distinct, of_them.len()), (&stay, stay.len()), "round {round}: {seen:?}");
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Sessions are in the order of their clientIds, and their pages go on behind the last one shown, too.
#[test]
fn sessions_have_pages_that_stay_right_while_sessions_come_and_go() {
    let server = Server::with_admin(&format!("[apps.demo]\n{SHORT}"));
    let admin = Admin::of(&server);
    let all = crowd(&admin, 30);
    let (mut seen, mut cursor, mut gone) = (Vec::new(), String::new(), BTreeSet::new());
    loop {
        let page = admin.get(&format!("/admin/api/sessions?limit=4&cursor={cursor}&hosted=true"));
        let shown: Vec<String> = page["sessions"].as_array().unwrap().iter().map(client_id).collect();
        seen.extend(shown.iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut cursor);
        let last = admin.get(&format!("/admin/api/sockets?clientId={}", shown[shown.len() - 1]));
        for id in ids(&last) {
            gone.insert(shown[shown.len() - 1].clone());
            admin.ask("DELETE", &format!("/admin/api/sockets/{id}"), None);
        }
        admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "role": "responder" }));
        assert!(seen.len() < 500, "it does not end");
    }
    assert!(seen.is_sorted(), "{seen:?}");
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "{seen:?}");
    for id in all {
        let answer = admin.ask("GET", &format!("/admin/api/sockets/{id}"), None);
        if answer.status == 200 {
            let socket: Value = serde_json::from_slice(&answer.body).unwrap();
            assert!(distinct.contains(&client_id(&socket)), "{socket} is missed in {seen:?}");
        }
    }
}

fn client_id(item: &Value) -> String {
    item["clientId"].as_str().unwrap_or_else(|| panic!("no clientId in {item}")).to_owned()
}
