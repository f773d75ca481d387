//! `init`, `run`, `status` and `quarantine`: what whoever operates an adapter needs.
//! It never touches the outbox of a running daemon: it reads its files and leaves marks for it.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Answering, DONE, ENDED, Program, SOME_REFUSED, Stopped, USAGE, not_sent, open, print, stopped, usage};
use crate::{
    catalogue::agree,
    clock,
    daemon::{self, Daemon},
    folder::{Folder, chain},
    intake::Source,
    listen::Door,
    push::{Error, Patience},
    quarantine::{self, Id, Quarantine},
    sender,
    settings::{self, Settings, Station},
    standing::Standing,
};

pub(super) fn init(program: Program, path: &Path, out: &mut dyn Write) -> Result<u8, Stopped> {
    let home = path.parent().unwrap_or(Path::new(""));
    // What a trust has changed already stays as it is; the settings file itself must be new.
    for (name, content) in program.beside.iter().filter(|(name, _)| !home.join(name).exists()) {
        write_new(&home.join(name), content)?;
        print(out, format_args!("{} is made", home.join(name).display()))?;
    }
    write_new(
        path,
        &settings::template(program.name, program.listeners, program.formats),
    )?;
    let then = "set `hub`, and put the certificates where it says";
    print(out, format_args!("{} is made: {then}", path.display()))?;
    Ok(DONE)
}

fn write_new(path: &Path, content: &str) -> Result<(), Stopped> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(content.as_bytes()));
    written.map_err(|error| Stopped {
        code: USAGE,
        sentence: format!("{} cannot be made: {error}", path.display()),
    })
}

pub(super) fn run(program: Program, settings: &Path) -> Result<u8, Stopped> {
    let station = Station::load(settings).map_err(usage)?;
    // What could never connect should be told at the start, not in the log a minute later.
    Settings::load(settings).map_err(usage)?;
    let opened = open(program, Some(settings))?;
    let mut sources = listeners(program, &station, opened.sources)?;
    if let Some(drop) = station.folder.clone() {
        sources.push(Box::new(Folder {
            path: drop.path,
            every: drop.every,
            manifest_required: drop.manifest_required,
            done_for: drop.done_for,
            translate: opened.translate.clone(),
            encodings: program.encodings,
        }));
    }
    if sources.is_empty() {
        return Err(Stopped {
            code: USAGE,
            sentence: format!(
                "{} has neither [folder] nor a listener, so there is nothing to take",
                settings.display()
            ),
        });
    }
    let daemon = Daemon::open(station, opened.translate, opened.needs.clone()).map_err(usage)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.map_err(usage)?.block_on(async {
        let stop = stop_on_signal().map_err(usage)?;
        let connect = || sender::by_settings(settings.to_path_buf());
        match stop
            .run_until_cancelled(agree(&opened.needs, ONE_TRY, |_| connect()()))
            .await
        {
            Some(Err(error @ Error::CatalogueDiffers { .. })) => return Err(not_sent(&error, &error)),
            Some(Err(error)) => tracing::warn!(
                cause = %chain(&error),
                "the hub cannot be asked for its catalogue now; what is taken waits until it can"
            ),
            Some(Ok(())) | None => {}
        }
        let ran = daemon.run(sources, connect(), sender::PATIENCE, stop).await;
        ran.map_err(|error| match &error {
            daemon::Error::Hub(cause) => not_sent(cause, &error),
            daemon::Error::Closed(_) | daemon::Error::Failed | daemon::Error::Source { .. } => stopped(ENDED, &error),
            _ => usage(error),
        })
    })?;
    Ok(DONE)
}

/// A hub that is away when the adapter starts is normal: it is asked once, before anything is taken, and again before anything
/// is sent.
const ONE_TRY: Patience = Patience {
    answer: Duration::from_secs(10),
    without_progress: Duration::ZERO,
    ..Patience::USUAL
};

