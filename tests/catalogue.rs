//! The hub's catalogue, and adapters that send nothing to a hub whose catalogue is not what they need.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use placehub_proto::v1::{
    GetCatalogueRequest, GetCatalogueResponse, Sensitivity, catalogue_service_client::CatalogueServiceClient,
};
use serde_json::Value;

use crate::program::{Home, Ran, repository, run};

const KINDS: &str = "policies/catalogue/kinds.toml";
/// What the catalogue says of social-security kinds.
const CLOSED: &str = "closed_by = \"Social Security Administration Act 1992 s.123\"\n";
const GRANTS: &str = "adapters/welfare/samples/crisis-grants.csv";

async fn catalogue(home: &Home, agency: &str) -> GetCatalogueResponse {
    let mut client = CatalogueServiceClient::new(home.channel(agency, "adapter"));
    client.get_catalogue(GetCatalogueRequest {}).await.unwrap().into_inner()
}

/// Writes the welfare adapter's settings with a drop folder, and drops a file.
fn drop_folder(home: &Home) -> (String, PathBuf) {
    let settings = home.file("clients/welfare-adapter.toml");
    let [drop, state] = ["drop", "state"].map(|name| home.beside().join(name));
    fs::create_dir(&drop).unwrap();
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(
        &settings,
        format!("{text}state = {state:?}\n[folder]\npath = {drop:?}\nevery_seconds = 1\n"),
    )
    .unwrap();
    fs::copy(repository().join(GRANTS), drop.join("grants.csv")).unwrap();
    (settings, drop)
}

fn lies_there(drop: &Path) -> bool {
    drop.join("grants.csv").exists()
}

/// Asserts that it ended because the hub does not keep closed what a law closes.
fn told(ran: Ran) {
    let ran = ran.ended(4);
    for words in [
        "catalogue does not fit",
        "`welfare.benefit-sanction` closed",
        "is an offence",
    ] {
        assert!(ran.err.contains(words), "{ran:?}");
    }
}

#[tokio::test]
async fn any_agency_may_read_what_each_kind_is_whose_and_which_a_law_closes() {
    let home = Home::new().await;
    let served = home.serve().await;
    let read = catalogue(&home, "police").await;
    assert_eq!(
        (read.your_agency.as_str(), read.your_sector.as_str()),
        ("police", "police")
    );
    assert_eq!(read.digest.len(), 64);
    let kind = |id: &str| read.kinds.iter().find(|kind| kind.id == id).unwrap();
    let sanction = kind("welfare.benefit-sanction");
    assert_eq!(sanction.owner_sector, "welfare");
    assert_eq!(
        (sanction.sensitivity(), sanction.retention_days),
        (Sensitivity::Restricted, 182)
    );
    assert_eq!(sanction.closed_by, "Social Security Administration Act 1992 s.123");
    assert!(
        sanction.releases.is_empty(),
        "no agreement of the sample place opens it"
    );
    let grant = kind("welfare.crisis-grant");
    assert!(grant.closed_by.is_empty());
    let purposes: Vec<&str> = grant.releases.iter().map(|release| release.purpose.as_str()).collect();
    assert_eq!(purposes, ["homelessness-prevention", "safeguarding-adults"]);
    served.stop().await;
}

#[tokio::test]
async fn the_welfare_adapter_sends_nothing_to_a_hub_that_does_not_keep_social_security_closed() {
    let home = Home::new().await;
    home.edit(KINDS, CLOSED, "");
    let served = home.serve().await;
    let (settings, drop) = drop_folder(&home);
    let grants = repository().join(GRANTS).display().to_string();
    told(run("placehub-welfare", ["once", &grants, "--settings", &settings]).await);
    told(run("placehub-welfare", ["run", "--settings", &settings]).await);
    assert!(lies_there(&drop), "nothing is taken");
    run("placehub-welfare", ["check", &grants, "--settings", &settings])
        .await
        .ended(0);
    let pushed = home.run(&["ledger", "list", "--as", "igo-1", "--all", "--json"]).await;
    let entries = pushed.ended(0).json();
    let actions: Vec<&Value> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["action"])
        .collect();
    assert!(!actions.contains(&&"push".into()), "{actions:?}");
    served.stop().await;
}

#[tokio::test]
async fn what_was_taken_while_the_hub_was_away_stays_when_it_comes_back_with_another_catalogue() {
    let home = Home::new().await;
    let (settings, drop) = drop_folder(&home);
    let adapter = tokio::spawn({
        let settings = settings.clone();
        async move { run("placehub-welfare", ["run", "--settings", &settings]).await }
    });
    let taking = async {
        while lies_there(&drop) {
            assert!(!adapter.is_finished(), "the adapter ended before it took the file");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), taking)
        .await
        .expect("the adapter takes no file");
    home.edit(KINDS, CLOSED, "");
    let served = home.serve().await;
    told(adapter.await.unwrap());
    let status = run("placehub-welfare", ["status", "--json", "--settings", &settings]).await;
    let standing: Value = serde_json::from_str(&status.out).unwrap();
    assert!(standing["outbox_depth"].as_u64().unwrap() > 0, "{standing}");
    served.stop().await;
}

#[tokio::test]
async fn an_adapter_with_anothers_certificate_or_with_kinds_that_the_hub_lacks_sends_nothing() {
    let home = Home::new().await;
    home.edit(KINDS, "\"health.gp-change\"", "\"health.practice-change\"");
    let served = home.serve().await;
    let once = async |program: &str, file: &str, agency: &str| {
        let settings = home.file(&format!("clients/{agency}-adapter.toml"));
        let file = repository().join(file).display().to_string();
        run(program, ["once", &file, "--settings", &settings])
            .await
            .ended(4)
            .err
    };
    let err = once("placehub-welfare", GRANTS, "police").await;
    assert!(
        err.contains("`welfare.crisis-grant` is for agencies of the sort `welfare`")
            && err.contains("it takes this adapter for `police`, of the sort `police`"),
        "{err}"
    );
    let err = once("placehub-nhs", "adapters/nhs/samples/flags.json", "health").await;
    assert!(err.contains("it has no kind `health.gp-change`"), "{err}");
    served.stop().await;
}
