//! The ledger as a running hub sends it, entry by entry, and what was signed over it at the end. It judges nothing.

use anyhow::{Context as _, Result};
use placehub_hub::ledger::verify::{Evidence, Row};
use placehub_proto::v1::{ExportLedgerRequest, export_ledger_response::Part};

use crate::link::Link;

/// What was signed over the entries that were sent.
#[derive(Debug, Clone)]
pub(in crate::command) struct Signed {
    /// For each change of the ledger's key, the note by both keys.
    pub(in crate::command) handovers: Vec<String>,
    /// The head.
    pub(in crate::command) checkpoint: String,
}

impl Signed {
    /// As what a verifier takes.
    pub(in crate::command) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            handovers: &self.handovers,
            ..Evidence::of(&self.checkpoint)
        }
    }
}

/// Has every entry sent that is asked for, with its number and the hash that the hub has kept of it.
///
/// # Errors
/// What the hub refused, or why it could not be asked, or that it broke off; and what `take` cannot do with an entry.
pub(in crate::command) async fn take_away(
    link: &Link,
    request: ExportLedgerRequest,
    mut take: impl FnMut(u64, Row) -> Result<()>,
) -> Result<Signed> {
    let opened = link.ledger().export_ledger(link.open(request)?).await;
    let mut parts = opened.map_err(|status| link.fault(status))?.into_inner();
    let (mut handovers, mut checkpoint) = (Vec::new(), None);
    while let Some(part) = parts.message().await.map_err(|status| link.fault(status))? {
        match part.part {
            Some(Part::Entry(bytes)) => {
                let number = part.number.context("the hub sent an entry without its number")?;
                let kept = part.leaf_hash.try_into().ok();
                let entry = Some(bytes);
                take(number, Row { entry, kept })?;
            }
            Some(Part::Handover(note)) => handovers.push(note),
            Some(Part::Checkpoint(note)) => checkpoint = Some(note),
            None => {}
        }
    }
    let checkpoint = checkpoint.context("the hub broke off before the signed head")?;
    Ok(Signed { handovers, checkpoint })
}
