//! Names of files, which may be any bytes, in the texts that TypeScript has of them.

/// The bytes of a name. The code points U+EF80 to U+EFFF stand for the bytes 0x80 to
/// 0xff that are not UTF-8; src/platform/file-name.ts makes them.
pub fn bytes_of_name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u32::from(character) {
            code @ 0xef80..=0xefff => bytes.push(code.to_le_bytes()[0]),
            _ => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::bytes_of_name;

    #[test]
    fn raw_bytes_come_back_and_all_else_stays() {
        let name = "/mnt/\u{ef80}a\u{efff} \u{e9}\u{1f4be}\u{f000}";
        let bytes = [
            b"/mnt/\x80a\xff ".as_slice(),
            "\u{e9}\u{1f4be}\u{f000}".as_bytes(),
        ]
        .concat();
        assert_eq!(bytes_of_name(name), bytes);
    }
}
