//! Fewer data segments in a snapshot. Each costs every instance some nanoseconds, and a snapshot leaves out all zeros, so that
//! the memory of a language with a runtime lies in up to 10,000 of them, behind an empty one for each that there was before:
//! 32,810 of a plugin in Go, which spent 40 % of a call with that.

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{Component, ConstExpr, DataSection};
use wasmparser::{DataKind, FunctionBody, Import, Operator, Parser, Payload, TypeRef};

/// Segments with at most so many zeros between them become one.
const GAP_BYTES_MAX: usize = 64 << 10;
/// Zeros that are added to a module, at most.
const ZEROS_MAX: usize = 16 << 20;

/// The same component with fewer data segments in its modules; nothing where none can be joined, or it is not understood.
pub(super) fn joined(component: &[u8]) -> Option<Vec<u8>> {
    let mut joining = Joining::default();
    let mut joined = Component::new();
    joining.parse_component(&mut joined, Parser::new(0), component).ok()?;
    joining.has_joined.then(|| joined.finish())
}

#[derive(Default)]
struct Joining {
    /// What the module that is copied has in place of its segments.
    segments: Option<Vec<Segment>>,
    has_joined: bool,
}

/// Data that a memory holds from the start.
struct Segment {
    memory: u32,
    offset: usize,
    data: Vec<u8>,
}

impl Reencode for Joining {
    type Error = std::convert::Infallible;

    fn data_count(&mut self, count: u32) -> Result<u32, reencode::Error> {
        let joined = self.segments.as_ref().map(|segments| segments.len());
        Ok(joined.and_then(|count| u32::try_from(count).ok()).unwrap_or(count))
    }

    fn parse_data_section(
        &mut self,
        data: &mut DataSection,
        section: wasmparser::DataSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        let Some(segments) = self.segments.take() else {
            return reencode::utils::parse_data_section(self, data, section);
        };
        for Segment { memory, offset, data: bytes } in segments {
            // It was read as such a number.
            let offset = ConstExpr::i32_const(u32::try_from(offset).unwrap_or_default().cast_signed());
            data.active(memory, &offset, bytes);
        }
        self.has_joined = true;
        Ok(())
    }
}

impl ReencodeComponent for Joining {
    fn parse_component_submodule(
        &mut self,
        component: &mut Component,
        parser: Parser,
        module: &[u8],
    ) -> Result<(), reencode::Error> {
        self.segments = segments(module);
        component_utils::parse_component_submodule(self, component, parser, module)
    }
}

/// The segments that a module's memories begin with, joined; nothing where there is nothing to join, one is put elsewhere than
/// at a fixed place, or the code names segments by their numbers.
fn segments(module: &[u8]) -> Option<Vec<Segment>> {
    let mut joined: Vec<Segment> = Vec::new();
    let (mut count, mut zeros) = (0, 0_usize);
    for payload in Parser::new(0).parse_all(module) {
        let section = match payload.ok()? {
            // What another module has written there is not zero.
            Payload::ImportSection(imports) => match imports.into_imports().any(|import| is_memory(&import)) {
                true => return None,
                false => continue,
            },
            // Its section comes before that of the data.
            Payload::CodeSectionEntry(body) => match names_segments(&body)? {
                true => return None,
                false => continue,
            },
            Payload::DataSection(section) => section,
            _ => continue,
        };
        for datum in section {
            let datum = datum.ok()?;
            count += 1;
            // What the code does not name is never read.
            let DataKind::Active { memory_index: memory, offset_expr } = datum.kind else { continue };
            let mut place = offset_expr.get_operators_reader();
            let (Ok(Operator::I32Const { value }), Ok(Operator::End)) = (place.read(), place.read()) else {
                return None;
            };
            let offset = usize::try_from(value.cast_unsigned()).ok()?;
            // Only what lies in order, memory by memory as a snapshot writes it, does not depend on the order.
            if joined.last().is_some_and(|before| before.memory > memory) {
                return None;
            }
            let before = joined.last_mut().filter(|before| before.memory == memory);
            let gap = before.as_ref().map(|before| offset.checked_sub(before.offset + before.data.len()));
            match (before, gap) {
                (Some(_), Some(None)) => return None,
                (Some(before), Some(Some(gap))) if gap <= GAP_BYTES_MAX => {
                    zeros += gap;
                    if zeros > ZEROS_MAX {
                        return None;
                    }
                    before.data.resize(before.data.len() + gap, 0);
                    before.data.extend_from_slice(datum.data);
                }
                _ => joined.push(Segment { memory, offset, data: datum.data.to_vec() }),
            }
        }
    }
    (joined.len() < count).then_some(joined)
}

