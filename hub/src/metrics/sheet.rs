//! The text format of Prometheus (exposition format 0.0.4). Pure; knows no figure of the hub.

use std::fmt::{Display, Write as _};

/// How a family's figures move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They only rise while the program runs.
    Counter,
    /// They rise and fall.
    Gauge,
}

/// A sheet of families in the making.
#[derive(Debug, Default)]
pub struct Sheet(String);

impl Sheet {
    /// Begins a family. What follows, until the next, belongs to it.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &'static str) -> Family<'_> {
        let word = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {word}\n");
        Family { sheet: self, name }
    }

    /// A gauge that is one figure.
    pub fn gauge(&mut self, name: &'static str, help: &'static str, value: impl Display) {
        self.family(name, Kind::Gauge, help).put(&[], value);
    }

    /// The whole text.
    pub fn finish(self) -> String {
        self.0
    }
}

/// A family of a sheet.
#[derive(Debug)]
pub struct Family<'s> {
    sheet: &'s mut Sheet,
    name: &'static str,
}

impl Family<'_> {
    /// Puts one figure under its labels.
    pub fn put(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.sheet.0, "{}{labels} {value}", self.name);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_before_its_text_does() {
        let mut sheet = Sheet::default();
        let mut family = sheet.family("things_total", Kind::Counter, "Things.");
        family.put(&[("name", "a\"} 1\nb\\"), ("other", "c")], 2);
        sheet.gauge("depth", "How deep.", -1);
        assert_eq!(
            sheet.finish(),
            "# HELP things_total Things.\n# TYPE things_total counter\n\
             things_total{name=\"a\\\"} 1\\nb\\\\\",other=\"c\"} 2\n\
             # HELP depth How deep.\n# TYPE depth gauge\ndepth -1\n"
        );
    }
}
