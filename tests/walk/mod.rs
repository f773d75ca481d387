//! The whole walk: four agencies push, people say what they think of it, practitioners ask, and an information
//! governance officer finds all of it in the ledger, which anybody can check.

mod asks;
mod ledger;

use placehub_proto::v1::{
    AskSignalsResponse, ConsentStance, DisclosureLevel, LedgerEntry, ListEntriesRequest, PushOutcome,
};

use crate::harness::{
    Adjust as _, Client, Hub, alex, arrears, asb_at, billie, casey, discharge, drew, grant, signal, text,
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
