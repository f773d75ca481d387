//! A place on disk, in a folder of its own: certificates, issuers, keys, policies and tables, and the settings of a hub.
//! Its policies are a copy of the repository's, so that a test may change them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use placehub_certs::{IssuedClient, Issuer, Pki, TokenSpec, issuer_url};
use placehub_hub::{config::Config, keys::Keyring, ledger::Signer};
use tempfile::TempDir;

use super::{Clock, PLACE, Practitioner};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Shorter than the revocation list holds, so that a test can outlive the one and not the other.
const CERTIFICATES_HOLD: Duration = Duration::from_secs(25 * 24 * 60 * 60);
const AGENCIES: [&str; 5] = ["governance", "health", "housing", "police", "welfare"];

/// Everything that a hub is started from.
pub(crate) struct Place {
    /// The place's own time.
    pub(crate) clock: Arc<Clock>,
    /// The authority of all certificates.
    pub(crate) pki: Pki,
    issuers: BTreeMap<String, Issuer>,
    clients: BTreeMap<String, IssuedClient>,
    folder: TempDir,
}

impl Place {
    /// The audience of its tokens.
    pub(crate) const AUDIENCE: &str = "https://hub.wigan.placehub.example";

    /// The sample place with its five agencies. Each has certificates for a desk and, but for governance, an adapter.
    pub(crate) fn new() -> Arc<Self> {
        let clock = Clock::start();
        // An hour ago, so that nothing is so new that a clock which is a little behind would refuse it.
        let since = clock.now() - 1.hour();
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::create(&folder.path().join("pki"), PLACE, since).unwrap();
        pki.issue_server("hub", &[], since, 90 * DAY).unwrap();
        let mut place = Self {
            clock,
            pki,
            issuers: BTreeMap::new(),
            clients: BTreeMap::new(),
            folder,
        };
        for agency in AGENCIES {
            place.enrol(agency, since);
        }
        place.furnish();
        Arc::new(place)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The settings file of its hub, which listens on a free port and keeps its store in `store`.
    pub(crate) fn settings(&self) -> PathBuf {
        self.folder().join("placehub.toml")
    }

    /// The settings, read.
    pub(crate) fn config(&self) -> Config {
        Config::load(&self.settings()).unwrap()
    }

    /// Replaces a text, which must be there, in one of its files.
    pub(crate) fn edit(&self, file: &str, old: &str, new: &str) {
        let path = self.folder().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{file} does not say {old:?}");
        fs::write(&path, text.replace(old, new)).unwrap();
    }

    /// A workload's certificate.
    pub(crate) fn identity(&self, agency: &str, workload: &str) -> &IssuedClient {
        &self.clients[&format!("{agency}/{workload}")]
    }

    /// An agency's issuer of tokens.
    pub(crate) fn issuer(&self, agency: &str) -> &Issuer {
        &self.issuers[agency]
    }

    /// What a right token of a practitioner says now, bound to their agency's desk; a start for a wrong one.
    pub(crate) fn token_spec(&self, who: &Practitioner) -> TokenSpec {
        TokenSpec {
            subject: who.subject.clone(),
            agency: who.agency.clone(),
            audience: Self::AUDIENCE.to_owned(),
            roles: who.roles.clone(),
            teams: Vec::new(),
            areas: who.areas.clone(),
            own: who.own.clone(),
            thumbprint: self.identity(&who.agency, "desk").thumbprint.clone(),
            issued_at: self.clock.now(),
            lifetime: Duration::from_secs(10 * 60),
        }
    }

    /// A right token, valid for ten minutes from now.
    pub(crate) fn token(&self, who: &Practitioner) -> String {
        self.issuer(&who.agency).token(&self.token_spec(who)).unwrap()
    }

    fn enrol(&mut self, agency: &str, since: Timestamp) {
        let issuer = Issuer::create(self.pki.dir(), agency, &issuer_url(agency, PLACE)).unwrap();
        self.issuers.insert(agency.to_owned(), issuer);
        let workloads: &[&str] = if agency == "governance" {
            &["desk"]
        } else {
            &["adapter", "desk"]
        };
        for workload in workloads {
            let issued = self.pki.issue_client(agency, workload, since, CERTIFICATES_HOLD);
            self.clients.insert(format!("{agency}/{workload}"), issued.unwrap());
        }
    }

    fn furnish(&self) {
        let here = |name: &str| self.folder().join(name);
        Keyring::create(&here("keyring"), &here("hub.key")).unwrap();
        fs::write(here("ledger.key"), Signer::generate_pkcs8().unwrap().as_slice()).unwrap();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        copy(&repository.join("policies"), &here("policies"));
        // Tests change rules on purpose, which the cases would refuse; a test of the cases puts them back.
        fs::remove_dir_all(here("policies/cases")).unwrap();
        fs::create_dir(here("policies/cases")).unwrap();
        fs::write(here("policies/cases/harness.json"), CASE).unwrap();
        copy(&repository.join("hub/program/sample/places"), &here("places"));
        renew_agreements(&here("policies"), self.clock.now());
        fs::write(self.settings(), settings()).unwrap();
    }
}

/// Puts the review of every agreement of a folder of policies a year ahead, so that the tests do not lapse with the sample
/// agreements.
pub(crate) fn renew_agreements(policies: &Path, now: Timestamp) {
    let review = (now + (24 * 365).hours()).to_zoned(TimeZone::UTC).date();
    for file in fs::read_dir(policies.join("agreements")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).unwrap();
            let renewed = text.lines().map(|line| match line.starts_with("review_date") {
                true => format!("review_date = \"{review}\"\n"),
                false => format!("{line}\n"),
            });
            fs::write(&path, renewed.collect::<String>()).unwrap();
        }
    }
}

