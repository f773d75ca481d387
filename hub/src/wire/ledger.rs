//! Writes entries of the ledger, and what was found in it, as the contract carries them; reads an officer's questions.

use placehub_proto::v1 as proto;

use super::{Fields, show::level, timestamp};
use crate::{
    catalogue::Disclosure,
    inspect::{Count, HeldBack, Hold, Label, Numbered},
    ledger::{Entry, EntryInvalid, Period, Subject, held::Outcome},
    model::{AgencyId, AgreementId, Violation},
    publish::Standing,
};

/// What an officer asks, as the message has it.
#[derive(Debug)]
pub enum Examined {
    /// What a practitioner asked.
    AskedBy(AgencyId, String),
    /// What left under an agreement.
    LeftUnder(AgreementId),
    /// Who asked about themselves.
    NearSelf,
    /// Who was refused.
    Refusals,
    /// Who named no case.
    WithoutCase,
}

/// How a witness stands.
pub fn witness(standing: &Standing) -> proto::Witness {
    proto::Witness {
        name: standing.name.clone(),
        size: standing.size,
        cosigned_at: standing.cosigned_at.map(timestamp),
        trouble: standing.trouble.clone(),
    }
}

/// The entry of these bytes.
///
/// # Errors
/// If the bytes are not an entry.
pub fn entry((number, raw): Numbered) -> Result<proto::LedgerEntry, EntryInvalid> {
    let entry = Entry::parse(&raw)?;
    Ok(proto::LedgerEntry {
        number,
        decided_at: Some(timestamp(entry.at)),
        action: entry.action,
        agency: entry.agency.map(|agency| agency.to_string()).unwrap_or_default(),
        workload: entry.workload,
        practitioner: entry.practitioner,
        roles: entry.roles.into_iter().collect(),
        subject: match entry.subject {
            None => String::new(),
            Some(Subject::Address(_)) => "address".to_owned(),
            Some(Subject::Area { .. }) => "area".to_owned(),
            Some(Subject::Person(_)) => "person".to_owned(),
        },
        purpose: entry.purpose.map(|purpose| purpose.to_string()).unwrap_or_default(),
        gateway: entry.gateway.map(|gateway| gateway.to_string()).unwrap_or_default(),
        case_reference: entry.case_reference,
        allowed: entry.allowed,
        refusal: entry.refusal.map(|refusal| refusal.reason).unwrap_or_default(),
        agreements: entry.agreements.iter().map(ToString::to_string).collect(),
        policy_digest: entry.policy.map(|policy| policy.to_string()).unwrap_or_default(),
        policy_version: entry
            .policy_version
            .map(|version| version.to_string())
            .unwrap_or_default(),
        shown: entry
            .shown
            .iter()
            .map(|shown| proto::ShownSignal {
                signal_id: shown.signal.text(),
                level: level(shown.level).into(),
            })
            .collect(),
        withheld: entry.withheld,
        certificate: entry
            .certificate
            .map(|certificate| certificate.to_string())
            .unwrap_or_default(),
        raw,
        sought: entry.sought,
    })
}

/// The span of time of a message.
///
/// # Errors
/// Every field that breaks its rule.
pub fn period(given: Option<&proto::Period>) -> Result<Period, Vec<Violation>> {
    let mut fields = Fields::new();
    let given = given.copied().unwrap_or_default();
    let since = fields.time("period.since", given.since);
    let until = fields.time("period.until", given.until);
    if matches!((since, until), (Some(since), Some(until)) if until <= since) {
        fields.wrong("period.until", "must be after `since`");
    }
    fields.finish(Some(Period { since, until }))
}

