//! What a character looks like: the small table that stands in for NFKC and for the confusables list.

/// What becomes of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folded {
    /// Its plain form.
    Plain(char),
    /// The plain form of a letter that is styled: fullwidth, mathematical, circled, small capital.
    Styled(char),
    /// A mark on the letter before it.
    Mark,
    /// White space.
    Space,
}

/// Fold one character. Greek and Cyrillic letters are left to [`look_alike`]: that depends on the word.
pub(crate) fn fold(character: char) -> Folded {
    if character.is_ascii() {
        return Folded::Plain(character.to_ascii_lowercase());
    }
    let code = u32::from(character);
    match code {
        0xC0..=0x17F => Folded::Plain(latin(code).unwrap_or(character)),
        0x300..=0x36F => Folded::Mark,
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000 => Folded::Space,
        0x2018..=0x201B | 0x2032 | 0x2039 | 0x203A | 0xB4 => Folded::Plain('\''),
        0x201C..=0x201F | 0x2033 | 0xAB | 0xBB | 0x300C | 0x300D => Folded::Plain('"'),
        0x2010..=0x2015 | 0x2212 => Folded::Plain('-'),
        0x2022 | 0x00B7 => Folded::Plain('*'),
        0x2026 => Folded::Plain('.'),
        _ => styled(code).map_or_else(|| Folded::Plain(lower(character)), Folded::Styled),
    }
}

fn lower(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

/// The base letter of an accented Latin one.
fn latin(code: u32) -> Option<char> {
    Some(match code {
        0xC0..=0xC6 | 0xE0..=0xE6 | 0x100..=0x105 => 'a',
        0xC7 | 0xE7 | 0x106..=0x10D => 'c',
        0xD0 | 0xF0 | 0x10E..=0x111 => 'd',
        0xC8..=0xCB | 0xE8..=0xEB | 0x112..=0x11B => 'e',
        0x11C..=0x123 => 'g',
        0x124..=0x127 => 'h',
        0xCC..=0xCF | 0xEC..=0xEF | 0x128..=0x133 => 'i',
        0x134 | 0x135 => 'j',
        0x136..=0x138 => 'k',
        0x139..=0x142 => 'l',
        0xD1 | 0xF1 | 0x143..=0x14B => 'n',
        0xD2..=0xD6 | 0xD8 | 0xF2..=0xF6 | 0xF8 | 0x14C..=0x153 => 'o',
        0x154..=0x159 => 'r',
        0xDF | 0x15A..=0x161 | 0x17F => 's',
        0xDE | 0xFE | 0x162..=0x167 => 't',
        0xD9..=0xDC | 0xF9..=0xFC | 0x168..=0x173 => 'u',
        0x174 | 0x175 => 'w',
        0xDD | 0xFD | 0xFF | 0x176..=0x178 => 'y',
        0x179..=0x17E => 'z',
        _ => return None,
    })
}

/// The plain form of letters and digits that Unicode offers in styles.
fn styled(code: u32) -> Option<char> {
    let letter = |index: u32| char::from_u32(u32::from(b'a') + index % 26);
    match code {
        0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0).map(|c| c.to_ascii_lowercase()),
        0x1D400..=0x1D6A3 => letter(code - 0x1D400),
        0x1D7CE..=0x1D7FF => char::from_u32(u32::from(b'0') + (code - 0x1D7CE) % 10),
        0x249C..=0x24B5 => letter(code - 0x249C),
        0x24B6..=0x24E9 => letter(code - 0x24B6),
        0x1F110..=0x1F129 => letter(code - 0x1F110),
        0x1F130..=0x1F149 => letter(code - 0x1F130),
        0x1F150..=0x1F169 => letter(code - 0x1F150),
        0x1F170..=0x1F189 => letter(code - 0x1F170),
        _ => char::from_u32(code).and_then(|character| paired(STYLED, character)),
    }
}

/// Pairs of a small capital or a letter-like symbol and its plain letter.
const STYLED: &str = "ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpǫqʀrꜱsᴛtᴜuᴠvᴡwʏyᴢz\
                      ℂcℊgℋhℌhℍhℎhℐiℑiℒlℓlℕnℙpℚqℛrℜrℝrℤzℬbℯeℰeℱfℳmℴoℹi";

/// Pairs of a Cyrillic or Greek letter and the Latin letter that it is taken for.
const LOOK_ALIKE: &str = "аaвbсcԁdеeёeһhіiїiјjкkӏlмmнhоoрpԛqгrѕsтtуyѵvԝwхxьb\
                          АaВbСcЕeНhІiЈjКkМmОoРpЅsТtУyХxӀl\
                          αaβbεeηnιiκkνvοoρpτtυuχxγyωw\
                          ΑaΒbΕeΖzΗhΙiΚkΜmΝnΟoΡpΤtΥyΧx";

/// The Latin letter that a Cyrillic or Greek letter is taken for.
pub(crate) fn look_alike(character: char) -> Option<char> {
    paired(LOOK_ALIKE, character)
}

/// Whether a character is of a script that has look-alikes of Latin letters.
pub(crate) fn is_greek_or_cyrillic(character: char) -> bool {
    matches!(u32::from(character), 0x370..=0x52F)
}

fn paired(pairs: &str, character: char) -> Option<char> {
    let mut characters = pairs.chars();
    while let (Some(odd), Some(plain)) = (characters.next(), characters.next()) {
        if odd == character {
            return Some(plain);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_becomes_the_same() {
        assert_eq!(fold('É'), Folded::Plain('e'));
        assert_eq!(fold('Ａ'), Folded::Styled('a'));
        assert_eq!(fold('𝐳'), Folded::Styled('z'));
        assert_eq!(fold('𝟗'), Folded::Styled('9'));
        assert_eq!(fold('ⓩ'), Folded::Styled('z'));
        assert_eq!(fold('’'), Folded::Plain('\''));
        assert_eq!(look_alike('о'), Some('o'));
        assert_eq!(look_alike('ж'), None);
        assert_eq!(fold('Ж'), Folded::Plain('ж'));
    }
}
