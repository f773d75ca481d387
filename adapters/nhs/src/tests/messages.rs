//! HL7 v2 messages as senders really write them: odd lines, other character sets, line feeds in text, deaths.

use super::*;

/// The id of each thing that is told.
fn ids(text: &str) -> Vec<String> {
    let told = told_where_deaths_are_taken_back(text.as_bytes());
    let told = told.into_iter().map(|content| match content.unwrap() {
        Content::Draft(draft) => draft.source_id,
        Content::Retraction(back) => format!("not {}", back.source_id),
        Content::Death(death) => format!("{} died", death.source_id),
        Content::Life(life) => format!("{} lives", life.source_id),
        other => panic!("{other:?}"),
    });
    told.collect()
}

#[test]
fn a_segment_without_fields_hides_none_that_follow() {
    let plain = one(MESSAGE.as_bytes()).unwrap();
    assert_eq!(message("\rPV1|1", "\rPD1\rPV1|1").unwrap(), plain);
    // Between carriage returns, a line feed is text.
    assert_eq!(message("\rPV1|1", "\rNTE|1||one\ntwo\rPV1|1").unwrap(), plain);
    let why = message("\rPV1|1", "\rSmith\rPV1|1").unwrap_err();
    assert_eq!((why.field.as_str(), why.passed_over), ("segment 4", false));
}

#[test]
fn each_message_of_a_file_has_its_own_character_set_and_can_be_read_again() {
    let latin = MESSAGE
        .replace("|P|2.4", "|P|2.4||||||8859/1")
        .replace("Sample", "Sampl@");
    let latin: Vec<u8> = latin
        .bytes()
        .map(|byte| if byte == b'@' { 0xE9 } else { byte })
        .collect();
    let unnamed: Vec<u8> = MESSAGE.replace("Sample", "Sampl@").bytes().collect();
    let unnamed: Vec<u8> = unnamed
        .into_iter()
        .map(|byte| if byte == b'@' { 0xE9 } else { byte })
        .collect();
    let all = translate(&[latin.clone(), unnamed, MESSAGE.into()].concat(), "x").unwrap();
    let names = all.iter().map(|one| match &one.result {
        Ok(content) => content.draft().unwrap().person.as_ref().unwrap().family_name.clone(),
        Err(why) => why.field.clone(),
    });
    assert_eq!(names.collect::<Vec<_>>(), ["Samplé", "MSH-18", "Sample"]);
    assert_eq!(translate(&all[0].piece.bytes(), "x").unwrap()[0].result, all[0].result);
}

#[test]
fn line_feeds_and_byte_order_marks_are_refused_where_the_settings_say_so() {
    let [feeds, marked] = [MESSAGE.replace('\r', "\n"), format!("\u{feff}{MESSAGE}")];
    let strict = |text: &str| {
        let reading = Reading {
            lenient: false,
            ..Reading::usual().unwrap()
        };
        let rows = rows(Box::new(Cursor::new(text.as_bytes().to_vec())), "x", &Arc::new(reading));
        rows?.collect::<Result<Vec<_>, _>>()
    };
    assert!(strict(MESSAGE).unwrap()[0].result.is_ok());
    assert_eq!(strict(&feeds).unwrap()[0].result.as_ref().unwrap_err().field, "MSH");
    let refusal = strict(&marked).unwrap_err().to_string();
    assert_eq!(refusal, "file is not HL7 v2: it begins with a byte order mark");
}

#[test]
fn the_end_of_an_attendance_or_a_clinic_visit_is_no_discharge_from_hospital() {
    for class in ["E", "O", ""] {
        let why = message("PV1|1|I", &format!("PV1|1|{class}")).unwrap_err();
        assert!(why.passed_over, "{class}");
    }
}

