//! What may not be seen leaves no trace: the same answers, pages, tokens and refusals whether it is there or not.

use std::collections::BTreeMap;

use placehub_proto::v1::{
    AskSignalsResponse, CheckQuestionRequest, ConsentStance, DisclosureLevel, ExplainQuestionRequest,
    ListConsentsRequest, PersonIdentity, Question, QuestionSort, Signal, SubjectSort, WatchSignalsResponse,
};
use prost::Message as _;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::{
    Adjust, Client, Hub, Narrow, Watcher, alex, arrears, asb_at, billie, casey, drew, emery, grant, question_address,
    question_area, question_person, refused, signal,
};

use ConsentStance::{Given, Refused, Withdrawn};

const PURPOSE: &str = "homelessness-prevention";
const GATEWAY: &str = "cda-1998-s115";
const DISORDER: &str = "asb-prevention";

/// An answer as far as its reader could compare two: every byte but the number of the ledger entry, and of the token,
/// which is never the same twice, whether there is one and how long it is.
fn trace(answer: AskSignalsResponse) -> (Vec<u8>, usize) {
    let length = answer.next_page_token.len();
    let bare = AskSignalsResponse {
        next_page_token: String::new(),
        ledger_entry: 0,
        ..answer
    };
    (bare.encode_to_vec(), length)
}

/// All pages of a question.
async fn pages(client: &Client, question: &Question, size: i32) -> Vec<AskSignalsResponse> {
    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let page = client.ask_page(question.clone(), size, &token).await.unwrap();
        token.clone_from(&page.next_page_token);
        pages.push(page);
        if token.is_empty() {
            return pages;
        }
    }
}

async fn traces(client: &Client, question: &Question, size: i32) -> Vec<(Vec<u8>, usize)> {
    pages(client, question, size).await.into_iter().map(trace).collect()
}

/// How many signals above existence level each page has, and how long its token is.
fn shape(pages: &[AskSignalsResponse]) -> Vec<(usize, usize)> {
    let dated = |signal: &&Signal| signal.level() > DisclosureLevel::Existence;
    let shape = |page: &AskSignalsResponse| (page.signals.iter().filter(dated).count(), page.next_page_token.len());
    pages.iter().map(shape).collect()
}

