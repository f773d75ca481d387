//! A listener on a socket of its own, and senders that speak MLLP well, badly and not at all.

use std::{collections::BTreeMap, fs};

use tokio::net::TcpStream;

use super::*;
use crate::tests::{outside_data, station::Station};

const MESSAGE: &str = "MSH|^~\\&|PAS|RWIG|TIE|RWIG|202611121000||ADT^A01|C-1|P|2.4\r\
                       EVN|A01|202611121000\r\
                       PID|1||9990001006^^^NHS^NH||Sample^Alex||19580314\r\
                       PV1|1|I|||||||||||||||||V-9\r";

const SHORT: Limits = Limits {
    longest: 64 * 1024,
    connections: 2,
    silence: Duration::from_secs(30),
    message: Duration::from_millis(300),
};

fn station(limits: Limits) -> Station {
    Station::new(1000, |door, reading| Box::new(Listener::new(door, limits, reading)))
}

/// All answers to bytes that come over a connection of their own.
async fn told(station: &Station, bytes: &[u8]) -> Vec<String> {
    parsed(&station.sent(bytes).await)
}

/// Reads to the end of the connection. Of each answer: its MSA and ERR segments.
async fn answers(stream: &mut TcpStream) -> Vec<String> {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    parsed(&text)
}

fn parsed(text: &str) -> Vec<String> {
    let frames = text.split_terminator("\u{1c}\r");
    frames
        .map(|frame| {
            let (head, rest) = frame.strip_prefix('\u{b}').unwrap().split_once('\r').unwrap();
            assert!(head.starts_with("MSH|^~\\&|"), "{head}");
            rest.trim_end().replace('\r', " ")
        })
        .collect()
}

fn framed(message: &str) -> Vec<u8> {
    format!("\u{b}{message}\u{1c}\r").into_bytes()
}

/// The made-up message with other words in it.
fn with(changes: &[(&str, &str)]) -> Vec<u8> {
    let message = changes.iter().fold(MESSAGE.to_owned(), |message, (from, to)| {
        assert!(message.contains(from), "{from}");
        message.replace(from, to)
    });
    framed(&message)
}

#[tokio::test]
async fn a_message_is_in_the_outbox_when_its_sender_is_told() {
    let station = station(SHORT);
    assert_eq!(told(&station, &with(&[])).await, ["MSA|AA|C-1"]);
    assert_eq!(station.waiting(), ["V-9:admission 3588955200"]);
}

#[tokio::test]
async fn a_message_may_come_byte_by_byte_and_two_at_once() {
    let station = station(Limits {
        message: Duration::from_secs(30),
        ..SHORT
    });
    let mut stream = station.connect().await;
    stream.set_nodelay(true).unwrap();
    for byte in with(&[]) {
        stream.write_all(&[byte]).await.unwrap();
        stream.flush().await.unwrap();
    }
    stream.shutdown().await.unwrap();
    assert_eq!(answers(&mut stream).await, ["MSA|AA|C-1"]);
    let both = [with(&[]), with(&[("C-1", "C-2"), ("V-9", "V-10")])].concat();
    assert_eq!(told(&station, &both).await, ["MSA|AA|C-1", "MSA|AA|C-2"]);
}

#[tokio::test]
async fn a_message_that_comes_again_is_answered_again_under_the_same_name() {
    let station = station(SHORT);
    for _ in 0..2 {
        assert_eq!(told(&station, &with(&[])).await, ["MSA|AA|C-1"]);
    }
    let waiting = station.waiting();
    assert_eq!((waiting.len(), waiting.first()), (2, waiting.last()));
}

