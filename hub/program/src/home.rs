//! The folder that `init` makes: where everything lies in it, and how a client finds its way from it.
//! Its keys are for development; it never leaves the machine.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use placehub_certs::{Issuer, Own, TokenSpec, issuer_url, thumbprint_of_pem};
use placehub_delivery::Settings;
use placehub_hub::config::Config;

use crate::cast::Practitioner;

/// The configuration's file.
pub(crate) const CONFIG: &str = "placehub.toml";
/// The folder of certificates and issuers.
pub(crate) const PKI: &str = "pki";
/// The folder of clients' settings.
pub(crate) const CLIENTS: &str = "clients";
/// The public half of the key that signs the ledger.
pub(crate) const LEDGER_PUB: &str = "ledger.pub";

/// How long a token is valid: the longest that a hub takes.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// A folder that `init` made.
#[derive(Debug)]
pub(crate) struct Home {
    dir: PathBuf,
    config: Config,
}

impl Home {
    /// Opens it.
    ///
    /// # Errors
    /// If it is no such folder.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let file = dir.join(CONFIG);
        if !file.is_file() {
            bail!(
                "{} is not a folder made by `placehub init`: it has no {CONFIG}",
                dir.display()
            );
        }
        Ok(Self {
            dir: dir.to_owned(),
            config: Config::load(&file)?,
        })
    }

    /// What a client of this agency and workload needs to reach the hub.
    ///
    /// # Errors
    /// If there is no such client.
    pub(crate) fn settings(&self, agency: &str, workload: &str) -> Result<Settings> {
        let file = self.dir.join(CLIENTS).join(format!("{agency}-{workload}.toml"));
        if !file.is_file() {
            bail!(
                "{} has no client `{agency}-{workload}`: see its folder {CLIENTS}",
                self.dir.display()
            );
        }
        Ok(Settings::load(&file)?)
    }

    /// A development token for a practitioner of the sample place, bound to the certificate of an agency's workload.
    /// The agency may be another than the practitioner's own, so that the hub can be seen to refuse it.
    ///
    /// # Errors
    /// If the issuer or the certificate cannot be read.
    pub(crate) fn token(
        &self,
        practitioner: &Practitioner,
        agency: &str,
        workload: &str,
        now: Timestamp,
    ) -> Result<String> {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let wanted = Wanted {
            agency: practitioner.agency.to_owned(),
            subject: practitioner.subject.to_owned(),
            roles: list(practitioner.roles),
            teams: Vec::new(),
            areas: list(practitioner.areas),
            audience: self.config.tokens.audience.clone(),
            certificate: certificate(&self.dir.join(PKI), agency, workload),
            lifetime: TOKEN_LIFETIME,
        };
        mint(&self.dir.join(PKI), &self.config.place, wanted, now)
    }
}

/// A token to be made.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The practitioner's agency, whose issuer signs.
    pub(crate) agency: String,
    /// The practitioner.
    pub(crate) subject: String,
    /// Their roles.
    pub(crate) roles: Vec<String>,
    /// Their teams.
    pub(crate) teams: Vec<String>,
    /// Their patch.
    pub(crate) areas: Vec<String>,
    /// The hub that it is for.
    pub(crate) audience: String,
    /// The file of the certificate that alone may present it.
    pub(crate) certificate: PathBuf,
    /// How long it is valid.
    pub(crate) lifetime: Duration,
}

/// The `aud` of a development place's tokens.
pub(crate) fn audience(place: &str) -> String {
    format!("https://{place}/hub")
}

/// Where a client's certificate lies in a PKI.
pub(crate) fn certificate(pki: &Path, agency: &str, workload: &str) -> PathBuf {
    pki.join("clients").join(format!("{agency}-{workload}.pem"))
}

/// Signs a token with the development issuer of its agency.
///
/// # Errors
/// If the issuer or the certificate cannot be read.
pub(crate) fn mint(pki: &Path, place: &str, wanted: Wanted, now: Timestamp) -> Result<String> {
    let url = issuer_url(&wanted.agency, place);
    let issuer = Issuer::open(pki, &wanted.agency, &url)
        .with_context(|| format!("the development issuer of `{}` cannot be used", wanted.agency))?;
    let file = wanted.certificate.display().to_string();
    let pem = fs::read_to_string(&wanted.certificate).with_context(|| format!("cannot read {file}"))?;
    let spec = TokenSpec {
        subject: wanted.subject,
        agency: wanted.agency,
        audience: wanted.audience,
        roles: wanted.roles,
        teams: wanted.teams,
        areas: wanted.areas,
        own: Own::default(),
        thumbprint: thumbprint_of_pem(&pem).with_context(|| file)?,
        issued_at: now,
        lifetime: wanted.lifetime,
    };
    Ok(issuer.token(&spec)?)
}
