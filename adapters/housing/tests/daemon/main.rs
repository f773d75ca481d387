//! The program as it is installed, as a process of its own, against a hub made up for the test over mutual TLS.
//! It is killed without warning, again and again; what counts is what the hub has at the end.

#[cfg(test)]
mod home;
#[cfg(test)]
mod hub;
#[cfg(test)]
mod rounds;
