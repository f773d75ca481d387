//! Puts the policies and the sample place into the program, so that `init` and `demo` need nothing but the program itself.
//! It never reads outside the repository.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// What is taken in: the name of the list, the folder from the repository's root, and the endings of its files.
const LISTS: [(&str, &str, &[&str]); 2] = [
    ("POLICIES", "policies", &["cedar", "cedarschema", "json", "toml"]),
    ("PLACES", "hub/program/sample/places", &["csv"]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let mut code = String::new();
    for (list, folder, endings) in LISTS {
        let folder = root.join(folder);
        println!("cargo:rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        walk(&folder, endings, &mut files)?;
        if files.is_empty() {
            return Err(format!("{} holds no file to take in", folder.display()).into());
        }
        files.sort();
        writeln!(
            code,
            "/// Files of `{}`: path within it, and content.",
            folder.strip_prefix(&root)?.display()
        )?;
        writeln!(code, "pub(crate) const {list}: &[(&str, &str)] = &[")?;
        for file in files {
            let name = file.strip_prefix(&folder)?.to_string_lossy().replace('\\', "/");
            writeln!(code, "    ({name:?}, include_str!({:?})),", file.display().to_string())?;
        }
        writeln!(code, "];")?;
    }
    println!("cargo:rerun-if-changed=build.rs");
    let out = env::var_os("OUT_DIR").ok_or("no OUT_DIR")?;
    fs::write(PathBuf::from(out).join("embedded.rs"), code)?;
    Ok(())
}

fn walk(folder: &Path, endings: &[&str], files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    let listing = fs::read_dir(folder).map_err(|why| format!("cannot read {}: {why}", folder.display()))?;
    for entry in listing {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, endings, files)?;
        } else if path
            .extension()
            .and_then(|e| e.to_str())
            .is_some_and(|e| endings.contains(&e))
        {
            files.push(path);
        }
    }
    Ok(())
}
