//! The registers of vectors and masks of a program that is stopped.

use iced_x86::Register;
use nix::libc;
use nix::unistd::Pid;
use std::arch::x86_64::__cpuid_count;

/// The registers that XSAVE saves, for `PTRACE_GETREGSET` (linux/elf.h).
const NT_X86_XSTATE: libc::c_int = 0x202;

// The parts of the XSAVE area (Intel SDM volume 1, section 13.4 and 13.5): the lower quarters of vectors 0 to 15 at a fixed
// place, and components: their second quarters, their upper halves, vectors 16 to 31, masks.
const LOWER_QUARTERS: usize = 160;
const SECOND_QUARTERS: u32 = 2;
const MASKS: u32 = 5;
const UPPER_HALVES: u32 = 6;
const UPPER_VECTORS: u32 = 7;

/// A mask, or the whole vector to which a register belongs.
pub(super) fn numbers(pid: Pid, register: Register) -> Vec<u64> {
    let area = area(pid);
    let n = register.number();
    let parts = if register.is_k() {
        vec![component(MASKS).map(|masks| (masks + 8 * n, 8))]
    } else if n < 16 {
        let lower = Some((LOWER_QUARTERS + 16 * n, 16));
        let second = component(SECOND_QUARTERS).map(|quarters| (quarters + 16 * n, 16));
        vec![lower, second, component(UPPER_HALVES).map(|halves| (halves + 32 * n, 32))]
    } else {
        vec![component(UPPER_VECTORS).map(|vectors| (vectors + 64 * (n - 16), 64))]
    };
    let bytes = parts.into_iter().flatten().flat_map(|(at, length)| &area[at..at + length]).copied();
    bytes.collect::<Vec<_>>().chunks(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap())).collect()
}

/// Where a component begins, if the processor has it.
fn component(number: u32) -> Option<usize> {
    Some(usize::try_from(__cpuid_count(0xd, number).ebx).unwrap()).filter(|place| *place > 0)
}

fn area(pid: Pid) -> Vec<u8> {
    // Large enough for all registers of today.
    let mut area = vec![0_u8; 16 * 1024];
    let mut place = libc::iovec { iov_base: area.as_mut_ptr().cast(), iov_len: area.len() };
    // SAFETY: the system writes what `place` describes at most, and says there how much that is.
    #[allow(unsafe_code, reason = "there is no safe function for these registers")]
    let result = unsafe { libc::ptrace(libc::PTRACE_GETREGSET, pid.as_raw(), NT_X86_XSTATE, &raw mut place) };
    assert_eq!(result, 0, "the registers of vectors cannot be read");
    area.truncate(place.iov_len);
    area
}
