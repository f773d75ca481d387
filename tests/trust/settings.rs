//! The section `[ledger]` of a configuration, and witnesses behind TLS: what cannot work is told before a hub serves.

use std::{fs, net::SocketAddr, sync::Arc};

use placehub_certs::Pki;
use placehub_hub::{
    clock::{Clock as _, SystemClock},
    store::Memory,
};
use placehub_ledger::VerifierKey;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{
    grow, head_until, opened,
    witnessing::{Witness, ledger_key},
};
use crate::{
    harness::{Hub, Place},
    program::{Home, placehub},
};

#[tokio::test]
async fn a_section_that_cannot_work_is_told_by_key_and_rule_and_no_hub_serves_it() {
    let home = Home::new().await;
    let config = home.file("placehub.toml");
    let whole = fs::read_to_string(&config).unwrap();
    let (one, two) = (Witness::new("one.sample/w").await, Witness::new("two.sample/w").await);
    let witness = |url: &str, key: &str| format!("[[ledger.witness]]\nurl = \"{url}\"\nkey = \"{key}\"\n");
    let good = witness("http://127.0.0.1:9", &one.key.to_string());
    let form = "a witness is reached at http:// or https://";
    let more = "must not be more than there are witnesses";
    let ledger_key = fs::read_to_string(home.file("ledger.pub")).unwrap();
    let keyed = |key: &str| witness("http://127.0.0.1:9", key);
    let cases = [
        ("require_witnesses = 1\n".to_owned(), "`ledger.require_witnesses`", more),
        (
            format!("require_witnesses = 2\n{good}"),
            "`ledger.require_witnesses`",
            more,
        ),
        (
            "require_witnesses = -1\n".to_owned(),
            "line",
            "invalid value: integer `-1`",
        ),
        (
            format!("close_without_witnesses = true\n{good}"),
            "`ledger.close_without_witnesses`",
            "needs `require_witnesses` of 1 or more",
        ),
        (format!("{good}{good}"), "`ledger.witness`", "must not name a key twice"),
        (
            "witness_limit_seconds = 0\n".to_owned(),
            "`ledger.witness_limit_seconds`",
            "must be from 1 to 86400",
        ),
        (
            "witness_limit_seconds = 86401\n".to_owned(),
            "`ledger.witness_limit_seconds`",
            "must be from 1 to 86400",
        ),
        (witness("ftp://127.0.0.1", &two.key.to_string()), "line", form),
        (witness("127.0.0.1:7600", &two.key.to_string()), "line", form),
        (witness("http://127.0.0.1/?a=b", &two.key.to_string()), "line", form),
        (keyed("one.sample/w"), "line", ""),
        (keyed(ledger_key.trim()), "line", ""),
        (format!("{good}port = 7600\n"), "port", "unknown field"),
        (
            witness("https://127.0.0.1:9", &two.key.to_string()),
            "witnesses",
            "needs `ca`, the authority of its certificate",
        ),
        (
            format!(
                "{}ca = \"nowhere.pem\"\n",
                witness("https://127.0.0.1:9", &two.key.to_string())
            ),
            "witnesses",
            "nowhere.pem cannot be used",
        ),
    ];
    for (section, key, rule) in cases {
        fs::write(&config, format!("{whole}\n[ledger]\n{section}")).unwrap();
        let checked = placehub(["check-config", "--config", &config]).await.ended(1);
        let told = format!("{}{}", checked.out, checked.err);
        for part in [key, rule] {
            assert!(told.contains(part), "{section} is not told by {part}: {told}");
        }
        let served = placehub(["serve", "--config", &config]).await;
        assert_ne!(served.code, 0, "{section}");
        assert!(served.err.contains(rule), "{section}: {served:?}");
    }
    let three = witness("http://witness.example:7600/some/where", &two.key.to_string());
    let section = format!("require_witnesses = 2\nclose_without_witnesses = true\n{good}{three}");
    fs::write(&config, format!("{whole}\n[ledger]\n{section}")).unwrap();
    let well = placehub(["check-config", "--config", &config]).await.ended(0);
    assert!(well.out.contains("2, of which 2 must cosign"), "{well:?}");
}

/// An authority, and a server's certificate by it for this machine.
struct Authority {
    pki: Pki,
    _folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let (_folder, now) = (tempfile::tempdir().unwrap(), SystemClock.now());
        let pki = Pki::create(&_folder.path().join("pki"), "witnesses.placehub.example", now).unwrap();
        Self { pki, _folder }
    }

    fn file(&self) -> String {
        self.pki.ca_path().display().to_string()
    }

    /// Speaks TLS for what listens at an address, as its proxy does.
    async fn before(&self, to: SocketAddr) -> SocketAddr {
        let lifetime = std::time::Duration::from_secs(3600);
        let issued = self
            .pki
            .issue_server("witness", &[], SystemClock.now(), lifetime)
            .unwrap();
        let chain = CertificateDer::pem_file_iter(&issued.certificate)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let key = PrivateKeyDer::from_pem_file(&issued.key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Who does not trust the certificate goes away, and that is right.
                    let Ok(mut outer) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut inner = TcpStream::connect(to).await.unwrap();
                    let _ended = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
        address
    }
}

fn settle(place: &Place, (url, witness): (&str, &Witness), ca: &str) {
    let key = &witness.key;
    let section = format!(
        "ledger = {{ require_witnesses = 1, witness = [{{ url = \"{url}\", key = \"{key}\", ca = \"{ca}\" }}] }}\nlimits ="
    );
    place.edit("placehub.toml", "limits =", &section);
}

#[tokio::test]
async fn a_witness_behind_tls_cosigns_under_its_own_authority_and_under_no_other() {
    let place = Place::new();
    let witness = Witness::new("one.sample/w").await;
    let served = witness.serve(&ledger_key(&place)).await;
    let (right, wrong) = (Authority::new(), Authority::new());
    let address = right.before(served.address).await;
    let url = format!("https://localhost:{}", address.port());
    settle(&place, (&url, &witness), &right.file());
    let store = Arc::new(Memory::new());
    let hub = Hub::start(&place, store.clone()).await;
    grow(&hub, 3).await;
    let (police, log) = (hub.adapter("police"), hub.ledger_key.parse::<VerifierKey>().unwrap());
    let size = super::size(&police).await;
    let note = head_until(&police, |head| {
        let there = !head.witnessed.is_empty() && opened(&head.witnessed, &log).size == size;
        there.then(|| head.witnessed.clone())
    })
    .await;
    assert!(witness.key.seen(&note).unwrap().is_some());
    hub.stop().await;

    place.edit("placehub.toml", &right.file(), &wrong.file());
    let hub = Hub::start(&place, store).await;
    grow(&hub, 1).await;
    let police = hub.adapter("police");
    head_until(&police, |head| {
        let unreached = head.witnesses[0].trouble.contains("no answer: it cannot be reached");
        unreached.then_some(())
    })
    .await;
    assert_eq!(police.head().await.unwrap().witnessed, "");
    hub.stop().await;
    served.stop().await;
}
