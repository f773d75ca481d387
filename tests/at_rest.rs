//! What lies on the disk and what goes to the logs: nothing that tells who somebody is or what was said of them.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, OnceLock},
};

use placehub_hub::{
    ledger::read,
    store::{Disk, Fault, Memory},
};
use placehub_proto::v1::{
    ConsentMethod, ConsentStance, ConsentStatement, ListConsentsRequest, LocalReference, PersonIdentity,
    ReviewHeldEntryRequest, ReviewOutcome, SignalDraft,
};
use prost::Message as _;
use tracing_subscriber::{filter::Targets, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::harness::{
    Adjust, Hub, Narrow, Place, Watcher, arrears, asb_at, contents, discharge, grant, question_address, question_area,
    question_person, text,
};

const PURPOSE: &str = "homelessness-prevention";
const SUMMARY: &str = "Behind with the rent since the quarry closed";
const POINTER: &str = "https://housing.example/files/Q77-ZEBRA";
const ATTRIBUTE: &str = "hotel of her cousin";
const REFERENCE: &str = "TENANCY-88123";
const SOURCE_ID: &str = "ledger-row-551199";
const EVIDENCE: &str = "FORM-90210-K";

/// Somebody whose every particular is found nowhere else, so that finding one means that it leaked.
fn quilla() -> PersonIdentity {
    PersonIdentity {
        nhs_number: "9990001138".to_owned(),
        unverified_nhs_number: "9990001111".to_owned(),
        local_references: vec![LocalReference {
            system: "quarrybase".to_owned(),
            value: REFERENCE.to_owned(),
        }],
        family_name: "Quillfeather".to_owned(),
        given_name: "Zenobia".to_owned(),
        birth_date: "1947-02-28".to_owned(),
        postcode: "WN99 9ZZ".to_owned(),
        uprn: "999000000107".to_owned(),
    }
}

/// What only Quilla's signals say, in the words in which they say it.
const TOLD: [&str; 9] = [
    "9990001138",
    "9990001111",
    "Quillfeather",
    "Zenobia",
    "1947-02-28",
    "999000000107",
    SUMMARY,
    POINTER,
    ATTRIBUTE,
];
/// What nobody is told.
const UNTOLD: [&str; 3] = [REFERENCE, SOURCE_ID, "quarrybase"];

/// Every form in which a needle could lie about: as it is, in small and in capital letters, without gaps, and in UTF-16.
fn forms(needle: &str) -> Vec<Vec<u8>> {
    let gapless: String = needle.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let texts = [
        needle.to_owned(),
        needle.to_lowercase(),
        needle.to_uppercase(),
        gapless.to_lowercase(),
        gapless.to_uppercase(),
    ];
    let wide = |text: &String| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hex = |text: &String| hex::encode(text).into_bytes();
    let plain = texts.iter().map(|text| text.clone().into_bytes());
    plain
        .chain(texts.iter().map(wide))
        .chain(texts.iter().map(hex))
        .collect()
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The needles of which any form is in these bytes.
fn found<'n>(bytes: &[u8], needles: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let there = |needle: &&str| forms(needle).iter().any(|form| holds(bytes, form));
    needles.into_iter().filter(there).collect()
}

fn secrets() -> impl Iterator<Item = &'static str> {
    let postcode = ["WN99 9ZZ", EVIDENCE];
    TOLD.into_iter().chain(UNTOLD).chain(postcode)
}

/// Every byte of every file under a folder.
fn bytes_under(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(bytes_under(&path));
        } else {
            files.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    files
}

/// Everything that the hub logs in this process, however small.
#[derive(Clone)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn open() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        let log = LOG.get_or_init(|| {
            let log = Self(Arc::default());
            let layer = tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(log.clone());
            let all = Targets::new().with_target("placehub_hub", tracing::Level::TRACE);
            tracing_subscriber::registry().with(all).with(layer).init();
            log
        });
        log.clone()
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// The signals of the walk, from four agencies.
fn drafts(hub: &Hub) -> Vec<(&'static str, SignalDraft)> {
    let mut told = arrears(quilla(), hub.days_ago(3)).id(SOURCE_ID).summary(SUMMARY);
    told.pointer = POINTER.to_owned();
    let discharged = discharge(quilla(), hub.days_ago(2)).with("destination", text(ATTRIBUTE));
    vec![
        ("housing", told.clone()),
        ("housing", told.version(2)),
        ("health", discharged),
        ("welfare", grant(quilla(), hub.days_ago(1)).summary(SUMMARY)),
        ("police", asb_at("999000000107", hub.days_ago(1)).summary(SUMMARY)),
    ]
}

