//! The timings of section 8: their defaults, what is refused, and arithmetic that saturates.

use crsocket::protocol::time::{Millis, Timing, TimingError, random_between};

/// Published name, default, our key, and how to reach the field: one row for each of section 8.
type Row = (&'static str, i64, &'static str, fn(&mut Timing) -> &mut Millis);

const LENGTHS: [Row; 14] = [
    ("serverInteractionCompleteDt", 1_000, "server_interaction_complete_dt", |timing| {
        &mut timing.server_interaction_complete_dt
    }),
    ("minCrEventDt", 1_000, "min_cr_event_dt", |timing| &mut timing.min_cr_event_dt),
    ("interactingMaxEventOutDt", 10_000, "interacting_max_event_out_dt", |timing| {
        &mut timing.interacting_max_event_out_dt
    }),
    ("searchingMaxEventOutDt", 5_000, "searching_max_event_out_dt", |timing| {
        &mut timing.searching_max_event_out_dt
    }),
    ("partnerActiveMaxEventInDt", 25_000, "partner_active_max_event_in_dt", |timing| {
        &mut timing.partner_active_max_event_in_dt
    }),
    ("invalidClientIdRetryDt", 5_000, "invalid_client_id_retry_dt", |timing| {
        &mut timing.invalid_client_id_retry_dt
    }),
    ("eventSourceSendAliveDt", 12_000, "event_source_send_alive_dt", |timing| {
        &mut timing.event_source_send_alive_dt
    }),
    ("maxPrevAliveDt", 25_000, "max_prev_alive_dt", |timing| &mut timing.max_prev_alive_dt),
    ("recipientWaitDt", 4_000, "recipient_wait_dt", |timing| &mut timing.recipient_wait_dt),
    ("helloSettleDt", 200, "hello_settle_dt", |timing| &mut timing.hello_settle_dt),
    ("sendAnswerDt", 5_000, "send_answer_dt", |timing| &mut timing.send_answer_dt),
    ("helloMaxDt", 10_000, "hello_max_dt", |timing| &mut timing.hello_max_dt),
    ("unassignWaitDt", 600_000, "unassign_wait_dt", |timing| &mut timing.unassign_wait_dt),
    ("releaseDt", 0, "release_dt", |timing| &mut timing.release_dt),
];

/// Those that may be zero: the spacing, the settling and the waits can be switched off.
const MAY_BE_ZERO: [&str; 5] =
    ["min_cr_event_dt", "recipient_wait_dt", "hello_settle_dt", "unassign_wait_dt", "release_dt"];

/// The default timings after a change.
fn with(change: impl FnOnce(&mut Timing)) -> Timing {
    let mut timing = Timing::default();
    change(&mut timing);
    timing
}

#[test]
fn the_defaults_are_those_of_the_specification() {
    let mut timing = Timing::default();
    for (name, default, _, field) in LENGTHS {
        assert_eq!(*field(&mut timing), Millis(default), "{name}");
    }
    assert_eq!(timing.max_event_data_length, 8_192, "maxEventDataLength");
    assert_eq!(timing.check(), Ok(()));
}

#[test]
fn our_keys_are_the_published_names_in_snake_case() {
    for (name, _, key, _) in LENGTHS {
        let snake: String = name
            .chars()
            .flat_map(|c| [c.is_uppercase().then_some('_'), Some(c.to_ascii_lowercase())])
            .flatten()
            .collect();
        assert_eq!(snake, key);
    }
}

#[test]
fn a_length_below_its_least_value_is_refused() {
    for (_, _, key, field) in LENGTHS {
        let least = i64::from(!MAY_BE_ZERO.contains(&key));
        for value in [least - 1, -1, i64::MIN] {
            let refusal = with(|timing| *field(timing) = Millis(value)).check();
            assert_eq!(refusal, Err(TimingError::TooSmall { key, value, least }));
        }
    }
}

#[test]
fn a_length_at_its_least_value_is_accepted() {
    for (_, _, key, field) in LENGTHS {
        let least = Millis(i64::from(!MAY_BE_ZERO.contains(&key)));
        let timing = with(|timing| {
            // Out of the way: what the others must be shorter than, and what must be shorter than others.
            timing.searching_max_event_out_dt = Millis(1);
            timing.interacting_max_event_out_dt = Millis(1);
            timing.event_source_send_alive_dt = Millis(1);
            *field(timing) = least;
        });
        // These two are bounded from below by others, which have their own tests.
        if key != "partner_active_max_event_in_dt" && key != "max_prev_alive_dt" {
            assert_eq!(timing.check(), Ok(()), "{key}");
        }
    }
}

#[test]
fn event_data_must_hold_the_protocols_own_events() {
    assert_eq!(with(|timing| timing.max_event_data_length = 128).check(), Ok(()));
    assert_eq!(with(|timing| timing.max_event_data_length = usize::MAX).check(), Ok(()));
    assert_eq!(
        with(|timing| timing.max_event_data_length = 127).check(),
        Err(TimingError::TooSmall { key: "max_event_data_length", value: 127, least: 128 })
    );
}

