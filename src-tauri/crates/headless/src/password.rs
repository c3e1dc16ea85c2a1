use std::io::{self, BufRead, BufReader, IsTerminal};
use std::sync::Arc;

use sidetone_engine::{Keychain, SecretStore, sign_in_account};
use sidetone_profile::Secret;

/// The keychain, with a person at the terminal to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeychainAndPrompt;

impl SecretStore for KeychainAndPrompt {
    fn get(&self, account: &str) -> Result<Option<Secret>, String> {
        Keychain.get(account)
    }

    fn set(&self, account: &str, secret: &Secret) -> Result<(), String> {
        Keychain.set(account, secret)
    }

    fn forget(&self, account: &str) -> Result<(), String> {
        Keychain.forget(account)
    }

    fn ask(&self, question: &str) -> Result<Secret, String> {
        if !io::stdin().is_terminal() {
            return Err(format!("there is no terminal to ask for {question}"));
        }
        rpassword::prompt_password(format!("Type {question}: "))
            .map(Secret::new)
            .map_err(|e| format!("the terminal cannot be used: {e}"))
    }
}

/// The sign-in's password: from the descriptor when one is given, else from the keychain, else from a person.
pub(crate) fn find(
    store: &Arc<dyn SecretStore>,
    descriptor: Option<u32>,
    server: &str,
    user: &str,
) -> Result<Secret, String> {
    if let Some(number) = descriptor {
        return first_line(number)
            .map_err(|e| format!("the password cannot be read from descriptor {number}: {e}"));
    }
    let account = sign_in_account(server, user);
    let keychain = match store.get(&account) {
        Ok(Some(secret)) => return Ok(secret),
        Ok(None) => format!("the keychain holds no password of {account}"),
        Err(fault) => fault,
    };
    store
        .ask(&format!("the password of {account}"))
        .map_err(|fault| format!("{keychain}, and {fault}; give one with --password-fd"))
}

/// A new password, and the one that holds when it has to be given too.
pub(crate) fn new(
    store: &Arc<dyn SecretStore>,
    descriptor: Option<u32>,
    with_current: bool,
) -> Result<(Option<Secret>, Secret), String> {
    if let Some(number) = descriptor {
        let (new, current) = two_lines(number).map_err(|e| {
            format!("the new password cannot be read from descriptor {number}: {e}")
        })?;
        return match (with_current, current) {
            (true, None) => Err(
                "the second line of --new-password-fd must be the password that holds".to_owned(),
            ),
            (true, current) => Ok((current, new)),
            (false, _) => Ok((None, new)),
        };
    }
    let current = with_current
        .then(|| store.ask("the password that holds"))
        .transpose()?;
    let new = store.ask("the new password")?;
    if store.ask("the new password again")? != new {
        return Err("the two are not the same".to_owned());
    }
    Ok((current, new))
}

fn two_lines(number: u32) -> io::Result<(Secret, Option<Secret>)> {
    let lines = lines(number, 2)?;
    let mut lines = lines.into_iter();
    let new = lines.next().ok_or_else(ended)?;
    Ok((new, lines.next()))
}

fn first_line(number: u32) -> io::Result<Secret> {
    lines(number, 1)?.into_iter().next().ok_or_else(ended)
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it is at its end")
}

fn lines(number: u32, most: usize) -> io::Result<Vec<Secret>> {
    let read = |from: &mut dyn BufRead| -> io::Result<Vec<Secret>> {
        let mut found = Vec::new();
        while found.len() < most {
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 {
                break;
            }
            found.push(Secret::new(line.trim_end_matches(['\r', '\n'])));
        }
        Ok(found)
    };
    if number == 0 {
        // Through the one buffer that the commands are read from later.
        read(&mut io::stdin().lock())
    } else if cfg!(unix) {
        let file = std::fs::File::open(format!("/dev/fd/{number}"))?;
        read(&mut BufReader::new(file))
    } else {
        Err(io::Error::other("only descriptor 0 can be read here"))
    }
}
