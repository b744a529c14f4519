use super::*;
use crate::load::example;
use crate::simulate::figures::{ErrorFigures, IncidentFigures, Quantiles};

fn headline_of(change: impl FnOnce(&mut Report)) -> (Tone, String) {
    let mut report: Report = example::calm();
    change(&mut report);
    headline(&report)
}

#[test]
fn a_calm_run_went_well() {
    let said = verdict(&example::calm());
    assert_eq!((said.tone, said.headline.as_str()), (Tone::Good, "Both gates held"));
    assert_eq!(
        said.sentences,
        [
            "6,000 events were sent and 6,000 arrived, 200 a second while it was measured.",
            "None was lost, duplicated or out of order.",
            "Half of the events arrived within 1.20 ms of when they were due, 99 in a hundred within 4.21 ms; the slowest \
             took 12.3 ms.",
            "All crSockets were interacting 1.31 s after the start; at the end all 200 were.",
        ]
    );
    assert_eq!(headline_of(|report| report.gates.clear()), (Tone::Good, "It went well".to_owned()));
    assert_eq!(headline_of(|report| report.gates.truncate(1)), (Tone::Good, "The gate held".to_owned()));
}

#[test]
fn what_went_wrong_is_said_first() {
    let failed = headline_of(|report| report.gates[0].passed = false);
    assert_eq!(failed, (Tone::Bad, "1 of 2 gates failed".to_owned()));
    let nothing = headline_of(|report| report.figures.events = EventFigures::default());
    assert_eq!(nothing, (Tone::Bad, "Nothing was measured: no event was sent".to_owned()));
    let lost = headline_of(|report| report.figures.events.received = 0);
    assert_eq!(lost, (Tone::Bad, "Nothing was measured: no event arrived".to_owned()));
    let (tone, _) = headline_of(|report| report.figures.events.lost = 1);
    assert_eq!(tone, Tone::Good, "lost during an incident is what incidents do");
}

#[test]
fn what_bears_on_the_figures_is_said_in_the_headline() {
    let busy = headline_of(|report| report.figures.cpu.bottleneck = Some("a thread was busy".to_owned()));
    assert_eq!(busy, (Tone::Care, "Both gates held, but the load generator was the bottleneck".to_owned()));
    let ended = headline_of(|report| report.interrupted = true);
    assert_eq!(ended, (Tone::Care, "Both gates held, with something to know".to_owned()));
}

#[test]
fn a_bottleneck_is_a_warning_and_said_once() {
    let mut report: Report = example::calm();
    report.figures.cpu.bottleneck = Some("a thread was busy\u{1b}".to_owned());
    report.warnings = vec!["few files".to_owned()];
    let both = ["The load generator was the bottleneck: a thread was busy\\u{1b}", "few files"];
    assert_eq!(warnings(&report), both);
    report.warnings = vec!["a bottleneck: a thread was busy\u{1b}".to_owned()];
    assert_eq!(warnings(&report).len(), 1);
}

#[test]
fn losses_are_told_apart() {
    let events = |lost, without, duplicated| EventFigures {
        lost,
        lost_without_incident: without,
        duplicated,
        ..EventFigures::default()
    };
    for (events, said) in [
        (events(0, 0, 3), "3 duplicated and none was lost or out of order."),
        (
            events(5, 0, 0),
            "5 lost and none was duplicated or out of order; every loss was during an incident of its pair.",
        ),
        (
            events(5, 2, 1),
            "5 lost, 1 duplicated and none was out of order; 2 of the losses had no incident of their pair.",
        ),
        (
            events(5, 5, 0),
            "5 lost and none was duplicated or out of order; no loss was during an incident of its pair.",
        ),
    ] {
        assert_eq!(integrity(&events), said);
    }
    let unexpected = EventFigures { unexpected: 1, ..EventFigures::default() };
    let said = integrity(&unexpected);
    assert_eq!(said, "1 not what anybody had sent and none was lost, duplicated or out of order.");
}

#[test]
fn outages_are_counted_and_added() {
    let outage = |from, to| Outage { from, to };
    assert_eq!(outages(&[]), None);
    let once = outages(&[outage(10.0, Some(13.3))]).unwrap();
    assert_eq!(once, "The server could not be reached once, for 3.30 s.");
    let twice = outages(&[outage(10.0, Some(13.0)), outage(20.0, None)]).unwrap();
    assert_eq!(
        twice,
        "The server could not be reached 2 times, for 3.00 s in all, and not again by the end."
    );
}

#[test]
fn a_run_in_which_nothing_happened_is_told() {
    let said = verdict(&example::empty());
    assert_eq!(said.tone, Tone::Bad);
    assert_eq!(
        said.sentences,
        [
            "No event was meant to be sent.",
            "No event arrived while it was measured, so there is no latency.",
            "There were no crSockets at the end.",
        ]
    );
}

