//! LedgerService: what an information governance officer may see of the record. Each look is itself recorded.

use std::{collections::VecDeque, ops::Range, pin::Pin, sync::Arc};

use placehub_proto::v1::{self as proto, export_ledger_response::Part, ledger_service_server::LedgerService};
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::{Claim, House, Trouble, token::Bound};
use crate::{
    authn::Caller,
    gate::{Act, Error, Export, Permit},
    inspect::Numbered,
    model::{AgencyId, Identity},
    wire,
};

/// How many bytes of entries a page holds, at most, but for one that is longer.
pub(super) const PAGE_BYTES: usize = 1 << 20;

/// The service.
#[derive(Clone)]
pub struct LedgerDesk(pub Arc<House>);

#[tonic::async_trait]
impl LedgerService for LedgerDesk {
    type ExamineStream = Pin<Box<dyn Stream<Item = Result<proto::ExamineResponse, Status>> + Send>>;
    type MakeAccessLogStream = Pin<Box<dyn Stream<Item = Result<proto::MakeAccessLogResponse, Status>> + Send>>;
    type ExportLedgerStream = Pin<Box<dyn Stream<Item = Result<proto::ExportLedgerResponse, Status>> + Send>>;

    async fn list_entries(
        &self,
        request: Request<proto::ListEntriesRequest>,
    ) -> Result<Response<proto::ListEntriesResponse>, Status> {
        let caller = self.0.practitioner(&request)?;
        Ok(Response::new(self.0.list_entries(&caller, request.get_ref()).await?))
    }

    async fn who_saw(&self, request: Request<proto::WhoSawRequest>) -> Result<Response<proto::WhoSawResponse>, Status> {
        let caller = self.0.practitioner(&request)?;
        Ok(Response::new(self.0.who_saw(&caller, request.get_ref()).await?))
    }

    async fn examine(&self, request: Request<proto::ExamineRequest>) -> Result<Response<Self::ExamineStream>, Status> {
        let (claim, caller) = (super::claim(&request)?, self.0.practitioner(&request)?);
        let answer = self.0.clone().examine(claim, &caller, request.get_ref()).await?;
        Ok(Response::new(Box::pin(answer)))
    }

    async fn get_entry(
        &self,
        request: Request<proto::GetEntryRequest>,
    ) -> Result<Response<proto::GetEntryResponse>, Status> {
        let caller = self.0.practitioner(&request)?;
        Ok(Response::new(self.0.entry(&caller, request.get_ref().number).await?))
    }

    async fn make_access_log(
        &self,
        request: Request<proto::MakeAccessLogRequest>,
    ) -> Result<Response<Self::MakeAccessLogStream>, Status> {
        let (claim, caller) = (super::claim(&request)?, self.0.practitioner(&request)?);
        let log = self.0.clone().access_log(claim, &caller, request.get_ref()).await?;
        Ok(Response::new(Box::pin(log)))
    }

    async fn list_held_entries(
        &self,
        request: Request<proto::ListHeldEntriesRequest>,
    ) -> Result<Response<proto::ListHeldEntriesResponse>, Status> {
        let caller = self.0.practitioner(&request)?;
        Ok(Response::new(self.0.held(&caller, request.get_ref()).await?))
    }

    async fn review_held_entry(
        &self,
        request: Request<proto::ReviewHeldEntryRequest>,
    ) -> Result<Response<proto::ReviewHeldEntryResponse>, Status> {
        let caller = self.0.practitioner(&request)?;
        Ok(Response::new(self.0.review(&caller, request.get_ref()).await?))
    }

    async fn get_checkpoint(
        &self,
        request: Request<proto::GetCheckpointRequest>,
    ) -> Result<Response<proto::GetCheckpointResponse>, Status> {
        let caller = self.0.caller(&request)?;
        Ok(Response::new(self.0.checkpoint(&caller)?))
    }

    async fn prove_inclusion(
        &self,
        request: Request<proto::ProveInclusionRequest>,
    ) -> Result<Response<proto::ProveInclusionResponse>, Status> {
        let caller = self.0.practitioner(&request)?;
        Ok(Response::new(self.0.prove_inclusion(&caller, request.get_ref()).await?))
    }

    async fn prove_consistency(
        &self,
        request: Request<proto::ProveConsistencyRequest>,
    ) -> Result<Response<proto::ProveConsistencyResponse>, Status> {
        let caller = self.0.practitioner(&request)?;
        Ok(Response::new(
            self.0.prove_consistency(&caller, request.get_ref()).await?,
        ))
    }

    async fn export_ledger(
        &self,
        request: Request<proto::ExportLedgerRequest>,
    ) -> Result<Response<Self::ExportLedgerStream>, Status> {
        let (claim, caller) = (super::claim(&request)?, self.0.practitioner(&request)?);
        let period = wire::period(request.get_ref().period.as_ref()).map_err(Trouble::from)?;
        let looked = self.0.gate.export(&caller, period, self.0.clock.now()).await;
        let permit = looked.map_err(Trouble::from)?;
        let (note, size) = self.0.exported_head(&permit, request.get_ref().witnessed)?;
        let numbers = self.0.inspection.exported(&permit, size).map_err(Trouble::from)?;
        let stream = export(self.0.clone(), claim, permit, numbers, note);
        Ok(Response::new(Box::pin(stream)))
    }
}

