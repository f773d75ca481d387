//! Who saw a person: an officer's question to a long ledger, in a hub of its own process. It times whole answers, and nothing
//! of the writing.

use std::{
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use placehub_hub::{
    keys::{Keyring, Keys},
    ledger::{Entry, concern},
    model::{AgencyId, Identity},
    person,
};
use placehub_proto::v1::{PersonIdentity, WhoSawRequest};

use super::{
    figures::Row,
    place::Place,
    served::Served,
    town::Town,
    written::{self, somebody},
};
use crate::{command::now, link::Link};

/// How many entries the person has.
const THEIRS: u64 = 1_000;
/// The person: a made-up NHS number.
const NHS_NUMBER: &str = "9990001006";
/// Aim, in milliseconds.
const AIM: f64 = 50.0;
/// How often each question is asked.
const ROUNDS: usize = 20;

/// Measures a ledger of so many entries.
///
/// # Errors
/// If the ledger cannot be written, or the hub cannot be asked.
pub(super) async fn measure(folder: &Path, size: u64) -> Result<Row> {
    let folder = tempfile::tempdir_in(folder)?;
    let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let place = Place::make(&folder.path().join("place"), listen, &Town::new(1, 100, now()))?;
    let began = Instant::now();
    write(&place, size).await?;
    let written = began.elapsed();
    let mut hub = Served::start(&place).await?;
    hub.rest().await?;
    let officer = place.desk(("governance", "ig-officer"), 0, listen)?;
    let page = times(&officer, 50, false).await?;
    let all = times(&officer, 200, true).await?;
    hub.stop().await?;
    let mut row = Row::new(
        format!("who-saw-{size}"),
        format!(
            "who saw a person with {THEIRS} of {size} entries, in a hub of its own process; each call is an entry too"
        ),
    );
    row.figure("written at", size as f64 / written.as_secs_f64(), "entries/s");
    row.figure("page of 50, median", median(&page), "ms");
    row.figure("page of 50, slowest", slowest(&page), "ms");
    row.figure("all of them in 5 pages, median", median(&all), "ms");
    row.aim(format!("all {THEIRS} entries in ≤ {AIM:.0} ms"), median(&all) <= AIM);
    Ok(row)
}

/// Writes a ledger: each entry a question of an officer, one in so many about the person.
async fn write(place: &Place, size: u64) -> Result<()> {
    let config = place.config()?;
    let keyring = Keyring::open(&config.keys.keyring, &config.keys.hub_key)?;
    let who = Identity {
        nhs_number: Some(NHS_NUMBER.parse().map_err(anyhow::Error::msg)?),
        ..Identity::default()
    };
    let governance: AgencyId = "governance".parse().map_err(anyhow::Error::msg)?;
    let theirs = person::identifier_hashes(&Keys::of(keyring).hashes, &governance, &who);
    let theirs = *theirs.first().context("the person has no subject")?;
    let each = (size / THEIRS).max(1);
    let concerns = move |number: u64, entry: &Entry| {
        let agency = entry.agency.iter();
        let asked_by = agency.map(|agency| concern::practitioner(agency, &entry.practitioner));
        let about = if number.is_multiple_of(each) {
            theirs
        } else {
            somebody(number)
        };
        let under = entry.agreements.iter().map(concern::agreement);
        asked_by.chain(under).chain([about]).collect()
    };
    written::write(&config, size, concerns).await?;
    Ok(())
}

/// How long the answers took, in milliseconds.
async fn times(officer: &Link, page_size: i32, all: bool) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let mut request = WhoSawRequest {
            person: Some(PersonIdentity {
                nhs_number: NHS_NUMBER.to_owned(),
                ..PersonIdentity::default()
            }),
            page_size,
            ..WhoSawRequest::default()
        };
        let (began, mut found) = (Instant::now(), 0);
        loop {
            let page = officer.ledger().who_saw(officer.call(request.clone())?).await;
            let page = page.map_err(|status| officer.fault(status))?.into_inner();
            found += page.entries.len();
            if !all || page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        times.push(in_ms(began.elapsed()));
        let least = if all {
            usize::try_from(THEIRS)?
        } else {
            usize::try_from(page_size)?
        };
        ensure!(found >= least, "the hub found {found} entries of the person");
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn in_ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn slowest(sorted: &[f64]) -> f64 {
    sorted.last().copied().unwrap_or(f64::NAN)
}
