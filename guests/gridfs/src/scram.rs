//! SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's side: proves the password without sending it, and has the server prove
//! that it knows it too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use thiserror::Error;

type Key = [u8; 32];

/// What RFC 7677 asks of servers at the least.
const ITERATIONS_MIN: u32 = 4096;
/// More would hold up every other call for seconds.
const ITERATIONS_MAX: u32 = 600_000;
const NONCE_BYTES: usize = 24;
/// No channel binding; no name to act for.
const GS2_HEADER: &str = "n,,";

/// Why a server and a user do not get together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScramError {
    #[error("the password holds characters that no password may hold")]
    Password,
    #[error("there is no randomness")]
    Random,
    #[error("the server's part of the proof is malformed")]
    Malformed,
    #[error("the server wants {0} iterations, which are not between {ITERATIONS_MIN} and {ITERATIONS_MAX}")]
    Iterations(u32),
    #[error("the server does not know the password")]
    ServerUnproven,
}

/// Who logs in.
pub struct Credentials {
    user: String,
    /// Prepared by SASLprep.
    password: String,
    /// The key that was derived last, which takes long, with what it was derived from.
    derived: RefCell<Option<(Vec<u8>, u32, Key)>>,
}

/// A proof that has begun.
pub struct Exchange<'a> {
    credentials: &'a Credentials,
    nonce: String,
}

/// A proof that the server has yet to answer.
pub struct Unconfirmed {
    server_signature: Key,
}

impl Credentials {
    /// Credentials of a user.
    pub fn new(user: &str, password: &str) -> Result<Self, ScramError> {
        let password = stringprep::saslprep(password).map_err(|_| ScramError::Password)?.into_owned();
        Ok(Self { user: user.to_owned(), password, derived: RefCell::new(None) })
    }

    fn salted_password(&self, salt: &[u8], iterations: u32) -> Key {
        if let Some((known_salt, known_iterations, key)) = &*self.derived.borrow()
            && known_salt == salt
            && *known_iterations == iterations
        {
            return *key;
        }
        let key = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(self.password.as_bytes(), salt, iterations);
        *self.derived.borrow_mut() = Some((salt.to_vec(), iterations, key));
        key
    }
}

impl<'a> Exchange<'a> {
    /// Begins, with a nonce of its own.
    pub fn begin(credentials: &'a Credentials) -> Result<Self, ScramError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| ScramError::Random)?;
        Ok(Self { credentials, nonce: STANDARD.encode(nonce) })
    }

    /// What the client says first.
    pub fn first(&self) -> String {
        format!("{GS2_HEADER}{}", self.first_bare())
    }

    fn first_bare(&self) -> String {
        let user = self.credentials.user.replace('=', "=3D").replace(',', "=2C");
        format!("n={user},r={}", self.nonce)
    }

    /// What the client says after the server's first words.
    pub fn last(&self, server_first: &str) -> Result<(String, Unconfirmed), ScramError> {
        let mut fields = server_first.split(',');
        let nonce = field(fields.next(), "r=")?;
        let salt = STANDARD.decode(field(fields.next(), "s=")?).map_err(|_| ScramError::Malformed)?;
        let iterations: u32 = field(fields.next(), "i=")?.parse().map_err(|_| ScramError::Malformed)?;
        if nonce.len() <= self.nonce.len() || !nonce.starts_with(&self.nonce) {
            return Err(ScramError::Malformed);
        }
        if !(ITERATIONS_MIN..=ITERATIONS_MAX).contains(&iterations) {
            return Err(ScramError::Iterations(iterations));
        }
        let salted = self.credentials.salted_password(&salt, iterations);
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(GS2_HEADER));
        let authenticated = format!("{},{server_first},{without_proof}", self.first_bare());
        let client_key = keyed(&salted, b"Client Key");
        let signature = keyed(&Sha256::digest(client_key).into(), authenticated.as_bytes());
        let mut proof = client_key;
        proof.iter_mut().zip(signature).for_each(|(byte, mask)| *byte ^= mask);
        let server_signature = keyed(&keyed(&salted, b"Server Key"), authenticated.as_bytes());
        Ok((format!("{without_proof},p={}", STANDARD.encode(proof)), Unconfirmed { server_signature }))
    }
}

impl Unconfirmed {
    /// Checks what the server says last.
    pub fn confirm(self, server_last: &str) -> Result<(), ScramError> {
        let proof = STANDARD.decode(field(Some(server_last), "v=")?).map_err(|_| ScramError::Malformed)?;
        if proof == self.server_signature { Ok(()) } else { Err(ScramError::ServerUnproven) }
    }
}

fn field<'a>(field: Option<&'a str>, name: &str) -> Result<&'a str, ScramError> {
    field.and_then(|field| field.strip_prefix(name)).ok_or(ScramError::Malformed)
}

fn keyed(key: &Key, message: &[u8]) -> Key {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { unreachable!("a MAC takes keys of any length") };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER_FIRST: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn credentials() -> Credentials {
        Credentials::new("user", "pencil").unwrap()
    }

    fn exchange(credentials: &Credentials) -> Exchange<'_> {
        Exchange { credentials, nonce: "rOprNGfwEbeRWgbNEkqO".to_owned() }
    }

    #[test]
    fn the_example_of_rfc_7677() {
        let credentials = credentials();
        let exchange = exchange(&credentials);
        assert_eq!(exchange.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let (last, unconfirmed) = exchange.last(SERVER_FIRST).unwrap();
        assert_eq!(
            last,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        unconfirmed.confirm("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_found_out() {
        let credentials = credentials();
        for last in ["v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", "v=", "e=invalid-proof", ""] {
            let (_, unconfirmed) = exchange(&credentials).last(SERVER_FIRST).unwrap();
            assert!(unconfirmed.confirm(last).is_err(), "{last}");
        }
    }

    #[test]
    fn a_server_that_makes_it_too_easy_or_too_hard_is_refused() {
        let credentials = credentials();
        let with = |first: &str| exchange(&credentials).last(first).err();
        assert_eq!(with(&SERVER_FIRST.replace("4096", "4095")), Some(ScramError::Iterations(4095)));
        assert_eq!(with(&SERVER_FIRST.replace("4096", "600001")), Some(ScramError::Iterations(600_001)));
        assert_eq!(with(&SERVER_FIRST.replace("rOpr", "xOpr")), Some(ScramError::Malformed), "not our nonce");
        assert_eq!(with("r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), Some(ScramError::Malformed));
        assert_eq!(with("e=other-error"), Some(ScramError::Malformed));
    }

    #[test]
    fn names_and_passwords_of_any_kind() {
        let credentials = Credentials::new("a=b,c", "I\u{00AD}X").unwrap();
        assert!(exchange(&credentials).first().starts_with("n,,n=a=3Db=2Cc,"));
        assert_eq!(credentials.password, "IX");
        assert!(Credentials::new("user", "\u{0007}").is_err());
    }
}
