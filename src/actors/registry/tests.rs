#![allow(clippy::wildcard_enum_match_arm, reason = "a test fails whatever else comes")]

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{advance, pause};

use super::*;
use crate::actors::output::{StreamCut, StreamReader};
use crate::protocol::ids::AppId;
use crate::protocol::policy::App;
use crate::protocol::wire::{EventSourceParams, Query, SendEvent};

struct Rig {
    registry: Addr<Registry>,
    counters: Arc<Counters>,
    died: oneshot::Receiver<()>,
}

fn app() -> AppId {
    AppId::parse("demo").unwrap()
}

fn start(limits: Limits) -> Rig {
    let counters = Arc::<Counters>::default();
    let (tell, died) = oneshot::channel();
    let registry = Registry::start(RegistrySettings {
        apps: Arc::new(Apps::new().with(app(), App::default())),
        timing: Timing::default(),
        limits,
        client_ids: ClientIdSequence::new([7; 16], 0, 10),
        pids: PidSequence::starting_at(1),
        counters: Arc::clone(&counters),
        feed: Arc::default(),
        died: Some(tell),
    });
    Rig { registry, counters, died }
}

impl Rig {
    async fn open(&self, query: &str) -> OpenAnswer {
        let asked = OpenStream {
            app: app(),
            params: EventSourceParams::read(Query::new(query)).into_owned(),
            connection: None,
            remote: None,
            user_agent: None,
            heartbeat: Millis::from_secs(15),
        };
        self.registry.send(asked).await.unwrap()
    }

    async fn opened(&self, client_id: &str, role: &str) -> StreamReader {
        match self.open(&format!("clientId={client_id}&clientRole={role}&accessToken=a")).await {
            OpenAnswer::Stream(reader) => reader,
            other => panic!("no stream but {other:?}"),
        }
    }

    async fn send(&self, from: &str, role: &str, to: &str, event_type: &str, data: &str) -> SendAnswer {
        let query = format!(
            "clientId={from}&clientRole={role}&accessToken=a&recipientClientId={to}&eventType={event_type}&eventData={data}"
        );
        let event = SendEvent::parse(Query::new(&query), 8_192).unwrap();
        self.registry.send(Send { app: app(), event }).await.unwrap()
    }

    async fn load(&self) -> Load {
        self.registry.send(GetLoad).await.unwrap()
    }
}

/// Everything that waits in a stream, and whether it has ended.
async fn read(reader: &mut StreamReader) -> (String, bool) {
    let mut text = Vec::new();
    loop {
        let next = poll_fn(|context| match reader.poll_next(context) {
            Poll::Ready(next) => Poll::Ready(Some(next)),
            Poll::Pending => Poll::Ready(None),
        });
        match next.await {
            Some(Some(Ok(bytes))) => text.extend_from_slice(&bytes),
            Some(Some(Err(StreamCut)) | None) => return (String::from_utf8(text).unwrap(), true),
            None => return (String::from_utf8(text).unwrap(), false),
        }
    }
}

/// Time passes in small steps, so that timers come as they do.
async fn pass(seconds: u64) {
    for _ in 0..seconds * 10 {
        advance(Duration::from_millis(100)).await;
        tokio::task::yield_now().await;
    }
}

const PING: &str = "ping,,false,false,true,1,NaN,000000";

#[actix::test]
async fn a_crevent_goes_from_one_client_to_the_other() {
    pause();
    let rig = start(Limits::default());
    let mut responder = rig.opened("111111", "responder").await;
    let mut controller = rig.opened("222222", "controller").await;
    assert!(read(&mut controller).await.0.contains("event: hello"));
    let answer = rig.send("222222", "controller", "111111", "crEvent", PING).await;
    assert_eq!(answer.status(), 204);
    let (text, _) = read(&mut responder).await;
    assert!(text.starts_with("retry: ") && text.contains("event: hello"), "{text}");
    assert!(!text.contains("ping"), "section 4, the waiting line: not before helloSettleDt is over: {text}");
    pass(1).await;
    let (text, _) = read(&mut responder).await;
    assert!(text.contains("ping%2C%2Cfalse%2Cfalse%2Ctrue%2C1%2CNaN%2C222222"), "{text}");
    assert_eq!(rig.counters.get(Counter::EventsWaiting), 1);
}

#[actix::test]
async fn section_4_ends_a_silent_session_gets_shutdown() {
    pause();
    let rig = start(Limits::default());
    let mut reader = rig.opened("111111", "responder").await;
    read(&mut reader).await;
    pass(20).await;
    assert!(!read(&mut reader).await.1);
    pass(10).await;
    let (text, ended) = read(&mut reader).await;
    assert!(text.contains("event: shutdown") && ended, "{text}");
    drop(reader);
    let load = rig.load().await;
    assert_eq!((load.sessions, load.reservations, load.endings, load.streams), (0, 1, 0, 0));
    assert_eq!(rig.counters.get(Counter::EndedSilent), 1);
}

#[actix::test]
async fn section_4_ends_a_broken_connection_ends_its_session_at_once() {
    pause();
    let rig = start(Limits::default());
    let reader = rig.opened("111111", "responder").await;
    assert_eq!(rig.load().await.sessions, 1);
    drop(reader);
    let load = rig.load().await;
    assert_eq!((load.sessions, load.streams), (0, 0));
    assert_eq!(rig.counters.get(Counter::EndedBroken), 1);
}

