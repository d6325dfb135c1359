//! Compiled components, kept in a directory from one start to the next: to compile a component of a language with a
//! runtime takes seconds.
//!
//! What is loaded from here runs as part of this process, so to load it is to trust it. Each file is authenticated with a
//! key of this installation, which lies outside the directory, is read only if it belongs to this user alone, and is
//! verified as a whole before anything looks at it. One that is not as it was written is compiled anew.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ring::hmac;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tracing::{debug, warn};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Bytes of all files; beyond, those that were not used for the longest time are deleted.
const BYTES_MAX: u64 = 4 << 30;
/// Bytes of one file. CPython compiled has some 60 MB.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// Bytes of the key, and of a tag that is made with it.
const KEY_BYTES: usize = 32;
/// Others may neither read nor write.
const PRIVATE: u32 = 0o600;
/// What a name begins to be made of: files of other forms are not looked for.
const FORM: &[u8] = b"sluicegate compiled component, form 1";

/// A directory with compiled components.
pub struct CompiledCache {
    directory: PathBuf,
    key: hmac::Key,
}

impl std::fmt::Debug for CompiledCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompiledCache").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// What a compiled component stands for: all that decides what it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// Of what `parts` are made into by this engine, with its settings.
    pub(super) fn new(engine: &Engine, parts: &[&[u8]]) -> Self {
        let mut digest = Digesting(Sha256::new_with_prefix(FORM));
        // The version of wasmtime, the processor, and each setting that decides what code is made.
        engine.precompile_compatibility_hash().hash(&mut digest);
        for part in parts {
            digest.write_usize(part.len());
            digest.write(part);
        }
        Self(hex::encode(digest.0.finalize()))
    }
}

/// Lets what is hashed into a table be hashed for good.
struct Digesting(Sha256);

impl Hasher for Digesting {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        // Nobody takes this number: what is hashed is written alone.
        0
    }
}

impl CompiledCache {
    /// Use this directory, which is made if there is none; the key lies beside it, in `DIRECTORY.key`.
    ///
    /// # Errors
    /// When it, or the key, cannot be made or read, or others can write there.
    pub fn open(directory: &Path) -> Result<Self, String> {
        let wrong = |error: std::io::Error| format!("{}: {error}", directory.display());
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(wrong(error)),
            Ok(()) | Err(_) => {}
        }
        let about = fs::symlink_metadata(directory).map_err(wrong)?;
        if !about.is_dir() {
            return Err(format!("{} is no directory", directory.display()));
        }
        if !is_ours(&about) || about.mode() & 0o022 != 0 {
            return Err(format!("others can write into {}: make it your own, with mode 0700", directory.display()));
        }
        let key = key(&key_file(directory))?;
        Ok(Self { directory: directory.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, &key) })
    }

    /// What was kept under this name, if it is what was written.
    pub(super) fn take<T: for<'a> Deserialize<'a>>(&self, engine: &Engine, name: &Name) -> Option<(T, Component)> {
        let path = self.path(name);
        let taken = self.read(&path, name).and_then(|bytes| {
            let content = bytes.get(KEY_BYTES..).unwrap_or_default();
            let (about, code) = postcard::take_from_bytes(content).map_err(|error| error.to_string())?;
            Ok((about, deserialized(engine, code)?))
        });
        match taken {
            Ok(taken) => Some(taken),
            Err(why) => {
                if !why.is_empty() {
                    warn!(file = %path.display(), why, "a compiled component is not loaded: it is compiled anew");
                }
                None
            }
        }
    }

    /// Keep a component under this name, with what belongs to it. That it cannot be kept costs nothing but time.
    pub(super) fn keep<T: Serialize>(&self, name: &Name, about: &T, component: &Component) {
        let kept = component.serialize().map_err(|error| error.to_string()).and_then(|code| {
            let mut bytes = postcard::to_extend(about, vec![0; KEY_BYTES]).map_err(|error| error.to_string())?;
            bytes.extend_from_slice(&code);
            let tag = hmac::sign(&self.key_of(name), bytes.get(KEY_BYTES..).unwrap_or_default());
            bytes.iter_mut().zip(tag.as_ref()).for_each(|(byte, tag)| *byte = *tag);
            self.write(name, &bytes).map_err(|error| error.to_string())
        });
        if let Err(why) = kept {
            warn!(directory = %self.directory.display(), why, "a compiled component cannot be kept");
        }
        self.sweep();
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.directory.join(&name.0)
    }

    /// Each name has a key of its own: no file can stand in for another.
    fn key_of(&self, name: &Name) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&self.key, name.0.as_bytes()).as_ref())
    }

    /// A whole file that is verified; an empty reason where there is none.
    fn read(&self, path: &Path, name: &Name) -> Result<Vec<u8>, String> {
        let mut file = match open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(String::new()),
            Err(error) => return Err(error.to_string()),
        };
        let bytes = bytes(&mut file, FILE_BYTES_MAX)?;
        let (tag, content) = bytes.split_at_checked(KEY_BYTES).ok_or("it is cut off")?;
        let is_ours = hmac::verify(&self.key_of(name), content, tag);
        is_ours.map_err(|_| "it is not what this installation has written")?;
        // It was used now: what was not for long goes first.
        let _ = file.set_modified(SystemTime::now());
        Ok(bytes)
    }

    /// At once or not at all, whatever else is written and whenever that ends.
    fn write(&self, name: &Name, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.directory)?;
        file.write_all(bytes)?;
        file.persist(self.path(name))?;
        debug!(file = name.0, bytes = bytes.len(), "a compiled component is kept");
        Ok(())
    }

    /// Delete what was not used for the longest time, as far as all of it is too much.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let about = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some((about.modified().ok()?, about.len(), entry.path()))
            })
            .collect();
        let mut all: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        files.sort();
        for (_, bytes, path) in files {
            if all <= BYTES_MAX {
                return;
            }
            if fs::remove_file(path).is_ok() {
                all = all.saturating_sub(bytes);
            }
        }
    }
}

