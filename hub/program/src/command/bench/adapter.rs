//! An adapter in a process of its own that takes a file of rows, 100,000 unless told otherwise, from its drop folder to the hub: rows a second, and the
//! most memory that it ever held, beside what a stream of the same hub takes from a caller that keeps nothing on the disk.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use placehub_delivery::fields;
use tokio::process::{Child, Command};

use super::{
    figures::Row,
    stage::{Party, Stage},
};
use crate::{command::now, home::CLIENTS};

/// How long it may be until the next row is at the hub.
const PATIENCE: Duration = Duration::from_secs(120);
/// The aim, in megabytes.
const MEMORY: f64 = 100.0;
/// The adapter's program, which is looked for beside this one.
const PROGRAM: &str = "placehub-housing";

/// Measures the landlord's adapter with a file of so many rows. `stream` is what the hub did of one stream in the same run, in signals a second.
///
/// # Errors
/// If the adapter cannot be run, or not every row got through.
pub(super) async fn measure(stage: &Stage, rows: u64, stream: f64) -> Result<Row> {
    let program = program()?;
    let folder = tempfile::tempdir_in(stage.folder())?;
    let metrics = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let settings = settings(stage, folder.path(), metrics)?;
    let drop = folder.path().join("drop");
    fs::create_dir(&drop)?;
    let bytes = write(stage, rows, &drop.join("arrears.csv"))?;
    let began = Instant::now();
    let mut adapter = Command::new(program)
        .args(["run".as_ref(), "--settings".as_ref(), settings.as_os_str()])
        .env("RUST_LOG", "error")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("the adapter cannot be started")?;
    let (mut taken, mut there, mut progress) = (None, 0, began);
    loop {
        if progress.elapsed() > PATIENCE || adapter.try_wait()?.is_some() {
            bail!("the adapter does not bring every row to the hub");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        let Ok(told) = ask(metrics) else { continue };
        for fault in ["refused_total", "untranslated_total"] {
            if count(&told, fault) > 0 {
                bail!("the adapter keeps rows back: {fault} is not 0");
            }
        }
        if taken.is_none() && count(&told, "taken_total") == rows {
            taken = Some(began.elapsed());
        }
        let recorded = count(&told, "recorded_total");
        if recorded > there {
            (there, progress) = (recorded, Instant::now());
        }
        if there == rows {
            break;
        }
    }
    let took = began.elapsed();
    let peak = peak(&adapter)?;
    let rate = rows as f64 / took.as_secs_f64();
    let work = format!(
        "{rows} rows of arrears, {:.1} MB of CSV, from the drop folder over the outbox to the hub; both ends durable",
        bytes as f64 / 1e6
    );
    let mut row = Row::new("adapter", work);
    row.figure("rows to the hub", rate, "rows/s");
    if let Some(taken) = taken {
        row.figure(
            "rows on the adapter's own disk",
            rows as f64 / taken.as_secs_f64(),
            "rows/s",
        );
    }
    row.figure("the hub's own stream, without an adapter", stream, "signals/s");
    row.figure("adapter over the hub's own stream", rate / stream, "");
    row.figure("peak memory of the adapter (VmHWM)", peak, "MB");
    row.aim(format!("peak memory ≤ {MEMORY:.0} MB"), peak <= MEMORY);
    Ok(row)
}

/// The adapter's program, of the same build as this one.
fn program() -> Result<PathBuf> {
    let here = std::env::current_exe().context("this program cannot find itself")?;
    let program = here.with_file_name(PROGRAM);
    match program.exists() {
        true => Ok(program),
        false => bail!(
            "there is no {} here: build it with `-p {PROGRAM}` in the same profile",
            program.display()
        ),
    }
}

/// Writes the adapter's settings beside those that `init` made, with its state in this folder.
fn settings(stage: &Stage, folder: &Path, metrics: SocketAddr) -> Result<PathBuf> {
    let clients = stage.place.dir().join(CLIENTS);
    let text = fs::read_to_string(clients.join("housing-adapter.toml")).context("the landlord has no adapter")?;
    let lines = text.lines().filter(|line| !line.starts_with("hub = "));
    let path = |name: &str| folder.join(name).display().to_string();
    let written = format!(
        "hub = \"https://{}\"\n{}\nstate = {:?}\nmetrics = \"{metrics}\"\n[folder]\npath = {:?}\nevery_seconds = 1\n",
        stage.address(Party::Hub),
        lines.collect::<Vec<_>>().join("\n"),
        path("state"),
        path("drop"),
    );
    let file = clients.join("housing-adapter-measured.toml");
    fs::write(&file, written)?;
    Ok(file)
}

/// Writes the file, as a landlord's system would: people and homes of the town, each row about an account of its own.
fn write(stage: &Stage, rows: u64, file: &Path) -> Result<u64> {
    let part = file.with_extension("part");
    let mut out = std::io::BufWriter::new(fs::File::create(&part)?);
    let columns =
        "tenancy_ref,uprn,family_name,given_name,birth_date,nhs_number,postcode,weeks_in_arrears,arrears_pence,as_of";
    writeln!(out, "{columns}")?;
    let today = fields::uk_day(now());
    for number in 0..rows {
        let draft = stage.town.fresh("housing", number);
        let who = draft.person.unwrap_or_default();
        writeln!(
            out,
            "T-{number},{},{},{},{},{},{},{},{},{today}",
            draft.uprn,
            who.family_name,
            who.given_name,
            who.birth_date,
            who.nhs_number,
            who.postcode,
            number % 12,
            10_000 + number
        )?;
    }
    out.into_inner().context("the file cannot be written")?.sync_all()?;
    let bytes = fs::metadata(&part)?.len();
    fs::rename(part, file)?;
    Ok(bytes)
}

/// What the adapter tells Prometheus.
fn ask(metrics: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(metrics)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut told = String::new();
    stream.read_to_string(&mut told)?;
    Ok(told)
}

fn count(told: &str, name: &str) -> u64 {
    let named = format!("placehub_adapter_{name} ");
    let mut counts = told.lines().filter_map(|line| line.strip_prefix(&named));
    counts.find_map(|count| count.trim().parse().ok()).unwrap_or_default()
}

/// The most memory that it ever held, in megabytes.
fn peak(adapter: &Child) -> Result<f64> {
    let process = adapter.id().context("the adapter has ended")?;
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: Option<f64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    Ok(kilobytes.context("the system does not tell the adapter's memory")? * 1024.0 / 1e6)
}
