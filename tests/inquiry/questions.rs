//! Each question of an officer: what it answers, in which window, and that nobody else may put it.

use jiff::SignedDuration;
use placehub_certs::Own;
use placehub_proto::v1::{
    AskedBy, DisclosureLevel, GetEntryRequest, LeftUnder, MakeAccessLogRequest, NearSelf, Refusals, WhoSawRequest,
    WithoutCase, examine_request::Question,
};
use tonic::Code;

use super::{DISORDER, HOMELESSNESS, examine, given, last, numbers, period};
use crate::harness::{
    Hub, Narrow as _, Practitioner, alex, arrears, billie, cast, known_as, only, question_address, question_area,
    question_person, refused,
};

const ALL: (Option<placehub_proto::v1::Period>, Option<u32>) = (None, None);

fn asked_by(agency: &str, practitioner: &str) -> Question {
    Question::AskedBy(AskedBy {
        agency: agency.to_owned(),
        practitioner: practitioner.to_owned(),
    })
}

fn left_under(agreement: &str) -> Question {
    Question::LeftUnder(LeftUnder {
        agreement: agreement.to_owned(),
    })
}

fn questions() -> [(Question, &'static str); 5] {
    [
        (asked_by("housing", "officer-42"), "asked-by"),
        (left_under(HOMELESSNESS), "left-under"),
        (Question::Refusals(Refusals {}), "refusals"),
        (Question::WithoutCase(WithoutCase {}), "without-case"),
        (Question::NearSelf(NearSelf {}), "near-self"),
    ]
}

#[tokio::test]
async fn only_an_officer_of_governance_may_put_a_question_and_each_is_recorded() {
    let hub = given().await;
    let igo = hub.as_cast("igo-1");
    for (question, action) in questions() {
        for subject in ["officer-17", "officer-42", "adviser-8", "lead-police"] {
            let refusal = refused(examine(&hub.as_cast(subject), question.clone(), ALL).await);
            assert_eq!(refusal.code, Code::PermissionDenied, "{subject} may put {action}");
            let entry = last(&hub).await;
            assert_eq!((entry.action.as_str(), entry.allowed), (action, false));
            assert_eq!(entry.practitioner, subject);
        }
        examine(&igo, question, ALL).await.unwrap();
        let entry = last(&hub).await;
        assert_eq!((entry.action.as_str(), entry.allowed), (action, true));
    }
    let desk = hub.desk("housing", "officer-42", &["ig-officer"], &[]);
    let request = GetEntryRequest { number: 0 };
    let refusal = refused(desk.ledger.clone().get_entry(request).await);
    assert_eq!(refusal.reason, "NOT_PERMITTED");
}

#[tokio::test]
async fn what_a_practitioner_asked_is_told_with_counts_by_day_and_in_its_window() {
    let hub = given().await;
    let officer = hub.as_cast("officer-42");
    let question = || question_person(alex(), HOMELESSNESS);
    let first = officer.ask(question()).await.unwrap().ledger_entry;
    refused(officer.ask(question_person(alex(), "serious-violence-reduction")).await);
    hub.as_cast("adviser-8").ask(question()).await.unwrap();
    // Another agency's officer of the same name is another practitioner.
    refused(
        hub.desk("police", "officer-42", &["constable"], &[])
            .ask(question())
            .await,
    );
    hub.place.clock.advance(SignedDuration::from_hours(24));
    let middle = hub.place.clock.now();
    let second = officer.ask(question()).await.unwrap();

    let igo = hub.as_cast("igo-1");
    let (entries, counts) = examine(&igo, asked_by("housing", "officer-42"), ALL).await.unwrap();
    assert_eq!(numbers(&entries), [second.ledger_entry, first + 1, first]);
    let counted: Vec<_> = counts.iter().map(|count| (count.entries, count.refused)).collect();
    assert_eq!(counted, [(2, 1), (1, 0)]);
    assert!(counts[0].day < counts[1].day && counts[1].day.len() == 10);
    assert_eq!(counts[1].signals, second.signals.len() as u64);
    let entry = last(&hub).await;
    assert_eq!(entry.sought, "housing/officer-42");

    let day = SignedDuration::from_hours(24);
    let window = period(middle, middle + day);
    let (entries, _) = examine(&igo, asked_by("housing", "officer-42"), (window, None))
        .await
        .unwrap();
    assert_eq!(numbers(&entries), [second.ledger_entry]);
    let entry = last(&hub).await;
    assert_eq!((entry.since, entry.until), (Some(middle), Some(middle + day)));
    let earlier = period(middle - day, middle);
    let (entries, counts) = examine(&igo, asked_by("housing", "officer-42"), (earlier, Some(1)))
        .await
        .unwrap();
    assert_eq!(numbers(&entries), [first + 1], "no more than was asked for");
    assert_eq!(counts[0].entries, 2, "and the counts over all");

    let backwards = period(middle, middle - day);
    let refusal = refused(examine(&igo, asked_by("housing", "officer-42"), (backwards, None)).await);
    assert_eq!(refusal.fields, ["period.until"]);
}

#[tokio::test]
async fn what_left_under_an_agreement_is_counted_by_recipient_kind_and_level() {
    let hub = given().await;
    let officer = hub.as_cast("officer-42");
    let answer = officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
    let since = hub.days_ago(30);
    let area = question_area("E01006369", DISORDER, since)
        .under("cda-1998-s115")
        .case("C-1");
    hub.as_cast("officer-17").ask(area).await.unwrap();
    let igo = hub.as_cast("igo-1");
    let (entries, counts) = examine(&igo, left_under(HOMELESSNESS), ALL).await.unwrap();
    assert_eq!(numbers(&entries), [answer.ledger_entry]);
    assert!(counts.iter().all(|count| count.agency == "housing"), "{counts:?}");
    let arrears = counts
        .iter()
        .find(|count| count.kind == "housing.rent-arrears")
        .unwrap();
    assert_eq!(
        (arrears.level(), arrears.signals, arrears.entries),
        (DisclosureLevel::Detail, 1, 1)
    );
    let (entries, _) = examine(&igo, left_under(DISORDER), ALL).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].practitioner, "officer-17");
    let (entries, counts) = examine(&igo, left_under("safeguarding-adults"), ALL).await.unwrap();
    assert!(entries.is_empty() && counts.is_empty());
}

