//! Answers page by page and within a window of time: each page is decided as it is asked for.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use placehub_hub::wire::timestamp;
use placehub_proto::v1::{ConsentStance, DisclosureLevel, PersonIdentity, Question, Severity, Signal};
use tonic::Code;

use crate::harness::{
    Adjust, Client, Hub, Narrow, Practitioner, alex, arrears, asb_at, billie, cast, discharge, grant, question_address,
    question_person, refused,
};

use ConsentStance::{Given, Withdrawn};

const PURPOSE: &str = "homelessness-prevention";

fn about(who: PersonIdentity) -> Question {
    question_person(who, PURPOSE)
}

/// All pages of a question, one behind the other, and how many there were.
async fn all(client: &Client, question: &Question, size: i32) -> (Vec<Signal>, usize) {
    let (mut signals, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = client.ask_page(question.clone(), size, &token).await.unwrap();
        signals.extend(page.signals);
        token = page.next_page_token;
        pages += 1;
        if token.is_empty() {
            return (signals, pages);
        }
    }
}

async fn asked(client: &Client, question: Question) -> Vec<Signal> {
    client.ask(question).await.unwrap().signals
}

/// A hub that knows of so many arrears of Alex, who gave consent, one a day; and the adviser of welfare.
async fn days_of_arrears(days: i64) -> (Hub, Client) {
    let hub = Hub::fresh().await;
    let adviser = hub.as_cast("adviser-8");
    adviser.says(alex(), Given).await.unwrap();
    for day in 1..=days {
        let draft = arrears(alex(), hub.days_ago(day)).id(&format!("day-{day}"));
        hub.adapter("housing").push(draft).await.unwrap();
    }
    (hub, adviser)
}

#[tokio::test]
async fn pages_of_any_size_are_the_same_list() {
    let hub = Hub::fresh().await;
    let adviser = hub.as_cast("adviser-8");
    adviser.says(alex(), Given).await.unwrap();
    let (now, housing, welfare) = (hub.days_ago(1), hub.adapter("housing"), hub.adapter("welfare"));
    for number in 0..12 {
        // Four happened at one instant, four a microsecond apart, four a day apart; some are of each agency.
        let at = match number % 3 {
            0 => now,
            1 => now - i64::from(number).microseconds(),
            _ => hub.days_ago(i64::from(number)),
        };
        if number % 2 == 0 {
            housing.push(arrears(alex(), at)).await.unwrap();
        } else {
            welfare.push(grant(alex(), at)).await.unwrap();
        }
    }
    hub.adapter("health")
        .push(discharge(alex(), hub.days_ago(4)))
        .await
        .unwrap();
    let (whole, pages) = all(&adviser, &about(alex()), 0).await;
    assert_eq!((whole.len(), pages), (13, 1));
    let times = |signal: &Signal| signal.occurred_at.map(|at| (at.seconds, at.nanos));
    assert!(
        whole.is_sorted_by_key(|signal| std::cmp::Reverse(times(signal))),
        "newest first"
    );
    for size in 1..=14_i32 {
        let (paged, pages) = all(&adviser, &about(alex()), size).await;
        assert_eq!(paged, whole, "pages of {size}");
        assert_eq!(pages, whole.len().div_ceil(size as usize), "pages of {size}");
    }
}

