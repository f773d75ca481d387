//! The README's section "Run it", run: each command as it stands there, in a temporary folder instead of `/srv`.
//! A command that is added there, or that no longer does what it says, ends this test.

use std::fs;

use crate::program::{Home, placehub, repository};

/// The folder that the README makes.
const FOLDER: &str = "/srv/placehub";
/// Where the README's hub listens: the one thing that is changed, because tests share no port.
const LISTEN: &str = "127.0.0.1:7443";

/// What must come of each command after `serve`: how it begins, its exit code, and words of the essential line.
const EXPECTED: [(&str, i32, &str); 7] = [
    ("doctor", 0, "ok     call            the hub takes you for police, desk"),
    ("push", 0, "recorded: signal "),
    ("consent give", 0, "given"),
    ("ask", 0, "9 weeks of rent arrears"),
    ("ask", 1, "NOT_PERMITTED"),
    ("ledger who-saw", 0, "officer-17"),
    ("ledger verify", 0, "is as it was signed: "),
];

/// A section of the README's text.
fn section(title: &str) -> String {
    let text = fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, after) = text.split_once(&format!("\n## {title}\n")).unwrap();
    after.split("\n## ").next().unwrap().to_owned()
}

/// The command lines of its shell blocks, with continued lines joined and comments left out.
fn commands(section: &str) -> Vec<Vec<String>> {
    let blocks = section.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| {
        let block = block.split("```").next().unwrap().replace("\\\n", " ");
        block.lines().map(words).collect::<Vec<_>>()
    });
    lines.filter(|words| !words.is_empty()).collect()
}

/// The words of a command line as a shell would take them, as far as the README's commands go.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for letter in line.chars() {
        assert!(
            !"'$`\\;|&<>*".contains(letter),
            "this test does not know {letter} in {line}"
        );
        match letter {
            '"' => (quoted, begun) = (!quoted, true),
            '#' if !quoted && !begun => break,
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            letter => {
                word.push(letter);
                begun = true;
            }
        }
    }
    assert!(!quoted, "a quotation has no end in {line}");
    if begun {
        words.push(word);
    }
    words
}

#[test]
fn a_command_line_is_read_as_a_shell_reads_it() {
    assert_eq!(words("a --b \"c  d\"   e=\"f g\" # h"), ["a", "--b", "c  d", "e=f g"]);
    assert_eq!(words("a \"\" b#c"), ["a", "", "b#c"]);
    assert_eq!(
        commands("x\n```sh\na \\\n  b\n\n```\ny\n```text\nz\n```\n"),
        [["a", "b"]]
    );
}

#[tokio::test]
async fn every_command_under_run_it_does_what_the_readme_says() {
    let text = section("Run it");
    let home = Home::empty();
    let here = |words: Vec<String>| -> Vec<String> {
        words
            .into_iter()
            .map(|word| word.replace(FOLDER, &home.text()))
            .collect()
    };
    let mut commands = commands(&text).into_iter().map(here);

    let install = commands.next().unwrap();
    assert_eq!(install[..3], ["cargo", "install", "--path"]);
    let manifest = fs::read_to_string(repository().join(&install[3]).join("Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"placehub\"\n"));

    let init = commands.next().unwrap();
    let made = placehub(called(&init, "init")).await.ended(0);
    assert!(made.out.contains("is ready"), "{made:?}");

    let serve = commands.next().unwrap();
    assert_eq!(
        called(&serve, "serve"),
        ["serve", "--config", &home.file("placehub.toml")]
    );
    home.edit("placehub.toml", LISTEN, "127.0.0.1:0");
    let served = home.serve().await;

    let rest: Vec<Vec<String>> = commands.collect();
    assert_eq!(
        rest.len(),
        EXPECTED.len(),
        "the README has other commands than this test knows"
    );
    for (command, (begins, code, says)) in rest.iter().zip(EXPECTED) {
        let ran = placehub(called(command, begins)).await.ended(code);
        assert!(
            ran.out.contains(says) || ran.err.contains(says),
            "{command:?} does not say {says}: {ran:?}"
        );
    }
    let refused = EXPECTED.iter().position(|(_, code, _)| *code == 1).unwrap();
    let ordinal = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh"][refused];
    assert!(text.contains(&format!("The {ordinal} command is refused")));
    served.stop().await;
}

/// The arguments of a command of `placehub`, which must begin with these words.
fn called<'c>(command: &'c [String], begins: &str) -> &'c [String] {
    assert_eq!(command[0], "placehub");
    assert!(
        command[1..].join(" ").starts_with(begins),
        "{command:?} is not {begins}"
    );
    &command[1..]
}
