//! What the loader refuses: each refusal names the file and the rule.

use super::{changed_files, files, repository};
use crate::decide::{Error, Files, PolicySet, Trust};

pub(super) fn set(files: &Files) -> Result<PolicySet, Error> {
    PolicySet::of(files, &Trust::default())
}

pub(super) fn refusal(files: &Files) -> String {
    let why = set(files).err().expect("these policies must be refused");
    let mut text = why.to_string();
    let mut source = std::error::Error::source(&why);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

pub(super) fn refused(file: &str, change: impl FnOnce(String) -> String, words: &[&str]) {
    let text = refusal(&changed_files(file, change));
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

pub(super) const ASB: &str = "agreements/asb-prevention.cedar";

#[test]
fn the_policies_of_the_repository_load() {
    let set = PolicySet::load(&repository()).unwrap();
    assert_eq!(set.digest().len(), 64);
    assert!(set.rule_count() > 20);
}

#[test]
fn any_change_of_any_file_changes_the_digest() {
    let before = PolicySet::load(&repository()).unwrap();
    for file in [
        "base.cedar",
        "set.toml",
        ASB,
        "agreements/asb-prevention.toml",
        "catalogue/kinds.toml",
    ] {
        let comment = if file.ends_with("toml") {
            "\n# a comment\n"
        } else {
            "\n// a comment\n"
        };
        let after = set(&changed_files(file, |text| text + comment)).unwrap();
        assert_ne!(before.digest(), after.digest(), "{file}");
    }
}

#[test]
fn a_set_says_its_version_and_title_or_is_refused() {
    let shipped = PolicySet::load(&repository()).unwrap();
    assert!(
        files()
            .text("set.toml")
            .unwrap()
            .contains(&format!("version = \"{}\"", shipped.version()))
    );
    let file = "set.toml";
    refused(file, |_| String::new(), &["set.toml:1", "version"]);
    refused(file, |text| text.replace("title", "heading"), &["set.toml:", "heading"]);
    for version in ["", "2026/11", "no blanks", "-1", &"1".repeat(33)] {
        let worded = format!("\nversion = \"{version}\"\ntitle = \"A set\"\n");
        refused(file, |_| worded, &["set.toml:2", "1 to 32"]);
    }
    for title in ["", " ", "two\\nlines", &"x".repeat(201)] {
        let worded = format!("version = \"1\"\n\ntitle = \"{title}\"\n");
        refused(file, |_| worded, &["set.toml:3", "one line"]);
    }
    let files: Files = files()
        .within("")
        .filter(|(file, _)| *file != "set.toml")
        .map(|(file, text)| (file.to_owned(), text.to_owned()))
        .collect();
    assert!(refusal(&files).contains("cannot read set.toml"));
}

#[test]
fn a_misspelt_attribute_is_refused() {
    refused(
        ASB,
        |text| text.replacen("resource.areas", "resource.aeras", 1),
        &[ASB, "aeras"],
    );
}

#[test]
fn a_word_that_is_not_in_the_catalogue_is_refused() {
    let misspelt = |text: String| text.replacen("housing.asb-case", "housing.asb-casse", 1);
    refused(ASB, misspelt, &[ASB, "housing.asb-casse", "not in the catalogue"]);
}

#[test]
fn base_may_not_permit() {
    let permit = "@id(\"base-open\") @agreement(\"base\") @reason(\"no\")\npermit(principal, action, resource);";
    refused(
        "base.cedar",
        |text| text + permit,
        &["base.cedar", "base-open", "may only forbid"],
    );
}

#[test]
fn operation_may_not_permit_seeing() {
    let permit = "@id(\"operation-open\") @agreement(\"operation\") @reason(\"no\")\npermit(principal is Placehub::Practitioner, action == Placehub::Action::\"detail\", resource is Placehub::Signal);";
    refused(
        "operation.cedar",
        |text| text + permit,
        &["operation-open", "may not permit asking or seeing"],
    );
}

#[test]
fn a_base_that_forbids_nothing_is_refused() {
    refused(
        "base.cedar",
        |_| "// empty".to_owned(),
        &["base.cedar:1", "forbids nothing"],
    );
}

#[test]
fn a_party_of_another_sort_than_the_hubs_settings_say_is_refused() {
    let trust = Trust {
        sectors: [("police".parse().unwrap(), "health".parse().unwrap())].into(),
        ..Trust::default()
    };
    let why = PolicySet::of(&files(), &trust).err().unwrap().to_string();
    assert!(
        why.starts_with(TOML) && why.contains("`police` is of the sort `police` here"),
        "{why}"
    );
}

#[test]
fn what_is_nested_too_deep_is_refused_with_its_line() {
    let deep = |condition: String| {
        let rule = format!("\nforbid (principal, action, resource)\nwhen {{ {condition} }};\n");
        refusal(&changed_files(ASB, |text| text + &rule))
    };
    let brackets = |count: usize| format!("{}true{}", "(".repeat(count), ")".repeat(count));
    assert!(deep(brackets(63)).contains("`@id`"), "that deep is fine");
    for condition in [brackets(64), brackets(600)] {
        let text = deep(condition);
        assert!(text.starts_with(ASB) && text.contains("brackets"), "{text}");
    }
    let last = files().text(ASB).unwrap().lines().count() + 3;
    for condition in ["true && ".repeat(20_000) + "true", "!".repeat(600) + "true"] {
        let text = deep(condition);
        assert!(
            text.starts_with(&format!("{ASB}:{last}: ")) && text.contains("operators"),
            "{text}"
        );
    }
    // What a comment or a quoted text says is not nested.
    assert!(deep(format!("\"{}\" == \"\" // {}\n", brackets(100), brackets(100))).contains("`@id`"));
}

#[test]
fn an_agreement_may_not_permit_reading_the_ledger() {
    let permit = "@id(\"asb-ledger\") @agreement(\"asb-prevention\") @reason(\"no\")\npermit(principal is Placehub::Practitioner, action == Placehub::Action::\"who_saw\", resource is Placehub::Ledger);";
    refused(ASB, |text| text + permit, &["asb-ledger", "asking and seeing"]);
}

#[test]
fn an_agreement_may_not_open_to_a_stranger() {
    let permit = "@id(\"asb-health\") @agreement(\"asb-prevention\") @reason(\"no\")\npermit(principal is Placehub::Practitioner, action == Placehub::Action::\"existence\", resource is Placehub::Signal)\nwhen { principal.agency == Placehub::Agency::\"health\" };";
    refused(ASB, |text| text + permit, &["asb-health", "no party"]);
}

#[test]
fn a_rule_needs_id_agreement_and_reason() {
    for (missing, word) in [
        ("@id(", "`@id`"),
        ("@agreement(", "`@agreement`"),
        ("@reason(", "`@reason`"),
    ] {
        let without = |text: String| text.replacen(missing, "@other(", 1);
        refused(ASB, without, &[ASB, word]);
    }
}

#[test]
fn an_id_is_used_once() {
    let twice = |text: String| {
        format!(
            "{text}\n@id(\"base-nothing-without-a-role\") @agreement(\"asb-prevention\") @reason(\"x\")\nforbid(principal, action, resource) when {{ false }};"
        )
    };
    refused(ASB, twice, &[ASB]);
}

#[test]
fn particulars_must_be_whole() {
    let toml = "agreements/asb-prevention.toml";
    refused(
        toml,
        |text| text.replacen("review_date", "reviewed", 1),
        &[toml, "reviewed"],
    );
    refused(
        toml,
        |text| text.replacen("cda-1998-s115", "cda-1998-s999", 1),
        &[toml, "cda-1998-s999"],
    );
    refused(
        toml,
        |text| text.replacen("asb-prevention\"", "asb-preventing\"", 1),
        &[toml, "asb-preventing"],
    );
    for missing in [toml, ASB] {
        let without: Files = files().within("").filter(|(file, _)| *file != missing).collect();
        assert!(refusal(&without).contains(missing));
    }
}

pub(super) const TOML: &str = "agreements/asb-prevention.toml";

#[test]
fn a_kind_that_no_party_owns_is_refused_in_rules_and_in_particulars() {
    refused(
        ASB,
        |text| text.replacen("Kind::\"housing.rent-arrears\"", "Kind::\"welfare.crisis-grant\"", 1),
        &[ASB, "welfare.crisis-grant", "no party of the agreement owns"],
    );
    refused(
        TOML,
        |text| text.replacen("\"housing.rent-arrears\"", "\"welfare.crisis-grant\"", 1),
        &[TOML, "welfare.crisis-grant", "no party is of that sort"],
    );
}

#[test]
fn a_kind_that_a_law_closes_is_kept_closed_by_the_base() {
    let law = "closed_by = \"Social Security Administration Act 1992 s.123\"\n";
    let lifted = |text: String| text.replace("welfare.benefit-sanction", "welfare.crisis-grant");
    refused(
        "base.cedar",
        lifted,
        &["base.cedar", "welfare.benefit-sanction", "closed"],
    );
    let consent = |text: String| text.replacen("unless { context.consent == \"given\" };", ";", 1);
    let stricter = changed_files("base.cedar", consent);
    assert!(
        set(&stricter).is_ok(),
        "a base that forbids more keeps it closed as well"
    );
    let any_gateway = |text: String| {
        text.replacen(
            "when { context.gateway == Placehub::Gateway::\"none\" }\nunless",
            "when { context.case_reference }\nunless",
            1,
        )
    };
    refused("base.cedar", any_gateway, &["base.cedar", "no gateway is named"]);
    let arrears = |text: String| {
        text.replacen(
            "id = \"welfare.council-tax-arrears\"\n",
            &format!("id = \"welfare.council-tax-arrears\"\n{law}"),
            1,
        )
    };
    refused(
        "catalogue/kinds.toml",
        arrears,
        &["base.cedar", "welfare.council-tax-arrears"],
    );
}

#[test]
fn an_agreement_that_opens_a_kind_that_a_law_closes_names_its_authority() {
    const HOMES: &str = "agreements/homelessness-prevention.toml";
    let opened = |authority: &str| {
        let opens = format!(
            "\n[[opens]]\nkinds = [\"welfare.benefit-sanction\"]\nto = {{ housing = [\"housing-officer\"] }}\n\
             level = \"headline\"\nconsent = \"given\"\n{authority}"
        );
        changed_files(HOMES, |text| text + &opens)
    };
    for missing in ["", "authority = \" \"\n"] {
        let text = refusal(&opened(missing));
        assert!(
            text.starts_with(HOMES) && text.contains("no `authority` is named"),
            "{text}"
        );
    }
    let law = "authority = \"Welfare Reform Act 2012 s.131\"\n";
    assert!(set(&opened(law)).is_ok());
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let line = |file: &str, words: &str| {
        let text = files();
        let text = text.text(file).unwrap();
        text.lines().position(|line| line.contains(words)).unwrap() + 1
    };
    let at = |file: &str, line: usize, change: fn(String) -> String| {
        let text = refusal(&changed_files(file, change));
        assert!(text.starts_with(&format!("{file}:{line}: ")), "line {line}: {text}");
    };
    at(ASB, line(ASB, "@id(\"asb-prevention-own-signals\")"), |text| {
        text.replacen(
            "@id(\"asb-prevention-own-signals\")",
            "@name(\"asb-prevention-own-signals\")",
            1,
        )
    });
    at(ASB, line(ASB, "@id(\"asb-prevention-police-see-asb-cases\")"), |text| {
        text.replacen("housing.asb-case", "housing.asb-casse", 1)
    });
    at(ASB, line(ASB, "resource.owner == principal.agency"), |text| {
        text.replacen(
            "resource.owner == principal.agency",
            "resource.owner === principal.agency",
            1,
        )
    });
    at(TOML, line(TOML, "review_date"), |text| {
        text.replacen("2028-03-31", "2025-03-31", 1)
    });
    at(TOML, line(TOML, "review_date"), |text| {
        text.replacen("2028-03-31", "2028-13-31", 1)
    });
    at(TOML, line(TOML, "purpose ="), |text| {
        text.replacen("asb-prevention\"", "asb-preventing\"", 1)
    });
    at(TOML, line(TOML, "purpose =") + 1, |text| {
        let commented = text.replacen("purpose = \"asb-prevention\"", "purpose = \"asb-preventing\"", 1);
        format!("# its purpose = one\n{commented}")
    });
    at(TOML, line(TOML, "dpia_reference"), |text| {
        text.replacen("dpia_reference = \"", "dpia_reference = \" \" # \"", 1)
    });
    let parties = |text: &str| {
        let lines = text.lines().enumerate();
        let of = lines.filter(|(_, line)| line.starts_with("agency ="));
        of.map(|(number, _)| number + 1).collect::<Vec<_>>()
    };
    let second = parties(files().text(TOML).unwrap())[1];
    at(TOML, second, |text| {
        text.replacen("agency = \"housing\"", "agency = \"police\"", 1)
    });
    at(TOML, line(TOML, "article_6"), |text| {
        text.replacen("article_6 = \"", "article_6 = \"\" # \"", 1)
    });
    at(ASB, line(ASB, "@id(\"asb-prevention-own-signals\")"), |text| {
        let (before, after) = text.split_once("@id(\"asb-prevention-own-signals\")").unwrap();
        let after = after.replacen("@reason(\"", "@reason(\" \")\n@told(\"", 1);
        format!("{before}@id(\"asb-prevention-own-signals\"){after}")
    });
    at(
        "placehub.cedarschema",
        line("placehub.cedarschema", "entity Kind;"),
        |text| text.replacen("entity Kind;", "entity Kind = ;", 1),
    );
}