/// Pushes, statements, questions, a watch and a look at the record. Gives every byte that anybody was told.
async fn walk(hub: &Hub) -> Vec<u8> {
    for (agency, draft) in drafts(hub) {
        hub.adapter(agency).push(draft).await.unwrap();
    }
    let adviser = hub.as_cast("adviser-8");
    let statement = ConsentStatement {
        person: Some(quilla()),
        stance: ConsentStance::Given.into(),
        method: ConsentMethod::Written.into(),
        evidence_reference: EVIDENCE.to_owned(),
        ..ConsentStatement::default()
    };
    adviser.record(statement).await.unwrap();
    let mut heard = Vec::new();
    let mut hear = |message: Vec<u8>| heard.extend(message);
    let questions = [
        question_person(quilla(), PURPOSE),
        question_person(quilla(), "hospital-discharge"),
        question_address("999000000107", PURPOSE),
        question_area("central", PURPOSE, hub.days_ago(30)),
    ];
    for question in questions {
        hear(adviser.ask(question).await.unwrap().encode_to_vec());
    }
    let disorder = question_address("999000000107", "asb-prevention").under("cda-1998-s115");
    hear(hub.as_cast("officer-42").ask(disorder).await.unwrap().encode_to_vec());
    let mut watch = Watcher::open(&adviser, &question_person(quilla(), PURPOSE)).await;
    watch.event().await;
    hear(watch.last.encode_to_vec());
    let list = ListConsentsRequest { person: Some(quilla()) };
    let listed = adviser.consents.clone().list_consents(list).await.unwrap();
    hear(listed.into_inner().encode_to_vec());
    hub.as_cast("igo-1").who_saw(quilla()).await.unwrap();
    hub.adapter("housing").retract(SOURCE_ID, 3).await.unwrap();
    adviser.says(quilla(), ConsentStance::Withdrawn).await.unwrap();
    watch.event().await;
    // A question that is refused, by somebody who has no business with it.
    hub.as_cast("officer-17")
        .ask(question_person(quilla(), PURPOSE))
        .await
        .unwrap_err();
    heard
}

/// Calls with something wrong in them, beside what is right. Gives every byte that was said against them.
async fn blunders(hub: &Hub) -> Vec<u8> {
    let wrong = [
        PersonIdentity {
            nhs_number: "9990001139".to_owned(),
            ..quilla()
        },
        PersonIdentity {
            birth_date: "1947-02-28x".to_owned(),
            ..quilla()
        },
        PersonIdentity {
            postcode: "WN99 9ZZ 9".to_owned(),
            ..quilla()
        },
        PersonIdentity {
            uprn: "999000000107x".to_owned(),
            ..quilla()
        },
        PersonIdentity {
            family_name: "Quillfeather".repeat(10),
            ..quilla()
        },
        PersonIdentity {
            given_name: "Zenobia\n".to_owned(),
            ..quilla()
        },
    ];
    let mut said = Vec::new();
    let mut refused = |status: tonic::Status| {
        said.extend_from_slice(status.message().as_bytes());
        said.extend_from_slice(status.details());
    };
    let (housing, adviser) = (hub.adapter("housing"), hub.as_cast("adviser-8"));
    for who in wrong {
        let draft = arrears(who.clone(), hub.days_ago(1)).id(SOURCE_ID).summary(SUMMARY);
        refused(housing.push(draft).await.unwrap_err());
        refused(adviser.ask(question_person(who.clone(), PURPOSE)).await.unwrap_err());
        refused(adviser.says(who.clone(), ConsentStance::Given).await.unwrap_err());
        refused(hub.as_cast("igo-1").who_saw(who).await.unwrap_err());
    }
    // What the ledger would keep for ever.
    for reference in [
        "9990001138 Z Quillfeather",
        "re 999 000 1138",
        "QUILLFEATHER",
        "999000000107",
        "wn999zz",
    ] {
        refused(
            adviser
                .ask(question_person(quilla(), PURPOSE).case(reference))
                .await
                .unwrap_err(),
        );
    }
    let address = question_address("999000000107", PURPOSE).case("999000000107");
    refused(adviser.ask(address).await.unwrap_err());
    let review = ReviewHeldEntryRequest {
        outcome: ReviewOutcome::Kept.into(),
        reason: "she is 9990001138".to_owned(),
        ..ReviewHeldEntryRequest::default()
    };
    refused(
        hub.as_cast("igo-1")
            .ledger
            .clone()
            .review_held_entry(review)
            .await
            .unwrap_err(),
    );
    let right = || arrears(quilla(), hub.days_ago(1)).id(SOURCE_ID).summary(SUMMARY);
    refused(
        housing
            .push(right().version(2).with("weeks", text(ATTRIBUTE)))
            .await
            .unwrap_err(),
    );
    refused(housing.push(right().summary(&SUMMARY.repeat(9))).await.unwrap_err());
    refused(housing.push(right().version(0)).await.unwrap_err());
    refused(hub.adapter("health").push(right()).await.unwrap_err());
    refused(
        adviser
            .ask_page(question_person(quilla(), PURPOSE), 0, REFERENCE)
            .await
            .unwrap_err(),
    );
    said
}