/// Whether a function copies or drops segments by their numbers.
fn names_segments(body: &FunctionBody<'_>) -> Option<bool> {
    let mut operators = body.get_operators_reader().ok()?;
    while !operators.eof() {
        match operators.read().ok()? {
            Operator::MemoryInit { .. }
            | Operator::DataDrop { .. }
            | Operator::ArrayNewData { .. }
            | Operator::ArrayInitData { .. } => return Some(true),
            _ => {}
        }
    }
    Some(false)
}

/// Whether an import is a memory, or cannot be read.
fn is_memory(import: &wasmparser::Result<Import<'_>>) -> bool {
    import.as_ref().map_or(true, |import| matches!(import.ty, TypeRef::Memory(_)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn component(segments: &str) -> Vec<u8> {
        let text = format!(
            "(component (core module (memory 4) {segments}
                (func (export \"f\") (result i32) i32.const 0 i32.load)))"
        );
        wat::parse_str(text).unwrap()
    }

    /// Offsets and bytes of the first module's segments.
    fn of(component: &[u8]) -> Vec<(i32, Vec<u8>)> {
        let mut found = Vec::new();
        for payload in Parser::new(0).parse_all(component) {
            let Payload::DataSection(section) = payload.unwrap() else { continue };
            for datum in section {
                let datum = datum.unwrap();
                let DataKind::Active { offset_expr, .. } = datum.kind else { continue };
                let Operator::I32Const { value } = offset_expr.get_operators_reader().read().unwrap() else { continue };
                found.push((value, datum.data.to_vec()));
            }
        }
        found
    }

    #[test]
    fn near_segments_become_one_with_zeros_between_them() {
        let three = component(r#"(data (i32.const 8) "ab") (data (i32.const 12) "c") (data (i32.const 200000) "d")"#);
        let joined = joined(&three).unwrap();
        assert_eq!(of(&joined), [(8, b"ab\0\0c".to_vec()), (200_000, b"d".to_vec())]);
        wasmparser::Validator::new().validate_all(&joined).unwrap();
    }

    #[test]
    fn segments_that_nothing_names_are_left_out() {
        let many = component(r#"(data "") (data "x") (data (i32.const 8) "ab") (data "") (data (i32.const 12) "c")"#);
        let joined = joined(&many).unwrap();
        assert_eq!(of(&joined), [(8, b"ab\0\0c".to_vec())]);
        let count = |payload| matches!(payload, Payload::DataSection(section) if section.count() == 1);
        assert!(Parser::new(0).parse_all(&joined).any(|payload| count(payload.unwrap())));
        wasmparser::Validator::new().validate_all(&joined).unwrap();
    }

    #[test]
    fn what_depends_on_its_order_or_is_not_at_a_fixed_place_stays() {
        for segments in [
            r#"(data (i32.const 8) "ab")"#,
            r#"(data (i32.const 8) "ab") (data (i32.const 9) "c")"#,
            r#"(data (i32.const 8) "ab") (data (i32.const 4) "c")"#,
            r#"(data (i32.const 8) "ab") (data (i32.const 12) "c") (data $d "d") (func (data.drop $d))"#,
            r#"(data (i32.const 8) "ab") (data "c") (data (i32.const 12) "c")
                (func (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 1)))"#,
            r#"(data (i32.const 8) "ab") (data (i32.add (i32.const 12) (i32.const 4)) "c")"#,
            r#"(memory $other 1) (data (i32.const 12) "c") (data (memory $other) (i32.const 0) "x")
                (data (i32.const 8) "ab") (data (i32.const 16) "d")"#,
            r#"(global $g i32 (i32.const 9)) (data (i32.const 0) "ab") (data (global.get $g) "c")"#,
        ] {
            assert_eq!(joined(&component(segments)), None, "{segments}");
        }
        let imported = r#"(component (core module (import "other" "memory" (memory 4))
            (data (i32.const 8) "ab") (data (i32.const 12) "c")))"#;
        assert_eq!(joined(&wat::parse_str(imported).unwrap()), None, "there may be something between them");
        assert_eq!(joined(b"nothing"), None);
    }
}
