//! Bad input about where.

use placehub_proto::v1::SignalDraft;

use super::Wall;

const WRONG: [&str; 5] = ["9990000001011", "99900000010x", "0", "-999000000101", "999 000 000 101"];

#[tokio::test]
async fn a_uprn_of_the_wrong_form_is_refused() {
    let wall = Wall::new().await;
    for wrong in WRONG {
        let secret = if wrong == "0" { "" } else { wrong };
        let change = |draft: &mut SignalDraft| draft.uprn = wrong.to_owned();
        wall.refuses_push(change, &["signal.uprn"], secret).await;
    }
}

#[tokio::test]
async fn a_uprn_of_a_home_of_the_wrong_form_is_refused() {
    let wall = Wall::new().await;
    for wrong in WRONG {
        let secret = if wrong == "0" { "" } else { wrong };
        let change = |draft: &mut SignalDraft| draft.person.as_mut().unwrap().uprn = wrong.to_owned();
        wall.refuses_push(change, &["signal.person.uprn"], secret).await;
    }
}

#[tokio::test]
async fn an_area_that_the_place_has_not_is_refused() {
    let wall = Wall::new().await;
    for wrong in ["E01000001", "atlantis", "not an area"] {
        let change = |draft: &mut SignalDraft| {
            draft.person = None;
            draft.uprn.clear();
            draft.area_code = wrong.to_owned();
        };
        wall.refuses_push(change, &["signal.area_code"], wrong).await;
    }
}

#[tokio::test]
async fn a_signal_about_nobody_and_nowhere_is_refused() {
    let wall = Wall::new().await;
    let change = |draft: &mut SignalDraft| {
        draft.person = None;
        draft.uprn.clear();
    };
    wall.refuses_push(change, &["signal"], "").await;
}
