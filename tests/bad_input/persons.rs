//! Bad input about a person. No value of a person ever comes back in a refusal.

use placehub_proto::v1::{LocalReference, PersonIdentity, SignalDraft};

use super::Wall;

fn who(draft: &mut SignalDraft) -> &mut PersonIdentity {
    draft.person.as_mut().unwrap()
}

#[tokio::test]
async fn an_nhs_number_with_a_wrong_check_digit_is_refused() {
    let wall = Wall::new().await;
    for wrong in [
        "9990001007",
        "999 000 1007",
        "0000000000",
        "999000100",
        "99900010066",
        "999000100x",
    ] {
        let change = |draft: &mut SignalDraft| who(draft).nhs_number = wrong.to_owned();
        wall.refuses_push(change, &["signal.person.nhs_number"], wrong).await;
    }
}

#[tokio::test]
async fn an_unverified_nhs_number_has_ten_digits_too() {
    let wall = Wall::new().await;
    for wrong in ["987654321", "98765432100", "98765432x0"] {
        let change = |draft: &mut SignalDraft| who(draft).unverified_nhs_number = wrong.to_owned();
        wall.refuses_push(change, &["signal.person.unverified_nhs_number"], wrong)
            .await;
    }
}

#[tokio::test]
async fn a_birth_date_is_a_day_of_the_calendar() {
    let wall = Wall::new().await;
    for wrong in ["14/03/1958", "1958-02-30", "1958-3-14", "1958", "1858-03-14"] {
        let change = |draft: &mut SignalDraft| who(draft).birth_date = wrong.to_owned();
        wall.refuses_push(change, &["signal.person.birth_date"], wrong).await;
    }
}

#[tokio::test]
async fn a_postcode_has_the_form_of_one() {
    let wall = Wall::new().await;
    for wrong in ["Wigan town", "WN99", "12345", "WN99 9AAA"] {
        let change = |draft: &mut SignalDraft| who(draft).postcode = wrong.to_owned();
        wall.refuses_push(change, &["signal.person.postcode"], wrong).await;
    }
}

#[tokio::test]
async fn a_name_that_is_too_long_is_refused_and_never_repeated() {
    let wall = Wall::new().await;
    let long = "Sample".repeat(20);
    let change = |draft: &mut SignalDraft| who(draft).family_name = long.clone();
    wall.refuses_push(change, &["signal.person.family_name"], "Sample")
        .await;
    let change = |draft: &mut SignalDraft| who(draft).given_name = long.clone();
    wall.refuses_push(change, &["signal.person.given_name"], "Sample").await;
    let change = |draft: &mut SignalDraft| who(draft).given_name = "Alex\nSample".to_owned();
    wall.refuses_push(change, &["signal.person.given_name"], "Alex").await;
}

#[tokio::test]
async fn a_local_reference_has_a_system_and_a_value_and_there_are_at_most_eight() {
    let wall = Wall::new().await;
    let reference = |system: &str, value: &str| LocalReference {
        system: system.to_owned(),
        value: value.to_owned(),
    };
    let change = |draft: &mut SignalDraft| who(draft).local_references = vec![reference("civica", "T-1"); 9];
    wall.refuses_push(change, &["signal.person.local_references"], "T-1")
        .await;
    let change = |draft: &mut SignalDraft| who(draft).local_references = vec![reference("", "T-77")];
    wall.refuses_push(change, &["signal.person.local_references[0].system"], "T-77")
        .await;
    let long = "T".repeat(65);
    let change = |draft: &mut SignalDraft| {
        who(draft).local_references = vec![reference("civica", "T-1"), reference("civica", &long)];
    };
    wall.refuses_push(change, &["signal.person.local_references[1].value"], &long)
        .await;
}

#[tokio::test]
async fn a_person_without_an_identifier_is_refused() {
    let wall = Wall::new().await;
    let change = |draft: &mut SignalDraft| draft.person = Some(PersonIdentity::default());
    wall.refuses_push(change, &["signal.person"], "").await;
}
