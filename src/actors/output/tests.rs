#![allow(clippy::wildcard_enum_match_arm, reason = "a test fails whatever else comes")]

use std::task::Waker;

use super::*;

/// Keeps what was reported, and when what was taken had been accepted.
#[derive(Debug, Default)]
struct Reports(Mutex<Vec<Reported>>, Mutex<Vec<Instant>>);

impl TakesReports for Reports {
    fn report(&self, report: Report) {
        self.0.lock().unwrap().push(report.what);
    }

    fn took(&self, accepted: Instant) {
        self.1.lock().unwrap().push(accepted);
    }
}

/// Counts how often it was cut.
#[derive(Debug, Default)]
struct Cable(Mutex<usize>);

impl Connection for Cable {
    fn cut(&self) {
        *self.0.lock().unwrap() += 1;
    }
}

struct Rig {
    writer: StreamWriter,
    reader: StreamReader,
    reports: Arc<Reports>,
    cable: Arc<Cable>,
}

impl Rig {
    fn new() -> Rig {
        let reports = Arc::<Reports>::default();
        let cable = Arc::<Cable>::default();
        let (writer, reader) = stream(
            ClientId::from_number(7).unwrap(),
            pid(),
            Millis(700),
            Some(Arc::<Cable>::clone(&cable)),
            Arc::<Reports>::clone(&reports),
        );
        Rig { writer, reader, reports, cable }
    }

    fn poll(&mut self) -> Poll<Option<Result<Bytes, StreamCut>>> {
        self.reader.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    fn text(&mut self) -> String {
        match self.poll() {
            Poll::Ready(Some(Ok(bytes))) => String::from_utf8(bytes.to_vec()).unwrap(),
            other => panic!("no bytes but {other:?}"),
        }
    }

    fn reports(&self) -> Vec<Reported> {
        std::mem::take(&mut *self.reports.0.lock().unwrap())
    }
}

fn pid() -> Pid {
    Pid::from_number(11).unwrap()
}

fn event(len: usize) -> Frame {
    Frame::CrEvent("x".repeat(len).into())
}

#[test]
fn section_3_retry_stands_before_hello() {
    let mut rig = Rig::new();
    rig.writer.write(&Frame::Hello { pid: pid() }, None);
    assert_eq!(rig.text(), "retry: 700\n\nevent: hello\ndata: 11\n\n");
    assert_eq!(rig.reports(), [Reported::Taken(1)], "retry is no frame");
    assert!(rig.poll().is_pending());
}

#[test]
fn little_is_given_to_the_transport_at_once() {
    let mut rig = Rig::new();
    for _ in 0..100 {
        rig.writer.write(&event(1_000), None);
    }
    let mut taken = 0;
    while let Poll::Ready(Some(Ok(bytes))) = rig.poll() {
        assert!(bytes.len() <= CHUNK, "{} bytes at once", bytes.len());
        for report in rig.reports() {
            match report {
                Reported::Taken(frames) => taken += frames,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(taken, 100);
    rig.writer.write(&event(3 * CHUNK), None);
    assert!(rig.text().len() > 3 * CHUNK, "a frame is never split");
}

#[test]
fn a_stream_ends_behind_what_waits() {
    let mut rig = Rig::new();
    rig.writer.write(&Frame::Shutdown { pid: pid() }, None);
    rig.writer.end();
    rig.writer.write(&event(1), None);
    assert!(rig.text().ends_with("event: shutdown\ndata: 11\n\n"));
    assert!(matches!(rig.poll(), Poll::Ready(None)));
    assert!(matches!(rig.poll(), Poll::Ready(None)));
    assert_eq!(rig.reports(), [Reported::Taken(1), Reported::Finished]);
    let Rig { reader, reports, .. } = rig;
    drop(reader);
    assert!(reports.0.lock().unwrap().is_empty(), "who read the end did not break off");
}

#[test]
fn a_reader_that_goes_away_reports_it_once() {
    let rig = Rig::new();
    rig.writer.write(&event(1), None);
    let Rig { reader, reports, .. } = rig;
    drop(reader);
    assert_eq!(*reports.0.lock().unwrap(), [Reported::Broken]);
}

#[test]
fn cutting_forgets_what_waits_and_ends_the_connection() {
    let mut rig = Rig::new();
    rig.writer.write(&event(1), None);
    rig.writer.cut();
    assert_eq!(*rig.cable.0.lock().unwrap(), 1);
    assert!(matches!(rig.poll(), Poll::Ready(Some(Err(StreamCut)))));
    let Rig { reader, reports, .. } = rig;
    drop(reader);
    assert!(reports.0.lock().unwrap().is_empty(), "the rules have forgotten it already");
}

#[test]
fn heartbeats_are_written_only_where_nothing_waits() {
    let mut rig = Rig::new();
    assert!(!rig.writer.write_heartbeat(), "retry waits");
    rig.text();
    assert!(rig.writer.write_heartbeat());
    assert!(!rig.writer.write_heartbeat());
    assert_eq!(rig.text(), ":\n\n");
    assert!(rig.reports().is_empty(), "a comment is no frame");
    rig.writer.end();
    assert!(!rig.writer.write_heartbeat());
}

#[test]
fn of_crevents_that_are_taken_it_is_told_when_they_were_accepted() {
    let mut rig = Rig::new();
    let (first, second) = (Instant::now(), Instant::now() + std::time::Duration::from_secs(1));
    rig.writer.write(&Frame::Hello { pid: pid() }, None);
    rig.writer.write(&event(1), Some(first));
    rig.writer.write(&event(1), Some(second));
    assert!(rig.reports.1.lock().unwrap().is_empty(), "nothing is taken yet");
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(rig.reader.poll_next(&mut context), Poll::Ready(Some(Ok(_)))));
    assert_eq!(*rig.reports.1.lock().unwrap(), vec![first, second]);
}
