//! The demo's story, step by step. Each step does one thing over the network, shows what was seen, and checks it.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use anyhow::Result;
use placehub_delivery::{catalogue::agree, push::Patience};
use placehub_hub::ledger::verify::{Row, verify};
use placehub_proto::v1::{
    ConsentMethod, ConsentStance, ConsentStatement, DisclosureLevel, ExportLedgerRequest, PersonIdentity, Question,
    RecordConsentRequest, Signal, question::Subject,
};
use serde_json::{Map, Value, json};

use super::{
    narrator::{Narrator, millis},
    samples,
    stage::Stage,
    vigil,
};
use crate::{
    command::{ask, ledger, now},
    entries,
    link::{Fault, Link},
    moment, shown, words,
};

/// Alex Sample, who gives consent and later withdraws it.
pub(super) const ALEX: &str = "9990001006";
/// Billie Example, who refuses.
const BILLIE: &str = "9990001014";
/// The home of Casey Madeup, who says nothing, and of whom the police know.
const CASEYS_HOME: &str = "999000000105";
/// What Alex and Billie speak of.
const PURPOSE: &str = "homelessness-prevention";
/// How long something that must come may take.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// Walks through the story.
///
/// # Errors
/// If a step could not be done at all.
pub(super) async fn walk(stage: &Stage, narrator: &mut Narrator) -> Result<()> {
    agencies_push(stage, narrator).await?;
    consents(stage, narrator).await?;
    police_ask(stage, narrator).await?;
    housing_asks(stage, narrator).await?;
    no_purpose(stage, narrator).await?;
    vigil::keep(stage, narrator).await?;
    audit(stage, narrator).await
}

async fn agencies_push(stage: &Stage, narrator: &mut Narrator) -> Result<()> {
    narrator.step("Four agencies push, each from its own format, through its adapter's own certificate")?;
    narrator.say("(The samples' dates are moved by whole days, so that the newest falls on yesterday.)")?;
    let began = Instant::now();
    let (mut pushed, mut total) = (Map::new(), 0);
    for sample in samples::all(now())? {
        let of = sample.drafts.len() as u64;
        let channel = placehub_delivery::channel(&stage.adapter(sample.agency)?)?;
        let patience = Patience {
            without_progress: SOON,
            ..Patience::USUAL
        };
        agree(&sample.needs, patience, |_| Ok(channel.clone())).await?;
        let report = placehub_delivery::push(channel, sample.drafts, patience).await?;
        let well = report.is_clean() && report.recorded == of && of > 0;
        narrator.check(well, format_args!("{} ({}): {report}", sample.agency, sample.files))?;
        pushed.insert(sample.agency.to_owned(), report.recorded.into());
        total += report.recorded;
    }
    narrator.say(
        "(Each adapter has first read the hub's catalogue: its kinds are there, and those on universal credit, which a law \
         closes, are kept closed. Otherwise it would have sent nothing.)",
    )?;
    narrator.measure("pushed", pushed);
    narrator.measure("pushed_total", total);
    narrator.measure("push_ms", millis(began));
    Ok(())
}

async fn consents(stage: &Stage, narrator: &mut Narrator) -> Result<()> {
    narrator.step("Two people are asked whether they agree to sharing that prevents homelessness")?;
    let adviser = stage.desk("adviser-8")?;
    record(&adviser, ALEX, ConsentStance::Given).await?;
    narrator.say("Alex Sample gives consent, on a form, to the welfare adviser. It is in force from now on.")?;
    record(&adviser, BILLIE, ConsentStance::Refused).await?;
    narrator.say("Billie Example refuses. Casey Madeup has not been asked.")
}

