//! Garbage: on the port, under TLS, in place of a message, and more of a message than the hub takes.

use placehub_proto::v1::{ConsentStance, PushOutcome, PushSignalResponse, PushSignalsRequest};
use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{Code, Request, Status, transport::Channel};
use tonic_prost::ProstCodec;

use super::{Wall, certificates::connect};
use crate::harness::{Adjust as _, Client, Line, Presents, alex, billie, channel, refused};

/// A push whose signal is any bytes.
#[derive(Clone, PartialEq, prost::Message)]
struct Odd {
    #[prost(bytes = "vec", tag = "1")]
    signal: Vec<u8>,
}

/// Calls a method of SignalService with a message of the test's own.
async fn call_odd(channel: &Channel, method: &str, signal: Vec<u8>) -> Result<(), Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let codec: ProstCodec<Odd, PushSignalResponse> = ProstCodec::default();
    let path = format!("/placehub.v1.SignalService/{method}").parse().unwrap();
    grpc.unary(Request::new(Odd { signal }), path, codec).await.map(drop)
}

#[tokio::test]
async fn garbage_on_the_port_is_hung_up_on_and_harms_nobody() {
    let wall = Wall::new().await;
    let rude: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        &[0; 4096],
        &[0x16, 0x03, 0x01, 0xff, 0xff, 0x01],
        &[0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x00],
    ];
    for bytes in rude {
        let mut stranger = TcpStream::connect(wall.hub.address).await.unwrap();
        stranger.write_all(bytes).await.unwrap();
        stranger.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // A reset is as good as an end.
        stranger.read_to_end(&mut answer).await.ok();
        assert!(answer.len() < 64, "the hub talked to a stranger");
        wall.still_serves().await;
    }
}

#[tokio::test]
async fn strangers_who_say_nothing_hold_nobody_up() {
    let wall = Wall::new().await;
    let mut strangers = Vec::new();
    for _ in 0..100 {
        strangers.push(TcpStream::connect(wall.hub.address).await.unwrap());
    }
    let newcomer = wall.hub.adapter("welfare");
    newcomer.says(billie(), ConsentStance::Refused).await.unwrap();
    wall.still_serves().await;
    drop(strangers);
}

#[tokio::test]
async fn garbage_under_a_good_certificate_is_hung_up_on_and_harms_nobody() {
    let wall = Wall::new().await;
    let police = wall.hub.place.identity("police", "adapter");
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 512]] {
        let mut stream = connect(&wall.hub, Some(police)).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.ok();
        wall.still_serves().await;
    }
}

#[tokio::test]
async fn a_message_that_is_none_is_refused_and_nothing_of_it_repeated() {
    let wall = Wall::new().await;
    let person = alex().encode_to_vec();
    let not_text = b"\x0a\x0cAlex \xff\xfe\xfdSam".to_vec();
    let too_short = [&[0x2a, 0x7f], person.as_slice()].concat();
    let line = Line::to(wall.hub.address).await;
    let channel = channel(&wall.hub.place, "housing", "adapter", line.address);
    for signal in [not_text, too_short, vec![0xff; 32]] {
        let refusal = wall.leaves_no_trace(call_odd(&channel, "PushSignal", signal)).await;
        let told = (refusal.code, refusal.reason.as_str());
        assert_eq!(told, (Code::InvalidArgument, "FIELD_INVALID"), "{refusal:?}");
        assert_eq!(refusal.fields, ["request"]);
        for secret in ["Alex", "Sam", "9990001006"] {
            assert!(!refusal.says(secret), "{refusal:?}");
        }
    }
    let good = Client::over(channel, Presents::Nothing);
    good.push(wall.draft()).await.unwrap();
    assert_eq!(line.connections(), 1);
}

#[tokio::test]
async fn an_oversized_message_is_refused_and_one_below_the_limit_is_read() {
    let wall = Wall::new().await;
    let most = wall.hub.place.config().limits.message_bytes;
    let over = wall.draft().summary(&"x".repeat(most));
    let refusal = wall.leaves_no_trace(wall.adapter.push(over)).await;
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::InvalidArgument, "FIELD_INVALID"),
        "{refusal:?}"
    );
    assert_eq!(refusal.fields, ["request"]);
    let under = wall.draft().summary(&"x".repeat(most - 1024));
    wall.refuses(wall.adapter.push(under), &["signal.summary"], "xxx").await;
}

#[tokio::test]
async fn an_oversized_message_in_a_stream_ends_the_stream_and_not_the_connection() {
    let wall = Wall::new().await;
    let most = wall.hub.place.config().limits.message_bytes;
    let push = |sequence, signal| PushSignalsRequest {
        sequence,
        signal: Some(signal),
    };
    let good = wall.draft();
    let requests = [
        push(1, good.clone()),
        push(2, wall.draft().summary(&"x".repeat(most))),
        push(3, wall.draft()),
    ];
    let mut signals = wall.adapter.signals.clone();
    let mut answers = signals
        .push_signals(tokio_stream::iter(requests))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().sequence, 1);
    let refusal = refused(answers.message().await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::InvalidArgument, "FIELD_INVALID"),
        "{refusal:?}"
    );
    let again = wall.adapter.push(good).await.unwrap();
    assert_eq!(again.outcome(), PushOutcome::AlreadyKnown);
    wall.still_serves().await;
}

#[tokio::test]
async fn a_call_that_there_is_not_is_unimplemented() {
    let wall = Wall::new().await;
    let channel = wall.hub.channel("housing", "adapter");
    let refusal = call_odd(&channel, "DeleteEverything", Vec::new()).await.unwrap_err();
    assert_eq!(refusal.code(), Code::Unimplemented);
    wall.still_serves().await;
}
