//! What a board relies on: changed files take effect or are refused, each of it in the ledger; unsigned agreements permit
//! nothing; and an explanation says the same whether or not anybody is known.

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use placehub_certs::signing_key;
use placehub_hub::{
    config::Config,
    decide::{Files, PolicySet, Signable, sign},
    hub::{self, trust},
    ledger::Entry,
    store::{Fault, Memory},
};
use placehub_proto::v1::{
    ConsentStance, ExplainQuestionRequest, GetPolicySetRequest, GetPolicySetResponse, QuestionSort, SubjectSort,
};
use prost::Message as _;
use tonic_types::StatusExt as _;

use crate::harness::{Client, Hub, Place, alex, arrears, drew, question_person};

const AGREEMENT: &str = "policies/agreements/homelessness-prevention";

async fn policy_set(client: &Client) -> GetPolicySetResponse {
    let set = client.policies.clone().get_policy_set(GetPolicySetRequest {}).await;
    set.unwrap().into_inner()
}

/// Asks again until the policies are as expected.
async fn until(client: &Client, expected: impl Fn(&GetPolicySetResponse) -> bool) -> GetPolicySetResponse {
    let looking = async {
        loop {
            let set = policy_set(client).await;
            if expected(&set) {
                return set;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking).await.unwrap()
}

/// The entries of an action, oldest first.
async fn entries(hub: &Hub, action: &str) -> Vec<Entry> {
    let (entries, _) = hub.as_cast("igo-1").export().await.unwrap();
    let entries = entries.iter().map(|bytes| Entry::parse(bytes).unwrap());
    entries.filter(|entry| entry.action == action).collect()
}

async fn watching() -> (Arc<Place>, Hub) {
    let place = Place::new();
    place.edit("placehub.toml", "poll_seconds = 0", "poll_seconds = 1");
    let hub = Hub::start(&place, Arc::new(Memory::new())).await;
    (place, hub)
}

#[tokio::test]
async fn a_change_of_files_takes_effect_by_itself_or_is_refused_and_both_are_in_the_ledger() {
    let (place, hub) = watching().await;
    let adviser = hub.as_cast("adviser-8");
    let first = policy_set(&adviser).await;
    assert!(first.refused.is_none());
    place.edit(&format!("{AGREEMENT}.cedar"), "permit (", "permit (((");
    let broken = until(&adviser, |set| set.refused.is_some()).await;
    assert_eq!(broken.digest, first.digest, "the old ones stay in force");
    assert_eq!(broken.refused.unwrap().fault, "", "why is for information governance");
    let fault = policy_set(&hub.as_cast("igo-1")).await.refused.unwrap().fault;
    assert!(
        fault.starts_with("the policies cannot be used: agreements")
            && fault.contains("agreements/homelessness-prevention.cedar:"),
        "{fault}"
    );
    place.edit(&format!("{AGREEMENT}.cedar"), "permit (((", "permit (");
    let mended = until(&adviser, |set| set.refused.is_none()).await;
    assert_eq!(mended.digest, first.digest);
    let version = format!("version = \"{}\"", first.version);
    place.edit("policies/set.toml", &version, "version = \"renewed\"");
    let second = until(&adviser, |set| set.digest != first.digest).await;
    assert_eq!(second.version, "renewed");
    let loaded = entries(&hub, "policies-loaded").await;
    let changes: Vec<_> = loaded.iter().map(|entry| entry.change.clone().unwrap()).collect();
    let told: Vec<_> = changes
        .iter()
        .map(|change| (&*change.from, &*change.to, &*change.by))
        .collect();
    let expected = [
        ("", &*first.digest, "start"),
        (&*first.digest, &*second.digest, "files changed"),
    ];
    assert_eq!(told, expected);
    let refused = entries(&hub, "policies-refused").await;
    assert_eq!(refused.len(), 1);
    assert!(!refused[0].allowed && refused[0].agency.is_none());
    assert_eq!(refused[0].change.as_ref().unwrap().from, first.digest);
    let versions = |entry: &Entry| {
        let change = entry.change.clone().unwrap();
        [change.from_version, change.to_version, entry.policy_version.clone()]
            .map(|version| version.map_or(String::new(), |version| version.to_string()))
    };
    let old = first.version.as_str();
    assert_eq!(versions(&loaded[0]), ["", old, old]);
    assert_eq!(versions(&loaded[1]), [old, "renewed", "renewed"]);
    assert_eq!(versions(&refused[0]), [old, old, old]);
    let looks = entries(&hub, "export-ledger").await;
    assert!(looks.iter().all(|look| look.policy_version.is_some()) && !looks.is_empty());
}

/// Why a hub does not start from a place on a store.
fn not_started(place: &Arc<Place>, store: &Arc<Memory>) -> String {
    let opened = hub::Hub::open_on(place.config(), place.clock.clone(), store.clone());
    let why = opened.err().unwrap();
    std::error::Error::source(&why).unwrap().to_string()
}

#[tokio::test]
async fn policies_that_a_hub_cannot_start_by_are_in_the_ledger_once_when_it_can() {
    let (place, store) = (Place::new(), Arc::new(Memory::new()));
    let file = format!("{AGREEMENT}.cedar");
    place.edit(&file, "permit (", "permit (((");
    for _ in 0..3 {
        let why = not_started(&place, &store);
        assert!(why.contains("agreements/homelessness-prevention.cedar:"), "{why}");
    }
    place.edit(&file, "permit (((", "permit (");
    let first = Hub::start(&place, store.clone()).await;
    let set = policy_set(&first.as_cast("igo-1")).await;
    first.stop().await;
    place.edit("policies/set.toml", "title", "heading");
    assert!(not_started(&place, &store).contains("set.toml:"));
    place.edit("policies/set.toml", "heading", "title");
    let second = Hub::start(&place, store).await;
    let told: Vec<_> = entries(&second, "policies-refused")
        .await
        .into_iter()
        .map(|entry| {
            let change = entry.change.unwrap();
            assert!(!entry.allowed && entry.policy.is_none() && change.by == "start");
            (change.from, change.to_version.is_some(), entry.refusal.unwrap().reason)
        })
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((told[0].0.as_str(), told[0].1), ("", true));
    assert_eq!((told[1].0.as_str(), told[1].1), (set.digest.as_str(), false));
    let folder = place.folder().display().to_string();
    assert!(
        told.iter()
            .all(|(_, _, fault)| fault.contains(':') && !fault.contains(&folder)),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_case_that_comes_out_otherwise_refuses_a_change() {
    let hub = Hub::fresh().await;
    let cases = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/cases/base.json")).unwrap();
    let folder = hub.place.folder().join("policies/cases");
    fs::write(folder.join("base.json"), &cases).unwrap();
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    let wrong = cases.replacen("\"decision\": \"deny\"", "\"decision\": \"allow\"", 1);
    fs::write(folder.join("base.json"), wrong).unwrap();
    let failed = hub.reloader.reload("signal").await.failed;
    assert_eq!(failed.len(), 1);
    let fault = policy_set(&hub.as_cast("igo-1")).await.refused.unwrap().fault;
    assert!(fault.contains("cases/base.json:"), "{fault}");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(hub.reloader.reload("signal").await.failed.len(), 1);
    let fault = policy_set(&hub.as_cast("igo-1")).await.refused.unwrap().fault;
    assert!(fault.contains("there are no cases"), "{fault}");
}

#[tokio::test]
async fn a_change_that_could_not_be_recorded_takes_effect_once_it_can() {
    let place = Place::new();
    place.edit("placehub.toml", "poll_seconds = 0", "poll_seconds = 1");
    let store = Arc::new(Memory::new());
    let hub = Hub::start(&place, store.clone()).await;
    let governance = hub.as_cast("igo-1");
    let first = policy_set(&governance).await;
    place.edit(&format!("{AGREEMENT}.toml"), "title = \"", "title = \"Renewed: ");
    store.fail(Fault::EveryGet);
    let waiting = until(&governance, |set| set.refused.is_some()).await;
    assert_eq!(waiting.digest, first.digest);
    let fault = waiting.refused.unwrap().fault;
    assert!(fault.contains("cannot be recorded"), "{fault}");
    store.heal();
    until(&governance, |set| set.digest != first.digest && set.refused.is_none()).await;
    assert_eq!(entries(&hub, "policies-loaded").await.len(), 2);
}

#[tokio::test]
async fn an_agreement_that_has_a_party_as_another_sort_is_refused() {
    let hub = Hub::fresh().await;
    hub.place.edit(
        &format!("{AGREEMENT}.toml"),
        "sector = \"welfare\"",
        "sector = \"police\"",
    );
    assert_eq!(hub.reloader.reload("signal").await.failed.len(), 1);
    let refused = policy_set(&hub.as_cast("igo-1")).await.refused;
    assert!(refused.unwrap().fault.contains("agreements/homelessness-prevention."));
    let place = Place::new();
    place.edit("placehub.toml", "sector = \"welfare\"", "sector = \"housing\"");
    let config = Config::load(&place.settings()).unwrap();
    let why = PolicySet::load_trusting(&config.policies.folder, &trust(&config).unwrap()).err();
    let why = why.unwrap().to_string();
    assert!(why.contains("`welfare` is of the sort `welfare` here"), "{why}");
}

#[tokio::test]
async fn a_restart_with_the_same_policies_is_no_change_of_them() {
    let (place, store) = (Place::new(), Arc::new(Memory::new()));
    for _ in 0..2 {
        let hub = Hub::start(&place, store.clone()).await;
        assert_eq!(entries(&hub, "policies-loaded").await.len(), 1);
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_lapse_is_entered_once() {
    let (place, store) = (Place::new(), Arc::new(Memory::new()));
    let file = format!("{AGREEMENT}.toml");
    let text = fs::read_to_string(place.folder().join(&file)).unwrap();
    let review = text.lines().find(|line| line.starts_with("review_date")).unwrap();
    place.edit(&file, review, "review_date = \"2026-01-02\"");
    for _ in 0..2 {
        let hub = Hub::start(&place, store.clone()).await;
        let lapsed = entries(&hub, "agreements-lapsed").await;
        assert_eq!(lapsed.len(), 1);
        let names: Vec<_> = lapsed[0].agreements.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["homelessness-prevention"]);
        assert!(lapsed[0].allowed && lapsed[0].agency.is_none());
        hub.stop().await;
    }
}

#[tokio::test]
async fn an_unsigned_or_altered_agreement_permits_nothing_and_the_others_stay_in_force() {
    let place = Place::new();
    let agreement = "homelessness-prevention".parse().unwrap();
    let pki = place.folder().join("pki");
    let folder = place.folder().join("policies");
    let owners = ["health", "housing", "welfare"];
    let mut private = Vec::new();
    for owner in owners {
        private.push(signing_key(&pki, owner).unwrap().0);
    }
    let keys = owners
        .map(|owner| format!("{owner} = \"pki/signing/{owner}.pub\""))
        .join(", ");
    let asked = format!("poll_seconds = 0, require_signatures = true, keys = {{ {keys} }}");
    place.edit("placehub.toml", "poll_seconds = 0", &asked);
    let signed = |by: usize| {
        let files = Files::read(&folder).unwrap();
        let signable = Signable::find(&files, &agreement).unwrap();
        let party = owners[by].parse().unwrap();
        let text = sign(&signable, &party, &fs::read_to_string(&private[by]).unwrap()).unwrap();
        fs::create_dir_all(folder.join("signatures")).unwrap();
        fs::write(folder.join(signable.file(&party)), text).unwrap();
    };
    let hub = Hub::start(&place, Arc::new(Memory::new())).await;
    let adviser = hub.as_cast("adviser-8");
    let in_force = async || -> Vec<String> {
        let set = policy_set(&adviser).await;
        let in_force = set.agreements.into_iter().filter(|one| one.in_force);
        in_force.map(|one| one.id).collect()
    };
    assert_eq!(in_force().await, Vec::<String>::new());
    let status = adviser
        .ask(question_person(alex(), "homelessness-prevention"))
        .await
        .unwrap_err();
    let info = status.get_error_details().error_info().cloned().unwrap();
    assert_eq!(info.metadata["unmet"], "signature");
    assert!(info.metadata["remedy"].contains("health"), "{info:?}");
    for by in 0..3 {
        assert_eq!(in_force().await, Vec::<String>::new(), "{by} of 3 have signed");
        signed(by);
        assert!(hub.reloader.reload("signal").await.failed.is_empty());
    }
    assert_eq!(in_force().await, ["homelessness-prevention"]);
    adviser
        .ask(question_person(alex(), "homelessness-prevention"))
        .await
        .unwrap();
    place.edit(&format!("{AGREEMENT}.cedar"), "// Prevention", "// The prevention");
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    assert_eq!(in_force().await, Vec::<String>::new(), "a comment that nobody signed");
}

#[tokio::test]
async fn a_refused_ask_says_what_is_not_met_who_could_lift_it_and_the_law() {
    let hub = Hub::fresh().await;
    let officer = hub.as_cast("officer-17");
    let mut question = question_person(alex(), "asb-prevention");
    question.gateway = "cda-1998-s115".to_owned();
    let status = officer.ask(question).await.unwrap_err();
    let info = status.get_error_details().error_info().cloned().unwrap();
    let told = |key: &str| info.metadata.get(key).cloned().unwrap_or_default();
    assert_eq!(told("agreement"), "asb-prevention");
    assert_eq!(told("rule"), "asb-prevention-ask-person");
    assert_eq!(told("unmet"), "case-reference");
    assert_eq!(told("law"), "Crime and Disorder Act 1998 s.115");
    assert!(told("remedy").starts_with("you, by naming"), "{info:?}");
}

#[tokio::test]
async fn an_explanation_is_the_same_to_the_byte_for_a_known_and_for_a_made_up_person() {
    let hub = Hub::fresh().await;
    let officer = hub.as_cast("officer-17");
    let adviser = hub.as_cast("adviser-8");
    hub.adapter("housing")
        .push(arrears(alex(), hub.days_ago(1)))
        .await
        .unwrap();
    adviser.says(alex(), ConsentStance::Given).await.unwrap();
    // Drew is known to nobody. Both questions are refused, and their details are the same bytes.
    let mut refusals = Vec::new();
    for who in [alex(), drew()] {
        let mut question = question_person(who, "asb-prevention");
        question.gateway = "cda-1998-s115".to_owned();
        let status = officer.ask(question).await.unwrap_err();
        // The order in which a map is written is chance; put in order, the details are compared to the byte.
        let details = status.get_error_details();
        let info = details.error_info().cloned().unwrap();
        let metadata: BTreeMap<_, _> = info.metadata.into_iter().collect();
        let rest = (
            details.bad_request().is_none(),
            details.retry_info().is_none(),
            status.details().len(),
        );
        refusals.push((status.message().to_owned(), info.reason, metadata, rest));
    }
    assert_eq!(refusals[0], refusals[1]);
    // What a sort of question could show takes no person at all, and is the same before and after anything is known.
    let explain = async |hub: &Hub| {
        let request = ExplainQuestionRequest {
            question: Some(QuestionSort {
                subject: SubjectSort::Person.into(),
                purpose: "homelessness-prevention".to_owned(),
                ..QuestionSort::default()
            }),
        };
        let client = hub.as_cast("adviser-8");
        let explained = client.policies.clone().explain_question(request).await.unwrap();
        explained.into_inner()
    };
    let known = explain(&hub).await;
    let fresh = explain(&Hub::fresh().await).await;
    assert_eq!(known.encode_to_vec(), fresh.encode_to_vec());
    let sanction = known
        .outlooks
        .iter()
        .find(|one| one.kind == "housing.eviction")
        .unwrap();
    let why = sanction.explanation.as_ref().unwrap();
    assert_eq!(
        (why.unmet.as_slice(), why.remedy.starts_with("the person")),
        (&["consent".to_owned()][..], true)
    );
    assert!(!why.law.is_empty());
}
