//! The whole walk: four agencies push, people say what they think of it, practitioners ask, and an information
//! governance officer finds all of it in the ledger, which anybody can check.

use std::convert::Infallible;

use jiff::SignedDuration;
use placehub_hub::ledger::verify::{self, Verified};
use placehub_proto::v1::{
    AskSignalsResponse, ConsentStance, DisclosureLevel, LedgerEntry, ListEntriesRequest, PushOutcome, Severity, Signal,
};
use tonic::Code;

use crate::harness::{
    Adjust as _, Client, Hub, Narrow as _, alex, arrears, asb_at, billie, casey, discharge, drew, grant,
    question_address, question_area, question_person, refused, signal, text,
};

const HOMELESSNESS: &str = "homelessness-prevention";
const DISORDER: &str = "asb-prevention";
const CASEYS_HOME: &str = "999000000105";
/// What must never stand in the ledger in the clear.
const PERSONAL: [&str; 9] = [
    "Alex",
    "Sample",
    "Billie",
    "Casey",
    "Madeup",
    "1958-03-14",
    "9990001006",
    "99900000010",
    "made-up line",
];

/// A hub to which all four agencies have pushed. Alex gave consent, Billie refused it, and Casey said nothing.
async fn given() -> Hub {
    let hub = Hub::fresh().await;
    let day = |days| hub.days_ago(days);
    let pushes = [
        ("health", discharge(alex(), day(2))),
        ("housing", arrears(alex(), day(3))),
        ("welfare", grant(alex(), day(4))),
        ("housing", arrears(billie(), day(3))),
        ("welfare", grant(billie(), day(5))),
        ("housing", arrears(casey(), day(6))),
        ("housing", signal("housing.notice-seeking-possession", casey(), day(5))),
        (
            "housing",
            signal("housing.asb-case", casey(), day(1)).with("case_type", text("noise")),
        ),
        ("welfare", grant(casey(), day(5))),
        ("welfare", grant(casey(), day(20))),
        ("police", asb_at(CASEYS_HOME, day(1))),
        ("police", signal("police.domestic-abuse-incident", casey(), day(1))),
        ("housing", arrears(drew(), day(1))),
    ];
    for (agency, draft) in pushes {
        let pushed = hub.adapter(agency).push(draft).await.unwrap();
        assert_eq!(pushed.outcome(), PushOutcome::Recorded);
    }
    let coordinator = hub.as_cast("coordinator-3");
    coordinator.says(alex(), ConsentStance::Given).await.unwrap();
    hub.as_cast("adviser-8")
        .says(billie(), ConsentStance::Refused)
        .await
        .unwrap();
    hub
}

/// Owner, level and kind of each line of an answer, in an order of its own.
fn lines(answer: &AskSignalsResponse) -> Vec<(&str, DisclosureLevel, &str)> {
    let mut lines: Vec<_> = answer
        .signals
        .iter()
        .map(|signal| (signal.owner_agency.as_str(), signal.level(), signal.kind.as_str()))
        .collect();
    lines.sort_by_key(|(owner, level, kind)| (*owner, *level as i32, *kind));
    lines
}

async fn newest(igo: &Client) -> Vec<LedgerEntry> {
    let request = ListEntriesRequest {
        page_size: 200,
        page_token: String::new(),
    };
    igo.ledger
        .clone()
        .list_entries(request)
        .await
        .unwrap()
        .into_inner()
        .entries
}

fn verify(entries: &[Vec<u8>], checkpoint: &str, hub: &Hub) -> Result<Verified, verify::Fault> {
    let entries = entries.iter().cloned().map(Ok::<_, Infallible>);
    verify::verify(entries, checkpoint, &hub.ledger_key.parse().unwrap())
}