#[tokio::test]
async fn refusals_and_questions_without_a_case_are_found_over_more_than_one_chunk() {
    let hub = given().await;
    let (officer, constable) = (hub.as_cast("officer-42"), hub.as_cast("officer-17"));
    let named = officer
        .ask(question_person(alex(), HOMELESSNESS).case("C-1"))
        .await
        .unwrap();
    let unnamed = officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
    refused(constable.ask(question_person(alex(), HOMELESSNESS)).await);
    // Enough other entries that the log is not read in one go.
    let adapter = hub.adapter("housing");
    for _ in 0..300 {
        adapter.retract("never-pushed", 9).await.unwrap();
    }
    let igo = hub.as_cast("igo-1");
    let (entries, counts) = examine(&igo, Question::Refusals(Refusals {}), ALL).await.unwrap();
    assert_eq!(numbers(&entries), [unnamed.ledger_entry + 1]);
    assert_eq!(
        (counts.len(), counts[0].agency.as_str(), counts[0].refused),
        (1, "police", 1)
    );
    assert!(counts[0].reason.starts_with("NOT_PERMITTED: "), "{}", counts[0].reason);
    let (entries, counts) = examine(&igo, Question::WithoutCase(WithoutCase {}), ALL).await.unwrap();
    assert_eq!(numbers(&entries), [unnamed.ledger_entry + 1, unnamed.ledger_entry]);
    assert!(!numbers(&entries).contains(&named.ledger_entry));
    assert_eq!(counts.len(), 2, "one line a practitioner");
}

#[tokio::test]
async fn who_asks_about_a_name_or_a_home_of_their_own_is_flagged_and_the_unknown_is_not() {
    let hub = Hub::fresh().await;
    let own = |family: &str, uprn: Option<&str>, postcode: Option<&str>| Practitioner {
        own: Own {
            family_name: (!family.is_empty()).then(|| family.to_owned()),
            uprn: uprn.map(str::to_owned),
            postcode: postcode.map(str::to_owned),
        },
        ..cast("officer-42")
    };
    let ask = async |who: Practitioner, question| hub.practitioner(who).ask(question).await.unwrap().ledger_entry;
    let of_alex = || question_person(alex(), HOMELESSNESS);
    let same_name = ask(own("SÁMPLE", None, None), of_alex()).await;
    ask(own("Other", Some("999000000102"), Some("WN1 1AA")), of_alex()).await;
    ask(own("", None, None), of_alex()).await;
    let home = ask(
        own("", Some("999000000101"), None),
        question_address("999000000101", HOMELESSNESS),
    )
    .await;
    let street = ask(
        own("Other", None, Some("wn999aa")),
        question_person(billie(), HOMELESSNESS),
    )
    .await;

    let igo = hub.as_cast("igo-1");
    let (entries, counts) = examine(&igo, Question::NearSelf(NearSelf {}), ALL).await.unwrap();
    assert_eq!(numbers(&entries), [street, home, same_name]);
    let mut reasons: Vec<_> = counts
        .iter()
        .map(|count| (count.reason.as_str(), count.entries))
        .collect();
    reasons.sort_unstable();
    let expected = [
        "not known",
        "nothing shared",
        "same address",
        "same name",
        "same postcode",
    ];
    assert_eq!(reasons, expected.map(|reason| (reason, 1)));
    for entry in entries {
        let raw = String::from_utf8(entry.raw).unwrap().to_uppercase();
        for value in ["SÁMPLE", "SAMPLE\"", "999000000101", "WN99"] {
            assert!(!raw.contains(value), "{value} stands in {raw}");
        }
    }
}

