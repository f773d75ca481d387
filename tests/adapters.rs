//! The four adapters as programs, with the samples that come with them, against a hub that serves.
//! The samples' own dates stand still; before they are pushed they are moved near to now, and nothing else is changed.

use std::{collections::BTreeSet, fs, path::PathBuf};

use jiff::{Span, Timestamp, ToSpan as _, Unit, civil::Date, tz::TimeZone};
use placehub_hub::clock::{Clock as _, SystemClock};
use serde_json::Value;

use crate::program::{Home, Ran, repository, run};

/// Every adapter's sample files: agency, folder, file.
const SAMPLES: [(&str, &str, &str); 16] = [
    ("health", "nhs", "discharge.hl7"),
    ("health", "nhs", "encounter.json"),
    ("health", "nhs", "flags.json"),
    ("health", "nhs", "gp-change.json"),
    ("housing", "housing", "arrears.csv"),
    ("housing", "housing", "asb-cases.csv"),
    ("housing", "housing", "damp-and-mould.json"),
    ("housing", "housing", "evictions.csv"),
    ("housing", "housing", "notices.csv"),
    ("police", "police", "incidents.csv"),
    ("police", "police", "street-E01006370.json"),
    ("police", "police", "street.csv"),
    ("welfare", "welfare", "council-tax.csv"),
    ("welfare", "welfare", "crisis-grants.csv"),
    ("welfare", "welfare", "deductions.csv"),
    ("welfare", "welfare", "sanctions.csv"),
];

/// A day on which every sample has happened.
const WRITTEN: &str = "2026-11-21";

/// What is in the samples and must not be in a report or a log.
const NEEDLES: [&str; 9] = [
    "999 000 1006",
    "9990001006",
    "9990001014",
    "Sample,",
    "SAMPLE^",
    "Billie",
    "Madeup",
    "1958",
    "WN99",
];

fn sample(folder: &str, file: &str) -> PathBuf {
    repository().join("adapters").join(folder).join("samples").join(file)
}

/// Pushes a file with an adapter and an agency's certificate, and reports in JSON.
async fn once(home: &Home, adapter: &str, agency: &str, file: &str) -> (Ran, Value) {
    let settings = home.file(&format!("clients/{agency}-adapter.toml"));
    let ran = run(
        &format!("placehub-{adapter}"),
        ["once", file, "--settings", &settings, "--json"],
    )
    .await;
    let report = serde_json::from_str(&ran.out).unwrap_or_else(|why| panic!("{why}: {ran:?}"));
    for needle in NEEDLES {
        assert!(
            !ran.out.contains(needle) && !ran.err.contains(needle),
            "{needle}: {ran:?}"
        );
    }
    (ran, report)
}

/// Writes a text beside a home, and returns its file as a user would type it.
fn written(home: &Home, name: &str, text: &str) -> String {
    let file = home.beside().join(name);
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// A sample with its dates moved so that all of it happened in the last weeks.
fn recent(folder: &str, file: &str) -> String {
    moved(&fs::read_to_string(sample(folder, file)).unwrap(), SystemClock.now())
}

/// A text with each date of 2026 in it moved by as many days as now is after [`WRITTEN`], in the form that it has.
fn moved(text: &str, now: Timestamp) -> String {
    let today = now.to_zoned(TimeZone::UTC).date();
    let days = today.since((Unit::Day, WRITTEN.parse::<Date>().unwrap())).unwrap();
    let part_of_date = |letter: char| letter.is_ascii_digit() || "-/".contains(letter);
    let (mut out, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(part_of_date) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|letter| !part_of_date(letter)).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        out += before;
        out += &moved_date(run, days).unwrap_or_else(|| run.to_owned());
        rest = after;
    }
    out + rest
}

/// Dates as the samples write them: by day, by month, and as HL7 writes them with a time behind.
fn moved_date(run: &str, days: Span) -> Option<String> {
    for form in ["%Y-%m-%d", "%d/%m/%Y"] {
        if let Some(date) = Date::strptime(form, run).ok().filter(|date| date.year() == 2026) {
            return Some(date.checked_add(days).unwrap().strftime(form).to_string());
        }
    }
    if run == "2026-11" {
        // A month stands for its first day, so it may be the month of today.
        let first: Date = format!("{run}-01").parse().unwrap();
        return Some(first.checked_add(days).unwrap().strftime("%Y-%m").to_string());
    }
    let (date, time) = run.split_at_checked(8).filter(|(date, _)| date.starts_with("2026"))?;
    let date = Date::strptime("%Y%m%d", date).ok()?.checked_add(days).unwrap();
    Some(format!("{}{time}", date.strftime("%Y%m%d")))
}

