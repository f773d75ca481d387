//! Garbage: on the port, under TLS, in place of a message, and more of a message than the hub takes.

use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::Code;

use super::{Wall, certificates::connect};
use crate::harness::Adjust as _;

/// A push whose signal is any bytes.
#[derive(Clone, PartialEq, prost::Message)]
struct Odd {
    #[prost(bytes = "vec", tag = "1")]
    signal: Vec<u8>,
}

async fn push_odd(wall: &Wall, signal: Vec<u8>) -> Result<(), tonic::Status> {
    let channel = crate::harness::channel(&wall.hub.place, "housing", "adapter", wall.lines[0].address);
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let codec: tonic_prost::ProstCodec<Odd, placehub_proto::v1::PushSignalResponse> =
        tonic_prost::ProstCodec::default();
    let path = "/placehub.v1.SignalService/PushSignal".parse().unwrap();
    let answer = grpc.unary(tonic::Request::new(Odd { signal }), path, codec).await;
    answer.map(drop)
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
    newcomer
        .says(crate::harness::billie(), placehub_proto::v1::ConsentStance::Refused)
        .await
        .unwrap();
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
    let alex = crate::harness::alex().encode_to_vec();
    let not_text = b"\x0a\x0cAlex \xff\xfe\xfdSam".to_vec();
    let too_short = [&[0x2a, 0x7f], alex.as_slice()].concat();
    for signal in [not_text, too_short, vec![0xff; 32]] {
        let refusal = wall.leaves_no_trace(push_odd(&wall, signal)).await;
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::InvalidArgument, "FIELD_INVALID"),
            "{refusal:?}"
        );
        for secret in ["Alex", "Sam", "9990001006"] {
            assert!(!refusal.says(secret), "{refusal:?}");
        }
    }
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
    let push = |sequence, signal| placehub_proto::v1::PushSignalsRequest {
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
    let refusal = crate::harness::refused(answers.message().await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::InvalidArgument, "FIELD_INVALID"),
        "{refusal:?}"
    );
    let again = wall.adapter.push(good).await.unwrap();
    assert_eq!(again.outcome(), placehub_proto::v1::PushOutcome::AlreadyKnown);
    wall.still_serves().await;
}

#[tokio::test]
async fn a_call_that_there_is_not_is_unimplemented() {
    let wall = Wall::new().await;
    let channel = crate::harness::channel(&wall.hub.place, "housing", "adapter", wall.lines[0].address);
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let codec: tonic_prost::ProstCodec<Odd, Odd> = tonic_prost::ProstCodec::default();
    let path = "/placehub.v1.SignalService/DeleteEverything".parse().unwrap();
    let answer = grpc
        .unary(tonic::Request::new(Odd { signal: Vec::new() }), path, codec)
        .await;
    assert_eq!(answer.unwrap_err().code(), Code::Unimplemented);
}
