//! Ways to break the files of a set of policies, for tests of what refuses them. Nothing of it knows what a file is for.

/// How it is broken, in words; and a text so broken, or `None` if its file is gone.
pub(crate) type Break = (&'static str, fn(&str) -> Option<String>);

/// Ways to break a text. Each leaves something that must not come into force.
pub(crate) const BREAKS: [Break; 17] = [
    ("gone", |_| None),
    ("cut in the middle of a word", |text| {
        cut(text, "permit (")
            .or(cut(text, "forbid ("))
            .or(cut(text, "="))
            .or(cut(text, "entity"))
    }),
    ("garbage before", |text| Some(format!("%&/ \u{0} {text}"))),
    ("garbage behind", |text| Some(format!("{text}\n)]}}\u{7}"))),
    ("garbage within", |text| {
        let (before, after) = text
            .split_at_checked(text.len() / 2)
            .or(text.split_at_checked(text.len() / 2 + 1))?;
        Some(format!("{before}\n\"]]{{{{(\n{after}"))
    }),
    ("said twice", |text| Some(format!("{text}\n{text}"))),
    ("no closing brackets", |text| Some(text.replace(['}', ')', ']'], ""))),
    ("no quotation marks", |text| Some(text.replace('"', ""))),
    ("other quotation marks", |text| Some(text.replace('"', "\u{201d}"))),
    ("no equals signs", |text| Some(text.replace('=', " "))),
    ("capitals", |text| Some(text.to_uppercase())),
    ("upside down", |text| {
        Some(text.lines().rev().collect::<Vec<_>>().join("\n"))
    }),
    ("another word for each name", |text| {
        Some(
            text.replace("Placehub", "Elsewhere")
                .replace("id =", "name =")
                .replace("title =", "heading ="),
        )
    }),
    ("600 brackets in one another", |text| {
        Some(nested("(".repeat(600), ")".repeat(600), text))
    }),
    ("20,000 conditions in a row", |text| {
        Some(nested("true && ".repeat(20_000), String::new(), text))
    }),
    ("a name of 20,000 parts", |text| {
        Some(nested("context.".repeat(20_000), String::new(), text))
    }),
    ("all on one line", |text| {
        Some(text.replace('\n', " ").replace("//", "").replace('#', " "))
    }),
];

/// A text with a rule, or a type, that goes on and on.
fn nested(before: String, after: String, text: &str) -> String {
    let rule = format!("forbid (principal, action, resource) when {{ {before}context{after} }};");
    format!("{text}\n{rule}\ntype Deep = {};\n", "Set<".repeat(600))
}

fn cut(text: &str, at: &str) -> Option<String> {
    text.rfind(at)
        .and_then(|end| text.get(..end + at.len()))
        .map(ToOwned::to_owned)
}
