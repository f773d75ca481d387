//! Each foreign sender sends what others wrote, and each answer is looked at.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{outside::outside_data, program::Program};

/// What the hub is told of the 26 messages: the signals of A01 and A03, the cancellations A11 and A13, the joins A40 and A47;
/// and since those that are about persons say so, twice of each of A01, A03, A04, A08, A28 and A31 that the person died.
const TOLD: u64 = 18;

/// Sends messages with mllp-node, one after another, and prints the MSA segment of each answer.
const NODE: &str = "
const { MLLPServer } = require('mllp-node');
const fs = require('fs');
const [port, ...files] = process.argv.slice(1);
const node = new MLLPServer('127.0.0.1', '0', () => {});
const next = () => {
  const file = files.shift();
  if (!file) process.exit(0);
  const message = fs.readFileSync(file, 'utf8').trim().replace(/\\r?\\n/g, '\\r');
  node.send('127.0.0.1', Number(port), message, (error, answer) => {
    console.log(error ? 'failed' : answer);
    next();
  });
};
next();
";

/// Sends a message over MLLP and a resource over HTTP, both over TLS, with and without a certificate of its own.
const PYTHON: &str = "
import hl7.client, http.client, socket, ssl, sys
mllp, https, home, message, resource = sys.argv[1:]
def context(own):
    context = ssl.create_default_context(cafile=home + '/ca.pem')
    if own:
        context.load_cert_chain(home + '/own.pem', home + '/own.key')
    return context
client = hl7.client.MLLPClient('127.0.0.1', int(mllp))
client.socket = context(True).wrap_socket(client.socket, server_hostname='localhost')
text = open(message, newline='').read().strip().replace('\\r\\n', '\\r').replace('\\n', '\\r')
print(client.send_message(text).decode().split('\\r')[1])
client.close()
def post(own):
    connection = http.client.HTTPSConnection('localhost', int(https), context=context(own))
    connection.request('POST', '/fhir', open(resource), {'Content-Type': 'application/fhir+json'})
    return connection.getresponse().status
print(post(True))
try:
    print(post(False))
except OSError:
    print('refused')
";

#[test]
fn python_hl7_sends_every_message_and_is_answered_as_it_should_be() {
    let (Some(python), Some(files)) = (python(), messages()) else {
        return;
    };
    let mllp_send = python.parent().unwrap().join("mllp_send");
    let program = Program::run(false);
    let answers = files.iter().map(|(name, file)| {
        let sent = run(Command::new(&mllp_send)
            .args(["--loose", "--port", &program.port("mllp"), "--file"])
            .arg(file)
            .arg("127.0.0.1"));
        let msa = sent.split(['\r', '\n']).find(|segment| segment.starts_with("MSA|"));
        (name.clone(), msa.unwrap_or(&sent).to_owned())
    });
    check(answers.collect(), &files);
    assert_eq!(program.waiting(), TOLD);
}

#[test]
fn mllp_node_sends_every_message_and_is_answered_as_it_should_be() {
    let Some(home) = std::env::var_os("PLACEHUB_TEST_NODE") else {
        eprintln!("skipped: set PLACEHUB_TEST_NODE to a folder into which npm has installed mllp-node");
        return;
    };
    let Some(files) = messages() else { return };
    let program = Program::run(false);
    let mut node = Command::new("node");
    node.args(["-e", NODE, "--", &program.port("mllp")])
        .args(files.values())
        .current_dir(home);
    let said = run(&mut node);
    let answers = files.keys().cloned().zip(said.lines().map(str::to_owned));
    check(answers.collect(), &files);
    assert_eq!(program.waiting(), TOLD);
}

#[test]
fn pythons_own_tls_reaches_both_listeners_and_needs_a_certificate() {
    let (Some(python), Some(files)) = (python(), messages()) else {
        return;
    };
    let program = Program::run(true);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/encounter.json");
    let said = run(Command::new(python)
        .args(["-c", PYTHON, &program.port("mllp"), &program.port("http")])
        .args([program.path(""), files["A01"].clone(), sample]));
    assert_eq!(said.lines().collect::<Vec<_>>(), ["MSA|AA|MSG00001", "200", "refused"]);
    assert_eq!(program.waiting(), 4);
}

/// Sees that each message was acknowledged under its own control id: there is none among them that cannot be taken.
fn check(answers: BTreeMap<String, String>, files: &BTreeMap<String, PathBuf>) {
    assert_eq!(answers.len(), 26);
    for (trigger, answer) in answers {
        let message = fs::read_to_string(&files[&trigger]).unwrap();
        let id = message.split('|').nth(9).unwrap();
        assert_eq!(answer, format!("MSA|AA|{id}"), "{trigger}");
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// A Python that has the package hl7.
fn python() -> Option<PathBuf> {
    let python = PathBuf::from(std::env::var_os("PLACEHUB_TEST_PYTHON").unwrap_or_default());
    let has = Command::new(&python).args(["-c", "import hl7"]).output();
    if has.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    eprintln!("skipped: set PLACEHUB_TEST_PYTHON to a Python that has the package hl7");
    None
}

/// The messages that others wrote, by their events.
fn messages() -> Option<BTreeMap<String, PathBuf>> {
    let files = fs::read_dir(outside_data("hl7v2-adt")?).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let messages = paths.filter(|path| path.extension().is_some_and(|ending| ending == "hl7"));
    let named = messages.map(|path| {
        let name = path.file_stem().unwrap().to_string_lossy();
        (
            name.trim_start_matches("ADT-").trim_end_matches("-01").to_owned(),
            path.clone(),
        )
    });
    Some(named.collect())
}
