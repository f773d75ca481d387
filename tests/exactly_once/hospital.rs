//! Hospitals that send discharges over MLLP, each one message after the other, and again until it is acknowledged.

use std::{
    collections::BTreeSet,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use placehub_hub::clock::{Clock as _, SystemClock};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::A_LITTLE;

/// Longer than a message takes that is acknowledged at all.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the adapter listens, life after life: an address of this machine that nothing else uses, so that its port is
/// still free when it comes back.
static ADDRESS: LazyLock<SocketAddr> = LazyLock::new(|| {
    let here = Ipv4Addr::new(127, 0, 0, 77);
    let socket = std::net::TcpListener::bind((here, 0)).unwrap();
    socket.local_addr().unwrap()
});

/// Hospitals that send until they are told to end.
pub(super) struct Hospitals {
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
    count: watch::Sender<u64>,
    ending: CancellationToken,
    sending: Vec<JoinHandle<()>>,
}

impl Hospitals {
    /// The table of the adapter's settings by which it hears them.
    pub(super) fn table() -> String {
        format!("[mllp]\nlisten = \"{}\"\n", *ADDRESS)
    }

    /// So many begin to send.
    pub(super) fn begin(number: usize) -> Self {
        let (count, _) = watch::channel(0);
        let mut hospitals = Self {
            acknowledged: Arc::default(),
            count,
            ending: CancellationToken::new(),
            sending: Vec::new(),
        };
        for hospital in 0..number {
            let (acknowledged, count) = (hospitals.acknowledged.clone(), hospitals.count.clone());
            let ending = hospitals.ending.clone();
            let sending = async move {
                let mut line = None;
                for message in 1_u64.. {
                    if ending.is_cancelled() {
                        return;
                    }
                    let id = format!("{hospital}-{message}");
                    let sent = timeout(PATIENCE, until_acknowledged(&mut line, &id)).await;
                    sent.expect("a message is not acknowledged");
                    assert!(acknowledged.lock().unwrap().insert(destination(&id)));
                    count.send_modify(|count| *count += 1);
                }
            };
            hospitals.sending.push(tokio::spawn(sending));
        }
        hospitals
    }

    /// Waits until so many more messages are acknowledged.
    pub(super) async fn acknowledged(&self, more: u64) {
        let mut count = self.count.subscribe();
        let until = *count.borrow() + more;
        let enough = timeout(PATIENCE, count.wait_for(|count| *count >= until)).await;
        enough.expect("nothing is acknowledged any more").unwrap();
    }

    /// Has them end with the message that is under way. Gives the destinations of all that was acknowledged, which is all
    /// that was sent.
    pub(super) async fn end(self) -> BTreeSet<String> {
        self.ending.cancel();
        for sending in self.sending {
            sending.await.unwrap();
        }
        std::mem::take(&mut *self.acknowledged.lock().unwrap())
    }
}

/// What the discharge of a message says of where the patient went: no other message says the same.
fn destination(id: &str) -> String {
    format!("Made-up home {id}")
}

/// Sends a message until it is acknowledged, as an integration engine does: anew after each line that broke or answer that
/// says "later".
async fn until_acknowledged(line: &mut Option<BufReader<TcpStream>>, id: &str) {
    let frame = frame(id, SystemClock.now());
    loop {
        match exchange(line, &frame).await {
            Ok(answer) if answer.contains(&format!("MSA|AA|{id}\r")) => return,
            Ok(answer) => assert!(answer.contains(&format!("MSA|AR|{id}|")), "{answer}"),
            Err(_) => *line = None,
        }
        sleep(A_LITTLE).await;
    }
}

/// Sends a frame and reads its answer.
async fn exchange(line: &mut Option<BufReader<TcpStream>>, frame: &[u8]) -> io::Result<String> {
    if line.is_none() {
        *line = Some(BufReader::new(TcpStream::connect(*ADDRESS).await?));
    }
    let line = line.as_mut().ok_or(io::ErrorKind::NotConnected)?;
    line.get_mut().write_all(frame).await?;
    let mut answer = Vec::new();
    line.read_until(0x1c, &mut answer).await?;
    line.read_until(b'\r', &mut Vec::new()).await?;
    match answer.last() {
        Some(0x1c) => String::from_utf8(answer).map_err(|_| io::ErrorKind::InvalidData.into()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// A discharge of Alex Sample (HL7 v2.4 ADT^A03) in its frame: the same bytes each time it is sent.
fn frame(id: &str, now: Timestamp) -> Vec<u8> {
    let now = now.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%S+0000").to_string();
    let mut visit = vec![String::new(); 45];
    visit[0] = "1".to_owned();
    visit[1] = "I".to_owned();
    visit[18] = format!("V-{id}");
    visit[35] = format!("19^{}", destination(id));
    visit[44].clone_from(&now);
    let segments = [
        format!("MSH|^~\\&|MADE-UP-PAS|RSAMPLE|TIE|RSAMPLE|{now}||ADT^A03^ADT_A03|{id}|P|2.4"),
        format!("EVN|A03|{now}"),
        "PID|1||9990001006^^^NHS^NH||SAMPLE^ALEX||19580314".to_owned(),
        format!("PV1|{}", visit.join("|")),
    ];
    let mut frame = vec![0x0b];
    for segment in segments {
        frame.extend_from_slice(segment.as_bytes());
        frame.push(b'\r');
    }
    frame.extend_from_slice(&[0x1c, b'\r']);
    frame
}
