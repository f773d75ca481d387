//! The entries of a hub's ledger, taken as they come: a few at a time are held. What is wrong with them, it does not judge.

use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::{Result, anyhow};
use placehub_proto::v1::ExportLedgerRequest;
use tokio::task::block_in_place;

use crate::{command::ledger::take_away, link::Link};

/// How many entries may wait to be looked at.
const WAITING: usize = 1024;

/// The entries that are asked for, each with its number, in order. After an error, no more come.
pub(super) fn entries(link: Link, request: ExportLedgerRequest) -> Receiver<Result<(u64, Vec<u8>)>> {
    let (give, take) = sync_channel(WAITING);
    tokio::spawn(async move {
        let taken = take_away(&link, request, |number, row| match row.entry {
            Some(entry) => block_in_place(|| give.send(Ok((number, entry)))).map_err(|_| anyhow!("nobody takes it")),
            None => Ok(()),
        });
        if let Err(why) = taken.await {
            // Who no longer takes entries is not waiting for the reason either.
            let _gone = give.send(Err(why));
        }
    });
    take
}
