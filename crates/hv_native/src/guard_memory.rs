//! Which memory the guard process can do without: a fork of the agent would keep
//! a copy of every page of the JavaScript heap that the agent changes.

/// A range of addresses, the end excluded.
pub type Range = (usize, usize);

/// The ranges of `maps` (/proc/PID/maps) that belong to the runtime: anonymous
/// memory and the executable itself. The shared libraries with their data, and the
/// mappings that contain an address of `kept` (our code, our stack), stay.
pub fn discardable(maps: &str, kept: &[usize]) -> Vec<Range> {
    let mappings: Vec<Mapping<'_>> = maps.lines().filter_map(parse).collect();
    let executable = mappings.first().map_or("", |first| first.path);
    let contains_kept = |mapping: &Mapping<'_>| {
        kept.iter()
            .any(|at| (mapping.start..mapping.end).contains(at))
    };
    let own = |path: &str| {
        mappings
            .iter()
            .any(|mapping| mapping.path == path && contains_kept(mapping))
    };
    let executable_goes = executable.starts_with('/') && !own(executable);
    let mut ranges: Vec<Range> = Vec::new();
    let mut library_end = 0;
    for mapping in &mappings {
        let of_executable = executable_goes && mapping.path == executable;
        if mapping.path.starts_with('/') && !of_executable {
            library_end = mapping.end;
            continue;
        }
        let anonymous = mapping.path.is_empty()
            || mapping.path == "[heap]"
            || mapping.path == "[stack]"
            || mapping.path.starts_with("[anon");
        // Uninitialised data of a library follows its file without a gap.
        let library_data = anonymous && mapping.start == library_end;
        if (anonymous || of_executable) && !library_data && !contains_kept(mapping) {
            match ranges.last_mut() {
                Some(last) if last.1 == mapping.start => last.1 = mapping.end,
                _ => ranges.push((mapping.start, mapping.end)),
            }
        }
    }
    ranges
}

struct Mapping<'a> {
    start: usize,
    end: usize,
    path: &'a str,
}

fn parse(line: &str) -> Option<Mapping<'_>> {
    // start-end perms offset device inode path
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    Some(Mapping {
        start: usize::from_str_radix(start, 16).ok()?,
        end: usize::from_str_radix(end, 16).ok()?,
        path: fields.nth(4).unwrap_or("").trim_start(),
    })
}

#[cfg(test)]
mod tests {
    use super::discardable;

    const MAPS: &str = "\
00200000-00300000 r-xp 00000000 08:01 12                         /usr/sbin/hvguest
00300000-00380000 rw-p 00100000 08:01 12                         /usr/sbin/hvguest
00380000-00390000 rw-p 00000000 00:00 0
01000000-01100000 rw-p 00000000 00:00 0                          [heap]
7f0000000000-7f0000100000 ---p 00000000 00:00 0
7f0000200000-7f0000300000 rw-p 00000000 00:00 0                  [anon:JavaScript]
7f0000400000-7f0000420000 rw-p 00000000 00:00 0
7f0001000000-7f0001010000 r-xp 00000000 00:15 99                 /dev/shm/#99 (deleted)
7f0001010000-7f0001020000 rw-p 00010000 00:15 99                 /dev/shm/#99 (deleted)
7f0001020000-7f0001030000 rw-p 00000000 00:00 0
7ffff0000000-7ffff0021000 rw-p 00000000 00:00 0                  [stack]
7ffff0030000-7ffff0034000 r--p 00000000 00:00 0                  [vvar]
7ffff0034000-7ffff0036000 r-xp 00000000 00:00 0                  [vdso]
";

    #[test]
    fn gives_back_the_runtime_and_keeps_libraries_their_data_and_what_is_in_use() {
        let ranges = discardable(MAPS, &[0x7f00_0040_1000, 0x7f00_0100_0500]);
        assert_eq!(
            ranges,
            [
                (0x0020_0000, 0x0039_0000),
                (0x0100_0000, 0x0110_0000),
                (0x7f00_0000_0000, 0x7f00_0010_0000),
                (0x7f00_0020_0000, 0x7f00_0030_0000),
                (0x7fff_f000_0000, 0x7fff_f002_1000),
            ]
        );
    }

    #[test]
    fn keeps_the_executable_when_our_code_is_in_it() {
        let ranges = discardable(MAPS, &[0x0020_0500]);
        assert_eq!(ranges.first(), Some(&(0x0100_0000, 0x0110_0000)));
    }

    #[test]
    fn lines_that_are_no_mappings_are_passed_over() {
        assert_eq!(discardable("\nx\n12-zz rw-p\n", &[]), []);
    }
}