/// A component from what [`CompiledCache::keep`] had of one.
#[allow(unsafe_code)]
fn deserialized(engine: &Engine, code: &[u8]) -> Result<Component, String> {
    // SAFETY: these are the bytes of `Component::serialize`, whole and unchanged. That a tag says, which can only be made
    // with the key of this installation, and which was verified over these very bytes, in memory that nobody else writes.
    let component = unsafe { Component::deserialize(engine, code) };
    component.map_err(|error| error.to_string())
}

/// `DIRECTORY.key`.
fn key_file(directory: &Path) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push(".key");
    name.into()
}

/// The key of this installation, which is made if there is none.
fn key(path: &Path) -> Result<Vec<u8>, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    for _ in 0..2 {
        match open(path) {
            Ok(mut file) => {
                let key = bytes(&mut file, KEY_BYTES as u64).map_err(|error| wrong(&error))?;
                return match key.len() == KEY_BYTES {
                    true => Ok(key),
                    false => Err(wrong(&"it is no key of 32 bytes; delete it, and another is made")),
                };
            }
            Err(error) if error.kind() == ErrorKind::NotFound => make_key(path).map_err(|error| wrong(&error))?,
            Err(error) => return Err(wrong(&error)),
        }
    }
    Err(wrong(&"it was deleted as soon as it was made"))
}

/// Whoever makes one at the same time makes the one that counts, or not.
fn make_key(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    let mut key = [0; KEY_BYTES];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut key)
        .map_err(|_| std::io::Error::other("there are no random numbers"))?;
    file.write_all(&key)?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A file that belongs to this user alone.
fn open(path: &Path) -> std::io::Result<File> {
    let not_followed = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(not_followed).open(path)?;
    let about = file.metadata()?;
    match about.is_file() && is_ours(&about) && about.mode() & 0o7777 == PRIVATE {
        true => Ok(file),
        false => Err(std::io::Error::other("it is not a file of this user's alone, with mode 0600")),
    }
}

fn is_ours(about: &fs::Metadata) -> bool {
    about.uid() == rustix::process::geteuid().as_raw()
}

