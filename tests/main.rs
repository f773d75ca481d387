//! The walls: tests that try to get past the hub, each with a hub of its own that speaks over real mutual TLS.
//! They never sleep, never share a port or a folder, and never ask the hub's insides what its answers should say.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod program;
#[cfg(test)]
mod smoke;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod watch;