#[test]
fn the_dates_of_a_sample_move_and_nothing_else_does() {
    let text =
        "N-2026-0147,14/03/1958,09/11/2026,2026-11-20T22:40|20261112143200+0000|PAS-20261112-000417|2026-11,9990001006";
    let later = moved(text, "2027-01-20T12:00:00Z".parse().unwrap());
    let expected =
        "N-2026-0147,14/03/1958,08/01/2027,2027-01-19T22:40|20270111143200+0000|PAS-20261112-000417|2026-12,9990001006";
    assert_eq!(later, expected);
    assert_eq!(moved(text, "2026-11-21T00:00:00Z".parse().unwrap()), text);
}

#[tokio::test]
async fn check_needs_no_hub_and_shows_what_each_sample_holds() {
    for (_, folder, file) in SAMPLES {
        let (program, path) = (format!("placehub-{folder}"), sample(folder, file));
        let expected = path.with_extension("expected.json");
        let expected: Value = serde_json::from_str(&fs::read_to_string(expected).unwrap()).unwrap();
        let path = path.display().to_string();
        let shown = run(&program, ["check", &path, "--json"]).await.ended(0);
        assert_eq!(serde_json::from_str::<Value>(&shown.out).unwrap(), expected, "{file}");
        let told = run(&program, ["check", &path]).await.ended(0);
        let of = expected.as_array().unwrap().len();
        assert_eq!(told.out.lines().count(), of + 1);
        assert!(
            told.out.ends_with(&format!("{of} taken, 0 not translated\n")),
            "{told:?}"
        );
    }
}

/// A visit, its cancellation, the merge of two records of the trust's own, and that they are two after all.
const MESSAGES: &str = "MSH|^~\\&|PAS|R|TIE|R|20261112100000||ADT^A01|C-1|P|2.4\rEVN|A01|20261112100000\r\
    PID|1||H-77^^^R^MR||Sample^Alex||19580314\rPV1|1|I|||||||||||||||||V-9\r\
    MSH|^~\\&|PAS|R|TIE|R|20261112110000||ADT^A11|C-2|P|2.4\rEVN|A11|20261112110000\r\
    PID|1||H-77^^^R^MR\rPV1|1|I|||||||||||||||||V-9\r\
    MSH|^~\\&|PAS|R|TIE|R|20261112120000||ADT^A40|C-3|P|2.4\rEVN|A40|20261112120000\r\
    PID|1||H-77^^^R^MR\rMRG|H-78^^^R^MR\r\
    MSH|^~\\&|PAS|R|TIE|R|20261112130000||ADT^A37|C-4|P|2.4\rEVN|A37|20261112130000\r\
    PID|1||H-77^^^R^MR\rPID|2||H-78^^^R^MR\r";
const MERGE: &str = "MSH|^~\\&|PAS|R|TIE|R|20261113120000||ADT^A40|C-5|P|2.4\rEVN|A40|20261113120000\r\
    PID|1||H-81^^^R^MR\rMRG|H-82^^^R^MR\r";
const DEATH: &str = r#"{"specversion":"1.0","id":"n-1","source":"uk.nhs.example","type":"pds-death-notification-2",
    "time":"2026-11-12T10:00:00Z","subject":"9990001014"}"#;
const CONSENT: &str = r#"{"resourceType":"Consent","id":"c-1","status":"active",
    "scope":{"coding":[{"code":"patient-privacy"}]},"dateTime":"2026-11-12T10:00:00Z",
    "policyRule":{"coding":[{"code":"OPTIN"}]},"provision":{"purpose":[{"code":"homelessness-prevention"}]},
    "patient":{"identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990001006"}}}"#;

#[tokio::test]
async fn what_is_no_signal_reaches_the_hub_by_a_call_of_its_own() {
    let home = Home::new().await;
    let served = home.serve().await;
    for (name, text, [recorded, retracted, stated]) in [
        ("visit.hl7", MESSAGES, [1, 1, 2]),
        ("death.json", DEATH, [1, 0, 1]),
        ("consent.json", CONSENT, [0, 0, 1]),
    ] {
        let file = written(&home, name, &moved(text, SystemClock.now()));
        let (ran, report) = once(&home, "nhs", "health", &file).await;
        ran.ended(0);
        assert_eq!(
            (&report["recorded"], &report["retracted"], &report["stated"]),
            (&recorded.into(), &retracted.into(), &stated.into()),
            "{name}: {report}"
        );
    }
    let joined = written(&home, "merge.hl7", &moved(MERGE, SystemClock.now()));
    let settings = home.file("clients/health-adapter.toml");
    once(&home, "nhs", "health", &joined).await.0.ended(0);
    for (code, words) in [
        (0, "merge.hl7 message 1: the two are apart again"),
        (1, "nothing changed"),
    ] {
        let ran = run("placehub-nhs", ["separate", &joined, "--settings", &settings]).await;
        assert!(ran.ended(code).out.contains(words));
    }
    served.stop().await;
}

