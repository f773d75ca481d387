//! `separate`: takes back what a file said of two records being of one person, when nobody's system will.
//! It never says anything else of the file to the hub.

use std::{io::Write, path::Path};

use placehub_proto::v1::{
    IdentityUndoOutcome, SeparateIdentitiesRequest, identity_service_client::IdentityServiceClient,
};

use super::{DONE, Program, SOME_REFUSED, Stopped, check, not_sent, open, print, usage};
use crate::{
    catalogue::agree,
    channel::channel,
    content::Content,
    push::{Patience, persist},
    settings::Settings,
};

pub(super) fn separate(
    program: Program,
    path: &Path,
    settings_file: &Path,
    patience: Patience,
    out: &mut dyn Write,
) -> Result<u8, Stopped> {
    let settings = Settings::load(settings_file).map_err(usage)?;
    let opened = open(program, Some(settings_file))?;
    let mut said = Vec::new();
    for row in check::rows(program, &opened, path, |input, _| input)? {
        let row = row.map_err(|error| check::about(path, &error))?;
        said.extend(row.result.ok().and_then(parted).map(|request| (row.origin, request)));
    }
    if said.is_empty() {
        print(out, "nothing in it says that two records are of one person")?;
        return Ok(SOME_REFUSED);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(usage)?.block_on(async {
        let channel = channel(&settings).map_err(usage)?;
        let connect = |_| Ok(channel.clone());
        let agreed = agree(&opened.needs, patience, connect).await;
        agreed.map_err(|error| not_sent(&error, &error))?;
        let mut all = true;
        for (origin, request) in said {
            let asked = persist(patience, connect, |channel| {
                let request = request.clone();
                async move {
                    let mut client = IdentityServiceClient::new(channel);
                    Ok(client.separate_identities(request).await?.into_inner())
                }
            });
            let outcome = asked.await.map_err(|error| not_sent(&error, &error))?.outcome();
            all &= outcome == IdentityUndoOutcome::Undone;
            print(out, format_args!("{origin}: {}", told(outcome)))?;
        }
        Ok(if all { DONE } else { SOME_REFUSED })
    })
}

/// What takes the content back, if it says that two records are one: one version above it.
fn parted(content: Content) -> Option<SeparateIdentitiesRequest> {
    let (source_system, source_id, version) = match content {
        Content::Join(join) => (join.source_system, join.source_id, join.version),
        Content::NumberChange(change) => (change.source_system, change.source_id, change.version),
        _ => return None,
    };
    Some(SeparateIdentitiesRequest {
        source_system,
        source_id,
        version: version.saturating_add(1),
    })
}

fn told(outcome: IdentityUndoOutcome) -> &'static str {
    match outcome {
        IdentityUndoOutcome::Undone => "the two are apart again",
        IdentityUndoOutcome::NotFound => "the hub was never told, and will not take it in this version any more",
        IdentityUndoOutcome::AlreadyKnown | IdentityUndoOutcome::Unspecified => {
            "nothing changed: it was taken back before, or said again since in a higher version"
        }
    }
}
