//! What an instruction will take from memory, and on what else its time may depend.
#![allow(clippy::wildcard_enum_match_arm, reason = "the decoder knows thousands of instructions and registers")]

use iced_x86::{Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register, UsedMemory};

/// An instruction, as far as its time is concerned.
#[derive(Default)]
pub(super) struct Decoded {
    /// The memory that it reads and writes.
    pub(super) memory: Vec<UsedMemory>,
    /// Registers besides those that make its time or the bytes that it touches: how often it is repeated, what it divides,
    /// which elements a mask lets it touch, and where a vector of indices lets it find them.
    pub(super) numbers: Vec<Register>,
    /// The memory's content is such a number, too.
    pub(super) is_content_a_number: bool,
    /// Whether its addresses or its time follow from what is not looked at here.
    pub(super) is_refused: bool,
    /// Whether it calls the system.
    pub(super) is_call: bool,
}

impl Decoded {
    /// The instruction that begins with these bytes.
    pub(super) fn new(bytes: &[u8], address: u64) -> Self {
        let instruction = Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).decode();
        let mnemonic = instruction.mnemonic();
        if mnemonic == Mnemonic::INVALID || has_other_addresses(&instruction) {
            return Self { is_refused: true, ..Self::default() };
        }
        let mut memory = InstructionInfoFactory::new().info(&instruction).used_memory().to_vec();
        let mut numbers = Vec::new();
        if instruction.has_rep_prefix() || instruction.has_repne_prefix() {
            numbers.push(Register::RCX);
        }
        if !memory.is_empty() {
            numbers.extend(mask(&instruction));
        }
        if instruction.is_vsib() {
            memory.clear();
            let registers = [instruction.memory_base(), instruction.memory_index()];
            numbers.extend(registers.iter().filter(|register| **register != Register::None));
        }
        let divides = matches!(mnemonic, Mnemonic::Div | Mnemonic::Idiv);
        if divides {
            numbers.extend([Register::RAX, Register::RDX]);
            numbers.extend(
                (instruction.op0_kind() == OpKind::Register).then(|| instruction.op0_register().full_register()),
            );
        }
        let is_content_a_number = divides && !memory.is_empty();
        Self { memory, numbers, is_content_a_number, is_refused: false, is_call: mnemonic == Mnemonic::Syscall }
    }
}

/// The register, a vector's in AVX2, that says which elements are touched.
fn mask(instruction: &Instruction) -> Option<Register> {
    match instruction.mnemonic() {
        Mnemonic::Vmaskmovps | Mnemonic::Vmaskmovpd | Mnemonic::Vpmaskmovd | Mnemonic::Vpmaskmovq => {
            Some(instruction.op1_register())
        }
        _ if instruction.has_op_mask() => Some(instruction.op_mask()),
        _ if instruction.is_vsib() => Some(instruction.op2_register()),
        _ => None,
    }
}

/// A mask whose bytes are touched one by one, or a bit whose number may lead beyond the operand.
fn has_other_addresses(instruction: &Instruction) -> bool {
    match instruction.mnemonic() {
        Mnemonic::Bt | Mnemonic::Bts | Mnemonic::Btr | Mnemonic::Btc => {
            instruction.op0_kind() == OpKind::Memory && instruction.op1_kind() == OpKind::Register
        }
        Mnemonic::Maskmovq | Mnemonic::Maskmovdqu | Mnemonic::Vmaskmovdqu => true,
        _ => false,
    }
}

#[test]
fn what_time_depends_on_is_known() {
    let numbers = |bytes: &[u8]| {
        let decoded = Decoded::new(bytes, 0);
        assert!(!decoded.is_refused, "{bytes:02x?}");
        (decoded.memory.len(), decoded.numbers, decoded.is_content_a_number)
    };
    // mov rax, [rbx]; rep movsb; vmovdqa64 zmm0 {k1}, zmm1; the same from and to [rdi]; vpcompressq [rdi] {k3}, zmm0.
    assert_eq!(numbers(&[0x48, 0x8b, 0x03]), (1, vec![], false));
    assert_eq!(numbers(&[0xf3, 0xa4]), (2, vec![Register::RCX], false));
    assert_eq!(numbers(&[0x62, 0xf1, 0xfd, 0x49, 0x6f, 0xc1]), (0, vec![], false));
    assert_eq!(numbers(&[0x62, 0xf1, 0xfd, 0x49, 0x6f, 0x07]), (1, vec![Register::K1], false));
    assert_eq!(numbers(&[0x62, 0xf1, 0xfd, 0x4a, 0x7f, 0x07]), (1, vec![Register::K2], false));
    assert_eq!(numbers(&[0x62, 0xf2, 0xfd, 0x4b, 0x8b, 0x07]), (1, vec![Register::K3], false));
    // vpmaskmovq ymm0, ymm1, [rdi], and to it.
    assert_eq!(numbers(&[0xc4, 0xe2, 0xf5, 0x8c, 0x07]), (1, vec![Register::YMM1], false));
    assert_eq!(numbers(&[0xc4, 0xe2, 0xf5, 0x8e, 0x07]), (1, vec![Register::YMM1], false));
    // vpgatherqq zmm0 {k1}, [rax + zmm1]; vpscatterqq [rax + zmm1] {k1}, zmm0; vpgatherqq ymm0, [rax + ymm1], ymm2; one
    // without a base.
    let [rax, k1, zmm1] = [Register::RAX, Register::K1, Register::ZMM1];
    assert_eq!(numbers(&[0x62, 0xf2, 0xfd, 0x49, 0x91, 0x04, 0x08]), (0, vec![k1, rax, zmm1], false));
    assert_eq!(numbers(&[0x62, 0xf2, 0xfd, 0x49, 0xa1, 0x04, 0x08]), (0, vec![k1, rax, zmm1], false));
    assert_eq!(numbers(&[0xc4, 0xe2, 0xed, 0x91, 0x04, 0x08]), (0, vec![Register::YMM2, rax, Register::YMM1], false));
    assert_eq!(numbers(&[0x62, 0xf2, 0xfd, 0x49, 0x91, 0x14, 0x1d, 0, 0, 0, 0]), (0, vec![k1, Register::ZMM3], false));
    // div ebp; idiv qword [rbx].
    assert_eq!(numbers(&[0xf7, 0xf5]), (0, vec![Register::RAX, Register::RDX, Register::RBP], false));
    assert_eq!(numbers(&[0x48, 0xf7, 0x3b]), (1, vec![Register::RAX, Register::RDX], true));
}

#[test]
fn what_is_not_looked_at_is_refused() {
    // bt [rdi], rax; maskmovdqu xmm0, xmm1; nothing.
    for bytes in [[0x48, 0x0f, 0xa3, 0x07].as_slice(), &[0x66, 0x0f, 0xf7, 0xc1], &[0x06]] {
        assert!(Decoded::new(bytes, 0).is_refused, "{bytes:02x?}");
    }
    // bt rdi, rax.
    assert!(!Decoded::new(&[0x48, 0x0f, 0xa3, 0xc7], 0).is_refused);
}
