//! Pages with the browser client (`src/web/crsocket-client.js`): with each other, and in what only it does.

use serde_json::{Value, json};

use crate::page::Page;
use crate::responder::Responder;
use crate::setup::{Client, Site, TOKEN, Way, until};
use crate::texts::awkward_params;
use crate::way::CuttableWay;

/// A page of ours that seeks a responder of this process, and both.
fn paired(site: &Site) -> Option<(Page, Responder)> {
    let responder = Responder::start(site.server().address, "200001");
    let page = Page::open(Client::Ours, site.address(), "200001")?;
    let id = page.reaches("interacting");
    responder.reaches("interacting", Some(&id));
    Some((page, responder))
}

/// A page of ours that is connected, and seeks nobody.
fn alone(site: &Site) -> Option<Page> {
    let page = Page::open(Client::Ours, site.address(), "")?;
    page.reaches("readyToPair");
    Some(page)
}

/// What a script in the page gives, once it gives anything.
fn given(page: &Page, script: &str) -> Value {
    until(script, || {
        let value: Value = page.browser().run(script, &[]);
        if value.is_null() { Err(format!("{:?}", page.snapshot())) } else { Ok(value) }
    })
}

fn made_no_error(page: &Page) {
    let errors: Vec<String> = page.browser().run("return seen.errors;", &[]);
    assert!(errors.is_empty(), "{errors:?}");
    // What the browser itself says of requests that fail, no page can keep quiet.
    let mut console = page.browser().console_errors();
    console.retain(|error| !error.contains("Failed to load resource"));
    assert!(console.is_empty(), "{console:#?}");
}

fn two_pages(controller: Client, responder: Client, way: Way) {
    let Some(site) = Site::start(way) else { return };
    let Some(responder) = Page::with(responder, site.address(), "demo/responder", TOKEN, "") else { return };
    let id = responder.reaches("readyToPair");
    let Some(controller) = Page::open(controller, site.address(), &id) else { return };
    let own = controller.reaches("interacting");
    assert_eq!(responder.reaches("interacting"), id);
    for params in awkward_params() {
        let texts: Vec<&str> = params.iter().map(String::as_str).collect();
        let answer = controller.asks("say", "word", &texts);
        assert_eq!((&answer.params, &answer.sender), (&params, &id));
    }
    let partner: String = responder.browser().run("return socket.partnerClientId;", &[]);
    assert_eq!(partner, own);
    made_no_error(&responder);
}

#[test]
fn two_pages_of_ours_exchange_awkward_texts() {
    two_pages(Client::Ours, Client::Ours, Way::Directly);
}

#[test]
fn two_pages_of_ours_behind_nginx_exchange_awkward_texts() {
    two_pages(Client::Ours, Client::Ours, Way::BehindNginx);
}

#[test]
fn an_existing_controller_and_a_responder_of_ours_exchange_awkward_texts() {
    two_pages(Client::Existing, Client::Ours, Way::Directly);
}

#[test]
fn two_tabs_of_one_browser_have_clients_of_their_own_and_keep_them() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let Some(page) = Page::open(Client::Ours, site.address(), "") else { return };
    let id = page.reaches("readyToPair");
    let browser = page.browser();
    let first = browser.tab();
    let second = browser.open_beside(page.address());
    let other = page.reaches("readyToPair");
    assert_ne!(other, id);
    for (tab, id) in [(&first, &id), (&second, &other), (&first, &id)] {
        browser.switch_to(tab);
        page.load();
        assert_eq!(&page.reaches("readyToPair"), id, "after it was loaded anew");
    }
    // What the first had is free for the next one.
    browser.close_this_tab(&second);
    browser.open_beside(page.address());
    let third = page.reaches("readyToPair");
    assert_eq!(third, id);
    made_no_error(&page);
}

#[test]
fn of_two_devices_with_one_client_id_the_last_one_has_it_until_the_other_s_user_comes_back() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let open = || Page::open(Client::Ours, site.address(), "");
    let (Some(first), Some(second)) = (open(), open()) else { return };
    let id = first.reaches("readyToPair");
    second.reaches("readyToPair");
    second.browser().run::<Value>("socket.clientId = arguments[0];", &[json!(id)]);
    let why = given(&first, "return state === 'readyToConnect' ? subState : null;");
    assert_eq!(why, "releasedByOther");
    assert_eq!(second.reaches("readyToPair"), id);
    first.browser().run::<Value>("socket.visible = true;", &[]);
    assert_eq!(first.reaches("readyToPair"), id);
    let why = given(&second, "return state === 'readyToConnect' ? subState : null;");
    assert_eq!(why, "releasedByOther");
}

