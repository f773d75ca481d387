//! What a board runs on a folder of policies without a hub: each command with the answer yes, and with the answer no.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use placehub_certs::signing_key;
use placehub_hub::{
    clock::{Clock as _, SystemClock},
    decide::{PolicySet, PublicKey, Trust},
    model::AgencyId,
};
use tempfile::TempDir;

use crate::{
    harness::{copy, renew_agreements},
    program::{Home, Ran, placehub, repository},
};

/// A copy of the policies of the repository.
struct Copied {
    folder: TempDir,
}

impl Copied {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&repository().join("policies"), folder.path());
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn text(&self) -> String {
        self.path().display().to_string()
    }

    fn edit(&self, file: &str, old: &str, new: &str) {
        let path = self.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{file} does not say {old:?}");
        fs::write(path, text.replacen(old, new, 1)).unwrap();
    }
}

async fn policy(arguments: &[&str]) -> Ran {
    placehub(["policy"].iter().chain(arguments)).await
}

fn shipped() -> String {
    repository().join("policies").display().to_string()
}

const ASB: &str = "agreements/asb-prevention.cedar";
const DROPPED: (&str, &str, &str) = (ASB, "when { resource.severity >= 2 }\n", "");

#[tokio::test]
async fn a_difference_of_rules_or_of_the_catalogue_is_told_and_none_is_none() {
    let same = policy(&["diff", &shipped(), &shipped()]).await.ended(0);
    assert_eq!(same.out, "Both permit the same, by the same rules.\n");
    let copied = Copied::new();
    copied.edit(DROPPED.0, DROPPED.1, DROPPED.2);
    copied.edit("catalogue/kinds.toml", "retention_days = 90", "retention_days = 91");
    copied.edit("agreements/asb-prevention.toml", "DPIA-2025-011", "DPIA-2026-011");
    let diff = policy(&["diff", &shipped(), &copied.text()]).await.ended(1).out;
    for told in [
        "`asb-prevention-housing-see-asb-in-detail`",
        "the severity is at least 2",
        "impact assessment",
        "the kind `health.hospital-admission`",
        "kept for 91 days",
        "police.asb-incident of police",
    ] {
        assert!(diff.contains(told), "{told}: {diff}");
    }
    let diff = policy(&["diff", &shipped(), &copied.text(), "--json"]).await.ended(1);
    let diff = diff.json();
    let count = |of: &str| diff[of].as_array().unwrap().len();
    assert_eq!(["rules", "particulars", "catalogue", "matrix"].map(count), [1, 1, 1, 1]);
}

#[tokio::test]
async fn a_matrix_that_is_kept_is_held_against_the_rules() {
    let copied = Copied::new();
    let printed = policy(&["matrix", &copied.text()]).await.ended(0).out;
    assert_eq!(printed, fs::read_to_string(copied.path().join("matrix.txt")).unwrap());
    policy(&["matrix", &copied.text(), "--check"]).await.ended(0);
    copied.edit(DROPPED.0, DROPPED.1, DROPPED.2);
    let differs = policy(&["matrix", &copied.text(), "--check"]).await.ended(1).out;
    assert!(
        differs.contains("matrix.txt:") && differs.contains("police.asb-incident"),
        "{differs}"
    );
    assert_eq!(differs.lines().count(), 3, "{differs}");
}

#[tokio::test]
async fn cases_that_fail_and_conditions_without_a_case_are_told() {
    let well = policy(&["test", &shipped()]).await.ended(0).out;
    assert!(well.contains("could be lost unnoticed"), "{well}");
    let copied = Copied::new();
    copied.edit(
        ASB,
        "when { resource.severity >= 2 }\n",
        "when { resource.severity >= 2 }\nwhen { resource.severity <= 9 }\n",
    );
    copied.edit("cases/base.json", "\"decision\": \"deny\"", "\"decision\": \"allow\"");
    let found = policy(&["test", &copied.text()]).await.ended(1).out;
    for told in [
        "cases/base.json:",
        "is to come to allow",
        "no case would notice the loss of the condition that the severity is at most 9",
        "2 findings",
    ] {
        assert!(found.contains(told), "{told}: {found}");
    }
}

/// Today in England, which midnight may change under a test.
fn today() -> Date {
    let london = TimeZone::get("Europe/London").unwrap();
    SystemClock.now().to_zoned(london).date()
}

