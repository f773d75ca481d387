//! A checkpoint: the head of the log, signed (C2SP tlog-checkpoint). Never signs for an origin that is not the signer's.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    note::{self, NoteInvalid, Signer, VerifierKey},
    tree::Hash,
};

/// What a checkpoint says: which log, how many entries, and the root of their tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log: the name of the hub's node, and of the key that signs.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree of that many entries.
    pub root: Hash,
}

impl Checkpoint {
    /// The signed note that says so of the signer's log.
    pub fn sign(signer: &Signer, size: u64, root: &Hash) -> String {
        let origin = signer.verifier_key().name();
        signer.sign(&format!("{origin}\n{size}\n{}\n", STANDARD.encode(root)))
    }

    /// What a signed note says, of which nothing but the signed text is read.
    ///
    /// # Errors
    /// If the note is not signed by the key, is not a checkpoint, or speaks for a log of another name than the key's.
    /// Extension lines are refused: nobody could check what they say.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, NoteInvalid> {
        let checkpoint = Self::parse(key.open(note)?)?;
        if checkpoint.origin == key.name() {
            Ok(checkpoint)
        } else {
            Err(NoteInvalid::Origin)
        }
    }

    /// What a note says, without a look at who signed it: for those who stored it themselves.
    ///
    /// # Errors
    /// If it is not a checkpoint.
    pub fn read_unverified(note: &str) -> Result<Self, NoteInvalid> {
        let (text, _) = note::split(note)?;
        Self::parse(text)
    }

    /// One note with the signatures of two over the same text, those of `first` first.
    ///
    /// # Errors
    /// If one is no note, or their texts differ.
    pub fn join(first: &str, second: &str) -> Result<String, NoteInvalid> {
        let ((text, own), (other, more)) = (note::split(first)?, note::split(second)?);
        if text == other {
            Ok(format!("{text}\n{own}\n{more}\n"))
        } else {
            Err(NoteInvalid::Form(
                "signatures can be joined if they are over the same text",
            ))
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, NoteInvalid> {
        const LINES: NoteInvalid = NoteInvalid::Form("a checkpoint has three lines: origin, size and root");
        const SIZE: NoteInvalid = NoteInvalid::Form("a size is a decimal number without leading zeros");
        const ROOT: NoteInvalid = NoteInvalid::Form("a root is 32 bytes in base64");
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(LINES)?.split('\n').collect();
        let [origin, size_text, root_text] = lines.as_slice() else {
            return Err(LINES);
        };
        if origin.is_empty() {
            return Err(LINES);
        }
        let size = note::decimal(size_text).ok_or(SIZE)?;
        let root = STANDARD.decode(root_text).map_err(|_| ROOT)?;
        Ok(Self {
            origin: (*origin).into(),
            size,
            root: root.try_into().map_err(|_| ROOT)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn a_checkpoint_comes_back_from_its_note() {
        let signer = samples::signer(1);
        for size in [0, 1, u64::MAX] {
            let note = Checkpoint::sign(&signer, size, &[7; 32]);
            let opened = Checkpoint::open(&note, signer.verifier_key()).unwrap();
            assert_eq!(
                opened,
                Checkpoint {
                    origin: "hub.wigan.sample".into(),
                    size,
                    root: [7; 32]
                }
            );
        }
    }

    #[test]
    fn a_signed_text_that_is_not_a_checkpoint_is_refused() {
        let signer = samples::signer(1);
        let root = STANDARD.encode([7; 32]);
        for bad in [
            "\n".into(),
            "hub.wigan.sample\n".into(),
            format!("hub.wigan.sample\n3\n{root}\nextension\n"),
            format!("hub.wigan.sample\n3\n{root}\n\n"),
            format!("\n3\n{root}\n"),
            format!("hub.wigan.sample\n03\n{root}\n"),
            format!("hub.wigan.sample\n+3\n{root}\n"),
            format!("hub.wigan.sample\n-3\n{root}\n"),
            format!("hub.wigan.sample\n\n{root}\n"),
            format!("hub.wigan.sample\n18446744073709551616\n{root}\n"),
            format!("hub.wigan.sample\n3\n{}\n", STANDARD.encode([7; 12])),
            format!("hub.wigan.sample\n3\n{}\n", STANDARD.encode([7; 33])),
            format!("hub.wigan.sample\n3\n{}\n", root.trim_end_matches('=')),
            format!("hub.wigan.sample\n3\n{root} \n"),
        ] {
            let opened = Checkpoint::open(&signer.sign(&bad), signer.verifier_key());
            assert!(matches!(opened, Err(NoteInvalid::Form(_))), "{bad:?}: {opened:?}");
        }
    }

    #[test]
    fn a_checkpoint_of_another_log_is_refused_though_the_key_signed_it() {
        let signer = samples::signer(1);
        let note = signer.sign(&format!("hub.elsewhere.sample\n3\n{}\n", STANDARD.encode([7; 32])));
        assert_eq!(Checkpoint::open(&note, signer.verifier_key()), Err(NoteInvalid::Origin));
    }

    #[test]
    fn a_checkpoint_by_another_key_is_refused_though_the_name_is_right() {
        let note = Checkpoint::sign(&samples::signer(2), 3, &[7; 32]);
        let opened = Checkpoint::open(&note, samples::signer(1).verifier_key());
        assert_eq!(opened, Err(NoteInvalid::Unsigned));
    }
}
