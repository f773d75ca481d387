//! Senders that nobody here wrote, against the program as it is installed: python-hl7's `mllp_send`, mllp-node, and Python's own
//! HTTP client over TLS. Where one is not installed, its test says so and proves nothing.

#[cfg(test)]
#[path = "../../../outside.rs"]
mod outside;
#[cfg(test)]
mod program;
#[cfg(test)]
mod senders;
