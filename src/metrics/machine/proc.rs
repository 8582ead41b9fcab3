//! The files of /proc that are asked at a scrape (proc(5)), and what is read out of them.

use std::fs;
use std::path::PathBuf;

/// `/proc/self/stat`; times are in clock ticks, `resident` is in pages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) user: u64,
    pub(super) system: u64,
    pub(super) threads: u64,
    /// After the system's start.
    pub(super) started: u64,
    pub(super) reserved: u64,
    pub(super) resident: u64,
}

/// A line of `/proc/self/cgroup`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) hierarchy: u32,
    pub(super) controllers: Vec<String>,
    pub(super) path: PathBuf,
}

/// A line of `/proc/self/mountinfo`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// What of the file system is mounted.
    pub(super) root: PathBuf,
    pub(super) point: PathBuf,
    pub(super) kind: String,
    /// Of the file system, not of the mount.
    pub(super) options: Vec<String>,
}

/// A file below `/proc`.
pub(super) fn read(file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{file}")).ok()
}

/// The open descriptors. Since Linux 6.2 the folder's size is their number.
pub(super) fn descriptors() -> Option<u64> {
    let size = fs::metadata("/proc/self/fd").ok()?.len();
    if size > 0 { Some(size) } else { Some(fs::read_dir("/proc/self/fd").ok()?.count() as u64) }
}

/// The system's start in Unix seconds, out of `/proc/stat`.
pub(super) fn booted(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

/// The soft limit of this name, out of `/proc/self/limits`; `None` also where it is `unlimited`.
pub(super) fn limit(text: &str, name: &str) -> Option<u64> {
    let values = text.lines().find_map(|line| line.strip_prefix(name))?;
    values.split_ascii_whitespace().next()?.parse().ok()
}

/// Each interface with the bytes received and sent, out of `/proc/self/net/dev`.
pub(super) fn interfaces(text: &str) -> impl Iterator<Item = (&str, u64, u64)> {
    text.lines().filter_map(|line| {
        let (name, counts) = line.split_once(':')?;
        let mut counts = counts.split_ascii_whitespace();
        Some((name.trim(), counts.next()?.parse().ok()?, counts.nth(7)?.parse().ok()?))
    })
}

impl Stat {
    pub(super) fn of(text: &str) -> Option<Self> {
        // The second field is the program's name in brackets, which may hold brackets and spaces; the third is next.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse().ok();
        Some(Self {
            user: field(14)?,
            system: field(15)?,
            threads: field(20)?,
            started: field(22)?,
            reserved: field(23)?,
            resident: field(24)?,
        })
    }
}

impl Group {
    /// Those of all hierarchies, such as `4:cpu,cpuacct:/docker/1` and `0::/`.
    pub(super) fn all(text: &str) -> Vec<Self> {
        let group = |line: &str| {
            let mut parts = line.splitn(3, ':');
            Some(Self {
                hierarchy: parts.next()?.parse().ok()?,
                controllers: list(parts.next()?),
                path: parts.next()?.into(),
            })
        };
        text.lines().filter_map(group).collect()
    }
}

impl Mount {
    pub(super) fn all(text: &str) -> Vec<Self> {
        let mount = |line: &str| {
            let (mount, system) = line.split_once(" - ")?;
            let (mut mount, mut system) = (mount.split(' ').skip(3), system.split(' '));
            Some(Self {
                root: unescaped(mount.next()?).into(),
                point: unescaped(mount.next()?).into(),
                kind: system.next()?.to_owned(),
                options: list(system.nth(1)?),
            })
        };
        text.lines().filter_map(mount).collect()
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// A path as it is: the kernel writes what would end a field as an octal number.
fn unescaped(text: &str) -> String {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(text.to_owned(), |text, (escape, is)| text.replace(escape, is))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_fields_of_a_process_are_found_behind_any_name() {
        let fields =
            "S 1 2 3 0 -1 4194560 900 0 5 0 160 17 0 0 20 0 11 0 4242 1054720000 2560 18446744073709551615";
        let expected = Some(Stat {
            user: 160,
            system: 17,
            threads: 11,
            started: 4242,
            reserved: 1_054_720_000,
            resident: 2560,
        });
        for name in ["(service)", "(a b)", "(a) R 9 9)", "()"] {
            assert_eq!(Stat::of(&format!("77 {name} {fields}\n")), expected, "{name}");
        }
        assert_eq!(Stat::of("77 (service) S 1 2"), None);
    }

    #[test]
    fn a_limit_is_the_soft_one() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max open files            1024                 524288               files     \n\
                      Max address space         unlimited            unlimited            bytes     \n";
        assert_eq!(limit(limits, "Max open files"), Some(1024));
        assert_eq!(limit(limits, "Max address space"), None);
        assert_eq!(limit(limits, "Max locks"), None);
    }

    #[test]
    fn an_interface_has_what_it_received_and_sent() {
        let page = "Inter-|   Receive                        |  Transmit\n \
                    face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n    \
                    lo:     100       1    0    0    0     0          0         0      200       1    0\n  \
                    eth0:12345       7    0    0    0     0          0         0 67890       9    0\n";
        assert_eq!(interfaces(page).collect::<Vec<_>>(), [("lo", 100, 200), ("eth0", 12345, 67890)]);
    }

    #[test]
    fn groups_and_mounts_are_read_as_the_kernel_writes_them() {
        let groups = Group::all("4:cpu,cpuacct:/docker/a:b\n1:name=systemd:/\n0::/x\nbroken\n");
        let group = |hierarchy, controllers: &[&str], path: &str| Group {
            hierarchy,
            controllers: controllers.iter().map(|name| (*name).to_owned()).collect(),
            path: path.into(),
        };
        assert_eq!(
            groups,
            [
                group(4, &["cpu", "cpuacct"], "/docker/a:b"),
                group(1, &["name=systemd"], "/"),
                group(0, &[], "/x")
            ]
        );
        let mounts = "36 35 98:0 /a\\040b /c\\134d rw,noatime master:1 shared:2 - cgroup cgroup rw,cpu\n\
                      30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\nbroken\n";
        let mount = |root: &str, point: &str, kind: &str, options: &[&str]| Mount {
            root: root.into(),
            point: point.into(),
            kind: kind.to_owned(),
            options: options.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(
            Mount::all(mounts),
            [
                mount("/a b", "/c\\d", "cgroup", &["rw", "cpu"]),
                mount("/", "/sys/fs/cgroup", "cgroup2", &["rw"])
            ]
        );
    }

    #[test]
    fn this_process_has_all_of_them() {
        let stat = Stat::of(&read("self/stat").unwrap()).unwrap();
        assert!(stat.threads > 0 && stat.resident > 0 && stat.reserved > stat.resident, "{stat:?}");
        assert!(limit(&read("self/limits").unwrap(), "Max open files").is_some_and(|most| most > 3));
        let open = descriptors().unwrap();
        let _one_more = fs::File::open("/proc/self/stat").unwrap();
        assert!(open > 2, "{open}");
        assert!(booted(&read("stat").unwrap()).is_some_and(|start| start > 1_000_000_000));
        assert!(interfaces(&read("self/net/dev").unwrap()).any(|(name, ..)| name == "lo"));
        assert!(!Mount::all(&read("self/mountinfo").unwrap()).is_empty());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[ -~\n]{0,200}") {
            let _ = (Stat::of(&text), Group::all(&text), Mount::all(&text), booted(&text));
            let _ = (limit(&text, "Max"), interfaces(&text).count());
        }
    }
}