#[tokio::test]
async fn with_consent_a_housing_officer_sees_what_the_agreement_says_and_no_more() {
    let hub = given().await;
    let officer = hub.as_cast("officer-42");
    let answer = officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
    let expected = [
        ("health", DisclosureLevel::Headline, "health.hospital-discharge"),
        ("housing", DisclosureLevel::Detail, "housing.rent-arrears"),
        ("welfare", DisclosureLevel::Detail, "welfare.crisis-grant"),
    ];
    assert_eq!(lines(&answer), expected);
    assert!(answer.next_page_token.is_empty());
    let kinds: Vec<_> = answer
        .signals
        .iter()
        .map(|signal| signal.owner_agency.as_str())
        .collect();
    assert_eq!(kinds, ["health", "housing", "welfare"], "not newest first");

    let headline = &answer.signals[0];
    assert!(headline.detail.is_none());
    assert_eq!(headline.severity(), Severity::Medium);
    assert_eq!(headline.area_code, "E01006369");
    assert!(headline.occurred_at.is_some() && !headline.id.is_empty());
    assert_eq!(headline.owner_contact, "health-desk@wigan.placehub.example");
    let detail = answer.signals[2].detail.as_ref().unwrap();
    assert_eq!(detail.attributes["pence"], crate::harness::integer(12_000));
    assert_eq!(detail.person.as_ref().unwrap().family_name, "Sample");
    assert_eq!(detail.uprn, "999000000101");
}

#[tokio::test]
async fn after_a_refusal_a_question_on_consent_alone_shows_nothing_not_even_ones_own() {
    let hub = given().await;
    for subject in ["officer-42", "adviser-8"] {
        let answer = hub
            .as_cast(subject)
            .ask(question_person(billie(), HOMELESSNESS))
            .await
            .unwrap();
        assert!(
            answer.signals.is_empty() && answer.next_page_token.is_empty(),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn where_nothing_was_said_the_other_agency_is_one_line_without_id_kind_or_date() {
    let hub = given().await;
    let officer = hub.as_cast("officer-42");
    let answer = officer.ask(question_person(casey(), HOMELESSNESS)).await.unwrap();
    let expected = [
        ("housing", DisclosureLevel::Detail, "housing.asb-case"),
        ("housing", DisclosureLevel::Detail, "housing.notice-seeking-possession"),
        ("housing", DisclosureLevel::Detail, "housing.rent-arrears"),
        ("welfare", DisclosureLevel::Existence, ""),
    ];
    assert_eq!(lines(&answer), expected);
    let line = answer
        .signals
        .iter()
        .find(|signal| signal.owner_agency == "welfare")
        .unwrap();
    let bare = Signal {
        level: DisclosureLevel::Existence.into(),
        owner_agency: "welfare".to_owned(),
        owner_contact: "welfare-desk@wigan.placehub.example".to_owned(),
        ..Signal::default()
    };
    assert_eq!(line, &bare);
}

#[tokio::test]
async fn a_police_officer_sees_an_address_at_three_levels() {
    let hub = given().await;
    let officer = hub.as_cast("officer-17");
    let question = question_address(CASEYS_HOME, DISORDER).under("cda-1998-s115");
    let answer = officer.ask(question.clone().case("LOG-1")).await.unwrap();
    let expected = [
        ("housing", DisclosureLevel::Existence, ""),
        (
            "housing",
            DisclosureLevel::Headline,
            "housing.notice-seeking-possession",
        ),
        ("housing", DisclosureLevel::Detail, "housing.asb-case"),
        ("police", DisclosureLevel::Detail, "police.asb-incident"),
        ("police", DisclosureLevel::Detail, "police.domestic-abuse-incident"),
    ];
    assert_eq!(lines(&answer), expected);
    // Without a case reference a restricted signal is shown at the headline, even to its own agency.
    let answer = officer.ask(question.clone()).await.unwrap();
    assert!(lines(&answer).contains(&("police", DisclosureLevel::Headline, "police.domestic-abuse-incident")));
    // The asker may want less than they could have: then everybody's line is one.
    let least = question.case("LOG-1").at_most(DisclosureLevel::Existence);
    let answer = officer.ask(least).await.unwrap();
    let expected = [
        ("housing", DisclosureLevel::Existence, ""),
        ("police", DisclosureLevel::Existence, ""),
    ];
    assert_eq!(lines(&answer), expected);
}

#[tokio::test]
async fn a_footprint_shows_the_week_of_those_who_gave_consent_and_nothing_of_other_footprints() {
    let hub = given().await;
    let adviser = hub.as_cast("adviser-8");
    let week = question_area("central", HOMELESSNESS, hub.days_ago(7));
    let answer = adviser.ask(week).await.unwrap();
    let others: Vec<_> = lines(&answer)
        .into_iter()
        .filter(|(owner, ..)| *owner != "welfare")
        .collect();
    let expected = [
        // Casey said nothing.
        ("housing", DisclosureLevel::Existence, ""),
        // Alex gave consent; in an area no more than the headline.
        ("housing", DisclosureLevel::Headline, "housing.rent-arrears"),
    ];
    assert_eq!(others, expected);
    let own = answer.signals.iter().filter(|signal| signal.owner_agency == "welfare");
    assert_eq!(
        own.count(),
        2,
        "Billie refused, and the grant of twenty days ago is not of this week"
    );

    let day = question_area("central", HOMELESSNESS, hub.days_ago(30)).until(hub.days_ago(19));
    let answer = adviser.ask(day).await.unwrap();
    assert_eq!(
        lines(&answer),
        [("welfare", DisclosureLevel::Detail, "welfare.crisis-grant")]
    );

    let leigh = question_area("leigh", HOMELESSNESS, hub.days_ago(7));
    let refusal = refused(adviser.ask(leigh).await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::PermissionDenied, "NOT_PERMITTED")
    );
}

#[tokio::test]
async fn a_question_that_no_agreement_takes_is_refused_with_the_reason_and_recorded() {
    let hub = given().await;
    let officer = hub.as_cast("officer-17");
    let questions = [
        // The police are no party.
        question_person(alex(), HOMELESSNESS),
        // The law was not named.
        question_address(CASEYS_HOME, DISORDER),
        // About a person only for a case.
        question_person(casey(), DISORDER).under("cda-1998-s115"),
        // Not this officer's patch.
        question_address("999000000109", DISORDER).under("cda-1998-s115"),
        // A law that the agreement does not rest on.
        question_address(CASEYS_HOME, DISORDER).under("vital-interests"),
    ];
    let igo = hub.as_cast("igo-1");
    for question in questions {
        let refusal = refused(officer.ask(question.clone()).await);
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::PermissionDenied, "NOT_PERMITTED"),
            "{question:?}"
        );
        assert!(refusal.message.len() > 20, "no reason was given: {refusal:?}");
        for personal in PERSONAL {
            assert!(!refusal.says(personal), "{refusal:?} says {personal}");
        }
        let entry = newest(&igo)
            .await
            .into_iter()
            .find(|entry| entry.action == "ask")
            .unwrap();
        assert_eq!(
            (entry.agency.as_str(), entry.practitioner.as_str()),
            ("police", "officer-17")
        );
        assert!(!entry.allowed && entry.shown.is_empty());
        assert_eq!(entry.refusal, refusal.message);
        assert_eq!(entry.purpose, question.purpose);
    }
    // Who may not ask is told the same of somebody whom the hub has never heard of.
    let known = refused(officer.ask(question_person(alex(), HOMELESSNESS)).await);
    let unknown = refused(
        officer
            .ask(question_person(crate::harness::emery(), HOMELESSNESS))
            .await,
    );
    assert_eq!(known.message, unknown.message);
}