#[tokio::test]
async fn somebody_hidden_and_somebody_unknown_get_the_same_answer() {
    let hub = Hub::fresh().await;
    let (housing, adviser) = (hub.adapter("housing"), hub.as_cast("adviser-8"));
    for days in 1..=7 {
        housing.push(arrears(billie(), hub.days_ago(days))).await.unwrap();
        let sanction = signal("welfare.benefit-sanction", emery(), hub.days_ago(days));
        hub.adapter("welfare").push(sanction).await.unwrap();
    }
    adviser.says(billie(), Refused).await.unwrap();
    adviser.says(casey(), Withdrawn).await.unwrap();
    for size in [1, 3, 200] {
        let unknown = traces(&adviser, &question_person(drew(), PURPOSE), size).await;
        for who in [billie(), casey(), emery()] {
            let hidden = traces(&adviser, &question_person(who, PURPOSE), size).await;
            assert_eq!(hidden, unknown, "pages of {size}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_the_same_whoever_is_asked_about() {
    let hub = Hub::fresh().await;
    let housing = hub.adapter("housing");
    housing.push(arrears(alex(), hub.days_ago(1))).await.unwrap();
    housing.push(arrears(billie(), hub.days_ago(1))).await.unwrap();
    hub.as_cast("adviser-8").says(alex(), Given).await.unwrap();
    hub.as_cast("adviser-8").says(billie(), Refused).await.unwrap();
    let police = hub.as_cast("officer-17");
    let mut seen = Vec::new();
    for who in [alex(), billie(), drew()] {
        let status = police.ask(question_person(who.clone(), PURPOSE)).await.unwrap_err();
        let watched = police.watch(question_person(who, PURPOSE), "").await;
        let ended = match watched {
            Ok(mut stream) => stream.message().await.unwrap_err(),
            Err(status) => status,
        };
        assert_eq!(status.code(), Code::PermissionDenied);
        // The explanation is a map, whose order in the bytes is chance. So it is put in order, and the lengths compared.
        let parts = |status: &tonic::Status| {
            let info = status.get_error_details().error_info().cloned().unwrap();
            let explained: BTreeMap<_, _> = info.metadata.into_iter().collect();
            let details = (info.reason, explained, status.details().len());
            (status.code(), status.message().to_owned(), details)
        };
        seen.push((parts(&status), parts(&ended)));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

#[tokio::test]
async fn an_address_and_an_area_with_hidden_signals_are_like_empty_ones() {
    let hub = Hub::fresh().await;
    let (police, officer) = (hub.adapter("police"), hub.as_cast("officer-42"));
    for days in 1..=5 {
        let hidden = signal("police.violence-incident", billie(), hub.days_ago(days));
        police.push(hidden).await.unwrap();
    }
    let since = hub.days_ago(30);
    let address = |uprn: &str| question_address(uprn, DISORDER).under(GATEWAY);
    let area = |code: &str| question_area(code, DISORDER, since).under(GATEWAY);
    for size in [1, 3, 200] {
        let empty = traces(&officer, &address("999000000104"), size).await;
        assert_eq!(traces(&officer, &address("999000000102"), size).await, empty);
        let empty = traces(&officer, &area("E01006375"), size).await;
        for code in ["E01006369", "central"] {
            assert_eq!(traces(&officer, &area(code), size).await, empty, "{code}");
        }
    }
}

#[tokio::test]
async fn pages_are_full_however_much_is_hidden_between_what_is_shown() {
    let hub = Hub::fresh().await;
    let (police, officer) = (hub.adapter("police"), hub.as_cast("officer-42"));
    for number in 0..9 {
        let at = hub.days_ago(number + 1);
        police.push(asb_at("999000000101", at)).await.unwrap();
        police.push(asb_at("999000000104", at)).await.unwrap();
        for _ in 0..number {
            let hidden = signal("police.violence-incident", alex(), at);
            police.push(hidden.at("999000000101")).await.unwrap();
        }
    }
    for size in 1..=10 {
        let question = |uprn: &str| question_address(uprn, DISORDER).under(GATEWAY);
        let mixed = shape(&pages(&officer, &question("999000000101"), size).await);
        let plain = shape(&pages(&officer, &question("999000000104"), size).await);
        assert_eq!(mixed, plain, "pages of {size}");
        let (last, full) = mixed.split_last().unwrap();
        assert!(full.iter().all(|(count, _)| *count == size as usize) && last.0 > 0);
    }
}

#[tokio::test]
async fn a_line_at_existence_level_tells_the_agency_and_nothing_else() {
    let hub = Hub::fresh().await;
    let (housing, adviser) = (hub.adapter("housing"), hub.as_cast("adviser-8"));
    let own = hub.adapter("welfare");
    for (days, who) in [(1, casey()), (9, casey()), (20, casey()), (5, emery())] {
        housing.push(arrears(who, hub.days_ago(days))).await.unwrap();
    }
    for who in [casey(), emery()] {
        for days in [2, 10, 11] {
            own.push(grant(who.clone(), hub.days_ago(days)).id(&format!("{}-{days}", who.family_name)))
                .await
                .unwrap();
        }
    }
    for size in [1, 2, 3, 200] {
        let mut lines = Vec::new();
        for who in [casey(), emery()] {
            let pages = pages(&adviser, &question_person(who, PURPOSE), size).await;
            let signals = pages.iter().flat_map(|page| page.signals.clone());
            let found: Vec<_> = signals
                .filter(|signal| signal.level() == DisclosureLevel::Existence)
                .collect();
            lines.push((found, shape(&pages)));
        }
        assert_eq!(lines[0], lines[1], "three signals and one look the same");
        let expected = Signal {
            level: DisclosureLevel::Existence.into(),
            owner_agency: "housing".to_owned(),
            owner_contact: "housing-desk@wigan.placehub.example".to_owned(),
            ..Signal::default()
        };
        assert_eq!(lines[0].0, [expected], "one line in all pages of {size}");
    }
}

#[tokio::test]
async fn a_narrowed_question_is_no_probe_for_what_stands_behind_a_line() {
    let hub = Hub::fresh().await;
    let (housing, adviser) = (hub.adapter("housing"), hub.as_cast("adviser-8"));
    housing.push(arrears(casey(), hub.days_ago(10))).await.unwrap();
    let plain = || question_person(casey(), PURPOSE);
    let mut seen = Vec::new();
    for days in [1, 5, 9, 11, 20] {
        seen.push(trace(adviser.ask(plain().since(hub.days_ago(days))).await.unwrap()));
        seen.push(trace(adviser.ask(plain().until(hub.days_ago(days))).await.unwrap()));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "a window dates the line");
    let mut seen = Vec::new();
    for kind in ["housing.rent-arrears", "housing.notice-seeking-possession"] {
        seen.push(trace(adviser.ask(plain().only(&[kind])).await.unwrap()));
    }
    assert_eq!(seen[0], seen[1], "a list of kinds names the line's");
}

#[tokio::test]
async fn what_the_rules_say_is_the_same_before_and_after_anything_is_known() {
    let hub = Hub::fresh().await;
    let adviser = hub.as_cast("adviser-8");
    let before = outlook(&adviser).await;
    for who in [alex(), billie()] {
        hub.adapter("housing")
            .push(arrears(who.clone(), hub.days_ago(1)))
            .await
            .unwrap();
        adviser.says(who, Refused).await.unwrap();
    }
    assert_eq!(outlook(&adviser).await, before);
    assert!(before.len() > 1_000, "the outlook is not empty");
}

/// Everything that PolicyService says of an adviser's questions.
async fn outlook(client: &Client) -> Vec<u8> {
    let mut said = Vec::new();
    for subject in [SubjectSort::Person, SubjectSort::Address, SubjectSort::Area] {
        for (purpose, gateway) in [(PURPOSE, ""), ("hospital-discharge", ""), (DISORDER, GATEWAY)] {
            let question = Some(QuestionSort {
                subject: subject.into(),
                purpose: purpose.to_owned(),
                gateway: gateway.to_owned(),
                ..QuestionSort::default()
            });
            let mut policies = client.policies.clone();
            let check = CheckQuestionRequest {
                question: question.clone(),
            };
            said.extend(
                policies
                    .check_question(check)
                    .await
                    .unwrap()
                    .into_inner()
                    .encode_to_vec(),
            );
            let explain = ExplainQuestionRequest { question };
            said.extend(
                policies
                    .explain_question(explain)
                    .await
                    .unwrap()
                    .into_inner()
                    .encode_to_vec(),
            );
        }
    }
    said
}

#[tokio::test]
async fn pushing_and_taking_down_say_the_same_of_known_and_unknown_people() {
    let hub = Hub::fresh().await;
    hub.adapter("housing")
        .push(arrears(billie(), hub.days_ago(1)))
        .await
        .unwrap();
    hub.as_cast("officer-42").says(billie(), Refused).await.unwrap();
    let (welfare, adviser) = (hub.adapter("welfare"), hub.as_cast("adviser-8"));
    let mut told = Vec::new();
    for who in [billie(), drew()] {
        let pushed = welfare.push(grant(who.clone(), hub.days_ago(1))).await.unwrap();
        let listed = consents(&adviser, who.clone()).await;
        let said = adviser.says(who.clone(), Withdrawn).await.unwrap();
        told.push((
            pushed.outcome(),
            listed,
            said.statement_id.len(),
            consents(&adviser, who).await,
        ));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!((told[0].1, told[0].3), (0, 1));
}

async fn consents(client: &Client, who: PersonIdentity) -> usize {
    let request = ListConsentsRequest { person: Some(who) };
    let listed = client.consents.clone().list_consents(request).await.unwrap();
    listed.into_inner().consents.len()
}

#[tokio::test]
async fn a_watch_does_not_stir_for_what_its_reader_may_not_see() {
    let hub = Hub::fresh().await;
    let (housing, adviser) = (hub.adapter("housing"), hub.as_cast("adviser-8"));
    housing
        .push(arrears(billie(), hub.days_ago(5)).id("old"))
        .await
        .unwrap();
    adviser.says(billie(), Refused).await.unwrap();
    let mut hidden = Watcher::open(&adviser, &question_person(billie(), PURPOSE)).await;
    let mut unknown = Watcher::open(&adviser, &question_person(drew(), PURPOSE)).await;
    housing.push(arrears(billie(), hub.days_ago(1))).await.unwrap();
    housing
        .push(arrears(billie(), hub.days_ago(5)).id("old").version(2).summary("x"))
        .await
        .unwrap();
    housing.retract("old", 3).await.unwrap();
    adviser.says(billie(), Withdrawn).await.unwrap();
    hidden.quiet().await;
    unknown.quiet().await;
    assert_eq!(hidden.cursor.len(), unknown.cursor.len());
    assert_eq!(hidden.last, WatchSignalsResponse::default());
}

#[tokio::test]
async fn only_governance_is_told_who_saw_somebody() {
    let hub = Hub::fresh().await;
    hub.adapter("housing")
        .push(arrears(alex(), hub.days_ago(1)))
        .await
        .unwrap();
    let adviser = hub.as_cast("adviser-8");
    let known = refused(adviser.who_saw(alex()).await);
    let unknown = refused(adviser.who_saw(drew()).await);
    assert_eq!((known.code, known.message), (unknown.code, unknown.message));
    assert_eq!(known.code, Code::PermissionDenied);
}