/// Binds the listeners that the settings ask for.
fn listeners(
    program: Program,
    station: &Station,
    mut known: Vec<(&'static str, Answering)>,
) -> Result<Vec<Box<dyn Source>>, Stopped> {
    let bound = station.listeners.iter().map(|(table, listener)| {
        let at = known
            .iter()
            .position(|(name, _)| name == table)
            .ok_or_else(|| Stopped {
                code: USAGE,
                sentence: format!("{} has no listener [{table}]", program.name),
            })?;
        let (_, answering) = known.swap_remove(at);
        let door = Door::open(listener, answering.protocol).map_err(|error| Stopped {
            code: USAGE,
            sentence: format!("[{table}]: {}", chain(&error)),
        })?;
        let address = door.address().unwrap_or(listener.address);
        tracing::info!(listener = table, %address, tls = door.is_tls(), "listens");
        let open = listener.tls.as_ref().is_none_or(|tls| tls.client_ca.is_none());
        if open && !address.ip().is_loopback() {
            tracing::warn!(
                listener = table,
                "whoever reaches the address may send: there is no `client_ca`"
            );
        }
        Ok((answering.source)(door))
    });
    bound.collect()
}

pub(super) fn status(settings: &Path, json: bool, out: &mut dyn Write) -> Result<u8, Stopped> {
    let station = Station::load(settings).map_err(usage)?;
    let (standing, now) = (Standing::of(&station), clock::now());
    if json {
        print(out, format_args!("{:#}", standing.json(now)))?;
    } else {
        print(out, standing.lines(now))?;
    }
    Ok(if standing.needs_somebody(now) {
        SOME_REFUSED
    } else {
        DONE
    })
}

pub(super) fn list(settings: &Path, json: bool, out: &mut dyn Write) -> Result<u8, Stopped> {
    let held = quarantine(settings)?;
    let ids = held.as_ref().map_or(Ok(Vec::new()), Quarantine::ids).map_err(usage)?;
    let (Some(quarantine), false) = (held, ids.is_empty()) else {
        if !json {
            print(out, "nothing is kept back")?;
        }
        return Ok(DONE);
    };
    for id in &ids {
        let kept = match quarantine.read(id) {
            // Sent again by somebody else in the meantime.
            Err(quarantine::Error::Unknown(_)) => continue,
            read => read.map_err(usage)?,
        };
        if json {
            print(out, kept.particulars())?;
            continue;
        }
        let message = if kept.message.is_empty() {
            String::new()
        } else {
            format!(": {}", kept.message)
        };
        print(out, format_args!("{id}  {}  {}{message}", kept.origin, kept.reason))?;
        for (field, rule) in kept.violations() {
            print(out, format_args!("    {field}: {rule}"))?;
        }
    }
    Ok(SOME_REFUSED)
}

pub(super) fn retry(settings: &Path, ids: &[String], all: bool, out: &mut dyn Write) -> Result<u8, Stopped> {
    let found = chosen(settings, ids, all, Quarantine::retry)?;
    print(out, format_args!("{found} to be sent again by `run`"))?;
    Ok(DONE)
}

pub(super) fn discard(settings: &Path, ids: &[String], all: bool, out: &mut dyn Write) -> Result<u8, Stopped> {
    let found = chosen(settings, ids, all, Quarantine::discard)?;
    print(out, format_args!("{found} discarded"))?;
    Ok(DONE)
}

/// Does something to each entry that was named, and says to how many.
fn chosen(
    settings: &Path,
    ids: &[String],
    all: bool,
    deed: impl Fn(&Quarantine, &Id) -> Result<(), quarantine::Error>,
) -> Result<usize, Stopped> {
    let Some(quarantine) = quarantine(settings)? else {
        return match all {
            true => Ok(0),
            false => Err(usage(quarantine::Error::Unknown(ids.join(" ")))),
        };
    };
    let found = if all {
        quarantine.ids()
    } else {
        ids.iter().map(|id| quarantine.find(id)).collect()
    };
    let mut found: Vec<Id> = found.map_err(usage)?;
    // One that is named twice is one.
    found.sort_unstable();
    found.dedup();
    found.iter().try_for_each(|id| deed(&quarantine, id)).map_err(usage)?;
    Ok(found.len())
}

pub(super) fn show(settings: &Path, id: &str, out: &mut dyn Write) -> Result<u8, Stopped> {
    let unknown = || usage(quarantine::Error::Unknown(id.to_owned()));
    let quarantine = quarantine(settings)?.ok_or_else(unknown)?;
    let kept = quarantine.find(id).and_then(|id| quarantine.read(&id)).map_err(usage)?;
    let mut shown = kept.particulars();
    if let Some(object) = shown.as_object_mut() {
        object.insert("content".into(), kept.content());
    }
    print(out, format_args!("{shown:#}"))?;
    Ok(DONE)
}

/// The quarantine, if there has ever been something in it.
fn quarantine(settings: &Path) -> Result<Option<Quarantine>, Stopped> {
    let folder = Station::load(settings).map_err(usage)?.quarantine();
    if !quarantine::exists(&folder) {
        return Ok(None);
    }
    Quarantine::open(&folder).map(Some).map_err(usage)
}

/// Cancelled at the first SIGTERM or SIGINT.
fn stop_on_signal() -> io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stops");
        stopping.cancel();
    });
    Ok(stop)
}