#[actix::test]
async fn section_4_ends_a_comment_line_after_15_s_without_a_frame() {
    pause();
    let rig = start(Limits::default());
    let mut reader = rig.opened("111111", "responder").await;
    let (text, _) = read(&mut reader).await;
    let pid = text.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned();
    pass(14).await;
    assert_eq!(read(&mut reader).await.0, "");
    rig.send("111111", "responder", "111111", "alive", &pid).await;
    assert!(read(&mut reader).await.0.contains("event: alive"));
    pass(14).await;
    assert_eq!(read(&mut reader).await.0, "", "the echo was a frame");
    pass(2).await;
    assert_eq!(read(&mut reader).await.0, ":\n\n");
    assert_eq!(rig.counters.get(Counter::Heartbeats), 1);
}

#[actix::test]
async fn section_4_bounds_a_reader_that_takes_nothing_is_cut_and_costs_nothing_more() {
    pause();
    let rig = start(Limits { output_frames: 10, ..Limits::default() });
    let mut stalled = rig.opened("111111", "responder").await;
    let mut controller = rig.opened("222222", "controller").await;
    read(&mut stalled).await;
    read(&mut controller).await;
    pass(1).await;
    let event = "a,,false,false,true,1,NaN,000000,x";
    let mut refused = 0;
    for _ in 0..20 {
        refused +=
            usize::from(rig.send("222222", "controller", "111111", "crEvent", event).await.status() == 429);
    }
    assert_eq!(refused, 15, "one sender holds at most as much as it leaves free");
    assert!(rig.load().await.output_bytes > 0);
    pass(26).await;
    assert_eq!(rig.counters.get(Counter::StreamsCut), 1);
    assert_eq!(rig.counters.get(Counter::LostWithStream), 5);
    assert_eq!(rig.load().await.output_bytes, 0);
    assert!(read(&mut stalled).await.1);
}

#[actix::test]
async fn time_that_the_process_slept_counts_against_no_session() {
    pause();
    let rig = start(Limits::default());
    let mut reader = rig.opened("111111", "responder").await;
    read(&mut reader).await;
    pass(5).await;
    advance(Duration::from_secs(3_600)).await;
    pass(10).await;
    let (text, ended) = read(&mut reader).await;
    assert!(!ended, "the session ended with {text}");
    pass(20).await;
    assert!(read(&mut reader).await.1, "it is silent all the same");
}

#[actix::test]
async fn what_is_overdue_is_done_before_the_next_message() {
    pause();
    let rig = start(Limits::default());
    let mut reader = rig.opened("111111", "responder").await;
    read(&mut reader).await;
    for _ in 0..260 {
        advance(Duration::from_millis(100)).await;
        let _ = rig.load().await;
    }
    assert!(read(&mut reader).await.1, "the silent session did not end");
    assert_eq!(rig.counters.get(Counter::EndedSilent), 1);
}

#[actix::test]
async fn a_message_that_is_handled_first_after_a_sleep_ends_nobody_and_time_goes_on() {
    pause();
    let rig = start(Limits::default());
    let mut reader = rig.opened("111111", "responder").await;
    read(&mut reader).await;
    pass(1).await;
    advance(Duration::from_secs(3_600)).await;
    let mut controller = rig.opened("222222", "controller").await;
    assert_eq!(rig.load().await.sessions, 2);
    assert_eq!(rig.send("111111", "responder", "222222", "crEvent", PING).await.status(), 204);
    pass(1).await;
    let (text, _) = read(&mut controller).await;
    assert!(text.contains("ping"), "settled after 200 ms, not after the sleep: {text}");
}

#[actix::test]
async fn a_stop_says_shutdown_to_everybody_and_serves_nobody_any_more() {
    pause();
    let rig = start(Limits::default());
    let mut reader = rig.opened("111111", "responder").await;
    rig.registry.send(Stop).await.unwrap();
    let (text, ended) = read(&mut reader).await;
    assert!(text.contains("event: shutdown") && ended, "{text}");
    match rig.open("clientId=222222&clientRole=controller&accessToken=a").await {
        OpenAnswer::Retry(bytes) => assert!(bytes.starts_with(b"retry: ")),
        other => panic!("{other:?}"),
    }
    let load = rig.load().await;
    assert_eq!((load.sessions, load.endings, load.streams), (0, 0, 0));
}

#[actix::test]
async fn client_ids_are_given_only_as_far_as_they_are_reserved() {
    pause();
    let rig = start(Limits::default());
    for _ in 0..10 {
        rig.registry.send(GiveClientId { own: false }).await.unwrap().unwrap();
    }
    let refused = rig.registry.send(GiveClientId { own: false }).await.unwrap();
    assert_eq!(refused, Err(NoClientIdNow::NotReserved { needed: 11 }));
    rig.registry.send(ClientIdsReserved(11)).await.unwrap();
    rig.registry.send(GiveClientId { own: false }).await.unwrap().unwrap();
}

#[actix::test]
async fn its_death_is_told() {
    #[derive(actix::Message)]
    #[rtype(result = "()")]
    struct Panic;
    impl Handler<Panic> for Registry {
        type Result = ();
        fn handle(&mut self, _: Panic, _: &mut Self::Context) {
            panic!("on purpose");
        }
    }
    let rig = start(Limits::default());
    let _ = rig.registry.send(Panic).await;
    assert_eq!(rig.died.await, Ok(()));
}
