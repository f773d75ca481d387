//! Has the agencies push a town through streams, and the people in it say what they think of sharing.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use placehub_proto::v1::{ConsentMethod, ConsentStance, ConsentStatement, RecordConsentRequest};
use tokio::task::JoinSet;

use super::{
    kinds::AGENCIES,
    measure::{Run, Wrong},
    place::Place,
    stage::WELFARE,
    stream,
    town::{PURPOSE, Person, Town, Word},
};
use crate::link::Link;

/// Statements that are taken down at once.
const STATEMENTS_AT_ONCE: u64 = 64;

/// Signals that a stream pushes before it is ended and begun anew, so that what is kept of each call does not add up.
const A_STREAM: usize = 100_000;

/// How a town was loaded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loaded {
    /// Signals.
    pub(super) signals: u64,
    /// Statements.
    pub(super) statements: u64,
    /// How long it took.
    pub(super) took: Duration,
}

/// Loads a town into the hub that listens there.
///
/// # Errors
/// If anything of it is not taken.
pub(super) async fn all(place: &Place, hub: SocketAddr, town: &Town) -> Result<Loaded> {
    let began = Instant::now();
    let mut streams = JoinSet::new();
    for agency in AGENCIES {
        let (adapter, town) = (place.adapter(agency, hub)?, town.clone());
        streams.spawn(async move {
            let drafts = (0..town.signals()).filter_map(move |number| {
                let (owner, draft) = town.signal(number);
                (owner == agency).then_some(draft)
            });
            let (mut drafts, mut taken) = (drafts.peekable(), Taken::default());
            while drafts.peek().is_some() {
                let part = drafts.by_ref().take(A_STREAM);
                taken.add(stream::push(&adapter, part, None).await);
            }
            taken
        });
    }
    let signals = whole(&mut streams).await?;
    let adviser: Arc<Link> = place.desk(WELFARE, 0, hub)?.into();
    let mut desks = JoinSet::new();
    for nth in 0..STATEMENTS_AT_ONCE {
        let (adviser, town) = (adviser.clone(), town.clone());
        desks.spawn(async move {
            let mut run = Run::default();
            for (person, word) in town
                .statements()
                .filter(|(person, _)| person % STATEMENTS_AT_ONCE == nth)
            {
                let stance = match word {
                    Word::Refused => ConsentStance::Refused,
                    Word::Gave | Word::SaidNothing => ConsentStance::Given,
                };
                let began = Instant::now();
                match say(&adviser, &town, person, stance).await {
                    Ok(()) => run.count(began.elapsed()),
                    Err(why) => run.note(why),
                }
            }
            Taken::of(run)
        });
    }
    let statements = whole(&mut desks).await?;
    Ok(Loaded {
        signals,
        statements,
        took: began.elapsed(),
    })
}

/// Has a person say something about the purpose of the bench's questions.
///
/// # Errors
/// What went wrong.
pub(super) async fn say(adviser: &Link, town: &Town, person: Person, stance: ConsentStance) -> Result<(), Wrong> {
    let statement = ConsentStatement {
        person: Some(town.identity(person)),
        stance: stance.into(),
        purposes: vec![PURPOSE.into()],
        method: ConsentMethod::Written.into(),
        evidence_reference: "FORM-4711".into(),
        ..Default::default()
    };
    let request = RecordConsentRequest {
        statement: Some(statement),
    };
    let request = adviser.call(request).map_err(|why| why.to_string())?;
    let said = adviser.consents().record_consent(request).await;
    said.map(drop).map_err(|status| status.to_string())
}

/// How many calls went well, and what the first said that did not.
#[derive(Default)]
struct Taken {
    calls: u64,
    first_wrong: Option<Wrong>,
}

impl Taken {
    fn of(mut run: Run) -> Self {
        run.finish();
        Self {
            calls: run.calls,
            first_wrong: run.first_wrong,
        }
    }

    fn add(&mut self, run: Run) {
        let more = Self::of(run);
        self.calls += more.calls;
        self.first_wrong = self.first_wrong.take().or(more.first_wrong);
    }
}

async fn whole(parts: &mut JoinSet<Taken>) -> Result<u64> {
    let mut calls = 0;
    while let Some(part) = parts.join_next().await {
        let part = part?;
        if let Some(why) = part.first_wrong {
            bail!("the town cannot be loaded: {why}");
        }
        calls += part.calls;
    }
    Ok(calls)
}