#[tokio::test]
async fn a_cancellation_takes_back_what_was_sent_and_a_later_event_counts_again() {
    let station = station(SHORT);
    for (trigger, minute) in [
        ("A01", "00"),
        ("A11", "00"),
        ("A01", "01"),
        ("A03", "02"),
        ("A13", "03"),
    ] {
        let minute = format!("|2026111210{minute}||");
        let message = with(&[("ADT^A01", &format!("ADT^{trigger}")), ("|202611121000||", &minute)]);
        assert_eq!(told(&station, &message).await, ["MSA|AA|C-1"]);
    }
    let expected = [
        "V-9:admission 3588955200",
        "not V-9:admission 3588955201",
        "V-9:admission 3588955320",
        "V-9:discharge 3588955440",
        "not V-9:discharge 3588955561",
    ];
    assert_eq!(station.waiting(), expected);
    let answer = told(&station, &with(&[("ADT^A01", "ADT^A11"), ("|V-9", "|")])).await;
    assert!(answer[0].starts_with("MSA|AE|C-1|PV1-19: is missing"), "{answer:?}");
}

#[tokio::test]
async fn a_merge_joins_two_records_and_a_new_number_takes_the_place_of_the_old() {
    let station = station(SHORT);
    let merge = with(&[
        ("ADT^A01", "ADT^A40"),
        ("PV1|1|I|||||||||||||||||V-9", "MRG|H-88^^^RWIG^MRN"),
    ]);
    assert_eq!(told(&station, &merge).await, ["MSA|AA|C-1"]);
    let renumbered = with(&[
        ("ADT^A01", "ADT^A47"),
        ("PV1|1|I|||||||||||||||||V-9", "MRG|9990001014^^^NHS^NH"),
    ]);
    assert_eq!(told(&station, &renumbered).await, ["MSA|AA|C-1"]);
    let twice = with(&[
        ("ADT^A01", "ADT^A40"),
        ("PV1|1|I|||||||||||||||||V-9", "MRG|1^^^A\rMRG|2^^^A"),
    ]);
    assert!(told(&station, &twice).await[0].starts_with("MSA|AE|C-1|MRG: is there more than once"));
    // The same control id about two others is another join.
    let others = with(&[
        ("ADT^A01", "ADT^A40"),
        ("9990001006^^^NHS^NH", "H-1^^^RWIG^MRN"),
        ("PV1|1|I|||||||||||||||||V-9", "MRG|H-2^^^RWIG^MRN"),
    ]);
    assert_eq!(told(&station, &others).await, ["MSA|AA|C-1"]);
    let waiting = station.waiting();
    let [joined, renumbered, other] = waiting.as_slice() else {
        panic!("{waiting:?}")
    };
    assert!(joined.starts_with("join:") && joined.ends_with(" is one"), "{joined}");
    assert!(renumbered.ends_with(" is another number"), "{renumbered}");
    assert!(other.ends_with(" is one") && other != joined, "{other}");
}