/// An officer's question of a message.
///
/// # Errors
/// Every field that breaks its rule.
pub fn examined(given: Option<&proto::examine_request::Question>) -> Result<Examined, Vec<Violation>> {
    use proto::examine_request::Question as Asked;
    let mut fields = Fields::new();
    let parsed = match given {
        None => {
            fields.wrong("question", "must be one of those that there are");
            None
        }
        Some(Asked::AskedBy(asked)) => {
            let agency = fields.parse("asked_by.agency", &asked.agency);
            fields.given("asked_by.practitioner", &asked.practitioner);
            let practitioner = fields.kept_text("asked_by.practitioner", &asked.practitioner, 64);
            agency.map(|agency| Examined::AskedBy(agency, practitioner))
        }
        Some(Asked::LeftUnder(left)) => fields
            .parse("left_under.agreement", &left.agreement)
            .map(Examined::LeftUnder),
        Some(Asked::Refusals(_)) => Some(Examined::Refusals),
        Some(Asked::WithoutCase(_)) => Some(Examined::WithoutCase),
        Some(Asked::NearSelf(_)) => Some(Examined::NearSelf),
    };
    fields.finish(parsed)
}

/// A line of a table of counts.
pub fn count((label, count): (Label, Count)) -> proto::EntryCount {
    proto::EntryCount {
        day: label.day,
        agency: label.agency.map(|agency| agency.to_string()).unwrap_or_default(),
        practitioner: label.practitioner,
        kind: label.kind.map(|kind| kind.to_string()).unwrap_or_default(),
        level: label.level.map(|one| level(one).into()).unwrap_or_default(),
        reason: label.reason,
        entries: count.entries,
        refused: count.refused,
        signals: count.signals,
    }
}

/// An entry that access logs have left out.
///
/// # Errors
/// If the bytes are not an entry.
pub fn held(one: HeldBack) -> Result<proto::HeldEntry, EntryInvalid> {
    let HeldBack { held, hold, numbered } = one;
    let entry = entry(numbered)?;
    let outcome = match held.verdict.map(|verdict| verdict.outcome) {
        None => proto::ReviewOutcome::Unspecified,
        Some(Outcome::Kept) => proto::ReviewOutcome::Kept,
        Some(Outcome::Released) => proto::ReviewOutcome::Released,
    };
    Ok(proto::HeldEntry {
        why: why_held(hold.as_ref()),
        entry: Some(entry),
        asked_at: Some(timestamp(held.asked_at)),
        asked_in: held.asked_in,
        outcome: outcome.into(),
        reviewed_in: held.verdict.map(|verdict| verdict.entry),
    })
}

/// The outcome and the reason of a review.
///
/// # Errors
/// Every field that breaks its rule.
pub fn review(given: &proto::ReviewHeldEntryRequest) -> Result<(Outcome, String), Vec<Violation>> {
    let mut fields = Fields::new();
    let outcome = match given.outcome() {
        proto::ReviewOutcome::Unspecified => {
            fields.wrong("outcome", "must be kept or released");
            None
        }
        proto::ReviewOutcome::Kept => Some(Outcome::Kept),
        proto::ReviewOutcome::Released => Some(Outcome::Released),
    };
    fields.given("reason", &given.reason);
    let reason = fields.kept_text("reason", given.reason.trim(), 200);
    fields.finish(outcome.map(|outcome| (outcome, reason)))
}

fn why_held(hold: Option<&Hold>) -> String {
    match hold {
        Some(Hold::Class(Disclosure::AfterDays(days))) => format!("for {days} days, by its purpose or a kind"),
        Some(Hold::Class(Disclosure::AfterReview)) => "until it is reviewed, by its purpose or a kind".to_owned(),
        Some(Hold::Class(Disclosure::Withheld(law))) => format!("withheld, by its purpose or a kind: {law}"),
        Some(Hold::Class(Disclosure::Now)) | None => "by a review, if at all".to_owned(),
        Some(Hold::Doubtful) => {
            "until it is reviewed: it may be about somebody else, with whom the person was taken for one".to_owned()
        }
        Some(Hold::Look) => "until it is reviewed: a look at the record has no purpose".to_owned(),
        Some(Hold::Retired) => "until it is reviewed: the catalogue has its purpose or a kind no more".to_owned(),
    }
}
