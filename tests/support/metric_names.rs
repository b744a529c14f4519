//! Metrics, by their names.

/// What the examples in `config/` may ask for, with its labels: the tests of the admin part see that the server has it.
pub(crate) const METRICS: [(&str, &[&str]); 18] = [
    ("crsocket_sockets", &["app", "role", "state"]),
    ("crsocket_sessions", &["hosted"]),
    ("crsocket_reserved_client_ids", &[]),
    ("crsocket_events_total", &["type", "outcome"]),
    ("crsocket_events_dropped_total", &["reason"]),
    ("crsocket_events_refused_total", &["reason"]),
    ("crsocket_events_lost_total", &["reason"]),
    ("crsocket_sessions_ended_total", &["reason"]),
    ("crsocket_routing_seconds_bucket", &["le"]),
    ("crsocket_waiting_events", &[]),
    ("crsocket_output_bytes", &[]),
    ("crsocket_line_bytes", &[]),
    ("crsocket_sockets_reset_total", &[]),
    ("crsocket_sockets_died_total", &[]),
    ("process_resident_memory_bytes", &[]),
    ("process_cpu_seconds_total", &[]),
    ("process_open_fds", &[]),
    ("process_start_time_seconds", &[]),
];