#[tokio::test]
async fn what_was_joined_by_a_merge_or_a_link_is_separated_by_an_unlinking() {
    let station = station(SHORT);
    let visit = "PV1|1|I|||||||||||||||||V-9";
    let second = "PID|2||H-88^^^RWIG^MRN";
    for (trigger, other) in [("A40", "MRG|H-88^^^RWIG^MRN"), ("A24", second), ("A37", second)] {
        let message = with(&[("ADT^A01", &format!("ADT^{trigger}")), (visit, other)]);
        assert_eq!(told(&station, &message).await, ["MSA|AA|C-1"], "{trigger}");
    }
    let waiting = station.waiting();
    let id = waiting[0].strip_suffix(" is one").unwrap();
    assert_eq!(waiting[1..], [format!("{id} is one"), format!("{id} is not one")]);
    let alone = with(&[("ADT^A01", "ADT^A37")]);
    let answer = told(&station, &alone).await;
    assert!(
        answer[0].starts_with("MSA|AE|C-1|PID: is not there twice"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_listener_that_is_not_lenient_takes_no_line_feed_and_no_byte_order_mark() {
    let station = Station::new(8, |door, reading| {
        let reading = Reading {
            lenient: false,
            ..Reading::clone(&reading)
        };
        Box::new(Listener::new(door, SHORT, Arc::new(reading)))
    });
    assert_eq!(told(&station, &with(&[])).await, ["MSA|AA|C-1"]);
    for (from, to, rule) in [
        ("\rPID", "\nPID", "has line feeds"),
        ("MSH|^", "\u{feff}MSH|^", "begins with a byte order mark"),
    ] {
        let answer = told(&station, &with(&[(from, to)])).await;
        assert!(answer[0].starts_with("MSA|AR|C-1|MSH: "), "{answer:?}");
        assert!(answer[0].contains(rule), "{answer:?}");
    }
    assert_eq!(station.waiting().len(), 1);
}

#[tokio::test]
async fn what_carries_no_signal_is_accepted_and_counted() {
    let station = station(SHORT);
    for trigger in ["ADT^A08", "ADT^A28", "ADT^A31", "ADT^A04"] {
        assert_eq!(told(&station, &with(&[("ADT^A01", trigger)])).await, ["MSA|AA|C-1"]);
    }
    assert_eq!(station.waiting(), [""; 0]);
    assert_eq!(station.counters.passed_over.value(), 4);
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_field_and_rule_and_without_its_value() {
    let station = station(SHORT);
    for (from, to, expected) in [
        (
            "9990001006",
            "mrs smith",
            "MSA|AE|C-1|PID-3: NHS number is not ten digits ERR||PID^1^3|102^",
        ),
        ("19580314", "19581314", "MSA|AE|C-1|PID-7: "),
        ("PID|", "PIX|", "MSA|AE|C-1|PID: is missing ERR||PID|101^"),
        (
            "PV1|1",
            "Smith\rPV1|1",
            "MSA|AE|C-1|segment 4: does not begin with three characters and the field separator ERR|||102^",
        ),
        ("|202611121000||", "|now||", "MSA|AE|C-1|MSH-7: "),
        (
            "ADT^A01",
            "ORU^R01",
            "MSA|AR|C-1|MSH-9: message type ORU\\S\\R01 carries no signal ERR||MSH^1^9|200^",
        ),
        ("ADT^A01", "ADT^A40", "MSA|AE|C-1|MRG-1: is missing"),
        (
            "|P|2.4",
            "|T|2.4",
            "MSA|AR|C-1|MSH-11: is not P: the message is for systems of another sort ERR||MSH^1^11|202^",
        ),
        ("|P|2.4", "|D|2.4", "MSA|AR|C-1|MSH-11: is not P"),
        ("|C-1|", "||", "MSA|AR||MSH-10: is missing"),
        ("|P|2.4", "|P|2.4||||||KLINGON", "MSA|AR|C-1|MSH-18: is neither"),
        ("MSH|^~\\&|", "hello ", "MSA|AR||MSH-10: is missing"),
    ] {
        let answer = told(&station, &with(&[(from, to)])).await.remove(0);
        assert!(answer.starts_with(expected), "{answer}");
        assert!(!answer.contains("smith") && !answer.contains("19581314"), "{answer}");
    }
    assert_eq!(station.waiting(), [""; 0]);
}

#[tokio::test]
async fn a_name_in_latin_1_is_read_if_the_head_says_so() {
    let station = station(SHORT);
    let latin: Vec<u8> = with(&[("Sample", "Sampl@")])
        .into_iter()
        .map(|byte| if byte == b'@' { 0xE9 } else { byte })
        .collect();
    let answer = told(&station, &latin).await.remove(0);
    assert!(answer.starts_with("MSA|AR|C-1|MSH-18: does not name"), "{answer}");
    let said = String::from_utf8_lossy(&latin).replace("|P|2.4", "|P|2.4||||||8859/1");
    let said: Vec<u8> = said
        .chars()
        .map(|one| if one == '\u{fffd}' { 0xE9 } else { one as u8 })
        .collect();
    assert_eq!(told(&station, &said).await, ["MSA|AA|C-1"]);
}

#[tokio::test]
async fn a_message_without_an_end_is_refused_and_the_next_one_taken() {
    let station = station(SHORT);
    let mut torn = with(&[("C-1", "C-0")]);
    torn.truncate(torn.len() - 2);
    let answers = told(&station, &[torn, with(&[])].concat()).await;
    assert!(answers[0].starts_with("MSA|AE|C-0|frame: has no end"), "{answers:?}");
    assert_eq!(answers[1..], ["MSA|AA|C-1"]);
}

#[tokio::test]
async fn a_message_that_is_too_long_or_never_ends_is_refused_and_the_sender_let_go() {
    let patient = station(Limits {
        message: Duration::from_secs(30),
        ..SHORT
    });
    let mut stream = patient.connect().await;
    let long = format!("\u{b}{MESSAGE}NTE|{}", "x".repeat(SHORT.longest));
    stream.write_all(long.as_bytes()).await.unwrap();
    assert!(answers(&mut stream).await[0].starts_with("MSA|AR|C-1|frame: is longer than 65536 bytes"));
    drop(stream);
    let station = station(SHORT);
    let mut stream = station.connect().await;
    stream.write_all(&framed(MESSAGE)[..100]).await.unwrap();
    assert!(answers(&mut stream).await[0].starts_with("MSA|AR|C-1|frame: was not ended in time"));
    assert_eq!([patient.waiting(), station.waiting()], [[""; 0]; 2]);
}

#[tokio::test]
async fn a_sender_that_is_silent_or_speaks_something_else_is_let_go() {
    let noise = b"GET / HTTP/1.1\r\n\r\n".repeat(80);
    assert!(told(&station(SHORT), &noise).await.is_empty());
    let strict = station(Limits {
        silence: Duration::from_millis(50),
        ..SHORT
    });
    let mut silent = strict.connect().await;
    assert!(answers(&mut silent).await.is_empty());
}

#[tokio::test]
async fn a_sender_is_told_to_come_again_when_the_outbox_is_full_and_holds_no_place_meanwhile() {
    let station = Station::new(1, |door, reading| Box::new(Listener::new(door, SHORT, reading)));
    assert_eq!(told(&station, &framed(MESSAGE)).await, ["MSA|AA|C-1"]);
    for id in ["C-2", "C-3", "C-4"] {
        let answers = told(&station, &with(&[("C-1", id)])).await;
        assert!(
            answers[0].starts_with(&format!("MSA|AR|{id}|outbox: is full")),
            "{answers:?}"
        );
    }
    assert_eq!(station.outbox.depth(), 1);
}

#[tokio::test]
async fn a_sender_that_breaks_off_leaves_room_for_the_next() {
    let station = station(SHORT);
    for _ in 0..5 {
        let mut stream = station.connect().await;
        stream.write_all(&framed(MESSAGE)[..50]).await.unwrap();
    }
    assert_eq!(told(&station, &with(&[])).await, ["MSA|AA|C-1"]);
    station.stop.cancel();
    station.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn messages_that_others_wrote_are_all_answered() {
    let Some(folder) = outside_data("hl7v2-adt") else {
        return;
    };
    let station = station(Limits::USUAL);
    let mut answered = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "hl7") {
            let message = fs::read_to_string(&path)
                .unwrap()
                .replace("\r\n", "\r")
                .replace('\n', "\r");
            let answer = told(&station, &framed(&message)).await.remove(0);
            answered.insert(path.file_stem().unwrap().to_string_lossy().into_owned(), answer);
        }
    }
    assert_eq!(answered.len(), 26);
    let refused: Vec<_> = answered
        .iter()
        .filter(|(_, answer)| !answer.starts_with("MSA|AA|"))
        .map(|(name, answer)| format!("{name} {}", answer.get(..6).unwrap()))
        .collect();
    assert_eq!(refused, [""; 0], "{answered:?}");
    let taken = station.waiting().len() as u64;
    // Of the ten that are told, six say that the person died: a signal and a death.
    assert_eq!((taken, station.counters.passed_over.value()), (6 + 12, 16));
}
