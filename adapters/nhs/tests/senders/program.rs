//! The program in a folder of its own, with a hub that is never there: what it took stays in its outbox.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Program {
    home: TempDir,
    child: Child,
    /// Held open, so that the program can go on writing its log.
    _log: BufReader<ChildStderr>,
    /// Where its listeners listen, by their tables.
    pub(crate) listens: BTreeMap<String, SocketAddr>,
}

impl Program {
    /// Starts it with both listeners. With `tls`, both want a certificate of the authority in `ca.pem`, such as `own.pem`.
    pub(crate) fn run(tls: bool) -> Self {
        let home = TempDir::new().unwrap();
        install(home.path());
        let certificate = match tls {
            true => "certificate = \"own.pem\"\nkey = \"own.key\"\nclient_ca = \"ca.pem\"\n",
            false => "",
        };
        let listeners = ["mllp", "http"].map(|table| format!("[{table}]\nlisten = \"127.0.0.1:0\"\n{certificate}"));
        let settings = format!(
            "hub = \"https://127.0.0.1:1\"\nca = \"ca.pem\"\ncertificate = \"own.pem\"\nkey = \"own.key\"\n{}",
            listeners.concat()
        );
        fs::write(home.path().join("nhs.toml"), settings).unwrap();
        let mut child = command(&["run"], home.path()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut listens = BTreeMap::new();
        while listens.len() < 2 {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the program ended");
            let said: Value = serde_json::from_str(&line).unwrap();
            let fields = &said["fields"];
            if fields["message"] == "listens" {
                let address = fields["address"].as_str().unwrap().parse().unwrap();
                listens.insert(fields["listener"].as_str().unwrap().to_owned(), address);
            }
        }
        Self {
            home,
            child,
            _log: log,
            listens,
        }
    }

    pub(crate) fn port(&self, table: &str) -> String {
        self.listens[table].port().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// How many entries wait in its outbox.
    pub(crate) fn waiting(&self) -> u64 {
        let output = command(&["status", "--json"], self.home.path()).output().unwrap();
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        status["outbox_depth"].as_u64().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str], home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_placehub-nhs"));
    command.args(arguments).arg("--settings").arg(home.join("nhs.toml"));
    command
}

/// An authority, and a certificate of it for listener, adapter and sender alike.
fn install(home: &Path) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new([]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Python takes a certificate that names its authority as itself for one that signed itself.
    parameters.distinguished_name.push(DnType::CommonName, "Authority");
    let authority = parameters.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(parameters, key);
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.use_authority_key_identifier_extension = true;
    let certificate = parameters.signed_by(&key, &issuer).unwrap().pem();
    for (name, content) in [
        ("ca.pem", authority),
        ("own.pem", certificate),
        ("own.key", key.serialize_pem()),
    ] {
        fs::write(home.join(name), content).unwrap();
    }
}