/// The headlines without gates, and with gates that held.
fn headlines_of(change: impl Fn(&mut Report)) -> [(Tone, String); 2] {
    let without = headline_of(|report| {
        report.gates.clear();
        change(report);
    });
    [without, headline_of(change)]
}

fn error(kind: &str, count: u64) -> ErrorFigures {
    ErrorFigures { kind: kind.to_owned(), count }
}

fn incident(kind: &str, count: u64, recovered: u64) -> IncidentFigures {
    IncidentFigures { kind: kind.to_owned(), count, recovered, recovery_ms: Quantiles::default() }
}

#[test]
fn what_became_of_events_is_named_and_never_in_green() {
    type Field = fn(&mut EventFigures) -> &mut u64;
    let fields: [(Field, &str); 7] = [
        (|events| &mut events.refused, "refused"),
        (|events| &mut events.lost_without_incident, "lost without an incident"),
        (|events| &mut events.not_sent, "not sent"),
        (|events| &mut events.duplicated, "duplicated"),
        (|events| &mut events.out_of_order, "out of order"),
        (|events| &mut events.unexpected, "not what anybody had sent"),
        (|events| &mut events.unconfirmed, "left without an answer"),
    ];
    for (field, what) in fields {
        let one = headlines_of(|report| *field(&mut report.figures.events) = 1);
        assert_eq!(one[0], (Tone::Care, format!("1 of 6,000 events was {what}")));
        assert_eq!(one[1], (Tone::Care, format!("Both gates held, but 1 of 6,000 events was {what}")));
        let many = headlines_of(|report| *field(&mut report.figures.events) = 61);
        assert_eq!(many[0], (Tone::Bad, format!("61 of 6,000 events were {what}")), "more than 1 %");
        assert_eq!(many[1], (Tone::Care, format!("Both gates held, but 61 of 6,000 events were {what}")));
    }
}

#[test]
fn most_events_refused_is_no_success() {
    let seen = headlines_of(|report| {
        let events = &mut report.figures.events;
        (events.intended, events.sent, events.received, events.refused) = (320, 320, 92, 228);
        report.figures.errors = vec![error("refused: 429", 228)];
    });
    assert_eq!(seen[0], (Tone::Bad, "228 of 320 events were refused".to_owned()));
    assert_eq!(seen[1], (Tone::Care, "Both gates held, but 228 of 320 events were refused".to_owned()));
}

#[test]
fn a_server_that_went_away_is_what_is_said_first() {
    let gone = |report: &mut Report| {
        report.figures.outages = vec![Outage { from: 2.3, to: None }];
        (report.figures.sockets.total, report.figures.sockets.interacting) = (14, 0);
        report.figures.sockets.left_interacting = 14;
    };
    let said =
        "the server could not be reached at the end and none of 14 crSockets was interacting at the end";
    let [without, with] = headlines_of(gone);
    assert_eq!(without, (Tone::Bad, format!("T{}", &said[1..])));
    assert_eq!(with, (Tone::Care, format!("Both gates held, but {said}")));
    let many = headlines_of(|report| {
        gone(report);
        report.figures.events.refused = 1_000;
    });
    assert_eq!(many[0], (Tone::Bad, format!("T{}, among others", &said[1..])));
    let back = headlines_of(|report| report.figures.outages = vec![Outage { from: 2.3, to: Some(4.0) }]);
    assert_eq!(back[0], (Tone::Care, "The server could not be reached once".to_owned()));
}

#[test]
fn trials_without_a_response_are_failures() {
    let all = headlines_of(|report| report.figures.errors = vec![error("trial without a response", 60)]);
    let said = "60 trials had no response";
    assert_eq!(all[0], (Tone::Bad, said.to_owned()));
    assert_eq!(all[1], (Tone::Care, format!("Both gates held, but {said}")));
    let some = |failed, incidents: Vec<IncidentFigures>| {
        headline_of(|report| {
            report.gates.clear();
            report.figures.trials_ms.count = 97;
            report.figures.errors = vec![error("trial without a response", failed)];
            report.figures.incidents = incidents;
        })
    };
    let (tone, said) = some(3, Vec::new());
    assert_eq!(tone, Tone::Care, "3 %, and nothing explains them");
    assert_eq!(said, "3 trials had no response");
    assert_eq!(some(3, vec![incident("reload", 9, 9)]).0, Tone::Good, "incidents explain a few");
    assert_eq!(some(4, vec![incident("reload", 9, 9)]).0, Tone::Bad, "more than 3 %");
}

