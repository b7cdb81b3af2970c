//! The share of a processor that Lambda gives a small function, by a control group of Linux.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Microseconds in which a share is given and used up.
const PERIOD: u32 = 20_000;
/// A function of 1,769 MB has one processor (Lambda developer guide, "Configure Lambda function memory").
const MEGABYTES_OF_A_PROCESSOR: u32 = 1_769;

/// A control group whose processes together have the share of a function of some size. Removed when dropped.
pub(crate) struct CpuShare(PathBuf);

impl CpuShare {
    /// None where this machine, or this user, cannot make one.
    pub(crate) fn of(megabytes: u32) -> Option<Self> {
        let quota = PERIOD * megabytes / MEGABYTES_OF_A_PROCESSOR;
        let name = format!("chatkit-bench-{}", std::process::id());
        let write = |group: &Path, file: &str, value: String| std::fs::write(group.join(file), value).ok();
        let unified = Path::new("/sys/fs/cgroup");
        if unified.join("cgroup.controllers").exists() {
            let group = Self(unified.join(name));
            std::fs::create_dir(&group.0).ok()?;
            write(&group.0, "cpu.max", format!("{quota} {PERIOD}"))?;
            return Some(group);
        }
        let group = Self(unified.join("cpu").join(name));
        std::fs::create_dir(&group.0).ok()?;
        write(&group.0, "cpu.cfs_period_us", PERIOD.to_string())?;
        write(&group.0, "cpu.cfs_quota_us", quota.to_string())?;
        Some(group)
    }

    /// A program that has the share from its first instruction.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        let script = r#"echo $$ > "$1/cgroup.procs" && exec "$2""#;
        command.args(["-c", script, "sh"]).arg(&self.0).arg(program);
        command
    }
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // Its last process may still be on its way out; a group that stays is empty and harms nobody.
        let _ = std::fs::remove_dir(&self.0);
    }
}
