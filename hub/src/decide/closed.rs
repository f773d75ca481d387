//! Kinds that a law closes, such as social-security information: the base keeps them closed, and an agreement that opens one
//! names its legal authority. Reads rules over what is not known. Never decides on a request.

use super::{
    Error, Opens, Rule,
    bounds::{FACTS, LEVELS},
    rule::{Picture, Truth},
};
use crate::{
    catalogue::{Catalogue, Kind},
    model::{ConsentFact, GatewayId},
};

/// Checks that some rule of the base forbids each closed kind, at each level, to whoever has neither the person's consent nor
/// a statutory gateway; whoever they are, and whatever else they ask for.
///
/// # Errors
/// The first kind that would be open.
pub(super) fn kept<'r>(base: impl Iterator<Item = &'r Rule> + Clone, catalogue: &Catalogue) -> Result<(), Error> {
    let closed = catalogue.kinds().filter(|kind| kind.closed_by.is_some());
    for (kind, level) in closed.flat_map(|kind| LEVELS.map(|level| (kind, level))) {
        for consent in FACTS.into_iter().filter(|fact| *fact != ConsentFact::Given) {
            let picture = Picture {
                kind: Some(kind.id.clone()),
                gateway: Some(GatewayId::none()),
                consent: Some(consent),
                ..Picture::of(level.word())
            };
            let forbids = |rule: &Rule| !rule.permits && rule.applies(&picture) == Truth::Yes;
            if !base.clone().any(forbids) {
                let what = format!(
                    "no rule keeps `{}` closed at the level {}, where no gateway is named and the person's consent is \
                     `{}`: the catalogue has it closed",
                    kind.id,
                    level.word(),
                    consent.word()
                );
                return Err(Error::at("base.cedar", 1, what));
            }
        }
    }
    Ok(())
}

/// Checks that what an agreement opens of a kind names its legal authority, if a law closes the kind.
///
/// # Errors
/// What is missing.
pub(super) fn opened(kind: &Kind, opens: &Opens) -> Result<(), String> {
    let named = opens.authority.as_ref().is_some_and(|law| !law.trim().is_empty());
    match &kind.closed_by {
        Some(law) if !named => Err(format!(
            "the kind `{}` is closed by law ({law}), and no `authority` is named for opening it",
            kind.id
        )),
        _ => Ok(()),
    }
}
