//! A client that knows nothing of this project talks to the hub: Python's own gRPC, with what reflection tells it.
//! It needs a Python with `grpcio` and `grpcio-reflection`; where there is none, the test says so and proves nothing.

use std::{path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::{
    harness::{Hub, alex, cast},
    program::{collect, setting},
};

const SERVICES: [&str; 6] = [
    "grpc.health.v1.Health",
    "placehub.v1.CatalogueService",
    "placehub.v1.ConsentService",
    "placehub.v1.LedgerService",
    "placehub.v1.PolicyService",
    "placehub.v1.SignalService",
];

#[tokio::test]
async fn a_foreign_client_pushes_asks_watches_and_is_refused_with_nothing_but_reflection() {
    let Some(python) = python().await else {
        eprintln!(
            "skipped: no Python gRPC client. Set PLACEHUB_TEST_PYTHON to a Python that has the packages grpcio and \
             grpcio-reflection"
        );
        return;
    };
    let hub = Hub::fresh().await;
    let told = talk(&python, &hub).await;

    for list in ["services", "services_v1"] {
        for service in SERVICES {
            let named = told[list].as_array().unwrap().contains(&service.into());
            assert!(named, "{list} lacks {service}: {told}");
        }
    }
    assert_eq!(told["health"], json!({ "status": "SERVING" }));
    let pushed = &told["pushed"];
    assert_eq!(pushed["outcome"], "PUSH_OUTCOME_RECORDED");
    let [shown] = told["answer"]["signals"].as_array().unwrap().as_slice() else {
        panic!("one signal was pushed: {told}")
    };
    assert_eq!(shown["id"], pushed["signal_id"]);
    assert_eq!(shown["level"], "DISCLOSURE_LEVEL_DETAIL");
    assert_eq!(shown["detail"]["attributes"]["weeks"], json!({ "integer_value": "9" }));
    assert_eq!(shown["detail"]["person"]["family_name"], "Sample");
    assert_eq!(
        &told["event"]["shown"], shown,
        "the watch begins with what the answer showed"
    );
    let entry = |of: &str| told[of]["ledger_entry"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(entry("answer") < entry("event"));

    let refused = &told["not_permitted"];
    assert_eq!(refused["code"], "PERMISSION_DENIED");
    assert_eq!(
        (&refused["reason"], &refused["domain"]),
        (&"NOT_PERMITTED".into(), &"placehub".into())
    );
    assert_eq!(refused["status_code"], 7);
    assert_eq!(told["no_token"]["code"], "UNAUTHENTICATED");
    assert_eq!(told["no_token"]["reason"], "TOKEN_MISSING");
    assert_eq!(told["bad_field"]["code"], "INVALID_ARGUMENT");
    assert_eq!(told["bad_field"]["fields"], json!(["signal.uprn"]));
    hub.stop().await;
}

/// The Python that can speak gRPC and reflection. One that was named must; another may.
async fn python() -> Option<String> {
    let named = setting("PLACEHUB_TEST_PYTHON");
    let python = named.clone().unwrap_or_else(|| "python3".to_owned());
    let mut probe = Command::new(&python);
    probe.args(["-c", "import grpc_reflection"]).stderr(Stdio::null());
    let able = probe.status().await.is_ok_and(|ended| ended.success());
    assert!(
        able || named.is_none(),
        "PLACEHUB_TEST_PYTHON names a Python without grpcio-reflection"
    );
    able.then_some(python)
}

/// Runs the client against a hub and reads what it was told.
async fn talk(python: &str, hub: &Hub) -> Value {
    let place = &hub.place;
    let speaker = |subject: &str| {
        let who = cast(subject);
        let desk = place.identity(&who.agency, "desk");
        json!({ "certificate": desk.certificate_pem, "key": desk.key_pem, "token": place.token(&who) })
    };
    let adapter = place.identity("housing", "adapter");
    let person = json!({ "nhs_number": alex().nhs_number, "family_name": "Sample", "given_name": "Alex" });
    let given = json!({
        "hub": hub.address.to_string(),
        "ca": place.pki.ca_pem(),
        "speakers": {
            "adapter": { "certificate": adapter.certificate_pem, "key": adapter.key_pem },
            "desk": speaker("officer-42"),
            "other": speaker("officer-17"),
        },
        "signal": {
            "kind": "housing.rent-arrears",
            "source_system": "foreign",
            "source_id": "1",
            "version": 1,
            "person": person,
            "occurred_at": hub.days_ago(2).to_string(),
            "severity": "SEVERITY_HIGH",
            "summary": "made-up arrears",
            "attributes": { "weeks": { "integer_value": 9 } },
        },
        "consent": {
            "person": person,
            "stance": "CONSENT_STANCE_GIVEN",
            "method": "CONSENT_METHOD_SPOKEN",
        },
        "question": { "person": { "nhs_number": alex().nhs_number }, "purpose": "homelessness-prevention" },
    });
    let mut command = Command::new(python);
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/client.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(given.to_string().as_bytes()).await.unwrap();
    drop(input);
    let ran = collect(child).await.ended(0);
    serde_json::from_str(&ran.out).unwrap()
}
