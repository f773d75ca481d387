//! What the ledger proves: its signed head for any agency, proofs for those who may read it.
//! Never gives a hash without a permit, and never an entry without the proof that was asked for.

use placehub_proto::v1 as proto;

use super::{House, Trouble};
use crate::{
    authn::Caller,
    gate::{Act, Error, Export, Permit, Prove},
    ledger::Checkpoint,
    model::Violation,
    wire,
};

impl House {
    /// The newest heads, and the witnesses.
    pub(super) fn checkpoint(&self, caller: &Caller) -> Result<proto::GetCheckpointResponse, Trouble> {
        let checkpoint = self.gate.checkpoint(caller, self.clock.now())?.unwrap_or_default();
        let state = self.publisher.state();
        Ok(proto::GetCheckpointResponse {
            checkpoint,
            witnessed: state.witnessed.clone(),
            required_witnesses: u32::try_from(self.publisher.required()).unwrap_or(u32::MAX),
            witnesses: state.witnesses.iter().map(wire::witness).collect(),
            alarm: state.alarm.clone().unwrap_or_default(),
        })
    }

    /// The proof that an entry is in a tree.
    pub(super) async fn prove_inclusion(
        &self,
        caller: &Caller,
        request: &proto::ProveInclusionRequest,
    ) -> Result<proto::ProveInclusionResponse, Trouble> {
        let (permit, head) = self.prove_ledger(caller, request.number.to_string()).await?;
        let size = within("size", request.size, head.size)?;
        if request.number >= size {
            return Err(beyond("number", "must be below the size"));
        }
        let (entry, hashes) = self.inspection.prove_inclusion(&permit, request.number, size)?;
        Ok(proto::ProveInclusionResponse {
            hashes: hashes.into_iter().map(Vec::from).collect(),
            size,
            checkpoint: self.head_of(size, head),
            entry,
        })
    }

    /// The proof that the ledger only grew.
    pub(super) async fn prove_consistency(
        &self,
        caller: &Caller,
        request: &proto::ProveConsistencyRequest,
    ) -> Result<proto::ProveConsistencyResponse, Trouble> {
        let (permit, head) = self.prove_ledger(caller, String::new()).await?;
        let to = within("to", request.to, head.size)?;
        if request.from > to {
            return Err(beyond("from", "must not be above the later size"));
        }
        let hashes = self.inspection.prove_consistency(&permit, request.from, to)?;
        Ok(proto::ProveConsistencyResponse {
            hashes: hashes.into_iter().map(Vec::from).collect(),
            to,
            checkpoint: self.head_of(to, head),
        })
    }

    async fn prove_ledger(&self, caller: &Caller, sought: String) -> Result<(Permit<Act<Prove>>, Head), Trouble> {
        let permit = self.gate.prove(caller, sought, self.clock.now()).await?;
        let note = permit.scope().deed().checkpoint.clone();
        let size = match note.as_str() {
            "" => 0,
            note => {
                let head = Checkpoint::read_unverified(note);
                head.map_err(|why| Error::Broken(Box::new(why)))?.size
            }
        };
        Ok((permit, Head { note, size }))
    }

    /// The head at which an export ends, and its size: the newest, with what cosignatures it has; or the newest that enough
    /// witnesses have cosigned, if that is wanted and there is one.
    pub(super) fn exported_head(
        &self,
        permit: &Permit<Act<Export>>,
        witnessed: bool,
    ) -> Result<(String, u64), Trouble> {
        let note = permit.scope().deed().checkpoint.clone();
        if note.is_empty() {
            return Ok((note, 0));
        }
        let newest = Checkpoint::open(&note, self.gate.verifier_key());
        let newest = newest.map_err(|why| Error::Broken(Box::new(why)))?;
        let cosigned = self.publisher.state().witnessed.clone();
        Ok(match Checkpoint::open(&cosigned, self.gate.verifier_key()) {
            Ok(head) if (head.size, head.root) == (newest.size, newest.root) => (cosigned, head.size),
            Ok(head) if witnessed && head.size < newest.size => (cosigned, head.size),
            _ => (note, newest.size),
        })
    }

    /// The signed head of a size, if it is at hand: the newest, or the newest that witnesses have cosigned.
    fn head_of(&self, size: u64, newest: Head) -> String {
        let witnessed = self.publisher.state().witnessed.clone();
        match Checkpoint::read_unverified(&witnessed) {
            Ok(head) if head.size == size => witnessed,
            _ if newest.size == size => newest.note,
            _ => String::new(),
        }
    }
}

/// The newest head, as it was before the look.
struct Head {
    note: String,
    size: u64,
}

/// The size that is meant, which the ledger has.
fn within(field: &'static str, asked: u64, newest: u64) -> Result<u64, Trouble> {
    match asked {
        0 => Ok(newest),
        size if size <= newest => Ok(size),
        _ => Err(beyond(field, "must not be above the number of entries")),
    }
}

fn beyond(field: &'static str, rule: &'static str) -> Trouble {
    Trouble::fields(vec![Violation::new(field, rule)])
}
