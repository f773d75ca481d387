//! The list of tables: every key of the store begins with one of these bytes, and each table belongs to one room.
//! Nothing here reads or writes.

/// Headers by address: `hash16 · !occurred8 · signal16` → `Header`. Room `labels`.
pub const LABEL_ADDRESS: u8 = b'u';
/// Headers by smallest area: `code · 0 · !occurred8 · signal16` → `Header`. Room `labels`.
pub const LABEL_AREA: u8 = b'a';
/// Headers by person: `person16 · !occurred8 · signal16` → `Header`. Room `labels`.
pub const LABEL_PERSON: u8 = b'p';
/// Each signal: `signal16` → version, hash of what was pushed, whether retracted, sealed `Body`, `Header`. Room `signals`.
pub const SIGNAL: u8 = b's';
/// Wrapped data keys, of everybody whom the store or the ledger says something of: `subject16` → wrapped key. Room `keys`.
pub const DATA_KEY: u8 = b'k';
/// Person of an identifier: `hmac32` → person id, or ambiguous. Room `person`.
pub const IDENTIFIER: u8 = b'i';
/// What the hub holds on a person: `person16` → which NHS number hash is theirs. Room `person`.
pub const PERSON: u8 = b'n';
/// What was said about the records of one human: `person16` → links to other records, deaths. Room `person`.
pub const HUMAN: u8 = b'h';
/// Records that once were of one human and then no longer: `person16 · person16` → empty. Room `person`.
pub const PARTED: u8 = b'm';
/// What an agency said of who people are: `sort1 · hmac32` → version, and whom it was said of. Room `person`.
pub const REPORT: u8 = b'r';
/// Sealed statements: `person16 · !said8 · !serial8` → sealed statement. Room `consent`.
pub const STATEMENT: u8 = b'c';
/// Number of a person's newest statement, or of the newest change to who they are: `person16` → number. Room `consent`.
pub const CONSENT_SERIAL: u8 = b'e';
/// Change log: `serial8` of the last → what changed, one after the other. Room `changes`.
pub const CHANGE: u8 = b'v';
/// What a watch has on its reader's screen, event by event: `watch16 · event8 · signal16` → what stands there since.
/// Room `changes`.
pub const SHOWN: u8 = b'd';
/// Ledger entries: `number8` of the last → its bytes, or those of up to sixteen, packed. Room `ledger`.
pub const LEDGER_ENTRY: u8 = b'l';
/// The ledger's complete subtrees of every fourth level from 4 on: `level1 · index8` → the hashes of the sixteen subtrees four
/// levels lower, of which the lowest are those of entries. Room `ledger`.
pub const LEDGER_NODE: u8 = b't';
/// Ledger entries that concern a subject (a person or an address, a practitioner who asked, an agreement that was asked
/// under), many of them in a row: `subject16 · !number8` of the oldest → how far each is from the one before, or empty.
/// Room `ledger`.
pub const LEDGER_SUBJECT: u8 = b'w';
/// What is to be listed there: `number8 · subject16` of the last → each `subject16 · number8`. Room `ledger`.
pub const LEDGER_WAITING: u8 = b'q';
/// Entries that access logs have left out, by whose log it was: `number8 · subject16` → since when, and what a reviewer made
/// of it. Room `ledger`.
pub const LEDGER_HELD: u8 = b'y';
/// How often anything was said or learnt of anybody: → number. Room `consent`.
pub const CONSENT_EPOCH: &[u8] = b"xconsent.epoch";
const _: () = assert!(matches!(CONSENT_EPOCH, [SINGLE, ..]));
/// Single values: `name` → value (schema version, ledger tail, consent epoch, counters). Each room its own names.
pub const SINGLE: u8 = b'x';

/// What a key belongs to, of what is remembered: the labels of a person, an address or an area, a signal, or the key alone.
/// `None` for everything else.
pub fn topic(key: &[u8]) -> Option<&[u8]> {
    match *key.first()? {
        LABEL_ADDRESS | LABEL_PERSON | SIGNAL => key.get(..17),
        LABEL_AREA => key.get(..=key.iter().position(|byte| *byte == 0)?),
        _ => Some(key).filter(|key| is_alone(key)),
    }
}

/// Whether a key's row is remembered alone: those that tell who somebody is and whether anything was said since, and wrapped
/// data keys, one or another of which every push and every question reads.
pub fn is_alone(key: &[u8]) -> bool {
    match key.first() {
        Some(&(DATA_KEY | IDENTIFIER | PERSON | HUMAN | CONSENT_SERIAL)) => true,
        _ => key == CONSENT_EPOCH,
    }
}