#[test]
fn something_can_be_queued() {
    let refusal = with(|timing| timing.max_queued = 0).check();
    assert_eq!(refusal, Err(TimingError::TooSmall { key: "max_queued", value: 0, least: 1 }));
    assert_eq!(with(|timing| timing.max_queued = 1).check(), Ok(()));
}

#[test]
fn a_pace_is_shorter_than_the_partners_patience() {
    let paces: Vec<Row> = LENGTHS
        .into_iter()
        .filter(|(_, _, key, _)| ["searching_max_event_out_dt", "interacting_max_event_out_dt"].contains(key))
        .collect();
    assert_eq!(paces.len(), 2);
    for (_, _, key, field) in paces {
        assert_eq!(with(|timing| *field(timing) = Millis(24_999)).check(), Ok(()), "{key}");
        for value in [Millis(25_000), Millis(25_001), Millis::MAX] {
            let refusal = with(|timing| *field(timing) = value).check().unwrap_err();
            assert_eq!(
                refusal,
                TimingError::Contradiction {
                    key,
                    value,
                    must: "shorter than",
                    other: "partner_active_max_event_in_dt",
                    other_value: Millis(25_000),
                }
            );
            assert_names(&refusal, [key, "partner_active_max_event_in_dt"]);
        }
    }
}

#[test]
fn alive_is_sent_at_least_twice_before_the_server_gives_up() {
    for (alive, silence, accepted) in [
        (12_500, 25_000, true),
        (12_501, 25_000, false),
        (12_500, 24_999, false),
        (i64::MAX, 25_000, false),
        (1, 2, true),
        (1, 1, false),
        (i64::MAX / 2, i64::MAX, true),
        // Twice this saturates.
        (i64::MAX / 2 + 1, i64::MAX - 1, false),
    ] {
        let timing = with(|timing| {
            timing.event_source_send_alive_dt = Millis(alive);
            timing.max_prev_alive_dt = Millis(silence);
        });
        match timing.check() {
            Ok(()) => assert!(accepted, "{alive} ms was accepted with {silence} ms"),
            Err(refusal) => {
                assert!(!accepted, "{alive} ms was refused with {silence} ms");
                assert_names(&refusal, ["event_source_send_alive_dt", "max_prev_alive_dt"]);
                let text = format!(
                    "event_source_send_alive_dt = {alive} ms must be at most half of max_prev_alive_dt = {silence} ms"
                );
                assert_eq!(refusal.to_string(), text);
            }
        }
    }
}

#[test]
fn a_length_that_is_too_small_says_which_and_what_is_accepted() {
    let refusal = with(|timing| timing.hello_max_dt = Millis(-7)).check().unwrap_err();
    assert_eq!(refusal.to_string(), "hello_max_dt = -7 must be at least 1");
}

fn assert_names(refusal: &TimingError, keys: [&str; 2]) {
    let text = refusal.to_string();
    for key in keys {
        assert!(text.contains(key), "{text:?} does not name {key}");
    }
}

#[test]
fn millis_saturate() {
    let (one, mut sum) = (Millis(1), Millis::MAX);
    assert_eq!(Millis::MAX + one, Millis::MAX);
    assert_eq!(Millis::MIN - one, Millis::MIN);
    assert_eq!(Millis::ZERO - Millis::MIN, Millis::MAX);
    assert_eq!(Millis::MIN + Millis(-1), Millis::MIN);
    sum += Millis::MAX;
    assert_eq!(sum, Millis::MAX);
    assert_eq!(Millis::MAX.times(2), Millis::MAX);
    assert_eq!(Millis::MAX.times(-2), Millis::MIN);
    assert_eq!(Millis::from_secs(i64::MAX), Millis::MAX);
    assert_eq!(Millis::from_secs(i64::MIN), Millis::MIN);
}

#[test]
fn millis_are_plain_numbers_otherwise() {
    assert_eq!(Millis(5) + Millis(7) - Millis(2), Millis(10));
    assert_eq!(Millis::from_secs(25), Millis(25_000));
    assert_eq!(Millis(-3).at_least_zero(), Millis::ZERO);
    assert_eq!(Millis(3).at_least_zero(), Millis(3));
    assert_eq!(Millis(12).times(3), Millis(36));
    assert_eq!(Millis(250).to_string(), "250 ms");
}

#[test]
fn random_lengths_stay_between_their_ends() {
    for random in [0, 1, 1_499, 1_500, 1_501, u64::MAX] {
        let length = random_between(random, Millis(500), Millis(2_000));
        assert!((Millis(500)..=Millis(2_000)).contains(&length), "{length} of {random}");
    }
    assert_eq!(random_between(0, Millis(500), Millis(2_000)), Millis(500));
    assert_eq!(random_between(1_500, Millis(500), Millis(2_000)), Millis(2_000));
    assert_eq!(random_between(u64::MAX, Millis(7), Millis(7)), Millis(7));
    assert_eq!(random_between(u64::MAX, Millis(7), Millis(3)), Millis(7), "no length below zero");
    let whole = random_between(u64::MAX, Millis::MIN, Millis::MAX);
    assert!(whole >= Millis::MIN, "the longest span of all does not overflow");
}
