//! The walls: tests that try to get past the hub, each with a hub of its own that speaks over real mutual TLS.
//! They never sleep, never share a port or a folder, and never ask the hub's insides what its answers should say.

#[cfg(test)]
mod adapters;
#[cfg(test)]
mod at_rest;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod board;
#[cfg(test)]
mod broken_sets;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod exactly_once;
#[cfg(test)]
mod fail_closed;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod in_force;
#[cfg(test)]
mod inquiry;
#[cfg(test)]
mod known;
#[cfg(test)]
mod no_trace;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod program;
#[cfg(test)]
mod python;
#[cfg(test)]
mod smoke;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod trust;
#[cfg(test)]
mod vitals;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod warm;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod watch_resume;
