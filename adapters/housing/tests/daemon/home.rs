//! The folder in which the program is installed: certificates, settings, drop folder, log.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};

/// How long a test waits for what must come.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);
/// How long it leaves the processor to the program between two looks.
const A_LITTLE: Duration = Duration::from_millis(5);

pub(crate) struct Home {
    folder: TempDir,
    /// Holds the hub's port, and answers nobody, until a hub listens on it.
    socket: Mutex<Option<TcpSocket>>,
    pub(crate) authority: String,
    /// The hub's certificate and key.
    pub(crate) hub: (String, String),
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new([]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters
            .distinguished_name
            .push(DnType::CommonName, "made up for a test");
        let authority = parameters.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(parameters, key);
        let issue = || {
            let key = KeyPair::generate().unwrap();
            let parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
            (parameters.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
        };
        let (certificate, key) = issue();
        let hub = issue();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let port = socket.local_addr().unwrap().port();
        let settings = format!(
            "hub = \"https://127.0.0.1:{port}\"\nserver_name = \"localhost\"\nca = \"ca.pem\"\ncertificate = \"own.pem\"\n\
             key = \"own.key\"\n[folder]\npath = \"drop\"\nevery_seconds = 1\n"
        );
        for (name, content) in [
            ("ca.pem", &authority),
            ("own.pem", &certificate),
            ("own.key", &key),
            ("adapter.toml", &settings),
            ("log", &String::new()),
        ] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        fs::create_dir(folder.path().join("drop")).unwrap();
        Self {
            folder,
            socket: Mutex::new(Some(socket)),
            authority,
            hub,
        }
    }

    /// Listens on the port that the settings name.
    pub(crate) fn listen(&self) -> TcpListener {
        let socket = self.socket.lock().unwrap().take();
        socket.expect("one hub a home").listen(64).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Drops a file as a sender should: under another name first.
    pub(crate) fn drop_file(&self, name: &str, content: &str) {
        let part = self.path(&format!("drop/{name}.part"));
        fs::write(&part, content).unwrap();
        fs::rename(part, self.path(&format!("drop/{name}"))).unwrap();
    }

    /// Starts the daemon.
    pub(crate) fn run(&self) -> Child {
        let log = File::options().append(true).open(self.path("log")).unwrap();
        self.program(&["run", "--settings"])
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Tells the daemon to stop, and sees that it does so well.
    pub(crate) fn stop(&self, program: &mut Child) {
        let told = Command::new("kill")
            .args(["-TERM", &program.id().to_string()])
            .status()
            .unwrap();
        assert!(told.success());
        assert!(program.wait().unwrap().success());
    }

    /// What a command prints.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.program(arguments).output().unwrap().stdout).unwrap()
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.command(&["status", "--json", "--settings"])).unwrap()
    }

    /// Waits until the drop folder holds no file.
    pub(crate) fn until_taken(&self) {
        let begun = Instant::now();
        while self.count("drop") > 0 {
            assert!(begun.elapsed() < LIMIT, "files stay in the folder");
            std::thread::sleep(A_LITTLE);
        }
    }

    /// Waits until the adapter stands as it should.
    pub(crate) fn until(&self, well: impl Fn(&Value) -> bool) {
        let begun = Instant::now();
        while !well(&self.status()) {
            assert!(begun.elapsed() < LIMIT, "{}", self.status());
            std::thread::sleep(A_LITTLE);
        }
    }

    /// How many files a folder holds.
    pub(crate) fn count(&self, folder: &str) -> usize {
        let files = fs::read_dir(self.path(folder)).unwrap();
        files
            .filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_file())
            .count()
    }

    /// Sees that a word is neither in the log nor in a report.
    pub(crate) fn nowhere_said(&self, word: &str) {
        let mut paths = vec![self.path("log")];
        paths.extend(
            fs::read_dir(self.path("drop/rejected"))
                .unwrap()
                .map(|entry| entry.unwrap().path()),
        );
        for path in paths {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(word), "{}", path.display());
        }
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_placehub-housing"));
        command.args(arguments).arg(self.path("adapter.toml"));
        command
    }
}

/// The most memory that a process had so far, in KiB.
pub(crate) fn peak_memory(program: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