#[test]
fn those_who_are_away_at_the_end_need_an_incident() {
    let at_end = |interacting, incidents: Vec<IncidentFigures>| {
        headline_of(|report| {
            report.gates.clear();
            report.figures.sockets.interacting = interacting;
            report.figures.incidents = incidents;
            // All of them have just begun.
            let last = report.series.points.last_mut().unwrap();
            last.incidents.insert("offline".to_owned(), 1_000);
        })
    };
    let (tone, said) = at_end(198, Vec::new());
    assert_eq!((tone, said.as_str()), (Tone::Care, "Only 198 of 200 crSockets were interacting at the end"));
    assert_eq!(at_end(198, vec![incident("offline", 5, 4)]).0, Tone::Good, "one pair is under way");
    assert_eq!(at_end(197, vec![incident("offline", 5, 4)]).0, Tone::Care);
    assert_eq!(
        at_end(1, Vec::new()),
        (Tone::Bad, "Only 1 of 200 crSockets was interacting at the end".into())
    );
    assert_eq!(at_end(99, vec![incident("offline", 500, 0)]).0, Tone::Bad, "most are away");
}

#[test]
fn incidents_are_recovered_from_unless_they_have_just_begun() {
    let of = |recovered, late| {
        headline_of(|report| {
            report.gates.clear();
            report.figures.incidents = vec![incident("reload", 40, recovered), incident("pause", 3, 3)];
            for point in &mut report.series.points {
                point.at *= 10.0;
            }
            let points = report.series.points.len();
            report.series.points[0].incidents.insert("reload".to_owned(), 40 - late);
            report.series.points[points - 2].incidents.insert("reload".to_owned(), late);
        })
    };
    assert_eq!(of(40, 0).0, Tone::Good);
    assert_eq!(of(38, 2).0, Tone::Good, "two began in the last minute");
    assert_eq!(of(38, 1), (Tone::Care, "2 incidents were not recovered from".to_owned()));
    assert_eq!(of(0, 1), (Tone::Bad, "40 incidents were not recovered from".to_owned()));
}

#[test]
fn leaving_without_an_incident_and_other_errors_are_said() {
    let left = headlines_of(|report| report.figures.sockets.left_interacting = 3);
    let said = "crSocket left interacting 3 times without an incident";
    assert_eq!(left[0], (Tone::Care, format!("A {said}")));
    assert_eq!(left[1], (Tone::Care, format!("Both gates held, but a {said}")));
    let errors = |disturbed: bool| {
        headlines_of(|report| {
            report.figures.errors = vec![error("crSocket reset", 1), error("aborted clientIdInUse", 7)];
            if disturbed {
                report.figures.incidents = vec![incident("reload", 9, 9)];
            }
        })
    };
    assert_eq!(errors(false)[0], (Tone::Care, "7 errors were seen (aborted clientIdInUse)".to_owned()));
    assert_eq!(errors(true)[0].0, Tone::Good, "incidents explain them");
}

#[test]
fn flaws_are_sentences_also_where_a_gate_failed() {
    let mut report: Report = example::calm();
    report.gates[0].passed = false;
    report.figures.sockets.left_interacting = 1;
    report.figures.errors = vec![error("trial without a response", 2)];
    let said = verdict(&report);
    assert_eq!(said.headline, "1 of 2 gates failed");
    assert_eq!(
        said.sentences[4..],
        [
            "2 trials had no response, and none had one while it was measured.",
            "A crSocket left interacting once without an incident.",
        ]
    );
}

#[test]
fn a_few_events_in_the_way_of_incidents_are_no_flaw() {
    let with_incidents = |not_sent, unconfirmed| {
        headline_of(|report| {
            report.figures.incidents = vec![incident("reload", 9, 9)];
            (report.figures.events.not_sent, report.figures.events.unconfirmed) = (not_sent, unconfirmed);
        })
    };
    assert_eq!(with_incidents(60, 60).0, Tone::Good, "1 % of 6,000");
    assert_eq!(with_incidents(61, 0).1, "Both gates held, but 61 of 6,000 events were not sent");
    assert_eq!(
        with_incidents(0, 61).1,
        "Both gates held, but 61 of 6,000 events were left without an answer"
    );
}

#[test]
fn what_the_latency_cannot_have_is_said_and_a_warning_where_it_is_much() {
    let with = |received| {
        let mut report: Report = example::calm();
        report.figures.events.received = received;
        report
    };
    let few = verdict(&with(5_940));
    let said =
        "The latency leaves out at most 60 of the 6,000 intended events (1.00 %), which did not arrive.";
    assert_eq!(few.sentences[3], said);
    assert_eq!(warnings(&with(5_940)), [""; 0], "1 %");
    let much = warnings(&with(5_939));
    assert_eq!(much.len(), 1);
    assert!(
        much[0].starts_with("The latency leaves out at most 61 of the 6,000 intended events (1.02 %)"),
        "{much:?}"
    );
    assert_eq!(headline(&with(5_939)), (Tone::Care, "Both gates held, with something to know".to_owned()));
    let mut none = with(0);
    none.figures.latency_ms = Quantiles::default();
    assert!(!verdict(&none).sentences.iter().any(|said| said.contains("leaves out")), "there is no latency");
}
