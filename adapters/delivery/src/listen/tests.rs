//! Senders with the right certificate, with the wrong one, with none; and a certificate that is replaced.

use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::*;
use crate::settings::TlsFiles;

/// An authority, which issues certificates for localhost.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new([]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = parameters.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(parameters, key);
        Self { pem, issuer }
    }

    fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn install(home: &Path, (certificate, key): (String, String), client_ca: Option<&str>) -> Listener {
    fs::write(home.join("own.pem"), certificate).unwrap();
    fs::write(home.join("own.key"), key).unwrap();
    fs::write(home.join("senders.pem"), client_ca.unwrap_or_default()).unwrap();
    Listener {
        address: ([127, 0, 0, 1], 0).into(),
        tls: Some(TlsFiles {
            certificate: home.join("own.pem"),
            key: home.join("own.key"),
            client_ca: client_ca.map(|_| home.join("senders.pem")),
        }),
    }
}

/// Serves a greeting to each connection, for the length of the test.
fn greet(door: Door) -> SocketAddr {
    let address = door.address().unwrap();
    tokio::spawn(async move {
        let greet = |mut connection: Connection| async move {
            let _ = connection.write_all(b"hello").await;
            let _ = connection.shutdown().await;
        };
        door.serve(2, &CancellationToken::new(), greet).await
    });
    address
}

/// What a sender who trusts `authority` hears, if anything.
async fn heard(address: SocketAddr, authority: &str, own: Option<&(String, String)>) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
        .unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap(),
    };
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.ok()?;
    Some(text)
}

#[tokio::test]
async fn only_a_sender_with_a_certificate_of_the_authority_is_heard() {
    let (home, authority, senders) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let listener = install(home.path(), authority.issue(), Some(&senders.pem));
    let address = greet(Door::open(&listener, None).unwrap());
    let (right, wrong) = (senders.issue(), Authority::new().issue());
    assert_eq!(
        heard(address, &authority.pem, Some(&right)).await.as_deref(),
        Some("hello")
    );
    assert_eq!(heard(address, &authority.pem, Some(&wrong)).await, None);
    assert_eq!(heard(address, &authority.pem, None).await, None);
}

#[tokio::test]
async fn a_replaced_certificate_counts_from_the_next_connection_on_and_a_broken_one_never() {
    let (home, old, new) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let listener = install(home.path(), old.issue(), None);
    let address = greet(Door::open(&listener, Some("http/1.1")).unwrap());
    assert!(heard(address, &old.pem, None).await.is_some());
    fs::write(home.path().join("own.pem"), "not yet").unwrap();
    assert!(heard(address, &old.pem, None).await.is_some());
    let (certificate, key) = new.issue();
    install(home.path(), (certificate + "\n", key), None);
    assert!(heard(address, &new.pem, None).await.is_some());
    assert!(heard(address, &old.pem, None).await.is_none());
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_named_at_the_start() {
    let (home, authority) = (TempDir::new().unwrap(), Authority::new());
    let listener = install(home.path(), authority.issue(), None);
    let (_, other) = authority.issue();
    fs::write(home.path().join("own.key"), other).unwrap();
    assert!(matches!(Door::open(&listener, None), Err(Error::Together(_))));
    fs::write(home.path().join("own.key"), "").unwrap();
    let refusal = Door::open(&listener, None).unwrap_err().to_string();
    assert!(refusal.ends_with("own.key holds no private key in PEM"), "{refusal}");
    fs::remove_file(home.path().join("own.pem")).unwrap();
    let refusal = Door::open(&listener, None).unwrap_err().to_string();
    assert!(refusal.ends_with("own.pem cannot be read"), "{refusal}");
}
