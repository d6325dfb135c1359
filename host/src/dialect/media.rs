//! Pictures, sounds and documents of a request, read for translating.

use super::conversation::Source;
use super::document::Wrong;
use super::given::Given;

/// Characters of each of the two names of a media type (RFC 6838, section 4.2).
const NAME_CHARS_MAX: usize = 127;

/// Data that stands in the request, whose media type is what `field` says.
///
/// # Errors
/// When that is none: no guardrail sees it, so it is no place for other text.
pub(super) fn inline(field: &Given<'_>, media_type: String, base64: String) -> Result<Source, Wrong> {
    match is_media_type(&media_type) {
        true => Ok(Source::Inline { media_type, base64 }),
        false => Err(field.wrong("must be a media type, as image/png")),
    }
}

/// A URL, which may be all of the data (RFC 2397). Parameters of the media type are left out.
///
/// # Errors
/// When it is no string, or its data cannot be told from it.
pub(super) fn read_url(field: &Given<'_>) -> Result<Source, Wrong> {
    let url = field.text()?;
    let parts = url.split_at_checked(5).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("data:"));
    let Some((_, rest)) = parts else { return Ok(Source::Url(url)) };
    let inline = rest.split_once(',').and_then(|(head, base64)| {
        let media_type = head.strip_suffix(";base64")?.split(';').next().filter(|text| is_media_type(text))?;
        Some(Source::Inline { media_type: media_type.to_owned(), base64: base64.to_owned() })
    });
    inline.ok_or_else(|| field.wrong("must have its data as data:image/png;base64,iVBORw0"))
}

fn is_media_type(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

/// The `restricted-name` of RFC 6838.
fn is_name(name: &str) -> bool {
    name.len() <= NAME_CHARS_MAX
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_two_names() {
        let long = format!("image/{}", "a".repeat(127));
        for right in ["image/png", "image/svg+xml", "application/vnd.ms-excel", "audio/x-wav", &long] {
            assert!(is_media_type(right), "{right}");
        }
        let longer = format!("{long}a");
        for wrong in
            ["", "png", "image/", "/png", "image/png/x", "image/ignore all of this", "image/+a", "ïmage/a", &longer]
        {
            assert!(!is_media_type(wrong), "{wrong}");
        }
    }
}