#[tokio::test]
async fn what_is_pushed_between_two_pages_neither_doubles_nor_drops_a_signal() {
    let (hub, adviser) = days_of_arrears(6).await;
    let same = hub.days_ago(3);
    let before: BTreeSet<_> = asked(&adviser, about(alex()))
        .await
        .into_iter()
        .map(|signal| signal.id)
        .collect();
    let (mut seen, mut token, mut round) = (Vec::new(), String::new(), 0);
    loop {
        let page = adviser.ask_page(about(alex()), 1, &token).await.unwrap();
        seen.extend(page.signals.into_iter().map(|signal| signal.id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        round += 1;
        assert!(round < 40, "it never ends");
        if round < 6 {
            for at in [hub.days_ago(1), same, hub.days_ago(round)] {
                hub.adapter("housing").push(arrears(alex(), at)).await.unwrap();
            }
        }
    }
    let once: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(once.len(), seen.len(), "a signal came twice");
    assert!(before.is_subset(&once), "a signal was dropped");
}

#[tokio::test]
async fn a_page_is_decided_when_it_is_asked_for() {
    let (_hub, adviser) = days_of_arrears(4).await;
    let first = adviser.ask_page(about(alex()), 2, "").await.unwrap();
    assert_eq!(first.signals.len(), 2);
    adviser.says(alex(), Withdrawn).await.unwrap();
    let second = adviser
        .ask_page(about(alex()), 2, &first.next_page_token)
        .await
        .unwrap();
    assert_eq!((second.signals.len(), second.next_page_token.as_str()), (0, ""));
}

#[tokio::test]
async fn a_page_token_is_of_no_use_to_anyone_else_nor_for_anything_else() {
    let (hub, adviser) = days_of_arrears(3).await;
    hub.as_cast("officer-42").says(billie(), Given).await.unwrap();
    let token = adviser.ask_page(about(alex()), 1, "").await.unwrap().next_page_token;
    let colleague = Practitioner {
        subject: "adviser-9".to_owned(),
        ..cast("adviser-8")
    };
    let mut altered = token.clone();
    altered.replace_range(..1, if token.starts_with('A') { "B" } else { "A" });
    let tries = [
        (hub.practitioner(colleague), about(alex()), token.as_str()),
        (hub.as_cast("officer-42"), about(alex()), &token),
        (adviser.clone(), about(billie()), &token),
        (adviser.clone(), about(alex()).since(hub.days_ago(9)), &token),
        (adviser.clone(), about(alex()).case("C-1"), &token),
        (adviser.clone(), question_person(alex(), "hospital-discharge"), &token),
        (adviser.clone(), about(alex()), &altered),
        (adviser.clone(), about(alex()), token.split_at(8).1),
    ];
    for (number, (client, question, token)) in tries.into_iter().enumerate() {
        let refused = refused(client.ask_page(question, 1, token).await);
        let told = (refused.code, refused.reason.as_str(), refused.fields.join(" "));
        assert_eq!(
            told,
            (Code::InvalidArgument, "PAGE_TOKEN_INVALID", "page_token".to_owned()),
            "try {number}"
        );
    }
    let next = adviser.ask_page(about(alex()), 2, &token).await.unwrap();
    assert_eq!(
        next.signals.len(),
        2,
        "to its own it is good, with pages of another size too"
    );
}

#[tokio::test]
async fn a_window_holds_its_first_moment_and_not_its_last() {
    let (hub, adviser) = days_of_arrears(3).await;
    let at = hub.days_ago(2);
    let tick = 1.microsecond();
    let asks: [(Option<Timestamp>, Option<Timestamp>, &[i64]); 8] = [
        (Some(at), None, &[1, 2]),
        (Some(at + tick), None, &[1]),
        (None, Some(at), &[3]),
        (None, Some(at + tick), &[2, 3]),
        (Some(at), Some(at + tick), &[2]),
        (Some(at - tick), Some(at), &[]),
        (Some(hub.days_ago(3)), Some(hub.days_ago(1)), &[2, 3]),
        (None, None, &[1, 2, 3]),
    ];
    for (since, until, days) in asks {
        for size in [1, 50] {
            let question = Question {
                since: since.map(timestamp),
                until: until.map(timestamp),
                ..about(alex())
            };
            let (found, _) = all(&adviser, &question, size).await;
            let times: Vec<_> = found.iter().filter_map(|signal| signal.occurred_at).collect();
            let expected: Vec<_> = days.iter().map(|day| timestamp(hub.days_ago(*day))).collect();
            assert_eq!(times, expected, "since {since:?} until {until:?}");
        }
    }
    let empty = refused(adviser.ask(about(alex()).since(at).until(at)).await);
    assert_eq!(empty.fields, ["question.until"]);
}

#[tokio::test]
async fn a_signal_lapses_as_the_clock_moves_by_the_owners_time_or_the_catalogues() {
    let (hub, adviser) = days_of_arrears(0).await;
    let now = hub.place.clock.now();
    let mut short = arrears(alex(), hub.days_ago(1));
    short.lapses_at = Some(timestamp(now + 1.hour()));
    hub.adapter("housing").push(short).await.unwrap();
    // A discharge is kept for 90 days from when it happened.
    hub.adapter("health")
        .push(discharge(alex(), hub.days_ago(89)))
        .await
        .unwrap();
    let mut found = Vec::new();
    for wait in [59 * 60 + 59, 1, 23 * 3600 - 1, 1] {
        found.push(asked(&adviser, about(alex())).await.len());
        hub.place.clock.advance(SignedDuration::from_secs(wait));
    }
    found.push(asked(&adviser, about(alex())).await.len());
    assert_eq!(found, [2, 2, 1, 1, 0]);
}

#[tokio::test]
async fn a_question_narrows_by_kind_and_level() {
    let (hub, adviser) = days_of_arrears(2).await;
    hub.adapter("welfare")
        .push(grant(alex(), hub.days_ago(1)))
        .await
        .unwrap();
    let arrears_only = about(alex()).only(&["housing.rent-arrears"]);
    assert_eq!(asked(&adviser, arrears_only.clone()).await.len(), 2);
    let headlines = asked(&adviser, arrears_only.at_most(DisclosureLevel::Headline)).await;
    assert!(
        headlines
            .iter()
            .all(|signal| signal.level() == DisclosureLevel::Headline && signal.detail.is_none())
    );
    let lines = asked(&adviser, about(alex()).at_most(DisclosureLevel::Existence)).await;
    let owners: Vec<_> = lines
        .iter()
        .map(|signal| (signal.owner_agency.as_str(), signal.id.as_str()))
        .collect();
    assert_eq!(owners, [("housing", ""), ("welfare", "")]);
}

#[tokio::test]
async fn a_correction_moves_a_signal_in_the_order() {
    let hub = Hub::fresh().await;
    let (police, officer) = (hub.adapter("police"), hub.as_cast("officer-42"));
    let question = question_address("999000000105", "asb-prevention").under("cda-1998-s115");
    for day in [1, 5, 9] {
        let draft = asb_at("999000000105", hub.days_ago(day)).id(&format!("day-{day}"));
        police.push(draft).await.unwrap();
    }
    let moved = asb_at("999000000105", hub.days_ago(7))
        .id("day-1")
        .version(2)
        .severe(Severity::Low);
    police.push(moved).await.unwrap();
    for size in [1, 50] {
        let (found, _) = all(&officer, &question, size).await;
        let times: Vec<_> = found.iter().filter_map(|signal| signal.occurred_at).collect();
        let expected: Vec<_> = [5, 7, 9].map(|day| timestamp(hub.days_ago(day))).into();
        assert_eq!(times, expected);
        assert_eq!(
            found[1].level(),
            DisclosureLevel::Headline,
            "a low incident is not shown in detail"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_that_is_being_corrected_is_in_every_answer_once() {
    let (hub, adviser) = days_of_arrears(1).await;
    let (housing, at) = (hub.adapter("housing"), hub.days_ago(1));
    let correcting = tokio::spawn(async move {
        for version in 2..80 {
            let draft = arrears(alex(), at)
                .id("day-1")
                .version(version)
                .summary(&format!("version {version}"));
            housing.push(draft).await.unwrap();
        }
    });
    while !correcting.is_finished() {
        match adviser.ask(about(alex())).await {
            Ok(answer) => {
                assert_eq!(answer.signals.len(), 1);
                let detail = answer.signals[0].detail.as_ref().unwrap();
                let whole = detail.version == 1 || detail.summary == format!("version {}", detail.version);
                assert!(whole, "labels of one version, content of another");
            }
            Err(status) => assert_eq!(status.code(), Code::Aborted, "{status}"),
        }
    }
    correcting.await.unwrap();
}