#[test]
fn a_death_is_told_by_whatever_message_says_so_and_taken_back_under_the_same_name() {
    let died = |event: &str, indicator: &str, day: &str| {
        let message = MESSAGE.replace("ADT^A03", &format!("ADT^{event}"));
        let at = message.find("\rPV1").unwrap();
        let (before, after) = message.split_at(at);
        format!("{before}{}{day}|{indicator}{after}", "|".repeat(18))
    };
    let discharged = ids(&died("A03", "Y", "20261112"));
    let [discharge, signal, death] = discharged.as_slice() else {
        panic!("{discharged:?}")
    };
    assert_eq!(
        (discharge.as_str(), death),
        ("V-9:discharge", &format!("{signal} died"))
    );
    assert_eq!(ids(&died("A31", "Y", "20261112")), [signal.clone(), death.clone()]);
    let back = ids(&died("A08", "N", "").replace("|V-9|", "|V-10|"));
    assert_eq!(back, [format!("not {signal}"), format!("{signal} lives")]);
    // Without a number nobody was ever told of, so nothing is taken back.
    let nobody = died("A08", "N", "").replace("9990001006^^^NHS^NH~H-77^^^RWIG^MRN", "");
    let refused = |text: &str| told_where_deaths_are_taken_back(text.as_bytes()).remove(0).unwrap_err();
    assert!(refused(&nobody).passed_over);
    // A number that cannot be read may be the one that was told of.
    let why = refused(&died("A08", "N", "").replace("9990001006^", "999000^"));
    assert_eq!((why.field.as_str(), why.passed_over), ("PID-3", false));
    // As the mapping comes, an N takes nothing back: it may stand in any update.
    assert!(one(died("A08", "N", "").as_bytes()).unwrap_err().passed_over);
    let summary = |text: String| translate(text.as_bytes(), "x").unwrap()[0].result.clone().unwrap();
    let summary = |text| summary(text).draft().unwrap().summary.clone();
    assert_eq!(summary(died("A28", "Y", "20261110")), "Died on 2026-11-10");
    assert_eq!(summary(died("A28", "Y", "")), "Death notified on 2026-11-12");
}

#[test]
fn numbers_that_the_hub_cannot_keep_are_left_out_of_a_visit_and_refuse_a_join() {
    let long = format!("{}^^^RWIG^MRN", "9".repeat(65));
    let person = message("H-77^^^RWIG^MRN", &long).unwrap().person.unwrap();
    assert!(person.local_references.is_empty());
    let join = MESSAGE
        .replace("ADT^A03", "ADT^A40")
        .replace("\rPV1|1", &format!("\rMRG|H-1^^^RWIG^MRN~{long}\rPV1|1"));
    let why = translate(join.as_bytes(), "x").unwrap().remove(0).result.unwrap_err();
    assert_eq!(why.field, "MRG-1");
}

#[test]
fn how_far_the_number_of_the_patient_is_verified_says_nothing_of_the_one_that_it_replaces() {
    let unverified = MESSAGE.replace("9990001006^^^NHS^NH~", "");
    let at = unverified.find("\rPV1").unwrap();
    let (before, after) = unverified.split_at(at);
    let join =
        format!("{before}{}NSTS02\rMRG|9990001014^^^NHS^NH{after}", "|".repeat(21)).replace("ADT^A03", "ADT^A40");
    let Content::Join(join) = told(join.as_bytes()).remove(0).unwrap() else {
        panic!()
    };
    assert_eq!(join.retired.unwrap().nhs_number, "9990001014");
}

#[test]
fn a_message_of_a_file_that_carries_no_signal_is_passed_over_and_a_fault_is_not() {
    let passed_over = |text: &str| translate(text.as_bytes(), "x").unwrap()[0].result.clone().unwrap_err();
    assert!(passed_over(&MESSAGE.replace("ADT^A03", "ADT^A08")).passed_over);
    assert!(!passed_over(&MESSAGE.replace("|V-9|", "||").replace("ADT^A03", "ADT^A13")).passed_over);
    let views = views(&translate(MESSAGE.replace("ADT^A03", "ADT^A02").as_bytes(), "x").unwrap());
    assert_eq!(views[0]["passed_over"]["field"], "MSH-9");
}