#[tokio::test]
async fn governance_sees_who_saw_a_person_and_never_a_signal() {
    let hub = given().await;
    let (officer, adviser) = (hub.as_cast("officer-42"), hub.as_cast("adviser-8"));
    let asked = officer
        .ask(question_person(alex(), HOMELESSNESS).case("CASE-7"))
        .await
        .unwrap();
    let other = adviser.ask(question_person(billie(), HOMELESSNESS)).await.unwrap();
    let passing = adviser
        .ask(question_address("999000000101", HOMELESSNESS))
        .await
        .unwrap();

    let igo = hub.as_cast("igo-1");
    let saw = igo.who_saw(alex()).await.unwrap();
    let asks: Vec<_> = saw.entries.iter().filter(|entry| entry.action == "ask").collect();
    let numbers: Vec<_> = asks.iter().map(|entry| entry.number).collect();
    assert_eq!(
        numbers,
        [passing.ledger_entry, asked.ledger_entry],
        "not newest first, or not all"
    );
    assert!(!numbers.contains(&other.ledger_entry));
    let entry = asks[1];
    assert_eq!((entry.agency.as_str(), entry.workload.as_str()), ("housing", "desk"));
    assert_eq!(
        (entry.practitioner.as_str(), entry.roles.as_slice()),
        ("officer-42", &["housing-officer".to_owned()][..])
    );
    assert_eq!(
        (entry.subject.as_str(), entry.purpose.as_str()),
        ("person", HOMELESSNESS)
    );
    assert_eq!(
        (entry.gateway.as_str(), entry.case_reference.as_str()),
        ("none", "CASE-7")
    );
    assert_eq!(entry.agreements, [HOMELESSNESS]);
    assert!(entry.allowed && entry.refusal.is_empty());
    assert_eq!((entry.policy_digest.len(), entry.certificate.len()), (64, 64));
    let told: Vec<_> = asked
        .signals
        .iter()
        .map(|signal| (signal.id.as_str(), signal.level))
        .collect();
    let shown: Vec<_> = entry
        .shown
        .iter()
        .map(|shown| (shown.signal_id.as_str(), shown.level))
        .collect();
    assert_eq!(shown, told);

    // What was held back from the adviser, who was not told of it, is counted here.
    let billies = igo.who_saw(billie()).await.unwrap();
    let entry = billies
        .entries
        .iter()
        .find(|entry| entry.number == other.ledger_entry)
        .unwrap();
    assert_eq!((entry.shown.len(), entry.withheld), (0, 2));

    let refusal = refused(igo.ask(question_person(alex(), HOMELESSNESS)).await);
    assert_eq!(refusal.reason, "NOT_PERMITTED");
    for subject in ["officer-17", "officer-42", "coordinator-3", "adviser-8", "lead-police"] {
        let refusal = refused(hub.as_cast(subject).who_saw(alex()).await);
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::PermissionDenied, "NOT_PERMITTED")
        );
    }
}