impl House {
    async fn list_entries(
        &self,
        caller: &Caller,
        request: &proto::ListEntriesRequest,
    ) -> Result<proto::ListEntriesResponse, Trouble> {
        let size = wire::page_size(request.page_size)?;
        let bound = Bound::to(caller, "list-entries", &(), "");
        let before = self.before(&bound, &request.page_token)?;
        let permit = self.gate.list_entries(caller, self.clock.now()).await?;
        let found = self.inspection.newest(&permit, before, size + 1)?;
        let (entries, next_page_token) = self.page(&bound, found, size)?;
        Ok(proto::ListEntriesResponse {
            entries,
            next_page_token,
        })
    }

    async fn who_saw(&self, caller: &Caller, request: &proto::WhoSawRequest) -> Result<proto::WhoSawResponse, Trouble> {
        let who = self.whom(caller, request.person.as_ref(), &request.references_of)?;
        let size = wire::page_size(request.page_size)?;
        let period = wire::period(request.period.as_ref())?;
        let asked = proto::WhoSawRequest {
            person: request.person.clone(),
            period: request.period,
            references_of: request.references_of.clone(),
            ..proto::WhoSawRequest::default()
        };
        let bound = Bound::to(caller, "who-saw", &asked, "");
        let before = self.before(&bound, &request.page_token)?;
        let permit = self.gate.who_saw(caller, who, period, self.clock.now()).await?;
        let found = self.inspection.concerning(&permit, before, size + 1)?;
        let (entries, next_page_token) = self.page(&bound, found, size)?;
        Ok(proto::WhoSawResponse {
            entries,
            next_page_token,
        })
    }

    /// Whom an officer asks about, and the agency whose references are given: the caller's own, if none is named.
    pub(super) fn whom(
        &self,
        caller: &Caller,
        person: Option<&proto::PersonIdentity>,
        references_of: &str,
    ) -> Result<(AgencyId, Identity), Trouble> {
        let who = super::person(person)?;
        if references_of.is_empty() {
            return Ok((caller.agency().clone(), who));
        }
        let mut fields = wire::Fields::new();
        let agency: Option<AgencyId> = fields.parse("references_of", references_of);
        if agency
            .as_ref()
            .is_some_and(|agency| self.agencies.find(agency).is_none())
        {
            fields.wrong("references_of", "must be an agency of this place");
        }
        Ok((fields.finish(agency)?, who))
    }

    pub(super) fn before(&self, bound: &Bound, token: &str) -> Result<Option<u64>, Trouble> {
        match token {
            "" => Ok(None),
            token => self.open(bound, token).map(Some).ok_or_else(Trouble::page_token),
        }
    }

    /// A page of at most `size` entries, and the token of the next if one more was found.
    fn page(
        &self,
        bound: &Bound,
        mut found: Vec<Numbered>,
        size: usize,
    ) -> Result<(Vec<proto::LedgerEntry>, String), Trouble> {
        let mut bytes = 0;
        let too_much = found.iter().position(|(_, raw)| {
            bytes += raw.len();
            bytes > PAGE_BYTES
        });
        let size = size.min(too_much.unwrap_or(size).max(1));
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().map(|(number, _)| *number);
        let next = last.filter(|_| more).map(|last| self.seal(bound, &last)).transpose()?;
        let entries: Result<_, _> = found.into_iter().map(wire::entry).collect();
        let entries = entries.map_err(|why| Error::Broken(Box::new(why)))?;
        Ok((entries, next.unwrap_or_default()))
    }
}

fn export(
    house: Arc<House>,
    claim: Claim,
    permit: Permit<Act<Export>>,
    Range { start: mut from, end }: Range<u64>,
    checkpoint: String,
) -> impl Stream<Item = Result<proto::ExportLedgerResponse, Status>> + Send {
    async_stream::try_stream! {
        while from < end {
            house.go_on(&claim)?;
            let chunk = house.inspection.in_order(&permit, from).map_err(Trouble::from)?;
            let mut chunk = VecDeque::from(chunk);
            if chunk.is_empty() {
                Err(Trouble::closed())?;
            }
            while let Some(((number, bytes), kept)) = chunk.pop_front().filter(|((number, _), _)| *number < end) {
                from = number + 1;
                yield proto::ExportLedgerResponse {
                    part: Some(Part::Entry(bytes)),
                    number: Some(number),
                    leaf_hash: kept.to_vec(),
                };
            }
        }
        for note in house.inspection.handovers(&permit).map_err(Trouble::from)? {
            yield proto::ExportLedgerResponse { part: Some(Part::Handover(note)), ..Default::default() };
        }
        yield proto::ExportLedgerResponse { part: Some(Part::Checkpoint(checkpoint)), ..Default::default() };
    }
}