#[tokio::test]
async fn who_saw_a_person_is_told_for_a_window_page_by_page() {
    let hub = given().await;
    let officer = hub.as_cast("officer-42");
    let mut asked = Vec::new();
    for _ in 0..4 {
        hub.place.clock.advance(SignedDuration::from_mins(1));
        let answer = officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
        asked.push((hub.place.clock.now(), answer.ledger_entry));
    }
    let igo = hub.as_cast("igo-1");
    let mut request = WhoSawRequest {
        person: Some(alex()),
        page_size: 1,
        period: period(asked[1].0, asked[3].0),
        ..WhoSawRequest::default()
    };
    let first = igo.ledger.clone().who_saw(request.clone()).await.unwrap().into_inner();
    assert_eq!(numbers(&first.entries), [asked[2].1]);
    request.page_token = first.next_page_token;
    let second = igo.ledger.clone().who_saw(request.clone()).await.unwrap().into_inner();
    assert_eq!(
        (numbers(&second.entries), second.next_page_token.as_str()),
        (vec![asked[1].1], "")
    );
    // A token is of its window.
    request.period = None;
    let refusal = refused(igo.ledger.clone().who_saw(request).await);
    assert_eq!(refusal.reason, "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn a_person_is_found_by_the_reference_of_the_agency_that_is_named_and_of_no_other() {
    let hub = Hub::fresh().await;
    let (housing, officer) = (hub.adapter("housing"), hub.as_cast("officer-42"));
    housing
        .push(arrears(known_as("T-1", alex()), hub.days_ago(2)))
        .await
        .unwrap();
    let asked = officer
        .ask(question_person(alex(), HOMELESSNESS))
        .await
        .unwrap()
        .ledger_entry;
    let igo = hub.as_cast("igo-1");
    let who_saw = async |agency: &str, page_token: &str| {
        let request = WhoSawRequest {
            person: Some(only("T-1")),
            references_of: agency.to_owned(),
            page_token: page_token.to_owned(),
            page_size: 1,
            ..WhoSawRequest::default()
        };
        let page = igo.ledger.clone().who_saw(request).await;
        page.map(|page| page.into_inner())
    };
    let first = who_saw("housing", "").await.unwrap();
    let second = who_saw("housing", &first.next_page_token).await.unwrap();
    assert!(numbers(&second.entries).contains(&asked), "{second:?}");
    assert_eq!(
        refused(who_saw("police", &first.next_page_token).await).reason,
        "PAGE_TOKEN_INVALID"
    );
    for agency in ["", "police"] {
        let looks = who_saw(agency, "").await.unwrap();
        assert_eq!(looks.entries[0].action, "who-saw");
        assert_eq!(looks.next_page_token, "", "{agency} has no such reference");
    }
    for agency in ["nobody", "Not An Agency"] {
        assert_eq!(refused(who_saw(agency, "").await).fields, ["references_of"]);
    }
    let request = MakeAccessLogRequest {
        person: Some(only("T-1")),
        references_of: "housing".to_owned(),
        ..MakeAccessLogRequest::default()
    };
    let mut lines = igo.ledger.clone().make_access_log(request).await.unwrap().into_inner();
    assert_eq!(lines.message().await.unwrap().unwrap().number, asked);
}

#[tokio::test]
async fn one_entry_tells_by_which_rules_it_was_decided_and_whether_consent_stood() {
    let hub = given().await;
    let officer = hub.as_cast("officer-42");
    let says = placehub_proto::v1::ConsentStance::Given;
    officer.says(alex(), says).await.unwrap();
    let asked = officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
    let igo = hub.as_cast("igo-1");
    let request = GetEntryRequest {
        number: asked.ledger_entry,
    };
    let shown = igo.ledger.clone().get_entry(request).await.unwrap().into_inner();
    assert!(shown.policies_in_force);
    assert!(!shown.rules.is_empty() && shown.rules.iter().all(|rule| !rule.reason.is_empty()));
    assert!(shown.rules.iter().any(|rule| rule.agreement == HOMELESSNESS));
    let entry = placehub_hub::ledger::Entry::parse(&shown.entry.unwrap().raw).unwrap();
    assert!(entry.classes.iter().all(|class| class.consent.word() == "given"));
    let look = last(&hub).await;
    assert_eq!(
        (look.action.as_str(), look.sought),
        ("show-entry", asked.ledger_entry.to_string())
    );
    let nowhere = GetEntryRequest { number: 9999 };
    assert_eq!(
        refused(igo.ledger.clone().get_entry(nowhere).await).reason,
        "NO_SUCH_ENTRY"
    );
}
