//! Counts in the text format of Prometheus (exposition format 0.0.4).
//! Pure.

use std::fmt::Write;

use super::Counters;

/// What is measured when it is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Gauges {
    /// Entries that wait in the outbox.
    pub waiting: u64,
    /// Seconds since the oldest of them was taken.
    pub oldest_seconds: Option<i64>,
    /// When the hub last answered for one, in seconds since 1970 (UTC).
    pub last_answer: Option<i64>,
    /// Entries in the quarantine.
    pub quarantined: u64,
    /// Days until the adapter's certificate expires; less than 0 if it has.
    pub certificate_days: Option<i64>,
}

/// Everything, one metric after the other. What is not known is left out.
pub fn text(counters: &Counters, gauges: &Gauges) -> String {
    let mut out = String::new();
    let mut put = |name: &str, kind: &str, help: &str, value: i128| {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "# HELP placehub_adapter_{name} {help}\n# TYPE placehub_adapter_{name} {kind}\nplacehub_adapter_{name} {value}"
        );
    };
    let c = counters;
    for (name, help, counter) in [
        ("taken_total", "Entries put into the outbox.", &c.taken),
        (
            "untranslated_total",
            "Rows and messages of which nothing could be made.",
            &c.untranslated,
        ),
        ("passed_over_total", "Messages that carry no signal.", &c.passed_over),
        ("recorded_total", "Signals that the hub recorded.", &c.recorded),
        (
            "already_known_total",
            "Signals that the hub had already.",
            &c.already_known,
        ),
        (
            "corrected_total",
            "Signals that replaced a lower version.",
            &c.corrected,
        ),
        (
            "superseded_total",
            "Signals that the hub has in a higher version.",
            &c.superseded,
        ),
        ("retracted_total", "Signals taken back.", &c.retracted),
        (
            "stated_total",
            "Consents, joins of records, changes of number and deaths taken down.",
            &c.stated,
        ),
        ("refused_total", "Entries that the hub refused.", &c.refused),
        (
            "interruptions_total",
            "Times the hub was out of reach.",
            &c.interruptions,
        ),
        ("files_done_total", "Files done.", &c.files_done),
        ("files_rejected_total", "Files rejected whole.", &c.files_rejected),
    ] {
        put(name, "counter", help, counter.value().into());
    }
    put(
        "outbox_depth",
        "gauge",
        "Entries that wait in the outbox.",
        gauges.waiting.into(),
    );
    put(
        "quarantine_depth",
        "gauge",
        "Entries in the quarantine.",
        gauges.quarantined.into(),
    );
    for (name, help, value) in [
        (
            "outbox_oldest_seconds",
            "Age of the oldest entry that waits.",
            gauges.oldest_seconds,
        ),
        (
            "last_answer_timestamp_seconds",
            "When the hub last answered for an entry.",
            gauges.last_answer,
        ),
        (
            "certificate_days_left",
            "Days until the certificate expires.",
            gauges.certificate_days,
        ),
    ] {
        if let Some(value) = value {
            put(name, "gauge", help, value.into());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        let counters = Counters::default();
        counters.recorded.add(3);
        let gauges = Gauges {
            waiting: 2,
            certificate_days: Some(-1),
            ..Default::default()
        };
        let shown = text(&counters, &gauges);
        assert!(shown.contains("\nplacehub_adapter_recorded_total 3\n"));
        assert!(shown.contains("\n# TYPE placehub_adapter_outbox_depth gauge\nplacehub_adapter_outbox_depth 2\n"));
        assert!(shown.contains("\nplacehub_adapter_certificate_days_left -1\n"));
        assert!(!shown.contains("oldest"));
    }
}
