//! The figures of a hub, gathered at the moment at which they are asked for. Of nobody's record; what cannot be read is
//! left out.

use jiff::Timestamp;

use crate::{
    decide::Agreement,
    metrics::{Calls, Kind, Sheet},
    rpc::House,
};

/// All figures, as text.
pub(super) fn text(house: &House, calls: &Calls) -> String {
    let now = house.clock.now();
    let mut sheet = Sheet::default();
    calls.put(&mut sheet);
    let closed = u8::from(house.gate.closed().is_some());
    sheet.gauge(
        "placehub_closed",
        "1 if the hub can record nothing, so gives no answers.",
        closed,
    );
    policies(house, now, &mut sheet);
    ledger(house, &mut sheet);
    witnesses(house, &mut sheet);
    let days = house.live.days_left(now);
    sheet.gauge(
        "placehub_certificate_days_left",
        "Days until the hub's certificate expires.",
        days,
    );
    if let Some(next) = house.live.revoked().next_update() {
        sheet.gauge(
            "placehub_revocation_list_end_timestamp_seconds",
            "When the revocation list runs out, and every client is refused.",
            next.as_second(),
        );
    }
    sheet.finish()
}

fn policies(house: &House, now: Timestamp, sheet: &mut Sheet) {
    let set = house.gate.policies();
    sheet
        .family("placehub_policies_info", Kind::Gauge, "The policies in force.")
        .put(&[("digest", set.digest()), ("version", set.version().as_str())], 1);
    sheet.gauge(
        "placehub_policies_loaded_timestamp_seconds",
        "When they came into force.",
        house.loaded_at.load().as_second(),
    );
    sheet.gauge(
        "placehub_policies_refused",
        "1 if newer ones were refused, so that older ones are in force.",
        u8::from(house.refused.load().is_some()),
    );
    let all = set.agreements();
    let unsigned = all.iter().filter(|one| !one.unsigned().is_empty()).count();
    let in_force: Vec<&Agreement> = all.iter().filter(|one| one.in_force(now)).collect();
    let out_of_time = all.len().saturating_sub(unsigned + in_force.len());
    let mut family = sheet.family(
        "placehub_agreements",
        Kind::Gauge,
        "Agreements, by whether they permit anything.",
    );
    for (state, count) in [
        ("in_force", in_force.len()),
        ("out_of_time", out_of_time),
        ("unsigned", unsigned),
    ] {
        family.put(&[("state", state)], count);
    }
    if let Some(days) = in_force.iter().map(|one| one.particulars().days_left(now)).min() {
        sheet.gauge(
            "placehub_agreement_next_lapse_days",
            "Days until the next agreement lapses; 0 on its last day.",
            days,
        );
    }
}

fn ledger(house: &House, sheet: &mut Sheet) {
    if let Ok(size) = house.gate.ledger_size() {
        sheet
            .family("placehub_ledger_entries_total", Kind::Counter, "Entries in the ledger.")
            .put(&[], size);
    }
    let (commits, took) = house.gate.commits();
    sheet
        .family("placehub_commits_total", Kind::Counter, "Batches written to the disk.")
        .put(&[], commits);
    sheet
        .family(
            "placehub_commit_seconds_total",
            Kind::Counter,
            "Seconds that this took.",
        )
        .put(&[], took.as_secs_f64());
}

fn witnesses(house: &House, sheet: &mut Sheet) {
    let (state, required) = (house.publisher.state(), house.publisher.required());
    if state.witnesses.is_empty() {
        return;
    }
    sheet.gauge(
        "placehub_witnesses_missing",
        "Required witnesses that have yet to cosign the head that is asked for.",
        required.saturating_sub(state.cosigned),
    );
    sheet.gauge(
        "placehub_witnesses_alarm",
        "1 if they have been missing for too long, or one has cosigned another ledger.",
        u8::from(state.alarm.is_some()),
    );
    if let Some(at) = state.witnesses.iter().filter_map(|one| one.cosigned_at).max() {
        sheet.gauge(
            "placehub_ledger_cosigned_timestamp_seconds",
            "When a witness last cosigned a head, by its own clock.",
            at.as_second(),
        );
    }
}
