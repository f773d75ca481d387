//! A person's access log, and the review of what is held back from it. The log never says how much it leaves out, nor
//! whether it leaves out anything: a log with held entries and one without look the same.

use std::{collections::VecDeque, sync::Arc};

use placehub_proto::v1 as proto;
use tokio_stream::Stream;
use tonic::Status;

use super::{Claim, House, Trouble, ledger::PAGE_BYTES, token::Bound};
use crate::{authn::Caller, gate::Error, inspect::Page, wire};

impl House {
    /// A person's access log, newest first. What is held back is on the list of what is to be reviewed before what comes
    /// after it goes out.
    pub(super) async fn access_log(
        self: Arc<Self>,
        claim: Claim,
        caller: &Caller,
        request: &proto::MakeAccessLogRequest,
    ) -> Result<impl Stream<Item = Result<proto::MakeAccessLogResponse, Status>> + Send + use<>, Trouble> {
        let who = self.whom(caller, request.person.as_ref(), &request.references_of)?;
        let period = wire::period(request.period.as_ref())?;
        let permit = self.gate.access_log(caller, who, period, self.clock.now()).await?;
        // The log does not tell of its own making.
        let mut before = Some(permit.entry());
        Ok(async_stream::try_stream! {
            loop {
                self.go_on(&claim)?;
                let policies = self.gate.policies();
                let chunk = self.inspection.accesses(&permit, policies.catalogue(), before).map_err(Trouble::from)?;
                if !chunk.held.is_empty() {
                    self.gate.hold(&permit, chunk.held).await.map_err(Trouble::from)?;
                }
                let mut told = VecDeque::from(chunk.told);
                while let Some(line) = told.pop_front() {
                    yield wire::access(line, &self.agencies, policies.catalogue());
                }
                before = chunk.next;
                if before.is_none() {
                    break;
                }
            }
        })
    }

    /// What access logs have left out.
    pub(super) async fn held(
        &self,
        caller: &Caller,
        request: &proto::ListHeldEntriesRequest,
    ) -> Result<proto::ListHeldEntriesResponse, Trouble> {
        let entries = wire::page_size(request.page_size)?;
        let asked = proto::ListHeldEntriesRequest {
            reviewed_too: request.reviewed_too,
            ..proto::ListHeldEntriesRequest::default()
        };
        let bound = Bound::to(caller, "list-held", &asked, "");
        let from = match request.page_token.as_str() {
            "" => (0, [0; 16]),
            token => self.open(&bound, token).ok_or_else(Trouble::page_token)?,
        };
        let permit = self.gate.list_held(caller, self.clock.now()).await?;
        let page = Page {
            from,
            reviewed: request.reviewed_too,
            entries,
            bytes: PAGE_BYTES,
        };
        let policies = self.gate.policies();
        let (found, next) = self.inspection.held(&permit, policies.catalogue(), page)?;
        let held: Result<_, _> = found.into_iter().map(wire::held).collect();
        let next = next.map(|next| self.seal(&bound, &next)).transpose()?;
        Ok(proto::ListHeldEntriesResponse {
            held: held.map_err(|why| Error::Broken(Box::new(why)))?,
            next_page_token: next.unwrap_or_default(),
        })
    }

    /// Releases or keeps an entry that access logs have left out.
    pub(super) async fn review(
        &self,
        caller: &Caller,
        request: &proto::ReviewHeldEntryRequest,
    ) -> Result<proto::ReviewHeldEntryResponse, Trouble> {
        let verdict = wire::review(request)?;
        let which = (request.number, request.asked_in);
        let reviewed = self.gate.review(caller, which, verdict, self.clock.now());
        Ok(proto::ReviewHeldEntryResponse {
            ledger_entry: reviewed.await?.entry(),
        })
    }
}
