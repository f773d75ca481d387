//! Pages that are too large, and page tokens that are not the caller's own.

use placehub_proto::v1::{ListEntriesRequest, WhoSawRequest};
use tonic::{Code, Status};

use super::{HOMELESSNESS, Wall};
use crate::harness::{Client, Hub, Narrow as _, alex, billie, question_address, question_person, refused};

/// The token of the second page of a wall's question.
async fn token(wall: &Wall) -> String {
    wall.adapter.push(wall.draft()).await.unwrap();
    let page = wall.officer.ask_page(wall.question(), 1, "").await.unwrap();
    assert_eq!(page.signals.len(), 1);
    assert!(!page.next_page_token.is_empty());
    page.next_page_token
}

/// Checks that a page token is refused as one, and nothing of it recorded.
async fn refuses<T: std::fmt::Debug>(wall: &Wall, call: impl Future<Output = Result<T, Status>>) {
    let refusal = wall.leaves_no_trace(call).await;
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::InvalidArgument, "PAGE_TOKEN_INVALID")
    );
    assert_eq!(refusal.fields, ["page_token"]);
}

fn clerk(hub: &Hub) -> Client {
    hub.desk("housing", "officer-43", &["housing-officer"], &["central"])
}

#[tokio::test]
async fn a_page_of_more_than_200_is_refused_and_one_of_200_is_not() {
    let wall = Wall::new().await;
    let igo = wall.hub.as_cast("igo-1");
    for size in [201, -1, i32::MAX, i32::MIN] {
        let call = wall.officer.ask_page(wall.question(), size, "");
        wall.refuses(call, &["page_size"], "").await;
        let entries = ListEntriesRequest {
            page_size: size,
            ..Default::default()
        };
        let list = async || igo.ledger.clone().list_entries(entries).await;
        wall.refuses(list(), &["page_size"], "").await;
        let who = WhoSawRequest {
            person: Some(alex()),
            page_size: size,
            ..Default::default()
        };
        let who_saw = async || igo.ledger.clone().who_saw(who).await;
        wall.refuses(who_saw(), &["page_size"], "").await;
    }
    wall.officer.ask_page(wall.question(), 200, "").await.unwrap();
}

#[tokio::test]
async fn a_page_token_altered_anywhere_is_refused() {
    let wall = Wall::new().await;
    let token = token(&wall).await;
    for at in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        let refusal = refused(wall.officer.ask_page(wall.question(), 1, &altered).await);
        assert_eq!(refusal.reason, "PAGE_TOKEN_INVALID", "altered at {at}");
    }
    for wrong in [
        token.get(1..).unwrap(),
        token.get(..token.len() - 1).unwrap(),
        &format!("{token}A"),
        "x",
        "%%%",
        " ",
    ] {
        refuses(&wall, wall.officer.ask_page(wall.question(), 1, wrong)).await;
    }
    wall.officer.ask_page(wall.question(), 1, &token).await.unwrap();
}

#[tokio::test]
async fn a_page_token_of_another_practitioner_is_refused() {
    let wall = Wall::new().await;
    let token = token(&wall).await;
    let colleague = clerk(&wall.hub);
    refuses(&wall, colleague.ask_page(wall.question(), 1, &token)).await;
    let adviser = wall.hub.as_cast("adviser-8");
    refuses(&wall, adviser.ask_page(wall.question(), 1, &token)).await;
    // The same subject at another agency is somebody else.
    let namesake = wall
        .hub
        .desk("welfare", "officer-42", &["welfare-adviser"], &["central"]);
    refuses(&wall, namesake.ask_page(wall.question(), 1, &token)).await;
}

#[tokio::test]
async fn a_page_token_of_another_question_is_refused() {
    let wall = Wall::new().await;
    let token = token(&wall).await;
    let others = [
        question_person(billie(), HOMELESSNESS),
        question_person(alex(), "hospital-discharge"),
        question_address("999000000101", HOMELESSNESS),
        wall.question().case("CASE-1"),
        wall.question().since(wall.hub.days_ago(30)),
        wall.question().only(&["housing.rent-arrears"]),
    ];
    for other in others {
        refuses(&wall, wall.officer.ask_page(other, 1, &token)).await;
    }
}

#[tokio::test]
async fn a_token_of_another_call_is_no_page_token() {
    let wall = Wall::new().await;
    let mut watch = wall.officer.watch(wall.question(), "").await.unwrap();
    let cursor = watch.message().await.unwrap().unwrap().cursor;
    drop(watch);
    refuses(&wall, wall.officer.ask_page(wall.question(), 1, &cursor)).await;
    let igo = wall.hub.as_cast("igo-1");
    let page = WhoSawRequest {
        person: Some(alex()),
        page_size: 1,
        ..Default::default()
    };
    let saw = igo.ledger.clone().who_saw(page).await.unwrap().into_inner();
    assert!(!saw.next_page_token.is_empty());
    let entries = ListEntriesRequest {
        page_size: 1,
        page_token: saw.next_page_token.clone(),
    };
    let list = async || igo.ledger.clone().list_entries(entries).await;
    refuses(&wall, list()).await;
    let other = WhoSawRequest {
        person: Some(billie()),
        page_size: 1,
        page_token: saw.next_page_token,
        ..WhoSawRequest::default()
    };
    let who_saw = async || igo.ledger.clone().who_saw(other).await;
    refuses(&wall, who_saw()).await;
}

#[tokio::test]
async fn a_page_token_ends_when_the_policies_change() {
    let wall = Wall::new().await;
    let token = token(&wall).await;
    let rules = "policies/agreements/asb-prevention.cedar";
    wall.hub
        .place
        .edit(rules, "on a shared patch", "on the patch they share");
    assert!(wall.hub.reloader.reload("signal").await.failed.is_empty());
    refuses(&wall, wall.officer.ask_page(wall.question(), 1, &token)).await;
}

#[tokio::test]
async fn a_cursor_that_is_not_of_this_watch_is_refused() {
    let wall = Wall::new().await;
    let page = token(&wall).await;
    let mut watch = wall.officer.watch(wall.question(), "").await.unwrap();
    let cursor = watch.message().await.unwrap().unwrap().cursor;
    drop(watch);
    let colleague = clerk(&wall.hub);
    let calls = [
        (&wall.officer, wall.question(), page.as_str()),
        (&wall.officer, wall.question(), "x"),
        (&wall.officer, wall.question(), cursor.get(1..).unwrap()),
        (&wall.officer, question_person(billie(), HOMELESSNESS), &cursor),
        (&colleague, wall.question(), &cursor),
    ];
    for (caller, question, wrong) in calls {
        let refusal = wall.leaves_no_trace(caller.watch(question, wrong)).await;
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::InvalidArgument, "CURSOR_INVALID")
        );
        assert_eq!(refusal.fields, ["cursor"]);
    }
    wall.officer.watch(wall.question(), &cursor).await.unwrap();
}
