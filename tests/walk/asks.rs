//! What practitioners see of what was pushed, and what they are told when they may not ask.

use placehub_proto::v1::{DisclosureLevel, Severity, Signal};
use tonic::Code;

use super::{CASEYS_HOME, DISORDER, HOMELESSNESS, PERSONAL, given, lines, newest};
use crate::harness::{
    Narrow as _, alex, billie, casey, emery, integer, question_address, question_area, question_person, refused,
};

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
    assert_eq!(detail.attributes["pence"], integer(12_000));
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
    // Alex gave consent: in an area no more than the headline. Casey said nothing, and of an area no line says that an
    // agency knows somebody in it.
    let expected = [("housing", DisclosureLevel::Headline, "housing.rent-arrears")];
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
    let unknown = refused(officer.ask(question_person(emery(), HOMELESSNESS)).await);
    assert_eq!(known.message, unknown.message);
}
