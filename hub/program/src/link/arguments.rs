//! The flags by which a command is told which hub to speak to, and as whom. It never prints a token.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use jiff::Timestamp;
use placehub_delivery::Settings;

use super::Link;
use crate::{
    cast::{self, Practitioner},
    home::{self, Home},
};

/// Which hub, which certificate, which token.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct LinkArguments {
    /// A folder made by `placehub init`: hub, certificates and keys are found in it.
    #[arg(long, env = "PLACEHUB_HOME", value_name = "DIR")]
    home: Option<PathBuf>,
    /// With --home: the agency whose certificate to use. With --as, that practitioner's own.
    #[arg(long, value_name = "AGENCY")]
    agency: Option<String>,
    /// With --home: the workload whose certificate to use [default: desk; for `push`: adapter].
    #[arg(long, value_name = "WORKLOAD")]
    workload: Option<String>,
    /// With --home: a practitioner of the sample place, e.g. officer-17; a token is made for them on the spot,
    /// and --token is not looked at.
    #[arg(long = "as", value_name = "WHO")]
    practitioner: Option<String>,
    /// The hub's URL, e.g. https://hub.example:7443.
    #[arg(long, env = "PLACEHUB_HUB", value_name = "URL")]
    hub: Option<String>,
    /// The name in the hub's certificate, if it is not the host of the URL.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Without --home: the authority of the hub's certificate, PEM.
    #[arg(long, env = "PLACEHUB_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Without --home: this client's certificate, PEM.
    #[arg(long, env = "PLACEHUB_CERT", value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Without --home: the private key of that certificate, PEM.
    #[arg(long, env = "PLACEHUB_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    /// The practitioner's token, or @FILE.
    #[arg(long, env = "PLACEHUB_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
}

impl LinkArguments {
    /// Prepares the connection that the flags describe.
    ///
    /// # Errors
    /// If the flags do not make one, or a file cannot be read. Names the flag or file.
    pub(crate) fn link(&self, default_workload: &str, now: Timestamp) -> Result<Link> {
        let practitioner = match &self.practitioner {
            None => None,
            Some(name) => Some(cast::find(name).ok_or_else(|| {
                anyhow!(
                    "`--as {name}`: the sample place has {}; for anyone else give --token",
                    cast::names()
                )
            })?),
        };
        let (mut settings, minted) = match &self.home {
            Some(home) => self.by_home(&Home::open(home)?, practitioner, default_workload, now)?,
            None if practitioner.is_some() => bail!("`--as` makes a token with the keys of a folder: give --home too"),
            None => (self.by_files()?, None),
        };
        if let Some(hub) = &self.hub {
            if !hub.starts_with("https://") {
                bail!("`--hub` must begin with https://");
            }
            settings.hub.clone_from(hub);
        }
        if self.server_name.is_some() {
            settings.server_name.clone_from(&self.server_name);
        }
        let token = match minted {
            Some(token) => Some(token),
            None => self.given_token()?,
        };
        Link::new(settings, token)
    }

    /// The file of the ledger's public key, if a folder is given that has one.
    pub(crate) fn ledger_pub(&self) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(home::LEDGER_PUB))
    }

    fn by_home(
        &self,
        home: &Home,
        practitioner: Option<&Practitioner>,
        default_workload: &str,
        now: Timestamp,
    ) -> Result<(Settings, Option<String>)> {
        let agency = self.agency.as_deref().or(practitioner.map(|one| one.agency));
        let agency = agency.context("with --home, say who speaks: --as PRACTITIONER or --agency AGENCY")?;
        let workload = self.workload.as_deref().unwrap_or(default_workload);
        let settings = home.settings(agency, workload)?;
        let token = practitioner
            .map(|one| home.token(one, agency, workload, now))
            .transpose()?;
        Ok((settings, token))
    }

    fn by_files(&self) -> Result<Settings> {
        let named = |flag: &str, path: &Option<PathBuf>| -> Result<Vec<u8>> {
            let path = path.as_ref().with_context(|| {
                format!("`{flag}` is missing: say which hub with --home DIR, or with --hub, --ca, --cert and --key")
            })?;
            fs::read(path).with_context(|| format!("cannot read {} (`{flag}`)", path.display()))
        };
        let hub = self.hub.clone().context(
            "which hub? Give --home DIR (a folder made by `placehub init`), or --hub, --ca, --cert and --key",
        )?;
        Ok(Settings {
            hub,
            server_name: self.server_name.clone(),
            ca: named("--ca", &self.ca)?,
            certificate: named("--cert", &self.cert)?,
            key: named("--key", &self.key)?,
        })
    }

    fn given_token(&self) -> Result<Option<String>> {
        match self.token.as_deref().map(|token| token.strip_prefix('@').ok_or(token)) {
            None => Ok(None),
            Some(Err(token)) => Ok(Some(token.trim().to_owned())),
            Some(Ok(file)) => {
                let text = fs::read_to_string(file).with_context(|| format!("cannot read {file} (`--token`)"))?;
                Ok(Some(text.trim().to_owned()))
            }
        }
    }
}
