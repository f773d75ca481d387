//! Handshakes over a real socket, and files that are refused.
//! The time of day is the system's here, since the TLS library asks it.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use placehub_certs::{IssuedClient, Pki};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected as _;

use super::*;

const DAY: Duration = Duration::from_hours(24);

struct House {
    dir: TempDir,
    pki: Pki,
    now: Timestamp,
    live: Arc<Live>,
}

fn given() -> House {
    let now = Timestamp::from_second(UnixTime::now().as_secs().try_into().unwrap()).unwrap();
    // An hour ago, so that no clock that is a little behind finds the certificates of tomorrow.
    let minted = now - Duration::from_hours(1);
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::create(dir.path(), "wigan.placehub.example", minted).unwrap();
    pki.issue_server("hub", &[], minted, 30 * DAY).unwrap();
    let live = Arc::new(Live::open(paths(&dir)).unwrap());
    House {
        dir,
        pki,
        now: minted,
        live,
    }
}

fn paths(dir: &TempDir) -> Paths {
    let file = |name| dir.path().join(name);
    Paths {
        certificate: file("hub.pem"),
        key: file("hub.key"),
        client_ca: file("ca.pem"),
        revocation_list: Some(file("crl.pem")),
    }
}

impl House {
    fn desk(&self) -> IssuedClient {
        self.pki.issue_client("police", "desk", self.now, 7 * DAY).unwrap()
    }