#[tokio::test]
async fn the_exported_ledger_proves_itself_and_any_change_to_it() {
    let hub = given().await;
    let officer = hub.as_cast("officer-42");
    let asked = officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
    refused(
        hub.as_cast("officer-17")
            .ask(question_person(alex(), HOMELESSNESS))
            .await,
    );
    let igo = hub.as_cast("igo-1");
    let (entries, head) = igo.export().await.unwrap();
    let verified = verify(&entries, &head, &hub).unwrap();
    assert_eq!(verified.size, entries.len() as u64);
    assert!(verified.size > asked.ledger_entry);
    assert_eq!(verified.last_at, Some(hub.place.clock.now()));

    let mut changed = entries.clone();
    let spot = changed[3].len() / 2;
    changed[3][spot] ^= 1;
    verify(&changed, &head, &hub).unwrap_err();
    let mut dropped = entries.clone();
    dropped.remove(2);
    verify(&dropped, &head, &hub).unwrap_err();
    let mut swapped = entries.clone();
    swapped.swap(4, 5);
    verify(&swapped, &head, &hub).unwrap_err();
    let another = Hub::fresh().await;
    verify(&entries, &head, &another).unwrap_err();

    // Every later head speaks for the same entries.
    hub.place.clock.advance(SignedDuration::from_mins(1));
    officer.ask(question_person(billie(), HOMELESSNESS)).await.unwrap();
    let (longer, head) = igo.export().await.unwrap();
    verify(&longer, &head, &hub).unwrap();
    assert_eq!(longer[..entries.len()], entries[..]);
}

#[tokio::test]
async fn the_ledger_names_nobody_and_holds_no_content() {
    let hub = given().await;
    for subject in ["officer-42", "adviser-8"] {
        let caller = hub.as_cast(subject);
        for who in [alex(), billie(), casey(), drew()] {
            caller.ask(question_person(who, HOMELESSNESS)).await.unwrap();
        }
        caller.ask(question_address(CASEYS_HOME, HOMELESSNESS)).await.unwrap();
    }
    let (entries, _) = hub.as_cast("igo-1").export().await.unwrap();
    assert!(entries.len() > 20);
    for entry in entries {
        let text = String::from_utf8(entry).unwrap();
        for personal in PERSONAL {
            assert!(!text.contains(personal), "{text} says {personal}");
        }
    }
}
