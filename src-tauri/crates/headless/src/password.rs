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

fn first_line(number: u32) -> io::Result<Secret> {
    let mut line = String::new();
    let read = if number == 0 {
        // Through the one buffer that the commands are read from later.
        io::stdin().lock().read_line(&mut line)?
    } else if cfg!(unix) {
        let file = std::fs::File::open(format!("/dev/fd/{number}"))?;
        BufReader::new(file).read_line(&mut line)?
    } else {
        return Err(io::Error::other("only descriptor 0 can be read here"));
    };
    if read == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "it is at its end",
        ));
    }
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}
