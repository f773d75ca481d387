//! `placehub init`: makes a folder that is ready to serve, for development.
//! It never writes into a folder that holds anything, and every key it makes is for its owner alone.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    net::SocketAddr,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use jiff::Timestamp;
use placehub_certs::{Issuer, Pki, issuer_url, signing_key};
use placehub_hub::{
    decide::{Files, PolicySet, Signable, Trust, sign as policy_signature},
    keys::Keyring,
    ledger::Signer,
};
use serde_json::json;

use crate::{
    cast::{self, AGENCIES},
    embedded::{PLACES, POLICIES, write_out},
    ending::{Ending, Outcome},
    home::{self, CLIENTS, CONFIG, LEDGER_PUB, PKI},
    out,
};

/// How long development certificates are valid.
const LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Where, and for which place.
#[derive(Debug, Args)]
#[command(
    after_help = "The keys and certificates that it makes are for development only. Example:\n  \
    placehub init wigan && placehub serve --config wigan/placehub.toml"
)]
pub(crate) struct Init {
    /// The folder to make. It must not be there, or be empty.
    dir: PathBuf,
    /// The place: the SPIFFE trust domain of its certificates.
    #[arg(long, default_value = "wigan.placehub.example")]
    place: String,
    /// Address and port that the hub is to listen on.
    #[arg(long, default_value = "127.0.0.1:7443")]
    listen: SocketAddr,
    /// A further DNS name or IP address of the hub, for its certificate. May be given again.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl Init {
    /// Makes the folder and says what to do next.
    pub(super) fn run(self, now: Timestamp) -> Outcome {
        make(&self.dir, &self.place, self.listen, &self.names, "", now)?;
        let dir = self.dir.display();
        if self.json {
            out::document(json!({
                "config": self.dir.join(CONFIG),
                "place": self.place,
                "hub": url(self.listen),
                "ledger_key": self.dir.join(LEDGER_PUB),
                "clients": self.dir.join(CLIENTS),
            }))?;
        } else {
            out::line(format_args!(
                "{dir} is ready: the place {}, its agencies, keys and policies. For development only.\n\n\
                 Next:\n  \
                   placehub serve --config {dir}/{CONFIG}\n\
                 and in another terminal:\n  \
                   placehub doctor --home {dir} --as officer-17\n  \
                   placehub push   --home {dir} --agency housing --kind housing.asb-case --system cases --id 1 \\\n                  \
                     --uprn 999000000101 --summary \"Noise at night\" --severity medium --attr open=true\n  \
                   placehub ask    --home {dir} --as officer-17 --address 999000000101 \\\n                  \
                     --purpose asb-prevention --gateway cda-1998-s115 --case 26/4711\n  \
                   placehub ledger verify --home {dir} --as igo-1\n\n\
                 Practitioners of this sample place: {}.",
                self.place,
                cast::names(),
            ))?;
        }
        Ok(Ending::Well)
    }
}

/// Makes the folder. `limits` is added to the configuration under that heading: whole lines of TOML, or nothing.
///
/// # Errors
/// What could not be made. What was made until then stays, so that it can be looked at.
pub(super) fn make(
    dir: &Path,
    place: &str,
    listen: SocketAddr,
    names: &[String],
    limits: &str,
    now: Timestamp,
) -> Result<()> {
    let used = match fs::read_dir(dir) {
        Ok(mut listing) => listing.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error).with_context(|| format!("cannot look into {}", dir.display())),
    };
    if used {
        bail!(
            "{} is not empty, and nothing in it is overwritten: name a folder that is not there yet",
            dir.display()
        );
    }
    let pki = Pki::create(&dir.join(PKI), place, now)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    pki.issue_server("hub", &names, now, LIFETIME)?;
    // A list that has run out shuts everybody out, so it holds as long as the certificates do.
    let until = now
        .checked_add(LIFETIME)
        .context("the certificates would end after the calendar")?;
    pki.write_crl(now, until)?;
    folder(&dir.join(CLIENTS))?;
    for agency in &AGENCIES {
        for workload in agency.workloads {
            pki.issue_client(agency.id, workload, now, LIFETIME)?;
            let file = dir.join(CLIENTS).join(format!("{}-{workload}.toml", agency.id));
            write(&file, &client(agency.id, workload, listen))?;
        }
        Issuer::create(pki.dir(), agency.id, &issuer_url(agency.id, place))?;
    }
    keys(dir, &node(place))?;
    for (files, within) in [(POLICIES, "policies"), (PLACES, "places")] {
        write_out(files, &dir.join(within))
            .map_err(|(file, why)| anyhow::Error::from(why).context(format!("cannot write {}", file.display())))?;
    }
    let signers = sign(dir)?;
    write(&dir.join(CONFIG), &configuration(place, listen, limits, &signers))
}

