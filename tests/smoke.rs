//! The shortest walk through the hub: if it fails, look here first.

use placehub_proto::v1::{ConsentStance, DisclosureLevel, PushOutcome};

use crate::harness::{Hub, alex, arrears, question_person};

#[tokio::test]
async fn a_housing_officer_sees_the_arrears_of_somebody_who_gave_consent() {
    let hub = Hub::fresh().await;
    let pushed = hub
        .adapter("housing")
        .push(arrears(alex(), hub.days_ago(3)))
        .await
        .unwrap();
    assert_eq!(pushed.outcome(), PushOutcome::Recorded);
    let officer = hub.as_cast("officer-42");
    officer.says(alex(), ConsentStance::Given).await.unwrap();
    let answer = officer
        .ask(question_person(alex(), "homelessness-prevention"))
        .await
        .unwrap();
    assert_eq!(answer.signals.len(), 1);
    assert_eq!(answer.signals[0].id, pushed.signal_id);
    assert_eq!(answer.signals[0].level(), DisclosureLevel::Detail);
    hub.stop().await;
}
