//! The folder of a generated place: what `init` makes, with the town's homes added to its tables.
//! It lies in a temporary folder and goes with it.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use placehub_hub::config::Config;

use super::{
    chance::Chance,
    town::{GREEN, MARKET, QUARTER_HOMES, Town, uprn},
};
use crate::{
    command::{init, now},
    home::{self, CONFIG, Home, PKI, TOKEN_LIFETIME, Wanted},
    link::Link,
};

/// The place of the cast.
const PLACE: &str = "wigan.placehub.example";

/// A folder that is ready to serve a town.
pub(super) struct Place {
    dir: PathBuf,
    home: Home,
}

impl Place {
    /// Makes the folder. The hub that serves it is to listen there.
    ///
    /// # Errors
    /// If any of it cannot be made.
    pub(super) fn make(dir: &Path, listen: SocketAddr, town: &Town) -> Result<Self> {
        init::make(dir, PLACE, listen, &[], "", now())?;
        furnish(&dir.join("places"), town)?;
        Ok(Self {
            dir: dir.to_owned(),
            home: Home::open(dir)?,
        })
    }

    /// The hub's settings.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(super) fn config(&self) -> Result<Config> {
        Ok(Config::load(&self.dir.join(CONFIG))?)
    }

    /// The folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The way of an agency's adapter to a server, over a connection of its own.
    ///
    /// # Errors
    /// If there is no such adapter.
    pub(super) fn adapter(&self, agency: &str, server: SocketAddr) -> Result<Link> {
        let mut settings = self.home.settings(agency, "adapter")?;
        settings.hub = format!("https://{server}");
        Link::new(settings, None)
    }

    /// The way of a practitioner at an agency's desk to a server, over a connection of its own, with a fresh token.
    ///
    /// # Errors
    /// If the token cannot be made.
    pub(super) fn desk(&self, (agency, role): (&str, &str), number: usize, server: SocketAddr) -> Result<Link> {
        let mut settings = self.home.settings(agency, "desk")?;
        settings.hub = format!("https://{server}");
        let pki = self.dir.join(PKI);
        let wanted = Wanted {
            agency: agency.to_owned(),
            subject: format!("bench-{number}"),
            roles: vec![role.to_owned()],
            teams: Vec::new(),
            areas: ["central", "leigh", MARKET, GREEN].map(str::to_owned).to_vec(),
            audience: home::audience(PLACE),
            certificate: home::certificate(&pki, agency, "desk"),
            lifetime: TOKEN_LIFETIME,
        };
        Link::new(settings, Some(home::mint(&pki, PLACE, wanted, now())?))
    }
}

/// Adds two quarters to the sample's areas, and the town's homes to its addresses.
fn furnish(folder: &Path, town: &Town) -> Result<()> {
    let lsoas = fs::read_to_string(folder.join("lsoas.csv")).context("cannot read lsoas.csv")?;
    let codes = lsoas.lines().skip(1).filter_map(|line| line.split(',').next());
    let mut codes: Vec<&str> = codes.collect();
    codes.sort_unstable();
    let (mut areas, mut around, mut addresses) = (String::new(), String::new(), String::new());
    let mut home = 0;
    for _ in 0..town.homes() {
        let mut chance = Chance::new(3, home);
        let at = usize::try_from(chance.skewed(codes.len() as u64)).unwrap_or_default();
        let code = codes.get(at).context("the sample place has no area")?;
        writeln!(addresses, "{},{code}", uprn(home))?;
        home += 1;
    }
    for (number, quarter) in [MARKET, GREEN].into_iter().enumerate() {
        let (msoa, ward) = (format!("E0299{number:04}"), format!("E0599{number:04}"));
        writeln!(areas, "{quarter},footprint,{quarter} quarter,2026")?;
        writeln!(
            areas,
            "{msoa},msoa,{quarter} middle,2021\n{ward},ward,{quarter} ward,2026"
        )?;
        for lsoa in (0..4).map(|part| format!("E0199{number:02}{part:02}")) {
            writeln!(areas, "{lsoa},lsoa,{quarter} part,2021")?;
            writeln!(around, "{lsoa},{msoa},{ward},{quarter}")?;
        }
        for _ in 0..QUARTER_HOMES {
            writeln!(addresses, "{},E0199{number:02}{:02}", uprn(home), home % 4)?;
            home += 1;
        }
    }
    for (name, lines) in [
        ("areas.csv", areas),
        ("lsoas.csv", around),
        ("addresses.csv", addresses),
    ] {
        let file = OpenOptions::new().append(true).open(folder.join(name));
        file.and_then(|mut file| file.write_all(lines.as_bytes()))
            .with_context(|| format!("cannot add to {name}"))?;
    }
    Ok(())
}