/// Makes a signing key for each agency whose signals an agreement opens, signs these agreements, and names the agencies.
fn sign(dir: &Path) -> Result<Vec<&'static str>> {
    let files: Files = POLICIES.iter().copied().collect();
    let set = PolicySet::of(&files, &Trust::default())?;
    let signers: Vec<&str> = AGENCIES
        .iter()
        .map(|agency| agency.id)
        .filter(|id| signs(&set, id))
        .collect();
    for agency in &signers {
        let (key, _) = signing_key(&dir.join(PKI), agency)?;
        let key = fs::read_to_string(&key).with_context(|| format!("cannot read {}", key.display()))?;
        let party = agency.parse()?;
        for agreement in set.agreements() {
            if agreement.particulars().owners(set.catalogue()).contains(&party) {
                let signable = Signable::find(&files, agreement.id()).context("an agreement is two files")?;
                let file = dir.join("policies").join(signable.file(&party));
                file.parent().map_or(Ok(()), folder)?;
                write(&file, &policy_signature(&signable, &party, &key)?)?;
            }
        }
    }
    Ok(signers)
}

fn signs(set: &PolicySet, agency: &str) -> bool {
    let mut agreements = set.agreements().iter();
    agreements.any(|one| {
        one.particulars()
            .owners(set.catalogue())
            .iter()
            .any(|party| party.as_str() == agency)
    })
}

/// The key that seals the keyring, the keyring, and the ledger's key with its public half.
fn keys(dir: &Path, node: &str) -> Result<()> {
    let keys = dir.join("keys");
    folder(&keys)?;
    fs::set_permissions(&keys, Permissions::from_mode(0o700))
        .with_context(|| format!("cannot close {} to others", keys.display()))?;
    Keyring::create(&keys.join("keyring"), &keys.join("hub.key"))?;
    let private = Signer::generate_pkcs8().context("no key for the ledger can be made")?;
    let public = Signer::from_pkcs8(node, &private).context("the ledger's key cannot be used")?;
    let file = keys.join("ledger.key");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut open| open.write_all(&private))
        .with_context(|| format!("cannot write {}", file.display()))?;
    write(&dir.join(LEDGER_PUB), &format!("{}\n", public.verifier_key()))
}

fn folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn node(place: &str) -> String {
    format!("{place}/hub-1")
}

/// Where clients of this machine reach a hub that listens here.
fn url(listen: SocketAddr) -> String {
    match listen.ip().is_unspecified() {
        true => format!("https://localhost:{}", listen.port()),
        false => format!("https://{listen}"),
    }
}

/// The settings of a client, in the form that the adapters read.
fn client(agency: &str, workload: &str, listen: SocketAddr) -> String {
    format!(
        "# How `{workload}` of {agency} reaches the hub. Paths start at this file's folder.\n\
         hub = \"{}\"\n\
         ca = \"../{PKI}/ca.pem\"\n\
         certificate = \"../{PKI}/clients/{agency}-{workload}.pem\"\n\
         key = \"../{PKI}/clients/{agency}-{workload}.key\"\n",
        url(listen)
    )
}

