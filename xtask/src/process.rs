//! Running other programs, with errors that name the command.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Result, workspace};

/// The cargo that runs us, at the root of the checkout.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace::root());
    cargo
}

/// Runs a command that shows its own progress.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    let status = command.stdin(Stdio::null()).status().map_err(|error| not_started(command, &error))?;
    ended(command, status)
}

/// Runs a command that shows its own progress, and ends it when it has not come to an end by itself after `limit`.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    eprintln!("$ {}", shown(command));
    let mut child = command.stdin(Stdio::null()).spawn().map_err(|error| not_started(command, &error))?;
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return ended(command, status),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(50)),
            outcome => {
                // Either way it must not go on behind our back; that it may have ended meanwhile is no error.
                let _ = child.kill();
                let _ = child.wait();
                return Err(match outcome {
                    Err(error) => format!("waiting for `{}`: {error}", shown(command)),
                    Ok(_) => format!("`{}` did not end within {} s", shown(command), limit.as_secs()),
                });
            }
        }
    }
}

/// Runs a command for what it prints. What it complains about is part of the error.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(command, &error))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ended(command, output.status).map_err(|error| format!("{error}\n{}", complaint.trim_end()))?;
    String::from_utf8(output.stdout).map_err(|_| format!("reading what `{}` printed: it is not UTF-8", shown(command)))
}

/// Becomes the command, where the system can: interrupts and the exit code are then the command's own, and a gateway
/// that drains is not left behind by a parent that Ctrl-C has ended at once.
pub(crate) fn become_it(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    #[cfg(unix)]
    {
        let error = std::os::unix::process::CommandExt::exec(command);
        Err(not_started(command, &error))
    }
    #[cfg(not(unix))]
    {
        let status = command.status().map_err(|error| not_started(command, &error))?;
        ended(command, status)
    }
}

/// Whether a program of this name can be started: it is found and answers `--version`.
pub(crate) fn exists(program: impl AsRef<OsStr>) -> bool {
    let quiet = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok_and(|status| status.success())
}

/// The error for a command that has ended badly.
pub(crate) fn ended(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() { Ok(()) } else { Err(format!("`{}` failed: {status}", shown(command))) }
}

/// The error for a command that could not be started.
pub(crate) fn not_started(command: &Command, error: &io::Error) -> String {
    format!("starting `{}`: {error}", shown(command))
}

/// The command as one could type it, with the program's bare name.
pub(crate) fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args()).map(quoted);
    words.collect::<Vec<_>>().join(" ")
}

/// The word as a shell wants it: in quotes if it has characters that a shell would read in its own way.
pub(crate) fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["test", "--", "two words", "it's", ""]);
        assert_eq!(shown(&command), r"cargo test -- 'two words' 'it'\''s' ''");
    }

    #[test]
    fn failures_name_the_command_and_its_complaint() {
        let error = read(Command::new("sh").args(["-c", "echo too bad >&2; exit 3"]));
        assert!(error.is_err_and(|error| error.contains("exit status: 3") && error.contains("too bad")));
        let error = read(&mut Command::new("no-such-program-here"));
        assert!(error.is_err_and(|error| error.contains("starting `no-such-program-here`")));
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        let error = run_within(Command::new("sleep").arg("60"), Duration::from_millis(60));
        assert!(error.is_err_and(|error| error.contains("did not end within")));
        assert_eq!(run_within(Command::new("sleep").arg("0"), Duration::from_secs(60)), Ok(()));
    }
}
