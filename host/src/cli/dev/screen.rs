//! What `dev` writes to: a terminal with a sign where something may be typed, or anything else without one.

use std::io::Write;

use super::super::table::say_to;

/// What stands before what is typed.
const SIGN: &[u8] = b"> ";

/// A terminal, or what stands in for one.
pub(super) struct Screen {
    output: Box<dyn Write + Send>,
    is_terminal: bool,
}

impl Screen {
    pub(super) fn new(output: impl Write + Send + 'static, is_terminal: bool) -> Self {
        Self { output: Box::new(output), is_terminal }
    }

    /// Write a text and a line break.
    pub(super) fn say(&mut self, text: &str) -> Result<(), String> {
        say_to(&mut self.output, text)
    }

    /// What others write to.
    pub(super) fn output(&mut self) -> &mut (dyn Write + Send) {
        &mut *self.output
    }

    /// Show that something may be typed.
    pub(super) fn invite(&mut self) -> Result<(), String> {
        if self.is_terminal {
            self.write(SIGN)?;
        }
        Ok(())
    }

    /// Leave the line on which something may be typed.
    pub(super) fn leave_line(&mut self) -> Result<(), String> {
        if self.is_terminal {
            self.write(b"\n")?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let written = self.output.write_all(bytes).and_then(|()| self.output.flush());
        written.map_err(|error| format!("writing the output: {error}"))
    }
}
