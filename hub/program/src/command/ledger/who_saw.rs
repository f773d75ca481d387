//! `placehub ledger who-saw`: who asked about a person, and what they were shown.
//! It names nobody: the hub finds the person, and answers with entries.

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use placehub_proto::v1::{LedgerEntry, PersonIdentity, WhoSawRequest};

use super::{Paging, Span, Whom};
use crate::{
    ending::Outcome,
    entries,
    link::{Link, LinkArguments},
};

/// Whose accesses.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  placehub ledger who-saw --home wigan --as igo-1 --person \"999 000 1006\"\n  \
    placehub ledger who-saw --home wigan --as igo-1 --person \"999 000 1006\" --since 30d --all\n  \
    placehub ledger who-saw --home wigan --as igo-1 --reference tenancy=T-100101 --references-of housing"
)]
pub(crate) struct WhoSaw {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    link: LinkArguments,
}

impl WhoSaw {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let person = self.whom.person()?;
        let Paging {
            all,
            page_size,
            page_token,
            json,
        } = self.paging;
        let first = WhoSawRequest {
            person: Some(person),
            page_size,
            page_token,
            period: self.span.period(now)?,
            references_of: self.whom.references_of,
        };
        let (found, next) = accesses(&link, first, all).await?;
        entries::print(&found, &next, json)
    }
}

/// Everything that is recorded of looks at a person: one page, or all.
///
/// # Errors
/// What the hub refused, or why it could not be asked.
async fn accesses(link: &Link, mut request: WhoSawRequest, all: bool) -> Result<(Vec<LedgerEntry>, String)> {
    let mut found = Vec::new();
    loop {
        let page = link.ledger().who_saw(link.call(request.clone())?).await;
        let page = page.map_err(|status| link.fault(status))?.into_inner();
        found.extend(page.entries);
        if !all || page.next_page_token.is_empty() {
            return Ok((found, page.next_page_token));
        }
        request.page_token = page.next_page_token;
    }
}

/// All looks at a person.
///
/// # Errors
/// What the hub refused, or why it could not be asked.
pub(in crate::command) async fn who_saw(link: &Link, person: PersonIdentity) -> Result<Vec<LedgerEntry>> {
    let request = WhoSawRequest {
        person: Some(person),
        page_size: 200,
        ..WhoSawRequest::default()
    };
    Ok(accesses(link, request, true).await?.0)
}
