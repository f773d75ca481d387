//! A signal in the bytes in which it is sent, made once and shared by every answer that shows it.
//! Never looks into them, but for a reader who adds to what it has.

use std::{fmt, sync::Arc};

use prost::{
    DecodeError, Message,
    bytes::{Buf, BufMut},
    encoding::{DecodeContext, WireType},
};

use crate::v1::Signal;

/// A [`Signal`] that is encoded already. On the wire it is that signal. A copy shares the bytes. Prints as `Encoded(…)`.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Encoded(Arc<[u8]>);

impl From<&Signal> for Encoded {
    fn from(signal: &Signal) -> Self {
        Self(signal.encode_to_vec().into())
    }
}

/// From bytes that were those of an encoded signal.
impl From<Arc<[u8]>> for Encoded {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self(bytes)
    }
}

impl From<Encoded> for Arc<[u8]> {
    fn from(signal: Encoded) -> Self {
        signal.0
    }
}

impl Message for Encoded {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.0);
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    /// A server has nothing to read here, so this is as plain as can be.
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        let mut signal = Signal::decode(&*self.0)?;
        signal.merge_field(tag, wire_type, buf, ctx)?;
        *self = Self::from(&signal);
        Ok(())
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encoded(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ready, v1};

    fn signal() -> Signal {
        let value = |number| v1::AttributeValue {
            value: Some(v1::attribute_value::Value::IntegerValue(number)),
        };
        let names = ["weeks", "pence", "rooms", "adults", "children"];
        let attributes = names.iter().zip(0..).map(|(name, n)| ((*name).to_owned(), value(n)));
        Signal {
            level: v1::DisclosureLevel::Detail.into(),
            owner_agency: "housing".to_owned(),
            detail: Some(v1::SignalDetail {
                summary: "Two months of arrears".to_owned(),
                attributes: attributes.collect(),
                version: 3,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    #[test]
    fn an_answer_with_ready_signals_is_the_same_bytes_and_can_be_read_either_way() {
        let plain = v1::AskSignalsResponse {
            signals: vec![signal(), Signal::default(), signal()],
            next_page_token: "more".to_owned(),
            ledger_entry: 7,
        };
        let made = ready::AskSignalsResponse {
            signals: plain.signals.iter().map(Encoded::from).collect(),
            next_page_token: "more".to_owned(),
            ledger_entry: 7,
        };
        let bytes = plain.encode_to_vec();
        assert_eq!(made.encode_to_vec(), bytes);
        assert_eq!(made.encoded_len(), bytes.len());
        assert_eq!(ready::AskSignalsResponse::decode(&*bytes), Ok(made));
    }

    #[test]
    fn an_event_of_a_watch_with_a_ready_signal_is_the_same_bytes() {
        let plain = v1::WatchSignalsResponse {
            cursor: "here".to_owned(),
            event: Some(v1::watch_signals_response::Event::Shown(signal())),
            ledger_entry: 7,
        };
        let made = ready::WatchSignalsResponse {
            cursor: "here".to_owned(),
            event: Some(ready::watch_signals_response::Event::Shown(Encoded::from(&signal()))),
            ledger_entry: 7,
        };
        assert_eq!(made.encode_to_vec(), plain.encode_to_vec());
    }

    #[test]
    fn what_is_ready_prints_nothing_of_what_it_says() {
        assert_eq!(format!("{:?}", Encoded::from(&signal())), "Encoded(…)");
    }
}
