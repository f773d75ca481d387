//! A stream of pushes with bad ones among the good: one answer each, in order, and only the good ones kept.

use std::collections::BTreeSet;

use placehub_proto::v1::{
    PushOutcome, PushSignalsRequest, Refusal, SignalDraft, push_signals_response::Result as Answer,
};
use tonic::Code;

use super::Wall;
use crate::harness::{Adjust as _, asb_at, contents};

async fn push(wall: &Wall, drafts: Vec<SignalDraft>) -> Vec<Answer> {
    let numbered = drafts
        .into_iter()
        .enumerate()
        .map(|(index, signal)| PushSignalsRequest {
            sequence: 1000 - index as u64,
            signal: Some(signal),
        });
    let requests: Vec<_> = numbered.collect();
    let sent: Vec<_> = requests.iter().map(|request| request.sequence).collect();
    let mut signals = wall.adapter.signals.clone();
    let mut stream = signals
        .push_signals(tokio_stream::iter(requests))
        .await
        .unwrap()
        .into_inner();
    let (mut sequences, mut answers) = (Vec::new(), Vec::new());
    while let Some(answer) = stream.message().await.unwrap() {
        sequences.push(answer.sequence);
        answers.push(answer.result.unwrap());
    }
    assert_eq!(sequences, sent, "not one answer each, in order");
    answers
}

fn refusal(answer: &Answer) -> &Refusal {
    match answer {
        Answer::Refused(refusal) => refusal,
        Answer::Acknowledged(kept) => panic!("it was kept: {kept:?}"),
    }
}

#[tokio::test]
async fn a_refused_signal_in_the_middle_of_a_stream_leaves_the_others_kept() {
    let wall = Wall::new().await;
    let wrong_number = {
        let mut draft = wall.draft();
        draft.person.as_mut().unwrap().nhs_number = "9990001007".to_owned();
        draft
    };
    let police = asb_at("999000000101", wall.hub.days_ago(1));
    let first = wall.draft().id("kept-once");
    let conflicting = first.clone().summary("other words");
    let drafts = vec![first, wrong_number, wall.draft(), police, conflicting, wall.draft()];
    let answers = push(&wall, drafts).await;

    let kept: Vec<_> = answers
        .iter()
        .filter_map(|answer| match answer {
            Answer::Acknowledged(kept) => Some(kept),
            Answer::Refused(_) => None,
        })
        .collect();
    assert_eq!(kept.len(), 3);
    assert!(kept.iter().all(|kept| kept.outcome() == PushOutcome::Recorded));
    let invalid = refusal(&answers[1]);
    assert_eq!(
        (invalid.code, invalid.reason.as_str()),
        (Code::InvalidArgument.into(), "FIELD_INVALID")
    );
    assert_eq!(invalid.violations[0].field, "signal.person.nhs_number");
    assert!(!format!("{invalid:?}").contains("9990001007"));
    let foreign = refusal(&answers[3]);
    assert_eq!(
        (foreign.code, foreign.reason.as_str()),
        (Code::PermissionDenied.into(), "KIND_NOT_YOURS")
    );
    let conflict = refusal(&answers[4]);
    assert_eq!(
        (conflict.code, conflict.reason.as_str()),
        (Code::FailedPrecondition.into(), "VERSION_CONFLICT")
    );

    let answer = wall.officer.ask(wall.question()).await.unwrap();
    let shown: BTreeSet<_> = answer.signals.iter().map(|signal| signal.id.as_str()).collect();
    let expected: BTreeSet<_> = kept
        .iter()
        .map(|kept| kept.signal_id.as_str())
        .chain([wall.first.signal_id.as_str()])
        .collect();
    assert_eq!(shown, expected);
    wall.still_serves().await;
}

#[tokio::test]
async fn a_stream_of_many_is_answered_in_order_and_each_signal_kept_once() {
    let wall = Wall::new().await;
    let many: Vec<_> = (0..400).map(|_| wall.draft()).collect();
    let twice: Vec<_> = many.iter().flat_map(|draft| [draft.clone(), draft.clone()]).collect();
    let answers = push(&wall, twice).await;
    for pair in answers.chunks(2) {
        match pair {
            [Answer::Acknowledged(first), Answer::Acknowledged(second)] => {
                assert_eq!(first.outcome(), PushOutcome::Recorded);
                assert_eq!(second.outcome(), PushOutcome::AlreadyKnown);
                assert_eq!(first.signal_id, second.signal_id);
            }
            other => panic!("{other:?}"),
        }
    }
    let mut seen = BTreeSet::new();
    let mut token = String::new();
    loop {
        let page = wall.officer.ask_page(wall.question(), 150, &token).await.unwrap();
        seen.extend(page.signals.into_iter().map(|signal| signal.id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 401);
}

#[tokio::test]
async fn a_stream_of_bad_signals_alone_writes_nothing() {
    let wall = Wall::new().await;
    let bad = || SignalDraft {
        severity: 0,
        ..wall.draft()
    };
    let before = contents(&*wall.hub.store);
    let answers = push(&wall, vec![bad(), bad(), SignalDraft::default()]).await;
    assert!(answers.iter().all(|answer| refusal(answer).reason == "FIELD_INVALID"));
    assert!(contents(&*wall.hub.store) == before);
    wall.still_serves().await;
}
