//! Asking, about people and about a quarter: the answers that must come, and calls that check each against them.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};
use placehub_proto::v1::{
    AskSignalsRequest, AskSignalsResponse, DisclosureLevel, PersonIdentity, Question, question::Subject,
};

use super::{
    bare::Shelf,
    kinds,
    measure::{Pace, Run, Wrong, run},
    town::{MARKET, MARKET_SEEN, PURPOSE, Person, Town},
};
use crate::{link::Link, moment};

/// At most so many people are asked about in turn.
const ASKED: u64 = 2_000;
/// Signals on a page about a quarter.
const PAGE: i32 = 200;

/// Questions, each with what its answer must be.
#[derive(Clone)]
pub(super) struct Questions(Arc<[Expected]>);

struct Expected {
    request: AskSignalsRequest,
    signals: usize,
    bytes: usize,
}

impl Questions {
    /// About well-known people who gave consent. Each is put to the hub once, and its answer checked against what the town
    /// and the policies say; the bare server is to give the same.
    ///
    /// # Errors
    /// If an answer is not as it must be.
    pub(super) async fn about_people(town: &Town, hub: &Link, shelf: &Shelf) -> Result<Self> {
        let mut questions = Vec::new();
        let (detail, headline) = kinds::seen_of_person();
        for person in town.well_known(ASKED) {
            let answer = put(hub, about(town, person)).await?;
            let at = |level| answer.signals.iter().filter(|one| one.level() == level).count() as u64;
            let seen = (at(DisclosureLevel::Detail), at(DisclosureLevel::Headline));
            if seen != (detail, headline) || answer.signals.len() as u64 != detail + headline {
                bail!(
                    "an answer about a person shows {seen:?} signals at detail and headline, not {detail} and {headline}"
                );
            }
            questions.push(Expected::of(about(town, person), &answer));
            shelf.put(town.nhs_number(person), answer);
        }
        Self::some(questions)
    }

    /// About the market's last week, a page of 200 out of 1,000 candidates.
    ///
    /// # Errors
    /// If the answer is not as it must be.
    pub(super) async fn about_market(now: Timestamp, hub: &Link, shelf: &Shelf) -> Result<Self> {
        let request = about_quarter(MARKET, now, 7);
        let answer = put(hub, request.clone()).await?;
        let seen = answer.signals.len() as u64;
        if seen != MARKET_SEEN || !answer.next_page_token.is_empty() {
            bail!("the answer about the market shows {seen} signals, not {MARKET_SEEN}");
        }
        let question = Expected::of(request, &answer);
        shelf.put(MARKET.to_owned(), answer);
        Self::some(vec![question])
    }

    /// Puts the questions in turn, with so many in flight over these connections, and checks each answer's number of signals
    /// and its size.
    ///
    /// # Errors
    /// If a worker was cut short.
    pub(super) async fn ask(&self, desks: Arc<[Link]>, pace: Pace) -> Result<Run> {
        let questions = self.0.clone();
        run(pace, move |worker, round| {
            let (questions, desks) = (questions.clone(), desks.clone());
            async move {
                // Workers start far apart and go on in turn, so that no two ask about the same person at once.
                let start = worker * questions.len() / pace.in_flight;
                let at = start.wrapping_add(usize::try_from(round).unwrap_or_default()) % questions.len();
                let (Some(expected), Some(desk)) = (questions.get(at), desks.get(worker % desks.len())) else {
                    return Err("there is no question or no desk".to_owned());
                };
                let answer = call(desk, expected.request.clone()).await?;
                expected.check(&answer)
            }
        })
        .await
    }

    /// How many signals and how many bytes of them the answers have, on average.
    pub(super) fn size(&self) -> (usize, usize) {
        let count = self.0.len().max(1);
        let signals: usize = self.0.iter().map(|one| one.signals).sum();
        let bytes: usize = self.0.iter().map(|one| one.bytes).sum();
        (signals / count, bytes / count)
    }

    /// How many questions there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    fn some(questions: Vec<Expected>) -> Result<Self> {
        if questions.is_empty() {
            bail!("the town is too small to ask about anybody");
        }
        Ok(Self(questions.into()))
    }
}

impl Expected {
    fn of(request: AskSignalsRequest, answer: &AskSignalsResponse) -> Self {
        Self {
            request,
            signals: answer.signals.len(),
            bytes: bytes(answer),
        }
    }

    fn check(&self, answer: &AskSignalsResponse) -> Result<(), Wrong> {
        let (signals, bytes) = (answer.signals.len(), bytes(answer));
        match (signals, bytes) == (self.signals, self.bytes) && answer.next_page_token.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "an answer has {signals} signals of {bytes} bytes, not {} of {}",
                self.signals, self.bytes
            )),
        }
    }
}

/// The question about a person, by consent.
pub(super) fn about(town: &Town, person: Person) -> AskSignalsRequest {
    let who = PersonIdentity {
        nhs_number: town.nhs_number(person),
        ..Default::default()
    };
    AskSignalsRequest {
        question: Some(Question {
            subject: Some(Subject::Person(who)),
            purpose: PURPOSE.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The question about a quarter's last days, by consent.
pub(super) fn about_quarter(quarter: &str, now: Timestamp, days: i64) -> AskSignalsRequest {
    let since = now.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(now);
    AskSignalsRequest {
        question: Some(Question {
            subject: Some(Subject::AreaCode(quarter.into())),
            purpose: PURPOSE.into(),
            since: Some(moment::to_wire(since)),
            ..Default::default()
        }),
        page_size: PAGE,
        ..Default::default()
    }
}

/// Puts one question.
///
/// # Errors
/// What went wrong.
pub(super) async fn call(desk: &Link, request: AskSignalsRequest) -> Result<AskSignalsResponse, Wrong> {
    let request = desk.call(request).map_err(|why| why.to_string())?;
    let answer = desk.signals().ask_signals(request).await;
    answer
        .map(tonic::Response::into_inner)
        .map_err(|status| status.to_string())
}

async fn put(desk: &Link, request: AskSignalsRequest) -> Result<AskSignalsResponse> {
    let answer = call(desk, request).await;
    answer
        .map_err(anyhow::Error::msg)
        .context("the hub does not answer as it must")
}

/// The bytes of the signals alone: the number of the ledger entry grows from answer to answer.
fn bytes(answer: &AskSignalsResponse) -> usize {
    answer.signals.iter().map(prost::Message::encoded_len).sum()
}
