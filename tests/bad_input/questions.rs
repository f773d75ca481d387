//! Bad input in questions. Each is refused alike when it is asked once and when it is kept open.

use jiff::ToSpan as _;
use placehub_hub::wire::timestamp;
use placehub_proto::v1::{
    CheckQuestionRequest, PersonIdentity, Question, QuestionSort, SubjectSort, question::Subject,
};
use tonic::Code;

use super::{HOMELESSNESS, Wall};
use crate::harness::{alex, refused};

#[tokio::test]
async fn a_purpose_that_the_catalogue_has_not_is_refused() {
    let wall = Wall::new().await;
    for wrong in ["", "curiosity", "Alex Sample", "homelessness-prevention "] {
        let change = |question: &mut Question| question.purpose = wrong.to_owned();
        // The purpose that is nearly right holds a part of the rule's own words.
        let secret = wrong.trim_end();
        wall.refuses_question(change, &["question.purpose"], secret).await;
    }
}

#[tokio::test]
async fn a_gateway_that_the_catalogue_has_not_is_refused() {
    let wall = Wall::new().await;
    let change = |question: &mut Question| question.gateway = "royal-warrant".to_owned();
    wall.refuses_question(change, &["question.gateway"], "royal-warrant")
        .await;
}

#[tokio::test]
async fn a_kind_in_a_question_is_one_of_the_catalogue_and_there_are_at_most_32() {
    let wall = Wall::new().await;
    let change = |question: &mut Question| question.kinds = vec!["housing.unheard-of".to_owned()];
    wall.refuses_question(change, &["question.kinds"], "unheard-of").await;
    let change = |question: &mut Question| question.kinds = vec!["housing.eviction".to_owned(); 33];
    wall.refuses_question(change, &["question.kinds"], "").await;
}

#[tokio::test]
async fn a_question_is_about_somebody_or_somewhere() {
    let wall = Wall::new().await;
    let change = |question: &mut Question| question.subject = None;
    wall.refuses_question(change, &["question.subject"], "").await;
    let change = |question: &mut Question| question.subject = Some(Subject::Person(PersonIdentity::default()));
    wall.refuses_question(change, &["question.person"], "").await;
}

#[tokio::test]
async fn the_subject_of_a_question_keeps_the_rules_of_a_push() {
    let wall = Wall::new().await;
    let wrong = PersonIdentity {
        nhs_number: "9990001007".to_owned(),
        ..alex()
    };
    let change = |question: &mut Question| question.subject = Some(Subject::Person(wrong));
    wall.refuses_question(change, &["question.person.nhs_number"], "9990001007")
        .await;
    for wrong in ["", "99900000010x", "9990000001011"] {
        let change = |question: &mut Question| question.subject = Some(Subject::Uprn(wrong.to_owned()));
        wall.refuses_question(change, &["question.uprn"], wrong).await;
    }
    for wrong in ["", "atlantis"] {
        let since = timestamp(wall.hub.days_ago(7));
        let change = |question: &mut Question| {
            question.subject = Some(Subject::AreaCode(wrong.to_owned()));
            question.since = Some(since);
        };
        wall.refuses_question(change, &["question.area_code"], wrong).await;
    }
}

#[tokio::test]
async fn a_question_about_an_area_has_a_beginning() {
    let wall = Wall::new().await;
    let change = |question: &mut Question| question.subject = Some(Subject::AreaCode("central".to_owned()));
    wall.refuses_question(change, &["question.since"], "").await;
}

#[tokio::test]
async fn a_question_ends_after_it_begins() {
    let wall = Wall::new().await;
    let since = wall.hub.days_ago(7);
    for until in [since, since - 1.second()] {
        let change = |question: &mut Question| {
            question.since = Some(timestamp(since));
            question.until = Some(timestamp(until));
        };
        wall.refuses_question(change, &["question.until"], "").await;
    }
}

#[tokio::test]
async fn a_watch_has_no_end() {
    let wall = Wall::new().await;
    let mut question = wall.question();
    question.until = Some(timestamp(wall.hub.days_ago(-1)));
    wall.refuses(wall.officer.watch(question, ""), &["question.until"], "")
        .await;
}

#[tokio::test]
async fn a_case_reference_has_at_most_64_characters() {
    let wall = Wall::new().await;
    let change = |question: &mut Question| question.case_reference = "Alex".repeat(17);
    wall.refuses_question(change, &["question.case_reference"], "Alex")
        .await;
}

#[tokio::test]
async fn a_level_that_the_hub_does_not_know_is_never_taken_for_all() {
    let wall = Wall::new().await;
    for wrong in [4, -1, 77] {
        let change = |question: &mut Question| question.level = wrong;
        wall.refuses_question(change, &["question.level"], "").await;
    }
}

#[tokio::test]
async fn a_sort_of_question_keeps_the_rules_of_a_question() {
    let wall = Wall::new().await;
    let right = QuestionSort {
        subject: SubjectSort::Person.into(),
        purpose: HOMELESSNESS.to_owned(),
        ..QuestionSort::default()
    };
    let check = async |sort: Option<QuestionSort>| {
        let request = CheckQuestionRequest { question: sort };
        wall.officer.policies.clone().check_question(request).await
    };
    assert!(check(Some(right.clone())).await.unwrap().get_ref().allowed);
    let wrong = [
        (None, "question"),
        (
            Some(QuestionSort {
                subject: 9,
                ..right.clone()
            }),
            "question.subject",
        ),
        (
            Some(QuestionSort {
                purpose: "curiosity".to_owned(),
                ..right.clone()
            }),
            "question.purpose",
        ),
        (
            Some(QuestionSort {
                gateway: "royal-warrant".to_owned(),
                ..right.clone()
            }),
            "question.gateway",
        ),
        (
            Some(QuestionSort {
                area_code: "atlantis".to_owned(),
                ..right.clone()
            }),
            "question.area_code",
        ),
    ];
    for (sort, field) in wrong {
        wall.refuses(check(sort), &[field], "").await;
    }
}

#[tokio::test]
async fn a_question_without_a_practitioner_is_refused() {
    let wall = Wall::new().await;
    let refusal = wall.leaves_no_trace(wall.adapter.ask(wall.question())).await;
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::Unauthenticated, "TOKEN_MISSING")
    );
    let refusal = refused(wall.adapter.watch(wall.question(), "").await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::Unauthenticated, "TOKEN_MISSING")
    );
}