#[test]
fn a_page_is_paused_and_goes_on_where_it_was() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let Some((page, responder)) = paired(&site) else { return };
    let mark = responder.mark();
    page.browser().run::<Value>("socket.paused = true;", &[]);
    let id = page.reaches("passive");
    responder.reaches("searching", Some(&id));
    assert!(responder.heard("inactive", mark), "it said goodbye");
    page.browser().run::<Value>("socket.paused = false;", &[]);
    page.reaches("interacting");
    responder.reaches("interacting", Some(&id));
    assert_eq!(page.asks("say", "", &["again"]).params, ["again"]);
    made_no_error(&page);
}

#[test]
fn what_is_buffered_while_a_page_is_offline_arrives_when_it_is_online_again() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let Some((page, responder)) = paired(&site) else { return };
    if !page.browser().is_chromium() {
        return;
    }
    page.browser().set_offline(true);
    page.reaches("passive");
    page.browser().run::<Value>(
        "socket.send('say', { params: ['lost'] }); socket.send('say', { params: ['kept'], buffered: true });",
        &[],
    );
    let fates = given(&page, "return seen.fates.length === 4 ? seen.fates : null;");
    let expected = json!([
        ["say", "queued", null],
        ["say", "dropped", "offline"],
        ["say", "queued", null],
        ["say", "buffered", null]
    ]);
    assert_eq!(fates, expected);
    page.browser().set_offline(false);
    page.reaches("interacting");
    until("what was kept", || {
        let received: Vec<String> = responder.received().iter().map(|event| event.params.join("|")).collect();
        if received == ["kept"] { Ok(()) } else { Err(format!("{received:?}")) }
    });
    made_no_error(&page);
}

#[test]
fn a_stream_that_is_cut_again_and_again_comes_back_and_nothing_comes_twice() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let way = CuttableWay::to(site.server().address);
    let responder = Responder::start(site.server().address, "200001");
    let Some(page) = Page::open(Client::Ours, way.address, "200001") else { return };
    page.reaches("interacting");
    for cut in 0..3 {
        let streams = page.snapshot().pids.len();
        way.cut();
        until("new stream", || {
            let now = page.snapshot();
            if now.pids.len() > streams { Ok(()) } else { Err(format!("{now:?}")) }
        });
        page.reaches("interacting");
        let text = format!("after cut {cut}");
        assert_eq!(page.asks("say", "", &[&text]).params, [text]);
    }
    assert_eq!(responder.received().len(), 3);
    made_no_error(&page);
}

#[test]
fn a_token_that_is_refused_is_said_and_mended() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let address = site.address();
    let Some(page) = Page::with(Client::Ours, address, "closed/controller", "mallory", "") else { return };
    assert_eq!(given(&page, "return state === 'readyToConnect' ? subState : null;"), "notAuthorized");
    page.browser().run::<Value>("socket.accessToken = 'not valid';", &[]);
    assert_eq!(given(&page, "return subState === 'notAuthorized' ? null : subState;"), "invalidAccessToken");
    page.browser().run::<Value>("socket.accessToken = arguments[0];", &[json!(TOKEN)]);
    page.reaches("readyToPair");
    made_no_error(&page);
}

#[test]
fn what_cannot_be_sent_is_refused_by_its_promise() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let Some(page) = alone(&site) else { return };
    let script = "window.ends ??= []; const [type, params] = arguments; \
        socket.send(type, { params }).catch((error) => ends.push([error.name, error.fate, error.why]));";
    page.browser().run::<Value>(script, &[json!("say"), json!(["nobody is there"])]);
    page.browser().run::<Value>("socket.partnerClientId = '200001';", &[]);
    for (event_type, param) in [("say", "a,b"), ("ping", ""), ("two words", "")] {
        page.browser().run::<Value>(script, &[json!(event_type), json!([param])]);
    }
    page.browser().run::<Value>(script, &[json!("say"), json!(["x".repeat(9_000)])]);
    let ends = given(&page, "return ends.length === 5 ? ends : null;");
    let refused = |why: &str| json!(["CrEventError", "refused", why]);
    let whys = ["noPartnerClientId", "eventParams", "reserved", "eventType", "tooLong"];
    assert_eq!(ends, Value::from(whys.map(refused).to_vec()));
    made_no_error(&page);
}

