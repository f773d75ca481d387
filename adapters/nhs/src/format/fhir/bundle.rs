//! The entries of a Bundle, found by the names under which others refer to them.
//! Pure. It never looks through all entries for one: a Bundle may have tens of thousands.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::resource_type;

/// Where each entry is, by its full URL and by its resource's type and id.
#[derive(Debug, Default)]
pub(super) struct Index(HashMap<String, Vec<usize>>);

impl Index {
    /// Looks at each entry once.
    pub(super) fn of(entries: &[Value]) -> Self {
        let mut index = Self::default();
        for (at, entry) in entries.iter().enumerate() {
            let resource = entry.get("resource").unwrap_or(&Value::Null);
            let id = resource.get("id").and_then(Value::as_str);
            let of_server = id.map(|id| format!("{}/{id}", resource_type(resource)));
            let url = entry.get("fullUrl").and_then(Value::as_str).map(str::to_owned);
            for name in [url, of_server].into_iter().flatten() {
                index.0.entry(name).or_default().push(at);
            }
        }
        index
    }

    /// The entries that a reference names, the first one first.
    pub(super) fn named(&self, reference: &str) -> &[usize] {
        self.0.get(reference).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The entries of a Bundle; none if it has no list of them.
pub(super) fn entries(root: &Value) -> &[Value] {
    let list = root.get("entry").and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

/// A Bundle of one entry and of those that it refers to, which is enough to read that entry anew.
pub(super) fn excerpt(root: &Value, index: &Index, at: usize) -> Arc<str> {
    let entries = entries(root);
    let mut wanted = BTreeSet::new();
    if let Some(entry) = entries.get(at) {
        refer(entry, index, &mut wanted);
    }
    wanted.remove(&at);
    let kept = [at].into_iter().chain(wanted).filter_map(|at| entries.get(at));
    let kept: Vec<Value> = kept.cloned().collect();
    let head = ["resourceType", "type", "timestamp"].into_iter();
    let mut bundle: Map<String, Value> = head
        .filter_map(|key| Some((key.to_owned(), root.get(key)?.clone())))
        .collect();
    bundle.insert("entry".to_owned(), kept.into());
    Value::Object(bundle).to_string().into()
}

/// The entries to which an element and those within it refer.
fn refer(value: &Value, index: &Index, found: &mut BTreeSet<usize>) {
    match value {
        Value::Array(list) => list.iter().for_each(|one| refer(one, index, found)),
        Value::Object(object) => {
            let reference = object.get("reference").and_then(Value::as_str);
            found.extend(reference.map(|reference| index.named(reference)).unwrap_or_default());
            object.values().for_each(|one| refer(one, index, found));
        }
        _ => {}
    }
}
