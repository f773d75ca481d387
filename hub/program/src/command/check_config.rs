//! `placehub check-config`: looks at everything that a hub needs at its start, and tells all that is wrong at once.
//! It changes nothing, does not open the store, and listens nowhere.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use jiff::Timestamp;
use placehub_hub::{
    authn::{Agencies, Authenticator},
    config::Config,
    decide::PolicySet,
    hub::trust,
    keys::Keyring,
    ledger::Signer,
    place::Places,
    tls::Live,
};

use crate::{checks::Checks, ending::Outcome};

/// Days before its end from which a certificate is a finding.
pub(super) const DAYS_TOO_FEW: i64 = 14;

/// Days before its end from which a revocation list is a finding. Lists are short-lived by nature.
const LIST_DAYS_TOO_FEW: i64 = 3;

/// Which configuration.
#[derive(Debug, Args)]
pub(crate) struct CheckConfig {
    /// The configuration, e.g. placehub.toml.
    #[arg(long, env = "PLACEHUB_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl CheckConfig {
    /// Checks and prints.
    pub(super) fn run(self, now: Timestamp) -> Outcome {
        let mut checks = Checks::default();
        check(&self.config, &mut checks, now);
        checks.print(self.json)
    }
}

/// Checks everything that a configuration names.
pub(super) fn check(file: &std::path::Path, checks: &mut Checks, now: Timestamp) {
    let loaded = Config::load(file).map_err(anyhow::Error::from);
    let Some(config) = checks.note("configuration", loaded, |config| {
        format!("{}, node {}", config.place, config.node)
    }) else {
        return;
    };
    let live = Live::open(config.tls.clone())
        .map(Arc::new)
        .map_err(anyhow::Error::from);
    if let Some(live) = checks.note("certificates", live, |_| {
        "certificate, key, authority and list fit".into()
    }) {
        match live.days_left(now) {
            days if days < 0 => checks.bad("expiry", "the hub's certificate has expired"),
            days if days < DAYS_TOO_FEW => {
                checks.bad("expiry", format!("the hub's certificate expires in {days} days"));
            }
            days => checks.good("expiry", format!("the hub's certificate is valid for {days} days")),
        }
        revocations(&live, checks, now);
        let known = Agencies::new(config.agency.iter().cloned())
            .and_then(|agencies| Authenticator::open(&config.place, &config.tokens.audience, agencies, live));
        let known = known.map_err(anyhow::Error::from);
        checks.note("agencies", known, |_| {
            format!("{} agencies with their key sets", config.agency.len())
        });
    }
    let keyring = Keyring::open(&config.keys.keyring, &config.keys.hub_key).map_err(anyhow::Error::from);
    checks.note("keyring", keyring, |_| "the hub's key opens it".into());
    checks.note("ledger key", ledger_key(&config), |name| format!("signs as {name}"));
    let witnesses = config.ledger.check().map_err(anyhow::Error::from);
    checks.note("witnesses", witnesses, |()| {
        let (all, required) = (config.ledger.witness.len(), config.ledger.require_witnesses);
        format!("{all}, of which {required} must cosign")
    });
    let policies = trust(&config).map_err(anyhow::Error::from);
    let policies = policies.and_then(|trust| Ok(PolicySet::load_trusting(&config.policies.folder, &trust)?));
    if let Some(policies) = checks.note("policies", policies, |set| {
        format!("{} rules in {} agreements", set.rule_count(), set.agreements().len())
    }) {
        checks.note("agreements", in_force(&policies, &config, now), Clone::clone);
    }
    let places = Places::load(&config.places.folder).map_err(anyhow::Error::from);
    checks.note("place", places, |places| {
        format!("{} areas, {} addresses", places.area_count(), places.address_count())
    });
    checks.note("store", store(&config), |found| (*found).to_owned());
}

/// A list that has run out shuts everybody out.
fn revocations(live: &Live, checks: &mut Checks, now: Timestamp) {
    let Some(next) = live.revoked().next_update() else {
        return checks.good("revocations", "no list is kept, so no certificate can be revoked");
    };
    match days_until(next, now) {
        days if days < 0 => checks.bad("revocations", "the list has run out, so every client is refused"),
        days if days < LIST_DAYS_TOO_FEW => {
            checks.bad(
                "revocations",
                format!("the list runs out in {days} days, and then every client is refused"),
            );
        }
        days => checks.good(
            "revocations",
            format!("{} revoked; the list holds {days} days", live.revoked().len()),
        ),
    }
}

/// Whole days from now until then; negative if it is past.
pub(super) fn days_until(then: Timestamp, now: Timestamp) -> i64 {
    then.as_second()
        .saturating_sub(now.as_second())
        .div_euclid(24 * 60 * 60)
}

fn ledger_key(config: &Config) -> Result<String> {
    let file = &config.keys.ledger_key;
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let signer =
        Signer::from_pkcs8(&config.node, &bytes).with_context(|| format!("{} cannot be used", file.display()))?;
    Ok(signer.verifier_key().name().to_owned())
}

/// Each agreement is in force, and its parties are agencies of the configuration.
fn in_force(policies: &PolicySet, config: &Config, now: Timestamp) -> Result<String> {
    let known: BTreeSet<_> = config.agency.iter().map(|agency| &agency.id).collect();
    for agreement in policies.agreements() {
        let particulars = agreement.particulars();
        if let Some(party) = particulars.party.iter().find(|party| !known.contains(&party.agency)) {
            bail!(
                "`{}` names the agency `{}`, which the configuration does not have",
                agreement.id(),
                party.agency
            );
        }
        if let Some(party) = agreement.unsigned().first() {
            bail!(
                "`{}` permits nothing: `{party}` has not signed it as it stands",
                agreement.id()
            );
        }
        if !particulars.in_force(now) {
            bail!(
                "`{}` permits nothing today: it is in force from {} to {}",
                agreement.id(),
                particulars.in_force_from,
                particulars.review_date
            );
        }
    }
    Ok("all in force, all parties known".to_owned())
}

fn store(config: &Config) -> Result<&'static str> {
    let folder = &config.store.folder;
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok("there"),
        Ok(_) => bail!("{} is not a folder", folder.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok("not there yet; the first start makes it"),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", folder.display())),
    }
}
