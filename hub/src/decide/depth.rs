//! Holds a Cedar file to a depth that whoever reads it can follow, before anything takes it apart: the parser and all that
//! follows it go down into a text as deep as it is nested, and would run out of stack. Never reads what a rule says.

use super::{
    Error,
    files::{code, line_at},
};

/// The most brackets that may be open at once.
const BRACKETS: usize = 64;
/// The most operators that one policy may have: each may nest the next.
const OPERATORS: usize = 200;
/// The stack on which policies are read: many times what a file within these bounds takes.
const STACK: usize = 64 << 20;
/// The words that, like operators, nest what follows them.
const WORDS: [&str; 5] = ["has", "if", "in", "unless", "when"];

/// Refuses a file with more than 64 brackets open at once, or with more than 200 operators in one policy.
///
/// # Errors
/// Names file and line.
pub(super) fn shallow(file: &str, text: &str) -> Result<(), Error> {
    let schema = file.ends_with(".cedarschema");
    let (mut open, mut operators) = (0_usize, 0_usize);
    let (mut before, mut word) = (' ', String::new());
    for (offset, character) in code(text) {
        match character {
            '(' | '[' | '{' => open += 1,
            '<' if schema => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '>' if schema => open = open.saturating_sub(1),
            '!' | '.' | '+' | '-' | '*' => operators += 1,
            '&' | '|' if before == character => operators += 1,
            ';' => operators = 0,
            _ => {}
        }
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
        } else {
            operators += usize::from(WORDS.contains(&word.as_str()));
            word.clear();
        }
        before = character;
        let too_much = |what| Err(Error::at(file, line_at(text, offset), what));
        if open > BRACKETS {
            return too_much(format!("more than {BRACKETS} brackets are open at once"));
        }
        if operators > OPERATORS {
            return too_much(format!("a policy may have no more than {OPERATORS} operators"));
        }
    }
    Ok(())
}

/// Reads policies on a stack of their own, whoever asks for it.
///
/// # Errors
/// What the reading ends with, or that it was cut short.
pub(super) fn on_own_stack<T: Send>(read: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("policies".to_owned())
            .stack_size(STACK);
        let started = thread.spawn_scoped(scope, read).map_err(|source| Error::Unreadable {
            file: "the policies".to_owned(),
            source,
        })?;
        started.join().unwrap_or_else(|_| Err(Error::cut_short()))
    })
}