#[tokio::test]
async fn nothing_on_the_disk_or_in_the_log_tells_who_anybody_is() {
    let log = Log::open();
    let place = Place::new();
    let folder = place.folder().join("store");
    let hub = Hub::start(&place, Arc::new(Disk::open(&folder).unwrap())).await;
    let heard = walk(&hub).await;
    assert_eq!(
        found(&heard, TOLD),
        TOLD,
        "the walk did not tell what is then looked for"
    );
    assert_eq!(found(&heard, [EVIDENCE]), [EVIDENCE]);
    let said = blunders(&hub).await;
    assert!(said.len() > 1_000);
    assert_eq!(found(&said, secrets()), [""; 0], "a refusal repeats a value");
    let rows = contents(&*hub.store);
    for (key, value) in &rows {
        let table = char::from(key[0]);
        assert_eq!(found(key, secrets()), [""; 0], "in a key of table {table}");
        assert_eq!(found(value, secrets()), [""; 0], "in a value of table {table}");
    }
    // A packed row would hide what its entries say.
    for (number, entry) in read::export(&*hub.store, 0, usize::MAX).unwrap() {
        assert_eq!(found(&entry, secrets()), [""; 0], "in entry {number}");
    }
    hub.stop().await;
    let files = bytes_under(&folder);
    let kinds = "housing.rent-arrears";
    assert!(
        files.iter().any(|(_, bytes)| holds(bytes, kinds.as_bytes())),
        "labels are kept in the clear"
    );
    for (file, bytes) in files {
        assert_eq!(found(&bytes, secrets()), [""; 0], "in {file}");
    }
    let logged = log.bytes();
    assert!(!logged.is_empty(), "the hub logged nothing, so nothing could be found");
    assert_eq!(found(&logged, secrets()), [""; 0], "in the log");
}

#[tokio::test]
async fn what_the_hub_logs_of_a_failure_tells_nothing_either() {
    let log = Log::open();
    let (place, store) = (Place::new(), Arc::new(Memory::new()));
    let hub = Hub::start(&place, store.clone()).await;
    walk(&hub).await;
    let adviser = hub.as_cast("adviser-8");
    let mut failed = 0;
    for skip in 0..12 {
        store.fail(Fault::Get { skip });
        let draft = arrears(quilla(), hub.days_ago(1)).summary(SUMMARY);
        failed += usize::from(hub.adapter("housing").push(draft).await.is_err());
        store.fail(Fault::Get { skip });
        failed += usize::from(adviser.ask(question_person(quilla(), PURPOSE)).await.is_err());
        store.fail(Fault::Scan { skip: skip % 2 });
        failed += usize::from(adviser.ask(question_address("999000000107", PURPOSE)).await.is_err());
    }
    store.fail(Fault::Commit { skip: 0 });
    adviser.says(quilla(), ConsentStance::Given).await.unwrap_err();
    assert!(failed > 12, "{failed} calls failed");
    let logged = log.bytes();
    assert!(holds(&logged, b"request failed"), "failures are logged");
    assert_eq!(found(&logged, secrets()), [""; 0]);
}