#[tokio::test]
async fn an_agreement_that_lapses_in_sixty_days_is_told_and_one_that_lapses_a_day_later_is_not() {
    let copied = Copied::new();
    renew_agreements(copied.path(), SystemClock.now());
    let file = copied.path().join("agreements/serious-violence.toml");
    let renewed = fs::read_to_string(&file).unwrap();
    let line = renewed.lines().find(|line| line.starts_with("review_date")).unwrap();
    let ends_in = async |days: i64| loop {
        let day = today();
        let review = format!("review_date = \"{}\"", day + days.days());
        fs::write(&file, renewed.replace(line, &review)).unwrap();
        let ran = policy(&["agreements", &copied.text(), "--json"]).await;
        if day == today() {
            return ran;
        }
    };
    assert_eq!(ends_in(61).await.ended(0).json()["ok"], true);
    let soon = ends_in(60).await.ended(1).json();
    let told = &soon["agreements"][0];
    assert_eq!(
        (
            &told["id"],
            &told["days_left"],
            soon["agreements"].as_array().unwrap().len()
        ),
        (&"serious-violence".into(), &60.into(), 1)
    );
    let lapsed = ends_in(-1).await.ended(1).json();
    assert_eq!(lapsed["agreements"][0]["days_left"], -1);
}

#[tokio::test]
async fn a_party_signs_what_opens_its_signals_and_nothing_else() {
    let copied = Copied::new();
    let keys = tempfile::tempdir().unwrap();
    let sign = async |agreement: &str, party: &str| {
        let (private, public): (PathBuf, PathBuf) = match keys.path().join("signing").exists() {
            true => (
                keys.path().join("signing/housing.key"),
                keys.path().join("signing/housing.pub"),
            ),
            false => signing_key(keys.path(), "housing").unwrap(),
        };
        let key = private.display().to_string();
        let ran = policy(&["sign", &copied.text(), agreement, "--party", party, "--key", &key]).await;
        (ran, public)
    };
    let (signed, public) = sign("asb-prevention", "housing").await;
    assert!(signed.ended(0).out.contains("`housing` has signed `asb-prevention`"));
    let housing: AgencyId = "housing".parse().unwrap();
    let key = PublicKey::from_pem(&fs::read_to_string(public).unwrap()).unwrap();
    let trust = Trust {
        required: true,
        keys: [(housing.clone(), key)].into(),
        ..Trust::default()
    };
    let unsigned = || {
        let set = PolicySet::load_trusting(copied.path(), &trust).unwrap();
        let one = set
            .agreements()
            .iter()
            .find(|one| one.id().as_str() == "asb-prevention");
        one.unwrap().unsigned().to_vec()
    };
    assert_eq!(unsigned(), ["police".parse().unwrap()]);
    copied.edit("agreements/asb-prevention.toml", "title = \"", "title = \"Altered: ");
    assert!(
        unsigned().contains(&housing),
        "the signature is of the agreement before it was altered"
    );
    let (refused, _) = sign("asb-prevention", "welfare").await;
    assert!(refused.ended(2).error().contains("needs no signature"));
    let (refused, _) = sign("no-such-agreement", "housing").await;
    assert!(refused.ended(2).error().contains("holds no agreement"));
}

#[tokio::test]
async fn signatures_are_checked_by_the_settings_without_a_hub() {
    let home = Home::new().await;
    let config = home.file("placehub.toml");
    let check = ["policy", "check", "--config", &config];
    let signed = placehub(check).await.ended(0);
    assert!(
        signed.out.contains("SIGNED by `") && !signed.out.contains("UNSIGNED"),
        "{signed:?}"
    );
    assert!(signed.out.contains("ask for no signatures"), "{signed:?}");
    home.edit(
        "placehub.toml",
        "require_signatures = false",
        "require_signatures = true",
    );
    placehub(check).await.ended(0);
    fs::remove_file(
        home.path()
            .join("policies/signatures/homelessness-prevention.housing.sig"),
    )
    .unwrap();
    home.edit(
        "policies/agreements/asb-prevention.toml",
        "title = \"",
        "title = \"Changed: ",
    );
    let soon = jiff::Zoned::now().date() + jiff::ToSpan::days(40);
    let file = "policies/agreements/home-from-hospital.toml";
    let text = fs::read_to_string(home.path().join(file)).unwrap();
    let review = text.lines().find(|line| line.starts_with("review_date")).unwrap();
    home.edit(file, review, &format!("review_date = \"{soon}\""));
    let told = placehub(check).await.ended(1);
    for words in [
        "UNSIGNED by `housing`",
        "is of other files or by another key, by `housing`, `police`",
        "lapses in ",
    ] {
        assert!(told.out.contains(words), "{words}: {told:?}");
    }
    let json = placehub(check.into_iter().chain(["--json"])).await.ended(1).json();
    assert_eq!(
        (&json["ok"], &json["signatures_required"]),
        (&false.into(), &true.into())
    );
    let of = |id: &str| {
        json["agreements"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["id"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(of("asb-prevention")["in_force"], false);
    assert_eq!(of("asb-prevention")["signatures"][0]["is"], "not-of-these-files");
    assert_eq!(of("safeguarding-adults")["signatures"][0]["is"], "signed");
}
