//! `placehub ledger list`: the newest entries, page by page. It shows what the hub's answer holds.

use clap::Args;
use jiff::Timestamp;
use placehub_proto::v1::ListEntriesRequest;

use super::Paging;
use crate::{ending::Outcome, entries, link::LinkArguments};

/// Which entries.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    link: LinkArguments,
}

impl List {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let Paging {
            all,
            page_size,
            mut page_token,
            json,
        } = self.paging;
        let mut found = Vec::new();
        loop {
            let request = ListEntriesRequest { page_size, page_token };
            let page = link.ledger().list_entries(link.call(request)?).await;
            let page = page.map_err(|status| link.fault(status))?.into_inner();
            found.extend(page.entries);
            page_token = page.next_page_token;
            if !all || page_token.is_empty() {
                return entries::print(&found, &page_token, json);
            }
        }
    }
}