async fn police_ask(stage: &Stage, narrator: &mut Narrator) -> Result<()> {
    narrator.step("A neighbourhood officer of the police asks about an address, to prevent anti-social behaviour")?;
    narrator.say("By law: Crime and Disorder Act 1998 s.115, for case 26/4711. Consent plays no part in it.")?;
    let question = Question {
        subject: Some(Subject::Uprn(CASEYS_HOME.into())),
        purpose: "asb-prevention".into(),
        gateway: "cda-1998-s115".into(),
        case_reference: "26/4711".into(),
        ..Default::default()
    };
    let signals = put(&stage.desk("officer-17")?, narrator, "police_about_address", question).await?;
    let of = |agency: &str, level| {
        signals
            .iter()
            .any(|one| one.owner_agency == agency && one.level() == level)
    };
    narrator.check(
        of("police", DisclosureLevel::Detail),
        "the police see their own incidents in detail",
    )?;
    narrator.check(
        of("housing", DisclosureLevel::Headline),
        "that the landlord served a notice, as a headline",
    )?;
    let more = of("housing", DisclosureLevel::Existence);
    narrator.check(
        more,
        "that the landlord knows of more, with whom to ring, and neither what nor when nor how much",
    )?;
    let arrears = signals.iter().any(|one| one.kind == "housing.rent-arrears");
    narrator.check(!arrears, "so the rent arrears are not told: debt is no disorder")?;
    let others = signals
        .iter()
        .any(|one| matches!(one.owner_agency.as_str(), "health" | "welfare"));
    narrator.check(
        !others,
        "nothing of health, nothing of welfare: no agreement opens them to this question",
    )
}

async fn housing_asks(stage: &Stage, narrator: &mut Narrator) -> Result<()> {
    let officer = stage.desk("officer-42")?;
    narrator.step("A housing officer asks about Alex, to prevent homelessness, by consent")?;
    let signals = put(&officer, narrator, "housing_about_person", about(ALEX)).await?;
    let welfare = signals
        .iter()
        .any(|one| one.owner_agency == "welfare" && one.level() == DisclosureLevel::Detail);
    narrator.check(welfare, "the crisis grant is shown in detail: Alex agreed")?;
    let discharge: Vec<&Signal> = signals.iter().filter(|one| one.owner_agency == "health").collect();
    let headline = !discharge.is_empty() && discharge.iter().all(|one| one.level() == DisclosureLevel::Headline);
    narrator.check(
        headline,
        "the discharge from hospital only as a headline: the agreement opens no more",
    )?;

    narrator.say("\nThe same question about Billie, who refused:")?;
    let signals = put(&officer, narrator, "housing_about_refuser", about(BILLIE)).await?;
    narrator.check(
        signals.is_empty(),
        "nothing, just as for somebody of whom nothing is known",
    )?;

    narrator.step("The housing officer asks about the neighbourhood that the team works in, for the last week")?;
    let question = Question {
        subject: Some(Subject::AreaCode("central".into())),
        purpose: PURPOSE.into(),
        since: Some(moment::to_wire(samples::last_week(now())?)),
        ..Default::default()
    };
    let signals = put(&officer, narrator, "housing_about_area", question).await?;
    let foreign: Vec<&Signal> = signals.iter().filter(|one| one.owner_agency != "housing").collect();
    let narrow = foreign.iter().all(|one| one.level() <= DisclosureLevel::Headline);
    narrator.check(
        !foreign.is_empty() && narrow,
        "of other agencies' signals no detail: the question is about an area",
    )?;
    let refused = signals.iter().filter_map(|one| one.detail.as_ref()?.person.as_ref());
    let unnamed = refused.into_iter().all(|person| person.nhs_number != BILLIE);
    narrator.check(unnamed, "and nothing of Billie")
}

async fn no_purpose(stage: &Stage, narrator: &mut Narrator) -> Result<()> {
    narrator.step("The police officer asks about Alex for a purpose that no agreement gives the police")?;
    let officer = stage.desk("officer-17")?;
    let began = Instant::now();
    match ask::whole(&officer, about(ALEX)).await {
        Ok(_) => narrator.check(false, "the question is refused")?,
        Err(error) => {
            let reason = error
                .downcast_ref::<Fault>()
                .and_then(Fault::reason)
                .unwrap_or_default()
                .to_owned();
            narrator.say(crate::ending::sentence(&error))?;
            narrator.check(
                reason == "NOT_PERMITTED",
                "the question is refused, with what is not met, and recorded",
            )?;
            narrator.measure("refused", json!({ "reason": reason, "ms": millis(began) }));
        }
    }
    Ok(())
}

