//! The program is stopped after every instruction, which is decoded: its address and those of the memory that it takes are
//! written down.
//!
//! Addresses are the same in all runs, as their randomisation is switched off. Where time or memory depends on more, such as
//! a mask or a vector of indices, that is written down, too.
#![allow(clippy::wildcard_enum_match_arm, reason = "the decoder knows thousands of instructions and registers")]

use super::decoded::Decoded;
use super::{Operation, Path, Step, begun, secret_lanes, xsave};
use iced_x86::Register;
use nix::libc::user_regs_struct;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::personality::{self, Persona};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Whether the system lets one process follow another, and choose its addresses.
pub(super) fn permitted() -> Result<(), String> {
    let mut command = Command::new("true");
    command.stdin(Stdio::null());
    let mut child = traced(command)?;
    // It waits for us, until it is let go.
    child.kill().and_then(|()| child.wait()).map(drop).map_err(|error| error.to_string())
}

/// The operations with either secret, at the same time.
pub(super) fn operations(path: Path, secrets: [&[u8; 32]; 2]) -> [Vec<Operation>; 2] {
    std::thread::scope(|scope| {
        let threads = [0, 1].map(|i| {
            scope.spawn(move || {
                stay_on_processor(i);
                follow(path, secrets[i])
            })
        });
        threads.map(|thread| thread.join().unwrap())
    })
}

/// Follower and followed take turns, which is fastest on one processor.
fn stay_on_processor(number: usize) {
    let ours = Pid::from_raw(0);
    let allowed = sched_getaffinity(ours).unwrap();
    let processors: Vec<usize> = (0..CpuSet::count()).filter(|i| allowed.is_set(*i).unwrap()).collect();
    let mut one = CpuSet::new();
    one.set(processors[number % processors.len()]).unwrap();
    sched_setaffinity(ours, &one).unwrap();
}

/// Starts a program that waits to be followed by this thread, at addresses that are the same each time.
fn traced(mut command: Command) -> Result<Child, String> {
    let prepare = || {
        personality::set(Persona::ADDR_NO_RANDOMIZE)?;
        ptrace::traceme()?;
        Ok(())
    };
    // SAFETY: between fork and exec there are two system calls and nothing else.
    #[allow(unsafe_code, reason = "there is no other way to be traced from the first instruction")]
    unsafe {
        command.pre_exec(prepare);
    }
    command.spawn().map_err(|error| error.to_string())
}

fn follow(path: Path, secret: &[u8; 32]) -> Vec<Operation> {
    let mut child = traced(secret_lanes(&[], path)).unwrap();
    child.stdin.take().unwrap().write_all(secret).unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    wait_for_stop(pid);
    ptrace::setoptions(pid, Options::PTRACE_O_EXITKILL).unwrap();
    let mut follower = Follower::new(pid);
    // At full speed to the system call that says that the first operation begins.
    while follower.operations.is_empty() {
        ptrace::syscall(pid, None).unwrap();
        wait_for_stop(pid);
        let registers = ptrace::getregs(pid).unwrap();
        follower.notice(registers.orig_rax, &registers);
    }
    while follower.operations.last().is_none_or(|(name, _)| name != "nothing") {
        ptrace::step(pid, None).unwrap();
        wait_for_stop(pid);
        follower.take_down(&ptrace::getregs(pid).unwrap());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    follower.operations
}

fn wait_for_stop(pid: Pid) {
    let status = waitpid(pid, None).unwrap();
    assert_eq!(status, WaitStatus::Stopped(pid, Signal::SIGTRAP), "the program ended early");
}

struct Follower {
    pid: Pid,
    memory: File,
    decoded: HashMap<u64, Decoded>,
    operations: Vec<Operation>,
}

impl Follower {
    fn new(pid: Pid) -> Self {
        let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
        Self { pid, memory, decoded: HashMap::new(), operations: Vec::new() }
    }

    /// A system call that says which operation begins: write (1) to the standard error (2).
    fn notice(&mut self, call: u64, registers: &user_regs_struct) {
        if (call, registers.rdi) == (1, 2) {
            let mut text = vec![0; usize::try_from(registers.rdx).unwrap()];
            self.memory.read_exact_at(&mut text, registers.rsi).unwrap();
            self.operations.extend(begun(&String::from_utf8(text).unwrap()));
        }
    }

    /// Writes down what the next instruction will do.
    fn take_down(&mut self, registers: &user_regs_struct) {
        let address = registers.rip;
        let memory = &self.memory;
        let instruction = self.decoded.entry(address).or_insert_with(|| {
            // At most 15 bytes; there may be fewer before the end of the code.
            let mut bytes = [0; 15];
            let length = memory.read_at(&mut bytes, address).unwrap();
            Decoded::new(&bytes[..length], address)
        });
        let (name, steps) = self.operations.last_mut().expect("an operation has begun");
        assert!(!instruction.is_refused, "{name}: the time of the instruction at {address:#x} is not known");
        steps.push(Step::instruction(address));
        for register in &instruction.numbers {
            let numbers =
                value(*register, registers).map_or_else(|| xsave::numbers(self.pid, *register), |one| vec![one]);
            steps.extend(numbers.into_iter().flat_map(Step::number));
        }
        for used in &instruction.memory {
            let address = used.virtual_address(0, |register, _, _| value(register, registers)).unwrap();
            steps.push(Step::access(address, 0));
            if instruction.is_content_a_number {
                let mut number = [0; 8];
                self.memory.read_exact_at(&mut number[..used.memory_size().size()], address).unwrap();
                steps.extend(Step::number(u64::from_le_bytes(number)));
            }
        }
        if instruction.is_call {
            self.notice(registers.rax, registers);
        }
    }
}

/// A register of which addresses are made.
fn value(register: Register, registers: &user_regs_struct) -> Option<u64> {
    let r = registers;
    let value = match register.full_register() {
        Register::RAX => r.rax,
        Register::RBX => r.rbx,
        Register::RCX => r.rcx,
        Register::RDX => r.rdx,
        Register::RSI => r.rsi,
        Register::RDI => r.rdi,
        Register::RBP => r.rbp,
        Register::RSP => r.rsp,
        Register::R8 => r.r8,
        Register::R9 => r.r9,
        Register::R10 => r.r10,
        Register::R11 => r.r11,
        Register::R12 => r.r12,
        Register::R13 => r.r13,
        Register::R14 => r.r14,
        Register::R15 => r.r15,
        Register::FS => r.fs_base,
        Register::GS => r.gs_base,
        // The other segments begin at 0.
        Register::CS | Register::DS | Register::ES | Register::SS => 0,
        _ => return None,
    };
    Some(value)
}