    /// Serves one byte to whoever passes the handshake.
    async fn serve(&self) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let identify = |der: &CertificateDer<'_>| der.len();
        let incoming = listen(listener, Arc::clone(&self.live), identify, stop.clone());
        let served = tokio::spawn(async move {
            let mut open = Vec::new();
            tokio::pin!(incoming);
            while let Some(connection) = incoming.next().await {
                let mut connection = connection.unwrap();
                assert!(connection.connect_info().identity > 0);
                connection.write_all(b"!").await.unwrap();
                open.push(connection);
            }
            open.len()
        });
        (address, stop, served)
    }

    fn client(&self, client: Option<&IssuedClient>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(self.pki.ca_pem().as_bytes()).unwrap();
        roots.add(ca).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let chain = CertificateDer::from_pem_slice(client.certificate_pem.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(client.key_pem.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![chain], key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }
}

/// In TLS 1.3 a client learns that it was refused when it reads, not when it connects.
async fn greet(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = TlsConnector::from(Arc::clone(config)).connect(name, tcp).await?;
    let mut byte = [0];
    tls.read_exact(&mut byte).await?;
    Ok(tls)
}

#[tokio::test]
async fn a_client_with_a_good_certificate_gets_through_and_never_resumes() {
    let house = given();
    let (address, stop, served) = house.serve().await;
    let config = house.client(Some(&house.desk()));
    for _ in 0..2 {
        let tls = greet(address, &config).await.unwrap();
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        assert_eq!(
            tls.get_ref().1.protocol_version(),
            Some(rustls::ProtocolVersion::TLSv1_3)
        );
        assert_eq!(tls.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
    }
    stop.cancel();
    assert_eq!(served.await.unwrap(), 2);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_revoked_client_is_refused_after_a_reload_and_its_open_connection_is_found_out() {
    let house = given();
    let (address, ..) = house.serve().await;
    let desk = house.desk();
    let config = house.client(Some(&desk));
    let open = greet(address, &config).await.unwrap();
    assert!(house.live.revoked().is_empty());

    house.pki.revoke_pem(&desk.certificate_pem, house.now).unwrap();
    house.live.reload().unwrap();

    assert!(greet(address, &config).await.is_err());
    let other = house.pki.issue_client("housing", "desk", house.now, DAY).unwrap();
    greet(address, &house.client(Some(&other))).await.unwrap();
    let (_, certificate) = x509_parser::pem::parse_x509_pem(desk.certificate_pem.as_bytes()).unwrap();
    let certificate = certificate.parse_x509().unwrap();
    let name = CertificateName::new(certificate.issuer().as_raw(), certificate.raw_serial());
    assert_eq!(house.live.revoked().standing(&name, house.now), Standing::Revoked);
    assert_eq!(house.live.revoked().len(), 1);
    drop(open);
}

#[tokio::test]
async fn garbage_is_dropped_and_the_next_client_served() {
    let house = given();
    let (address, ..) = house.serve().await;
    for garbage in [
        &b"GET / HTTP/1.1\r\nhost: hub\r\n\r\n"[..],
        &[0; 4096],
        b"\x16\x03\x01\xff\xff",
    ] {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(garbage).await.unwrap();
        tcp.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // A reset is an end too: the hub may close before it has read everything.
        drop(tcp.read_to_end(&mut answer).await);
        assert!(answer.len() < 64, "{answer:?}");
    }
    greet(address, &house.client(Some(&house.desk()))).await.unwrap();
}

#[tokio::test]
async fn a_silent_stranger_holds_nobody_up() {
    let house = given();
    let (address, ..) = house.serve().await;
    let _silent = TcpStream::connect(address).await.unwrap();
    greet(address, &house.client(Some(&house.desk()))).await.unwrap();
}

#[tokio::test]
async fn a_client_that_shows_no_certificate_or_a_strangers_or_an_old_one_is_refused() {
    let house = given();
    let (address, ..) = house.serve().await;
    assert!(greet(address, &house.client(None)).await.is_err());
    let stranger = given().desk();
    assert!(greet(address, &house.client(Some(&stranger))).await.is_err());
    let minute = Duration::from_secs(60);
    let old = house.pki.issue_client("police", "old", house.now, minute).unwrap();
    assert!(greet(address, &house.client(Some(&old))).await.is_err());
    let server = house.dir.path().join("hub.pem");
    let hub = IssuedClient {
        certificate_pem: std::fs::read_to_string(server).unwrap(),
        key_pem: std::fs::read_to_string(house.dir.path().join("hub.key")).unwrap(),
        ..house.desk()
    };
    assert!(
        greet(address, &house.client(Some(&hub))).await.is_err(),
        "a server's certificate"
    );
}

#[tokio::test]
async fn a_list_past_its_next_update_shuts_everybody_out() {
    let house = given();
    let (address, ..) = house.serve().await;
    let next = house.now + Duration::from_secs(60);
    house.pki.write_crl(house.now, next).unwrap();
    house.live.reload().unwrap();
    assert_eq!(
        house.live.revoked().next_update().unwrap().as_second(),
        next.as_second()
    );
    assert!(greet(address, &house.client(Some(&house.desk()))).await.is_err());
}

#[tokio::test]
async fn a_new_hub_certificate_is_shown_without_a_restart() {
    let house = given();
    let (address, ..) = house.serve().await;
    let config = house.client(Some(&house.desk()));
    let before = greet(address, &config).await.unwrap();
    house.pki.issue_server("hub", &[], house.now, 60 * DAY).unwrap();
    house.live.reload().unwrap();
    let after = greet(address, &config).await.unwrap();
    assert_ne!(
        before.get_ref().1.peer_certificates(),
        after.get_ref().1.peer_certificates()
    );
}

#[tokio::test]
async fn a_grpc_call_knows_where_it_comes_from() {
    let house = given();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = listen(
        listener,
        Arc::clone(&house.live),
        |der| der.to_vec(),
        CancellationToken::new(),
    );
    let seen = Arc::new(parking_lot::Mutex::new(None));
    let note = Arc::clone(&seen);
    let see = tonic::service::InterceptorLayer::new(move |request: tonic::Request<()>| {
        *note.lock() = request.extensions().get::<Origin<Vec<u8>>>().cloned();
        Ok(request)
    });
    let (_, health) = tonic_health::server::health_reporter();
    let server = tonic::transport::Server::builder().layer(see).add_service(health);
    tokio::spawn(server.serve_with_incoming(incoming));

    let desk = house.desk();
    let tls = tonic::transport::ClientTlsConfig::new()
        .ca_certificate(tonic::transport::Certificate::from_pem(house.pki.ca_pem()))
        .identity(tonic::transport::Identity::from_pem(
            &desk.certificate_pem,
            &desk.key_pem,
        ))
        .domain_name("localhost");
    let channel = tonic::transport::Channel::from_shared(format!("https://{address}")).unwrap();
    let channel = channel.tls_config(tls).unwrap().connect().await.unwrap();
    let mut client = tonic_health::pb::health_client::HealthClient::new(channel);
    let request = tonic_health::pb::HealthCheckRequest { service: String::new() };
    client.check(request).await.unwrap();

    let origin = seen.lock().take().unwrap();
    let der = CertificateDer::from_pem_slice(desk.certificate_pem.as_bytes()).unwrap();
    assert_eq!(origin.identity, der.to_vec());
    assert!(origin.remote.ip().is_loopback());
}

#[test]
fn files_that_cannot_be_used_are_named_and_leave_the_old_in_force() {
    let house = given();
    let old = house.live.material();
    let check = |name: &str, text: &str, complaint: &str| {
        let path = house.dir.path().join(name);
        let good = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text).unwrap();
        let error = house.live.reload().unwrap_err().to_string();
        assert!(error.contains(complaint) && error.contains(name), "{error}");
        assert!(Arc::ptr_eq(&old, &house.live.material()));
        std::fs::write(&path, good).unwrap();
    };
    let other = given();
    let read = |name: &str| std::fs::read_to_string(other.dir.path().join(name)).unwrap();
    check("hub.pem", "", "does not hold a certificate in PEM");
    check("hub.pem", &read("hub.pem"), "cannot be used with the private key");
    check("hub.key", &read("hub.pem"), "does not hold a private key");
    check("ca.pem", "nonsense", "does not hold a certificate in PEM");
    check("crl.pem", "", "does not hold a revocation list");
    check("crl.pem", &read("crl.pem"), "is not signed by a client authority");
    let two = format!("{}{}", house.pki.ca_pem(), other.pki.ca_pem());
    std::fs::write(house.dir.path().join("ca.pem"), two).unwrap();
    let both = format!(
        "{}{}",
        std::fs::read_to_string(house.pki.crl_path()).unwrap(),
        read("crl.pem")
    );
    std::fs::write(house.pki.crl_path(), both).unwrap();
    house.live.reload().unwrap();
    std::fs::remove_file(house.dir.path().join("hub.key")).unwrap();
    let error = house.live.reload().unwrap_err().to_string();
    assert!(error.starts_with("cannot read") && error.contains("hub.key"), "{error}");
}

#[test]
fn days_left_are_whole_and_negative_once_it_has_expired() {
    let house = given();
    assert_eq!(house.live.days_left(house.now), 30);
    assert_eq!(house.live.days_left(house.now + Duration::from_secs(1)), 29);
    assert_eq!(house.live.days_left(house.now + 31 * DAY), -1);
}

#[test]
fn a_hub_may_run_without_a_revocation_list() {
    let house = given();
    let paths = Paths {
        revocation_list: None,
        ..paths(&house.dir)
    };
    assert_eq!(Live::open(paths).unwrap().revoked().next_update(), None);
}