fn configuration(place: &str, listen: SocketAddr, limits: &str, signers: &[&str]) -> String {
    let key = |id: &&str| format!("{id} = \"{PKI}/signing/{id}.pub\"");
    let keys: Vec<String> = signers.iter().map(key).collect();
    let mut text = format!(
        "# The configuration of one hub. Paths start at this file's folder.\n\
         # SIGHUP makes a running hub read certificates, revocations, key sets and policies anew.\n\n\
         # The place: the SPIFFE trust domain of its certificates.\n\
         place = \"{place}\"\n\
         # This node: the origin of its ledger. It never changes once there is a ledger.\n\
         node = \"{}\"\n\
         # Address and port to listen on.\n\
         listen = \"{listen}\"\n\n\
         [tls]\n\
         certificate = \"{PKI}/hub.pem\"\n\
         key = \"{PKI}/hub.key\"\n\
         # The authority of agencies' certificates, and its list of those revoked.\n\
         client_ca = \"{PKI}/ca.pem\"\n\
         revocation_list = \"{PKI}/crl.pem\"\n\n\
         [store]\n\
         folder = \"store\"\n\n\
         # Back the keyring up apart from the store: without it the store's content cannot be read.\n\
         [keys]\n\
         hub_key = \"keys/hub.key\"\n\
         keyring = \"keys/keyring\"\n\
         ledger_key = \"keys/ledger.key\"\n\n\
         # Read again when they change. With `require_signatures = true`, an agreement permits nothing until each party\n\
         # whose signals it opens has signed it as it stands: see `placehub policy sign`.\n\
         [policies]\n\
         folder = \"policies\"\n\
         # poll_seconds = 2             # between looks; 0: on SIGHUP alone\n\
         require_signatures = false\n\
         keys = {{ {keys} }}\n\n\
         [places]\n\
         folder = \"places\"\n\n\
         [tokens]\n\
         # What practitioners' tokens must say as `aud`.\n\
         audience = \"{}\"\n\n\
         # Where the head of the ledger is made known, and who must have seen it: docs/checking.md.\n\
         # [ledger]\n\
         # publish = \"checkpoint\"       # a file that follows the signed head, for anyone to fetch\n\
         # require_witnesses = 1        # fewer for `witness_limit_seconds` (60) is an alarm\n\n\
         # Figures for Prometheus at `/metrics`, over plain HTTP and for this machine alone, unless `expose = true`.\n\
         # [metrics]\n\
         # listen = \"127.0.0.1:9464\"\n\n\
         [limits]\n\
         # message_bytes = 1048576      # largest message taken\n\
         # connection_minutes = 60      # after which a connection is made anew\n\
         # heartbeat_seconds = 10       # between heartbeats of a watch\n\
         # drain_seconds = 10           # that open calls have to end when the hub stops\n\
         # cursor_days = 14             # that a watch can be resumed\n{limits}",
        node(place),
        home::audience(place),
        keys = keys.join(", "),
    );
    for agency in &AGENCIES {
        text.push_str(&format!(
            "\n[[agency]]\n\
             id = \"{id}\"\n\
             sector = \"{id}\"\n\
             name = \"{name}\"\n\
             contact = \"{contact}\"\n\
             issuer = {{ url = \"{url}\", keys = \"{PKI}/issuers/{id}.jwks.json\" }}\n",
            id = agency.id,
            name = agency.name,
            contact = agency.contact,
            url = issuer_url(agency.id, place),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use placehub_hub::{
        clock::{Clock as _, SystemClock},
        config::Config,
    };

    use super::*;

    #[test]
    fn the_folder_that_it_makes_holds_a_configuration_that_loads() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("new");
        let listen = "127.0.0.1:7443".parse().unwrap();
        make(
            &home,
            "wigan.placehub.example",
            listen,
            &[],
            "heartbeat_seconds = 1\n",
            SystemClock.now(),
        )
        .unwrap();
        let config = Config::load(&home.join(CONFIG)).unwrap();
        assert_eq!(
            (config.limits.heartbeat_seconds, config.agency.len()),
            (1, AGENCIES.len())
        );
        let again = make(&home, "wigan.placehub.example", listen, &[], "", SystemClock.now()).unwrap_err();
        assert!(again.to_string().contains("is not empty"), "{again}");
    }

    #[test]
    fn a_hub_on_every_address_is_reached_by_its_local_name() {
        assert_eq!(url("0.0.0.0:7443".parse().unwrap()), "https://localhost:7443");
        assert_eq!(url("[::1]:7443".parse().unwrap()), "https://[::1]:7443");
    }
}
