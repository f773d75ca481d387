//! The doctor: what is wrong between a client and its hub, in a sentence that says what to do.

use tokio::{net::TcpListener, net::TcpSocket};

use super::ask;
use crate::program::{Home, Ran, placehub, run};

/// What the doctor says is wrong, which must be one thing.
fn fault(ran: &Ran) -> String {
    let told = ran.json();
    assert_eq!(told["ok"], false);
    let bad: Vec<String> = told["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["ok"] == false)
        .map(|check| {
            format!(
                "{}: {}",
                check["check"].as_str().unwrap(),
                check["found"].as_str().unwrap()
            )
        })
        .collect();
    let [one] = bad.as_slice() else { panic!("{bad:?}") };
    one.clone()
}

#[tokio::test]
async fn a_hub_that_is_not_there_is_not_listening() {
    let home = Home::new().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    home.point_at(address);
    let ran = home.run(&["doctor", "--agency", "police", "--json"]).await.ended(1);
    assert_eq!(
        fault(&ran),
        format!("connection: the hub at https://{address} is not listening")
    );
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_told_as_such() {
    let home = Home::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    home.point_at(listener.local_addr().unwrap());
    let babble = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example ESMTP\r\n")
            .await
            .unwrap();
        // Held open until the other side is done with it.
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await;
    });
    let ran = home.run(&["doctor", "--agency", "police", "--json"]).await.ended(1);
    assert!(fault(&ran).contains("does not speak TLS"), "{ran:?}");
    babble.await.unwrap();
}

#[tokio::test]
async fn a_hub_of_another_authority_is_not_trusted() {
    let (home, other) = (Home::new().await, Home::new().await);
    let served = home.serve().await;
    let hub = format!("https://{}", served.address);
    let by_files = |ca: &Home, own: &Home| {
        let file = |name: &str| own.file(&format!("pki/clients/police-desk.{name}"));
        let (ca, cert, key) = (ca.file("pki/ca.pem"), file("pem"), file("key"));
        let arguments = [
            "doctor", "--hub", &hub, "--ca", &ca, "--cert", &cert, "--key", &key, "--json",
        ];
        placehub(arguments.map(str::to_owned))
    };
    by_files(&home, &home).await.ended(0);
    let untrusted = by_files(&other, &home).await.ended(1);
    assert!(
        fault(&untrusted).contains("is not from the authority that this client trusts"),
        "{untrusted:?}"
    );
    let stranger = by_files(&home, &other).await.ended(1);
    assert!(
        fault(&stranger).contains("authority that the hub does not know"),
        "{stranger:?}"
    );
    served.stop().await;
}

#[tokio::test]
async fn a_revoked_certificate_is_told_as_revoked_as_soon_as_the_hub_has_read_the_list() {
    let home = Home::new().await;
    let mut served = home.serve().await;
    let doctor = ["doctor", "--as", "officer-42", "--json"];
    assert_eq!(home.run(&doctor).await.ended(0).json()["ok"], true);
    let desk = home.file("pki/clients/housing-desk.pem");
    run("placehub-certs", ["revoke", &home.file("pki"), &desk])
        .await
        .ended(0);
    served.signal("HUP").await;
    served.logs("reloaded").await;
    let ran = home.run(&doctor).await.ended(1);
    assert!(fault(&ran).contains("it has been revoked"), "{ran:?}");
    let asked = home.run(&ask("officer-42")).await.ended(3);
    assert!(asked.error().contains("certificate"), "{asked:?}");
    // Nobody else is shut out.
    home.run(&["doctor", "--as", "officer-17"]).await.ended(0);
    served.stop().await;
}

#[tokio::test]
async fn a_healthy_hub_is_told_to_be_healthy_step_by_step() {
    let home = Home::new().await;
    let served = home.serve().await;
    let config = home.file("placehub.toml");
    let ran = home
        .run(&["doctor", "--as", "officer-42", "--config", &config])
        .await
        .ended(0);
    assert!(!ran.out.contains("FAULT"), "{ran:?}");
    for step in [
        "connection",
        "own expiry",
        "health",
        "call",
        "token",
        "clock",
        "agreements",
        "policies",
        "store",
    ] {
        assert!(
            ran.out.lines().any(|line| line.starts_with(&format!("ok     {step} "))),
            "{step}: {ran:?}"
        );
    }
    served.stop().await;
}
