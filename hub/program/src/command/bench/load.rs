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
            stream::push(&adapter, drafts, None).await
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
            run
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

async fn whole(parts: &mut JoinSet<Run>) -> Result<u64> {
    let mut whole = Run::default();
    while let Some(part) = parts.join_next().await {
        whole.absorb(part?);
    }
    whole.finish();
    match whole.first_wrong {
        Some(why) => bail!("the town cannot be loaded: {why}"),
        None => Ok(whole.calls),
    }
}
