//! The SDKs' own tests, and that what is generated in them is what the contract gives.

use wit_component::{StringEncoding, metadata};
use wit_parser::Resolve;

use crate::workshop::{Language, differs, repository, run, sdk};

#[test]
fn the_sdk_for_javascript_passes_its_tests() {
    if Language::Js.is_here() {
        run(&sdk("js"), &["npm", "test"]);
    }
}

#[test]
fn the_sdk_for_python_passes_its_tests() {
    if Language::Python.is_here() {
        run(&sdk("python"), &[".venv/bin/python", "-m", "unittest", "discover", "tests"]);
    }
}

#[test]
fn the_sdk_for_go_passes_its_tests_and_its_generated_code_is_what_the_contract_gives() {
    if Language::Go.is_here() {
        let sdk = sdk("go");
        run(&sdk, &["go", "vet", "./..."]);
        run(&sdk, &["go", "test", "./..."]);
        run(&sdk, &["./generate"]);
        let different = differs(&repository().join("sdk/go"), &sdk);
        assert!(different.is_empty(), "run `./generate` in sdk/go: {different:?}");
    }
}

#[test]
fn the_sdk_for_c_passes_its_tests() {
    if Language::C.is_here() {
        run(&sdk("c"), &["make", "-C", "tests", "test"]);
    }
}

#[test]
fn the_component_types_in_the_sdk_for_c_are_those_of_the_contract() {
    let repository = repository();
    let header = std::fs::read_to_string(repository.join("sdk/c/src/types.h")).unwrap();
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(repository.join("wit")).unwrap();
    let mut compared = 0;
    for part in header.split("#define SG_COMPONENT_TYPE_").skip(1) {
        let (kind, lines) = part.split_once(' ').unwrap();
        let world = format!("{}-plugin", kind.to_lowercase().replace('_', "-"));
        let world = resolve.select_world(&[package], Some(&world)).unwrap();
        let wanted = metadata::encode(&resolve, world, StringEncoding::UTF8, None, false).unwrap();
        assert!(plain(&bytes(lines)) == plain(&wanted), "{kind}: run `./generate` in sdk/c");
        compared += 1;
    }
    assert_eq!(compared, 5);
}

/// A component type as it is without the names of the programs that wrote it, and of its world.
fn plain(component_type: &[u8]) -> Vec<u8> {
    let escaped: String = component_type.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let module = wat::parse_str(format!("(module (@custom \"component-type:x\" \"{escaped}\"))")).unwrap();
    let read = metadata::decode(&module).unwrap().1;
    metadata::encode(&read.resolve, read.world, StringEncoding::UTF8, None, false).unwrap()
}

/// The bytes of lines of assembly.
fn bytes(lines: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let rows = lines.lines().filter_map(|line| line.trim().strip_prefix(r#"".ascii \""#)?.split_once(r#"\"\n""#));
    for (row, _) in rows {
        let mut rest = row;
        while let Some(character) = rest.chars().next() {
            if let Some(octal) = rest.strip_prefix(r"\\") {
                bytes.push(u8::from_str_radix(&octal[..3], 8).unwrap());
                rest = &octal[3..];
            } else {
                bytes.push(u8::try_from(character).unwrap());
                rest = &rest[1..];
            }
        }
    }
    bytes
}