async fn audit(stage: &Stage, narrator: &mut Narrator) -> Result<()> {
    narrator.step("An information governance officer asks who saw Alex")?;
    let officer = stage.desk("igo-1")?;
    let seen = ledger::who_saw(&officer, person(ALEX)).await?;
    narrator.say(entries::table(&seen))?;
    let showed = seen
        .iter()
        .any(|entry| entry.practitioner == "officer-42" && !entry.shown.is_empty());
    narrator.check(
        showed,
        "the housing officer's looks are there, with what was shown at which level",
    )?;
    let refused = seen
        .iter()
        .any(|entry| entry.practitioner == "officer-17" && !entry.allowed);
    narrator.check(refused, "so is the police officer's refused question")?;
    narrator.measure("who_saw_entries", seen.len());

    narrator
        .step("The officer takes the ledger away and recomputes it with its public key, without trusting the hub")?;
    let began = Instant::now();
    let mut rows = Vec::new();
    let taken = ledger::take_away(&officer, ExportLedgerRequest::default(), |_, row| {
        rows.push(row);
        Ok(())
    });
    let (signed, key) = (taken.await?, stage.ledger_key()?);
    let check = |rows: &[Row]| verify(rows.iter().cloned().map(Ok::<_, Infallible>), &signed.evidence(), &key);
    match check(&rows) {
        Ok(verified) => {
            let root = hex::encode(verified.root);
            narrator.say(format_args!("{} entries, root {root}", verified.size))?;
            narrator.check(
                verified.size > 0,
                "every entry is what was signed, in order, none missing",
            )?;
            narrator.measure(
                "ledger",
                json!({ "entries": verified.size, "root": root, "ms": millis(began) }),
            );
        }
        Err(fault) => narrator.check(false, format_args!("the ledger is as it was signed ({fault})"))?,
    }
    let middle = rows.len() / 2;
    if let Some(byte) = rows.get_mut(middle).and_then(|row| row.entry.as_mut()?.last_mut()) {
        *byte ^= 1;
    }
    let named = check(&rows).err().and_then(|fault| fault.number());
    narrator.check(
        named.is_some_and(|number| usize::try_from(number) == Ok(middle)),
        format_args!("with one bit of entry {middle} changed, the same check names that entry"),
    )
}

/// Asks, shows and measures.
///
/// # Errors
/// What the hub refused, or why it could not be asked.
pub(super) async fn put(link: &Link, narrator: &mut Narrator, name: &str, question: Question) -> Result<Vec<Signal>> {
    let began = Instant::now();
    let answer = ask::whole(link, question).await?;
    let took = millis(began);
    match answer.signals.is_empty() {
        true => narrator.say("(nothing)")?,
        false => narrator.say(shown::table(&answer.signals))?,
    }
    let mut levels = Map::new();
    for level in [
        DisclosureLevel::Existence,
        DisclosureLevel::Headline,
        DisclosureLevel::Detail,
    ] {
        let count = answer.signals.iter().filter(|one| one.level() == level).count();
        levels.insert(words::level(level).to_owned(), Value::from(count));
    }
    levels.insert("ledger_entries".to_owned(), answer.ledger_entries.clone().into());
    levels.insert("ms".to_owned(), took);
    narrator.measure(name, levels);
    Ok(answer.signals)
}

/// Takes down what a person said about the purpose.
///
/// # Errors
/// What the hub refused, or why it could not be asked.
pub(super) async fn record(link: &Link, nhs_number: &str, stance: ConsentStance) -> Result<()> {
    let statement = ConsentStatement {
        person: Some(person(nhs_number)),
        stance: stance.into(),
        purposes: vec![PURPOSE.into()],
        method: ConsentMethod::Written.into(),
        evidence_reference: "FORM-221".into(),
        ..Default::default()
    };
    let request = RecordConsentRequest {
        statement: Some(statement),
    };
    link.consents()
        .record_consent(link.call(request)?)
        .await
        .map_err(|status| link.fault(status))?;
    Ok(())
}

/// The question about a person, by consent.
pub(super) fn about(nhs_number: &str) -> Question {
    Question {
        subject: Some(Subject::Person(person(nhs_number))),
        purpose: PURPOSE.into(),
        ..Default::default()
    }
}

/// Whom this number names.
pub(super) fn person(nhs_number: &str) -> PersonIdentity {
    PersonIdentity {
        nhs_number: nhs_number.into(),
        ..Default::default()
    }
}
