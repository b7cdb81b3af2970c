//! What is kept is for the user who started the server.

use std::fs::{DirBuilder, metadata};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Program;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { [vec![path.clone()], files(&path)].concat() } else { vec![path] })
        .collect()
}

#[test]
fn data_in_a_folder_that_all_may_read_is_private() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("data");
    DirBuilder::new().mode(0o755).create(&folder).unwrap();
    let _program = Program::start(&folder, &[], &[]);
    let kept = files(&folder);
    for name in ["dynamodb.sqlite", "objects", "signing-secret", "jwt-secret", "bucket-secret"] {
        assert!(kept.contains(&folder.join(name)), "{name}: {kept:?}");
    }
    for path in kept {
        assert_eq!(metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
}
