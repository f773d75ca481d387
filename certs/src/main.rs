//! The program `placehub-certs`: four commands that mint a development PKI and tokens, and print where they are.
//! It never prints a key or a token.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use placehub_certs::{Error, Issuer, Own, Pki, TokenSpec, issuer_url, thumbprint_of_pem};

/// Mints certificates and tokens for developing with Placehub. Never for production.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an authority, an empty revocation list and the hub's certificate.
    Init(Init),
    /// Issue a workload's client certificate and, if the agency has none yet, its token issuer.
    Issue(Issue),
    /// Revoke a certificate that this authority issued.
    Revoke(Revoke),
    /// Sign a practitioner's token, bound to a client certificate.
    Token(Token),
}

#[derive(Args)]
struct Init {
    /// The folder to make.
    dir: PathBuf,
    /// The place: the SPIFFE trust domain, such as wigan.placehub.example.
    #[arg(long)]
    place: String,
    /// A further DNS name or IP address of the hub; may be given again.
    #[arg(long = "name")]
    names: Vec<String>,
    /// Days that the hub's certificate is valid.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

#[derive(Args)]
struct Issue {
    /// The folder that `init` made.
    dir: PathBuf,
    /// The agency, such as police.
    agency: String,
    /// The workload, such as desk or adapter.
    workload: String,
    /// Days that the certificate is valid.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

#[derive(Args)]
struct Revoke {
    /// The folder that `init` made.
    dir: PathBuf,
    /// The certificate to revoke.
    certificate: PathBuf,
}

#[derive(Args)]
struct Token {
    /// The folder that `init` made.
    dir: PathBuf,
    /// The practitioner's agency.
    agency: String,
    /// The practitioner, such as officer-17.
    subject: String,
    /// The hub that the token is for.
    #[arg(long)]
    audience: String,
    /// The client certificate that alone may present the token.
    #[arg(long)]
    certificate: PathBuf,
    /// A role; may be given again.
    #[arg(long = "role")]
    roles: Vec<String>,
    /// A team; may be given again.
    #[arg(long = "team")]
    teams: Vec<String>,
    /// An area of the patch; may be given again.
    #[arg(long = "area")]
    areas: Vec<String>,
    /// Minutes that the token is valid.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1440))]
    minutes: u32,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command, now()).and_then(|paths| print(&paths)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("placehub-certs: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, now: Timestamp) -> Result<Vec<PathBuf>> {
    match command {
        Command::Init(init) => initialise(&init, now),
        Command::Issue(issue) => issue_client(&issue, now),
        Command::Revoke(revoke) => revoke_certificate(&revoke, now),
        Command::Token(token) => sign_token(token, now),
    }
}

fn initialise(init: &Init, now: Timestamp) -> Result<Vec<PathBuf>> {
    let pki = Pki::create(&init.dir, &init.place, now)?;
    let names: Vec<&str> = init.names.iter().map(String::as_str).collect();
    let hub = pki.issue_server("hub", &names, now, days(init.days))?;
    Ok(vec![pki.ca_path(), pki.crl_path(), hub.certificate, hub.key])
}

fn issue_client(issue: &Issue, now: Timestamp) -> Result<Vec<PathBuf>> {
    let pki = Pki::open(&issue.dir)?;
    let client = pki.issue_client(&issue.agency, &issue.workload, now, days(issue.days))?;
    let url = issuer_url(&issue.agency, pki.place());
    let issuer = match Issuer::create(&issue.dir, &issue.agency, &url) {
        Err(Error::Exists { .. }) => Issuer::open(&issue.dir, &issue.agency, &url),
        made => made,
    }?;
    Ok(vec![client.certificate, client.key, issuer.jwks_path()])
}

fn revoke_certificate(revoke: &Revoke, now: Timestamp) -> Result<Vec<PathBuf>> {
    let pki = Pki::open(&revoke.dir)?;
    pki.revoke_pem(&read(&revoke.certificate)?, now)
        .with_context(|| revoke.certificate.display().to_string())?;
    Ok(vec![pki.crl_path()])
}

fn sign_token(token: Token, now: Timestamp) -> Result<Vec<PathBuf>> {
    let pki = Pki::open(&token.dir)?;
    let url = issuer_url(&token.agency, pki.place());
    let issuer = Issuer::open(&token.dir, &token.agency, &url)?;
    let thumbprint =
        thumbprint_of_pem(&read(&token.certificate)?).with_context(|| token.certificate.display().to_string())?;
    let spec = TokenSpec {
        subject: token.subject,
        agency: token.agency,
        audience: token.audience,
        roles: token.roles,
        teams: token.teams,
        areas: token.areas,
        own: Own::default(),
        thumbprint,
        issued_at: now,
        lifetime: Duration::from_secs(u64::from(token.minutes) * 60),
    };
    Ok(vec![issuer.write_token(&spec)?])
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn days(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 24 * 60 * 60)
}

fn print(paths: &[PathBuf]) -> Result<()> {
    let mut out = io::stdout().lock();
    for path in paths {
        writeln!(out, "{}", path.display()).context("cannot print")?;
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program's edge is where the time of day comes in"
)]
fn now() -> Timestamp {
    Timestamp::now()
}
