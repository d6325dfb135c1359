//! The text of a key: `sg-`, ten characters that name it, `-`, 52 that are its secret, seven that are a checksum.
//!
//! The characters are 32 that nobody takes for one another, so that each is five random bits and a key can be read out
//! and selected with a double click. The checksum (CRC-32 of all before it) is for those who look for keys in
//! repositories and logs: with the prefix and the checksum together nothing else is taken for a key.
//!
//! What is kept is SHA-256 of the text. A slow hash, as for passwords, makes guessing slow where a secret can be guessed;
//! nobody guesses 260 random bits, however fast the hash is, and this one is computed for every request.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::Secret;

/// What every key begins with.
pub const PREFIX: &str = "sg-";
/// Neither `l`, `o`, `0` nor `1`.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of the public part: 50 bits, so that ids of one store do not collide.
const ID: usize = 10;
/// Characters of the secret part: 260 bits.
const SECRET: usize = 52;
/// Characters of the checksum: 32 bits take seven.
const CHECK: usize = 7;

/// SHA-256 of a key's text.
#[derive(Clone, Copy, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The one with these bytes, if they are as many as it has.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Takes the same time wherever the two differ.
impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hash)")
    }
}

/// A new id.
///
/// # Errors
/// When the system has no random bytes.
pub fn new_id() -> Result<String, String> {
    random(ID)
}

/// A new secret for the key with this id: the whole text, which is shown once.
///
/// # Errors
/// When the system has no random bytes.
pub fn new_text(id: &str) -> Result<Secret, String> {
    let mut text = format!("{PREFIX}{id}-{}", random(SECRET)?);
    text.extend(checksum(&text));
    Ok(Secret::new(text))
}

/// The id in the text of a key; nothing if it cannot be one.
#[must_use]
pub fn id_of(text: &str) -> Option<&str> {
    let (before, check) = text.split_at_checked(text.len().checked_sub(CHECK)?)?;
    let (id, secret) = before.strip_prefix(PREFIX)?.split_once('-')?;
    let is_whole = id.len() == ID && secret.len() == SECRET && id.bytes().all(is_character);
    (is_whole && checksum(before).eq(check.chars())).then_some(id)
}

/// Whether there is a key in a text, whole or cut off: such a text is not passed on.
#[must_use]
pub fn is_in(text: &[u8]) -> bool {
    let prefix = PREFIX.as_bytes();
    text.windows(prefix.len() + ID + 1).any(|window| {
        let rest = window.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(b"-"));
        rest.is_some_and(|id| id.iter().all(|byte| is_character(*byte)))
    })
}

/// Whether the alphabet has it. Spelt out, as this is asked for every key that comes.
fn is_character(byte: u8) -> bool {
    matches!(byte, b'a'..=b'k' | b'm' | b'n' | b'p'..=b'z' | b'2'..=b'9')
}

/// So many characters, each of five random bits.
fn random(count: usize) -> Result<String, String> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).map_err(|error| format!("the system has no random bytes: {error}"))?;
    Ok(bytes.into_iter().map(|byte| character(u32::from(byte))).collect())
}

fn checksum(text: &str) -> impl Iterator<Item = char> + use<> {
    let sum = crc32fast::hash(text.as_bytes());
    (0..CHECK).rev().map(move |place| character(sum >> (5 * place)))
}

/// The character for the five lowest bits.
fn character(bits: u32) -> char {
    ALPHABET.get((bits & 31) as usize).map_or('a', |byte| char::from(*byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_id_and_no_other_text_does() {
        let id = new_id().unwrap();
        let text = new_text(&id).unwrap();
        let text = text.reveal();
        assert_eq!((text.len(), id_of(text)), (73, Some(&*id)));
        for at in 0..text.len() {
            let mut other = text.as_bytes().to_vec();
            other[at] = if other[at] == b'b' { b'c' } else { b'b' };
            assert_eq!(id_of(std::str::from_utf8(&other).unwrap()), None, "changed at {at}");
            assert_eq!(id_of(&text[..at]), None, "cut at {at}");
        }
        for other in ["", "sg-", "sg--", "sg-é", "sk-proj-abc", &text.to_uppercase(), &format!("{text}a")] {
            assert_eq!(id_of(other), None, "{other}");
        }
    }

    #[test]
    fn the_checksum_does_not_change() {
        // Scanners know it.
        let text = "sg-abcdefghij-abcdefghijkmnpqrstuvwxyz23456789abcdefghijkmnpqrstuv";
        assert_eq!(checksum(text).collect::<String>(), "d3j2v23");
    }

    #[test]
    fn the_alphabet_is_spelt_out_rightly() {
        let spelt: Vec<u8> = (0..=u8::MAX).filter(|byte| is_character(*byte)).collect();
        let mut alphabet = ALPHABET.to_vec();
        alphabet.sort_unstable();
        assert_eq!(spelt, alphabet);
    }

    #[test]
    fn no_two_secrets_are_alike() {
        let texts: std::collections::BTreeSet<String> =
            (0..1_000).map(|_| new_text("abcdefghij").unwrap().reveal().to_owned()).collect();
        assert_eq!(texts.len(), 1_000);
        // Each character of the alphabet comes up in 52,000.
        let seen: std::collections::BTreeSet<char> = texts.iter().flat_map(|text| text[14..66].chars()).collect();
        assert_eq!(seen.len(), 32);
    }

    #[test]
    fn a_key_inside_a_text_is_noticed_also_when_it_is_cut_off() {
        let text = new_text("abcdefghij").unwrap();
        for inside in [text.reveal().to_owned(), format!("x={}; y", text.reveal()), text.reveal()[..14].to_owned()] {
            assert!(is_in(inside.as_bytes()), "{inside}");
        }
        for other in ["", "sg-", "sk-abcdefghij-", "sg-abcdefghi-x", "sg-ABCDEFGHIJ-x", "message-1"] {
            assert!(!is_in(other.as_bytes()), "{other}");
        }
    }

    /// That it takes the same time is `subtle`'s promise; that no byte is left out is ours.
    #[test]
    fn a_hash_is_another_wherever_it_differs() {
        let hash = Hash::of("sg-x");
        assert!(hash == Hash::from_bytes(hash.bytes()).unwrap());
        for at in 0..hash.bytes().len() {
            for bit in 0..8 {
                let mut other = hash.bytes().to_vec();
                other[at] ^= 1 << bit;
                assert!(hash != Hash::from_bytes(&other).unwrap(), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_hash_shows_nothing() {
        assert_eq!(format!("{:?}", Hash::of("x")), "(hash)");
        assert!(Hash::of("x") == Hash::of("x") && Hash::of("x") != Hash::of("y"));
        assert_eq!(Hash::from_bytes(&[0; 31]), None);
    }
}