#[test]
fn a_client_that_is_removed_says_goodbye_and_is_gone() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let Some((page, responder)) = paired(&site) else { return };
    let mark = responder.mark();
    page.browser().run::<Value>("socket.remove().then(() => { window.isRemoved = true; });", &[]);
    given(&page, "return window.isRemoved ?? null;");
    responder.reaches("readyToPair", None);
    assert!(responder.heard("inactive", mark), "it said goodbye");
    let script = "socket.send('say').catch(({ why }) => { window.why = why; });";
    page.browser().run::<Value>(script, &[]);
    assert_eq!(given(&page, "return window.why ?? null;"), "removed");
    made_no_error(&page);
}

#[test]
fn clients_that_begin_together_take_no_client_id_twice() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let Some(page) = alone(&site) else { return };
    let script = "
        const [token] = arguments;
        const options = { role: 'controller', accessToken: token };
        const wait = (length) => new Promise((resolve) => setTimeout(resolve, length));
        const { CrSocket } = window;
        (async () => {
            await socket.remove();
            const pairs = [];
            for (const apart of [0, 5, 20, 40, 60, 80, 95, 110]) {
                const one = new CrSocket(options);
                await wait(apart);
                const other = new CrSocket(options);
                await Promise.all([one.until('connected'), other.until('connected')]);
                pairs.push([one.clientId, other.clientId]);
                await Promise.all([one.remove(), other.remove()]);
            }
            window.pairs = pairs;
        })();";
    page.browser().run::<Value>(script, &[json!(TOKEN)]);
    let pairs = given(&page, "return window.pairs ?? null;");
    assert_eq!(pairs.as_array().map(Vec::len), Some(8));
    let same = pairs.as_array().into_iter().flatten().find(|pair| pair[0] == pair[1]);
    assert_eq!(same, None, "{pairs}");
    made_no_error(&page);
}

#[test]
fn without_storage_a_client_is_given_a_new_client_id() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let Some(page) = alone(&site) else { return };
    let script = "
        for (const name of ['localStorage', 'sessionStorage']) {
            Object.defineProperty(window, name, { get() { throw new DOMException('denied', 'SecurityError'); } });
        }
        window.other = new CrSocket({ role: 'controller', accessToken: arguments[0] });";
    page.browser().run::<Value>(script, &[json!(TOKEN)]);
    let other = given(&page, "return other.metastates.has('connected') ? other.clientId : null;");
    assert_ne!(other, page.reaches("readyToPair"));
    made_no_error(&page);
}

#[test]
fn what_no_page_should_ask_for_is_told_at_once() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let Some(page) = alone(&site) else { return };
    page.browser().run::<Value>("socket.partnerClientId = 482913;", &[]);
    assert_eq!(given(&page, "return subState;"), "invalidPartnerClientId");
    let script = "
        window.ends = {};
        const asked = {
            misspelt: socket.until('interactng'),
            string: socket.send('say', { params: 'house' }),
            nothing: socket.send('say', { params: null }),
            removed: socket.until('interacting'),
        };
        for (const [name, promise] of Object.entries(asked)) {
            promise.then(() => (ends[name] = 'done'), (error) => (ends[name] = error.name));
        }
        socket.remove();";
    page.browser().run::<Value>(script, &[]);
    let ends = given(&page, "return Object.keys(ends).length === 4 ? ends : null;");
    let expected = json!({
        "misspelt": "TypeError", "string": "TypeError", "nothing": "TypeError", "removed": "AbortError",
    });
    assert_eq!(ends, expected);
    made_no_error(&page);
}

#[test]
fn what_left_before_a_client_is_removed_is_not_called_dropped() {
    let Some(site) = Site::start(Way::Directly) else { return };
    let Some((page, responder)) = paired(&site) else { return };
    let script = "
        const left = ['one', 'two'].map((text) => socket.send('say', { params: [text] }));
        socket.remove();
        Promise.allSettled(left).then((ends) => (window.ends = ends.map(({ status }) => status)));";
    page.browser().run::<Value>(script, &[]);
    assert_eq!(given(&page, "return window.ends ?? null;"), json!(["fulfilled", "fulfilled"]));
    let received: Vec<String> = responder.received().iter().map(|event| event.params.join("|")).collect();
    assert_eq!(received, ["one", "two"]);
    made_no_error(&page);
}
