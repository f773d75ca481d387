//! A folder as `placehub init` makes it, and the clients that speak to whatever hub serves from it.
//! It changes nothing but addresses and review dates, so that a newcomer's folder is what is tested, whatever year it is.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use placehub_delivery::Settings;
use placehub_hub::{
    clock::{Clock as _, SystemClock},
    decide::{Files, Signable, sign},
    ledger::VerifierKey,
};
use tempfile::TempDir;

use super::{Ran, Served, placehub};
use crate::harness::{Client, Presents, renew_agreements};

/// A folder that is ready to serve on a port of the system's choosing. It is removed at its end.
pub(crate) struct Home {
    folder: TempDir,
    path: PathBuf,
}

impl Home {
    /// Makes the folder.
    pub(crate) async fn new() -> Self {
        let home = Self::empty();
        let made = placehub(["init", &home.text(), "--listen", "127.0.0.1:0"]).await;
        made.ended(0);
        home.renew();
        home
    }

    /// Puts its agreements' reviews ahead, and has the parties sign them anew.
    pub(crate) fn renew(&self) {
        let policies = self.path.join("policies");
        renew_agreements(&policies, SystemClock.now());
        let files = Files::read(&policies).unwrap();
        for file in fs::read_dir(policies.join("signatures")).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let (agreement, party) = name.rsplit_once('.').unwrap();
            let agreement = agreement.parse().unwrap();
            let key = fs::read_to_string(self.path.join(format!("pki/signing/{party}.key"))).unwrap();
            let signable = Signable::find(&files, &agreement).unwrap();
            fs::write(&path, sign(&signable, &party.parse().unwrap(), &key).unwrap()).unwrap();
        }
    }

    /// A folder that is yet to be made.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("place");
        Self { folder, path }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is, as a user would type it.
    pub(crate) fn text(&self) -> String {
        self.path.display().to_string()
    }

    /// Another folder beside it, for what does not belong into it.
    pub(crate) fn beside(&self) -> &Path {
        self.folder.path()
    }

    /// One of its files, as a user would type it.
    pub(crate) fn file(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    /// Replaces a text, which must be there, in one of its files.
    pub(crate) fn edit(&self, file: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path.join(file)).unwrap();
        assert!(text.contains(old), "{file} does not say {old:?}");
        fs::write(self.path.join(file), text.replace(old, new)).unwrap();
    }

    /// Starts a hub in it.
    pub(crate) async fn serve(&self) -> Served {
        self.serve_with(&[]).await
    }

    /// Starts a hub in it with further flags, and tells its clients where that hub listens.
    pub(crate) async fn serve_with(&self, flags: &[&str]) -> Served {
        let config = self.file("placehub.toml");
        let ready = self.folder.path().join("ready").display().to_string();
        let mut command = super::command("placehub");
        command
            .args(["serve", "--config", &config, "--ready-file", &ready])
            .args(flags);
        let served = Served::start(&mut command).await;
        let told = fs::read_to_string(&ready).unwrap();
        assert_eq!(told, format!("{}\n", served.address));
        self.point_at(served.address);
        served
    }

    /// Writes a hub's address into every client's settings. Whoever reads them meanwhile finds them whole.
    pub(crate) fn point_at(&self, address: SocketAddr) {
        for client in fs::read_dir(self.path.join("clients")).unwrap() {
            let path = client.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().map(|line| match line.starts_with("hub = ") {
                true => format!("hub = \"https://{address}\"\n"),
                false => format!("{line}\n"),
            });
            let draft = self.folder.path().join("client.new");
            fs::write(&draft, lines.collect::<String>()).unwrap();
            fs::rename(draft, &path).unwrap();
        }
    }

    /// Runs a command of `placehub` with `--home` at the end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let home = self.text();
        placehub(arguments.iter().copied().chain(["--home", &home])).await
    }

    /// An agency's adapter, as a caller of the hub that was started last.
    pub(crate) fn adapter(&self, agency: &str) -> Client {
        Client::over(self.channel(agency, "adapter"), Presents::Nothing)
    }

    /// A practitioner of the sample place, with a token for the next minutes.
    pub(crate) async fn practitioner(&self, agency: &str, subject: &str) -> Client {
        let token = self.run(&["token", "--as", subject]).await.ended(0).out;
        Client::over(self.channel(agency, "desk"), Presents::This(token.trim().to_owned()))
    }

    /// What its ledger is checked with.
    pub(crate) fn ledger_key(&self) -> VerifierKey {
        let text = fs::read_to_string(self.path.join("ledger.pub")).unwrap();
        text.trim().parse().unwrap()
    }

    /// The way of an agency's workload to the hub that was started last.
    pub(crate) fn channel(&self, agency: &str, workload: &str) -> tonic::transport::Channel {
        let file = self.path.join("clients").join(format!("{agency}-{workload}.toml"));
        placehub_delivery::channel(&Settings::load(&file).unwrap()).unwrap()
    }
}