fn bytes(file: &mut File, most: u64) -> Result<Vec<u8>, String> {
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    if length > most {
        return Err(format!("it has {length} bytes, more than {most}"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::plugin::engine::{Compiling, engine};

    /// An empty component.
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    struct Lab {
        folder: tempfile::TempDir,
        engine: Engine,
        name: Name,
    }

    impl Lab {
        fn new() -> Self {
            let engine = engine(Compiling::Gently).unwrap();
            let name = Name::new(&engine, &[COMPONENT]);
            Self { folder: tempfile::tempdir().unwrap(), engine, name }
        }

        fn directory(&self) -> PathBuf {
            self.folder.path().join("compiled")
        }

        fn cache(&self) -> CompiledCache {
            CompiledCache::open(&self.directory()).unwrap()
        }

        fn file(&self) -> PathBuf {
            self.directory().join(&self.name.0)
        }

        /// A cache with the component in it.
        fn kept(&self) -> CompiledCache {
            let cache = self.cache();
            cache.keep(&self.name, &"about".to_owned(), &Component::new(&self.engine, COMPONENT).unwrap());
            cache
        }

        fn take(&self, cache: &CompiledCache) -> Option<String> {
            cache.take::<String>(&self.engine, &self.name).map(|(about, _)| about)
        }
    }

    #[test]
    fn what_is_kept_is_there_at_the_next_start_and_belongs_to_this_user_alone() {
        let lab = Lab::new();
        assert_eq!(lab.take(&lab.cache()), None);
        lab.kept();
        assert_eq!(lab.take(&lab.cache()).as_deref(), Some("about"));
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!((mode(&lab.file()), mode(&lab.directory())), (0o600, 0o700));
        assert_eq!(mode(&key_file(&lab.directory())), 0o600);
    }

    #[test]
    fn what_was_tampered_with_or_cut_off_is_not_loaded() {
        let lab = Lab::new();
        let cache = lab.kept();
        let whole = fs::read(lab.file()).unwrap();
        // The tag, what is told of it, and the code.
        for at in [0, KEY_BYTES, KEY_BYTES + 2, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(lab.file(), &changed).unwrap();
            assert_eq!(lab.take(&cache), None, "byte {at}");
        }
        for length in [0, 1, KEY_BYTES, whole.len() - 1] {
            fs::write(lab.file(), &whole[..length]).unwrap();
            assert_eq!(lab.take(&cache), None, "{length} bytes");
        }
        fs::write(lab.file(), [&whole[..], b"\0"].concat()).unwrap();
        assert_eq!(lab.take(&cache), None, "one byte more");
        fs::write(lab.file(), &whole).unwrap();
        assert!(lab.take(&cache).is_some(), "as it was");
    }

    #[test]
    fn what_comes_from_elsewhere_is_not_loaded() {
        let lab = Lab::new();
        let cache = lab.kept();
        let other = Lab::new();
        other.kept();
        fs::copy(other.file(), lab.file()).unwrap();
        assert_eq!(lab.take(&cache), None, "made with another key");
        lab.kept();
        let another = Name::new(&lab.engine, &[COMPONENT, b"with a configuration"]);
        fs::copy(lab.file(), lab.directory().join(&another.0)).unwrap();
        assert!(cache.take::<String>(&lab.engine, &another).is_none(), "another's file under this name");
        fs::set_permissions(lab.file(), fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(lab.take(&cache), None, "others can read it");
        lab.kept();
        let moved = lab.folder.path().join("moved");
        fs::rename(lab.file(), &moved).unwrap();
        std::os::unix::fs::symlink(&moved, lab.file()).unwrap();
        assert_eq!(lab.take(&cache), None, "a link");
    }

    #[test]
    fn another_engine_makes_other_code() {
        let lab = Lab::new();
        let mut config = wasmtime::Config::new();
        config.consume_fuel(false);
        let other = Engine::new(&config).unwrap();
        assert_ne!(Name::new(&other, &[COMPONENT]), lab.name);
        assert_ne!(Name::new(&lab.engine, &[b"a", b"b"]), Name::new(&lab.engine, &[b"ab"]));
        assert_eq!(Name::new(&engine(Compiling::Gently).unwrap(), &[COMPONENT]), lab.name);
    }

    #[test]
    fn a_place_where_others_can_write_is_refused() {
        let lab = Lab::new();
        lab.kept();
        fs::set_permissions(lab.directory(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(CompiledCache::open(&lab.directory()).unwrap_err().contains("others can write"));
        fs::set_permissions(lab.directory(), fs::Permissions::from_mode(0o700)).unwrap();
        let key = key_file(&lab.directory());
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(CompiledCache::open(&lab.directory()).unwrap_err().contains("0600"));
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&key, b"short").unwrap();
        assert!(CompiledCache::open(&lab.directory()).unwrap_err().contains("no key"));
    }
}
