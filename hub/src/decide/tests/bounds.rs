//! What the loader refuses because it opens more than the particulars say, or opens it otherwise than they can tell.

use super::{
    changed_files,
    load::{ASB, TOML, refusal, refused, set},
};

#[test]
fn a_rule_may_not_open_more_than_the_particulars_say() {
    let narrower = [
        // A lower level, fewer kinds, other terms, another role, and a recipient fewer.
        ("level = \"detail\"", "level = \"headline\"", "at the level detail"),
        ("  \"housing.eviction\",\n", "", "`housing.eviction`"),
        ("consent = \"not-needed\"", "consent = \"given\"", "`none`"),
        (
            "police = [\"neighbourhood-officer\"]",
            "police = [\"neighbourhood-officer\", \"inspector\"]",
            "",
        ),
    ];
    for (old, new, words) in narrower {
        let files = changed_files(TOML, |text| text.replacen(old, new, 1));
        match words {
            "" => assert!(
                set(&files).is_ok(),
                "particulars that say more than the rules are no danger"
            ),
            words => {
                let text = refusal(&files);
                let told = text.contains("opens more than the particulars say") && text.contains(words);
                assert!(told && text.starts_with("agreements/asb-prevention.cedar:"), "{text}");
            }
        }
    }
}

#[test]
fn a_rule_that_asks_for_no_role_opens_more_than_the_particulars_say() {
    let role = " && principal.roles.contains(\"neighbourhood-officer\") }\nwhen { resource.owner";
    refused(
        ASB,
        |text| text.replacen(role, " }\nwhen { resource.owner", 1),
        &[ASB, "neighbourhood-officer"],
    );
    let asks =
        "(principal.agency == Placehub::Agency::\"police\" && principal.roles.contains(\"neighbourhood-officer\"))";
    refused(
        ASB,
        |text| text.replacen(asks, "principal.agency == Placehub::Agency::\"police\"", 1),
        &[ASB, "asb-prevention-ask-person", "lets `police` ask"],
    );
}

#[test]
fn a_rule_for_those_without_any_role_opens_more_than_the_particulars_say() {
    for (action, words) in [("ask", "lets `police` ask"), ("detail", "at the level detail")] {
        let resource = if action == "ask" { "Inquiry" } else { "Signal" };
        let permit = format!(
            "\n@id(\"asb-nobody\") @agreement(\"asb-prevention\") @reason(\"no\")\npermit (principal is \
             Placehub::Practitioner, action == Placehub::Action::\"{action}\", resource is Placehub::{resource})\n\
             when {{ principal.roles.isEmpty() }};\n"
        );
        refused(ASB, |text| text + &permit, &[ASB, "asb-nobody", words]);
    }
}

#[test]
fn a_permit_that_looks_at_teams_is_refused() {
    let role = "principal.roles.contains(\"neighbourhood-officer\")";
    let team = format!("{role} && principal.teams.contains(\"north\")");
    refused(ASB, |text| text.replacen(role, &team, 1), &[ASB, "looks at teams"]);
}

#[test]
fn a_permit_that_no_role_alone_meets_is_refused() {
    let role = "principal.roles.contains(\"neighbourhood-officer\")";
    let with = |words: &str| {
        let words = format!("({role} && {words})");
        move |text: String| text.replace(role, &words)
    };
    let alone = [ASB, "of `police` by one role alone"];
    refused(ASB, with("principal.roles.contains(\"sergeant\")"), &alone);
    refused(
        ASB,
        with("principal.roles.containsAll([\"sergeant\", \"inspector\"])"),
        &alone,
    );
    // Two who may ask: together they would open what neither opens, beside what a third role opens alone.
    let asker = "police = [\"neighbourhood-officer\"]";
    let mut files = changed_files(TOML, |text| {
        text.replace(
            asker,
            "police = [\"neighbourhood-officer\", \"sergeant\", \"inspector\"]",
        )
    });
    set(&files).expect("more roles by themselves break nothing");
    let words = format!("({role} || principal.roles.containsAll([\"sergeant\", \"inspector\"]))");
    let text = files.text(ASB).unwrap().replace(role, &words);
    files.put(ASB, text);
    let why = refusal(&files);
    assert!(
        why.contains("the roles `inspector` and `sergeant` of `police` together"),
        "{why}"
    );
}