#[tokio::test]
async fn once_records_each_sample_and_the_second_time_knows_all_of_it() {
    let home = Home::new().await;
    let served = home.serve().await;
    let mut total = 0;
    for (agency, folder, file) in SAMPLES {
        let path = written(&home, file, &recent(folder, file));
        let (first, report) = once(&home, folder, agency, &path).await;
        first.ended(0);
        let taken = report["taken"].as_u64().unwrap();
        assert_eq!(
            (taken > 0, &report["recorded"]),
            (true, &report["taken"]),
            "{file}: {report}"
        );
        total += taken;
        let (second, report) = once(&home, folder, agency, &path).await;
        second.ended(0);
        assert_eq!(
            (&report["already_known"], &report["recorded"]),
            (&taken.into(), &0.into()),
            "{file}: {report}"
        );
    }
    let entries = home
        .run(&["ledger", "list", "--as", "igo-1", "--all", "--json"])
        .await
        .ended(0)
        .json();
    let recorded: BTreeSet<String> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"] == "push")
        .map(|entry| serde_json::from_str::<Value>(entry["raw"].as_str().unwrap()).unwrap())
        .map(|entry| entry["touched"]["signal"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(recorded.len() as u64, total, "each row is one signal");
    served.stop().await;
}

#[tokio::test]
async fn a_bad_row_is_told_by_number_and_field_and_holds_up_no_other() {
    let home = Home::new().await;
    let served = home.serve().await;
    let text = recent("housing", "arrears.csv");
    let rows: Vec<&str> = text.lines().collect();
    // Billie's number, with a wrong check digit.
    let broken = text.replace("999 000 1014", "999 000 1015");
    assert_ne!(broken, text);
    let path = written(&home, "arrears.csv", &broken);
    let (ran, report) = once(&home, "housing", "housing", &path).await;
    assert_eq!(ran.code, 1, "{report}");
    let counts = ["taken", "recorded"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [rows.len() as u64 - 1, rows.len() as u64 - 2], "{report}");
    let untranslated = report["untranslated"].as_array().unwrap();
    let [bad] = untranslated.as_slice() else {
        panic!("{report}")
    };
    assert_eq!(
        (&bad["origin"], &bad["field"]),
        (&"arrears.csv row 3".into(), &"nhs_number".into())
    );
    assert!(
        !ran.out.contains("1015") && !ran.err.contains("1015"),
        "the value is repeated: {ran:?}"
    );

    let mended = written(&home, "arrears.csv", &text);
    let (ran, report) = once(&home, "housing", "housing", &mended).await;
    assert_eq!(
        (ran.code, &report["recorded"], &report["already_known"]),
        (0, &1.into(), &2.into()),
        "{report}"
    );
    served.stop().await;
}

#[tokio::test]
async fn what_the_hub_refuses_is_told_row_by_row() {
    let home = Home::new().await;
    let served = home.serve().await;
    let in_two_years = SystemClock.now() + (2 * 365 * 24).hours();
    let text = fs::read_to_string(sample("welfare", "crisis-grants.csv")).unwrap();
    let path = written(&home, "ahead.csv", &moved(&text, in_two_years));
    let (ran, report) = once(&home, "welfare", "welfare", &path).await;
    assert_eq!(ran.code, 1, "{report}");
    let refused = report["refused"].as_array().unwrap();
    assert_eq!(refused.len() as u64, report["taken"].as_u64().unwrap());
    for one in refused {
        assert_eq!(one["violations"][0]["field"], "signal.occurred_at", "{report}");
    }
    served.stop().await;
}

#[tokio::test]
async fn a_command_that_cannot_be_meant_ends_with_2_and_names_the_file() {
    let home = Home::new().await;
    let arrears = sample("housing", "arrears.csv").display().to_string();
    let lost = home.file("lost.toml");
    let settings = home.file("clients/housing-adapter.toml");
    let foreign = sample("nhs", "discharge.hl7").display().to_string();
    let cases: [(&[&str], &str); 4] = [
        (&["once", &arrears, "--settings", &lost], "lost.toml"),
        (&["once", &lost, "--settings", &settings], "lost.toml"),
        (&["once", &foreign, "--settings", &settings], "discharge.hl7"),
        (&["once", &arrears], "--settings"),
    ];
    for (arguments, names) in cases {
        let ran = run("placehub-housing", arguments).await.ended(2);
        assert!(ran.err.contains(names) && ran.out.is_empty(), "{ran:?}");
    }
}