/// The one case that holds whatever rules a test changes.
const CASE: &str = r#"[{
  "name": "A program of information governance may not push a crime",
  "request": {
    "principal": "Placehub::Workload::\"standing\"",
    "action": "Placehub::Action::\"push\"",
    "resource": "Placehub::Kind::\"police.crime-report\"",
    "context": { "owner_sector": "police" }
  },
  "entities": [
    { "uid": { "type": "Placehub::Agency", "id": "governance" }, "attrs": { "sector": "governance" }, "parents": [] },
    {
      "uid": { "type": "Placehub::Workload", "id": "standing" },
      "attrs": { "agency": { "__entity": { "type": "Placehub::Agency", "id": "governance" } } },
      "parents": []
    }
  ],
  "decision": "deny",
  "reason": [],
  "num_errors": 0
}]"#;

fn settings() -> String {
    let agencies = AGENCIES.map(|agency| {
        format!(
            r#"
[[agency]]
id = "{agency}"
sector = "{agency}"
name = "Made-up {agency}"
contact = "{agency}-desk@{PLACE}"
issuer = {{ url = "{url}", keys = "pki/issuers/{agency}.jwks.json" }}
"#,
            url = issuer_url(agency, PLACE)
        )
    });
    format!(
        r#"place = "{PLACE}"
node = "hub.{PLACE}"
listen = "127.0.0.1:0"
tls = {{ certificate = "pki/hub.pem", key = "pki/hub.key", client_ca = "pki/ca.pem", revocation_list = "pki/crl.pem" }}
store = {{ folder = "store" }}
keys = {{ hub_key = "hub.key", keyring = "keyring", ledger_key = "ledger.key" }}
policies = {{ folder = "policies", poll_seconds = 0 }}
places = {{ folder = "places" }}
tokens = {{ audience = "{audience}" }}
limits = {{ heartbeat_seconds = 1, drain_seconds = 5 }}
{agencies}"#,
        audience = Place::AUDIENCE,
        agencies = agencies.concat()
    )
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
