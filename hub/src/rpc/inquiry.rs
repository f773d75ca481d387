//! The questions of an information governance officer: one look each, answered chunk by chunk, so that nothing grows with
//! the ledger but the table of counts.

use std::{collections::VecDeque, sync::Arc};

use placehub_proto::v1::{self as proto, examine_response::Part};
use tokio_stream::Stream;
use tonic::Status;

use super::{Claim, House, Trouble};
use crate::{
    authn::Caller,
    gate::{Error, Inquiry},
    inspect::Counts,
    ledger::Entry,
    wire::{self, Examined},
};

/// How many entries are sent if the request does not say.
const USUAL: u32 = 50;

impl House {
    /// Answers an officer's question: the newest entries first, then the counts over all.
    pub(super) async fn examine(
        self: Arc<Self>,
        claim: Claim,
        caller: &Caller,
        request: &proto::ExamineRequest,
    ) -> Result<impl Stream<Item = Result<proto::ExamineResponse, Status>> + Send + use<>, Trouble> {
        let inquiry = match wire::examined(request.question.as_ref())? {
            Examined::AskedBy(agency, practitioner) => Inquiry::AskedBy { agency, practitioner },
            Examined::LeftUnder(agreement) => Inquiry::LeftUnder(agreement),
            Examined::NearSelf => Inquiry::NearSelf,
            Examined::Refusals => Inquiry::Refusals,
            Examined::WithoutCase => Inquiry::WithoutCase,
        };
        let period = wire::period(request.period.as_ref())?;
        let mut left = request.entries.unwrap_or(USUAL);
        let permit = self.gate.examine(caller, inquiry, period, self.clock.now()).await?;
        // The look's own entry is not part of its answer.
        let mut before = Some(permit.entry());
        Ok(async_stream::try_stream! {
            let mut counts = Counts::default();
            loop {
                self.go_on(&claim)?;
                let found = self.inspection.examine(&permit, before).map_err(Trouble::from)?;
                let mut entries = VecDeque::from(found.entries);
                while let Some((number, bytes, entry)) = entries.pop_front() {
                    let inquiry = &permit.scope().deed().inquiry;
                    counts.add(inquiry, &entry);
                    if left > 0 && is_sent(inquiry, &entry) {
                        left -= 1;
                        let entry = wire::entry((number, bytes));
                        let entry = entry.map_err(|why| Trouble::from(Error::Broken(Box::new(why))))?;
                        yield proto::ExamineResponse { part: Some(Part::Entry(entry)) };
                    }
                }
                before = found.next;
                if before.is_none() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            let mut lines: VecDeque<_> = counts.lines().collect();
            while let Some(line) = lines.pop_front() {
                yield proto::ExamineResponse { part: Some(Part::Count(wire::count(line))) };
            }
        })
    }

    /// All of one entry, and what its rules say of themselves.
    pub(super) async fn entry(&self, caller: &Caller, number: u64) -> Result<proto::GetEntryResponse, Trouble> {
        let permit = self.gate.show_entry(caller, number, self.clock.now()).await?;
        let Some(numbered) = self.inspection.entry(&permit)? else {
            return Err(Trouble::no_entry());
        };
        let parsed = Entry::parse(&numbered.1).map_err(|why| Error::Broken(Box::new(why)))?;
        let policies = self.gate.policies();
        let rules = parsed.classes.iter().flat_map(|class| &class.rules);
        let mut ids: Vec<_> = parsed.rules.iter().chain(rules).collect();
        ids.sort();
        ids.dedup();
        let rules = ids.into_iter().filter_map(|id| policies.rule(id));
        Ok(proto::GetEntryResponse {
            policies_in_force: parsed
                .policy
                .is_some_and(|policy| policy.to_string() == policies.digest()),
            rules: rules
                .map(|rule| proto::DecidingRule {
                    id: rule.id.clone(),
                    agreement: rule.agreement.clone(),
                    reason: rule.reason.clone(),
                })
                .collect(),
            entry: Some(wire::entry(numbered).map_err(|why| Error::Broken(Box::new(why)))?),
        })
    }
}

/// Whether an entry is among the answer. Those that share nothing with whom they ask about are counted, and no more.
fn is_sent(inquiry: &Inquiry, entry: &Entry) -> bool {
    *inquiry != Inquiry::NearSelf || entry.near.is_near()
}
