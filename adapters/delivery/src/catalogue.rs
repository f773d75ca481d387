//! What an adapter needs of the hub's catalogue before it sends anything: that its kinds are there, are its agency's to push,
//! and are kept closed where a law closes them.
//! It never judges who may see a signal: it holds the hub to what the hub itself says.

use std::borrow::Cow;

use placehub_proto::v1::{
    CatalogueKind, GetCatalogueRequest, GetCatalogueResponse, catalogue_service_client::CatalogueServiceClient,
};
use tonic::transport::Channel;

use crate::push::{Error, Patience, persist};

/// A kind that an adapter may push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    kind: Cow<'static, str>,
    closed: bool,
}

impl Need {
    /// A kind of the adapter's own.
    pub const fn of(kind: &'static str) -> Self {
        Self {
            kind: Cow::Borrowed(kind),
            closed: false,
        }
    }

    /// A kind whose disclosure without lawful authority is an offence: the hub must say that it keeps it closed, and that
    /// whatever agreement opens it names the authority.
    pub const fn closed(kind: &'static str) -> Self {
        Self {
            kind: Cow::Borrowed(kind),
            closed: true,
        }
    }

    /// The kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }
}

impl From<String> for Need {
    fn from(kind: String) -> Self {
        Self {
            kind: Cow::Owned(kind),
            closed: false,
        }
    }
}

/// Asks the hub for its catalogue, for as long as patience allows, and compares.
/// `connect` gives a channel, and is told whether the one before it broke.
///
/// # Errors
///
/// [`Error::CatalogueDiffers`] if the hub's catalogue is not what the adapter needs, or the hub cannot tell it; then nothing
/// may be sent. Any other [`Error`] if the hub could not be asked.
pub async fn agree(
    needs: &[Need],
    patience: Patience,
    connect: impl FnMut(bool) -> Result<Channel, Error>,
) -> Result<(), Error> {
    if needs.is_empty() {
        return Ok(());
    }
    let asked = persist(patience, connect, |channel| async {
        let mut client = CatalogueServiceClient::new(channel);
        Ok(client.get_catalogue(GetCatalogueRequest {}).await?.into_inner())
    });
    let hub = match asked.await {
        Err(Error::Refused { reason, .. }) if reason == "Unimplemented" => Err("it is too old to tell it".to_owned()),
        asked => fits(needs, &asked?),
    };
    hub.map_err(|message| Error::CatalogueDiffers { message })
}

/// Compares what an adapter needs with what the hub has.
///
/// # Errors
///
/// Everything that does not fit, in one line.
fn fits(needs: &[Need], hub: &GetCatalogueResponse) -> Result<(), String> {
    let mut faults: Vec<String> = Vec::new();
    for need in needs {
        match hub.kinds.iter().find(|kind| kind.id == need.kind) {
            None => faults.push(format!("it has no kind `{}`", need.kind)),
            Some(kind) if kind.owner_sector != hub.your_sector => faults.push(format!(
                "`{}` is for agencies of the sort `{}`, and it takes this adapter for `{}`, of the sort `{}`",
                need.kind, kind.owner_sector, hub.your_agency, hub.your_sector
            )),
            Some(kind) if need.closed => faults.extend(open(kind)),
            Some(_) => {}
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join("; ")),
    }
}

/// Why a kind is not closed as the law wants it, if it is not.
fn open(kind: &CatalogueKind) -> Option<String> {
    if kind.closed_by.is_empty() {
        return Some(format!(
            "it does not keep `{}` closed, whose disclosure without lawful authority is an offence",
            kind.id
        ));
    }
    let nameless = kind.releases.iter().find(|release| release.authority.is_empty())?;
    Some(format!(
        "it releases `{}` under the agreement `{}`, which names no legal authority for it",
        kind.id, nameless.agreement
    ))
}

#[cfg(test)]
mod tests {
    use placehub_proto::v1::Release;

    use super::*;

    const SANCTION: Need = Need::closed("welfare.benefit-sanction");

    /// A hub that has these two kinds of the welfare sort, and what it says of the first.
    fn hub(closed_by: &str, authorities: &[&str]) -> GetCatalogueResponse {
        let releases = authorities.iter().map(|authority| Release {
            agreement: "homes".into(),
            authority: (*authority).into(),
            ..Default::default()
        });
        let sanction = CatalogueKind {
            id: SANCTION.kind.to_string(),
            owner_sector: "welfare".into(),
            closed_by: closed_by.into(),
            releases: releases.collect(),
            ..Default::default()
        };
        let grant = CatalogueKind {
            id: "welfare.crisis-grant".into(),
            owner_sector: "welfare".into(),
            ..Default::default()
        };
        GetCatalogueResponse {
            your_agency: "council".into(),
            your_sector: "welfare".into(),
            kinds: vec![sanction, grant],
            ..Default::default()
        }
    }

    #[test]
    fn a_hub_that_keeps_closed_kinds_closed_is_fit_to_push_to() {
        let needs = [SANCTION, Need::of("welfare.crisis-grant")];
        for authorities in [[].as_slice(), &["an Act"], &["an Act", "another"]] {
            fits(&needs, &hub("a law", authorities)).unwrap();
        }
    }

    #[test]
    fn a_hub_that_would_open_a_closed_kind_is_not() {
        let why = |hub| fits(&[SANCTION], &hub).unwrap_err();
        assert!(why(hub("", &[])).starts_with("it does not keep `welfare.benefit-sanction` closed"));
        assert!(
            why(hub("a law", &["an Act", ""])).contains("under the agreement `homes`, which names no legal authority")
        );
    }

    #[test]
    fn each_kind_that_is_missing_or_anothers_is_told() {
        let mut hub = hub("a law", &[]);
        hub.your_sector = "police".into();
        let needs = [Need::of("welfare.crisis-grant"), Need::of("welfare.made-up")];
        let why = fits(&needs, &hub).unwrap_err();
        assert!(
            why.contains("`welfare.crisis-grant` is for agencies of the sort `welfare`, and it takes this adapter for `council`, of the sort `police`"),
            "{why}"
        );
        assert!(why.ends_with("; it has no kind `welfare.made-up`"), "{why}");
    }
}
