//! The adapters' sample files, made into drafts by the adapters themselves, with their dates moved near to now.
//! Nothing else of a draft is touched.

use anyhow::{Context as _, Result};
use jiff::{Span, Timestamp, ToSpan as _, civil::Date};
use placehub_delivery::{FileError, Translated, catalogue::Need, fields};
use placehub_nhs::Reading;
use placehub_proto::v1::{SignalDraft, attribute_value::Value};

use crate::moment;

/// One agency's adapter and its sample files.
pub(super) struct Sample {
    /// The agency.
    pub(super) agency: &'static str,
    /// The names of its files.
    pub(super) files: String,
    /// What it needs of the hub's catalogue before it pushes.
    pub(super) needs: Vec<Need>,
    /// What the adapter made of them, each with its origin.
    pub(super) drafts: Vec<(String, SignalDraft)>,
}

/// An adapter's sample files, by name.
type Files = &'static [(&'static str, &'static [u8])];
/// An adapter's way from a file to drafts.
type Translate = fn(&[u8], &str) -> Result<Vec<Translated>, FileError>;

const ADAPTERS: [(&str, Files, Translate, &[Need]); 4] = [
    ("health", placehub_nhs::SAMPLES, placehub_nhs::translate, &[]),
    (
        "police",
        placehub_police::SAMPLES,
        placehub_police::translate,
        placehub_police::KINDS,
    ),
    (
        "housing",
        placehub_housing::SAMPLES,
        placehub_housing::translate,
        placehub_housing::KINDS,
    ),
    (
        "welfare",
        placehub_welfare::SAMPLES,
        placehub_welfare::translate,
        placehub_welfare::KINDS,
    ),
];

/// Has each adapter translate its sample files, and moves all dates by the same number of days, so that the newest
/// falls on the day before `now`.
///
/// # Errors
/// If an adapter cannot read one of its own samples.
pub(super) fn all(now: Timestamp) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for (agency, files, translate, kinds) in ADAPTERS {
        let mut drafts = Vec::new();
        for (name, bytes) in files {
            for one in translate(bytes, name).with_context(|| (*name).to_owned())? {
                let content = one.result.with_context(|| one.origin.clone())?;
                let draft = content.draft().context("a sample is no signal")?;
                drafts.push((one.origin, draft.clone()));
            }
        }
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        let needs = match agency {
            // The trust's own mapping says which kinds there are.
            "health" => Reading::usual()?.mapping.kinds().into_iter().map(Need::from).collect(),
            _ => kinds.to_vec(),
        };
        samples.push(Sample {
            agency,
            files: names.join(", "),
            needs,
            drafts,
        });
    }
    let every = samples.iter().flat_map(|sample| &sample.drafts);
    let newest = every
        .filter_map(|(_, draft)| day_of(draft))
        .max()
        .context("the samples hold nothing")?;
    let days = fields::uk_day(now).yesterday().context("the calendar begins today")? - newest;
    for (_, draft) in samples.iter_mut().flat_map(|sample| &mut sample.drafts) {
        shift(draft, days).context("a sample's date leaves the calendar")?;
    }
    Ok(samples)
}

fn day_of(draft: &SignalDraft) -> Option<Date> {
    moment::of_wire(draft.occurred_at.as_ref()).map(fields::uk_day)
}

/// Moves when it happened and lapses, its dates, and the dates in its line of text.
fn shift(draft: &mut SignalDraft, days: Span) -> Option<()> {
    for at in [&mut draft.occurred_at, &mut draft.lapses_at].into_iter().flatten() {
        // By the calendar, so that an hour of the day stays one when the clocks change in between.
        let moved = moment::of_wire(Some(at))?
            .to_zoned(moment::uk())
            .checked_add(days)
            .ok()?;
        *at = moment::to_wire(moved.timestamp());
    }
    for value in draft.attributes.values_mut() {
        if let Some(Value::DateValue(date)) = &mut value.value {
            *date = date.parse::<Date>().ok()?.checked_add(days).ok()?.to_string();
        }
    }
    let words: Vec<String> = draft.summary.split(' ').map(|word| shifted(word, days)).collect();
    draft.summary = words.join(" ");
    Some(())
}

/// A word of a text, moved if it is a date, `YYYY-MM-DD`.
fn shifted(word: &str, days: Span) -> String {
    let date = word.trim_end_matches(['.', ',', ';']);
    let moved = (date.len() == 10)
        .then(|| date.parse::<Date>().ok()?.checked_add(days).ok())
        .flatten();
    moved.map_or_else(|| word.to_owned(), |moved| word.replace(date, &moved.to_string()))
}

/// A week before now.
pub(super) fn last_week(now: Timestamp) -> Result<Timestamp> {
    now.to_zoned(moment::uk())
        .checked_sub(7.days())
        .map(|then| then.timestamp())
        .context("the calendar began this week")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_sample_falls_on_yesterday_whenever_it_is_asked() {
        for now in ["2026-11-21T09:00:00Z", "2027-07-01T23:30:00Z", "2026-01-01T00:00:00Z"] {
            let now: Timestamp = now.parse().unwrap();
            let samples = all(now).unwrap();
            let days = samples
                .iter()
                .flat_map(|sample| &sample.drafts)
                .filter_map(|(_, draft)| day_of(draft));
            assert_eq!(days.max(), fields::uk_day(now).yesterday().ok());
        }
    }

    #[test]
    fn dates_in_the_text_move_with_the_event() {
        let samples = all("2027-03-01T12:00:00Z".parse().unwrap()).unwrap();
        let drafts = samples.iter().flat_map(|sample| &sample.drafts).map(|(_, draft)| draft);
        for draft in drafts.filter(|draft| draft.summary.contains(" on 20")) {
            assert!(
                draft.summary.contains(&day_of(draft).unwrap().to_string()),
                "{}",
                draft.summary
            );
            assert!(!draft.summary.contains("2026-1"), "{}", draft.summary);
        }
        assert_eq!(shifted("2026-11-30,", 2.days()), "2026-12-02,");
        assert_eq!(shifted("£2026.11.3", 2.days()), "£2026.11.3");
    }
}
