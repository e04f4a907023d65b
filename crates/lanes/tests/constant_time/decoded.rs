//! What an instruction will take from memory, and on what else its time may depend.
#![allow(clippy::wildcard_enum_match_arm, reason = "the decoder knows thousands of instructions and registers")]

use iced_x86::{Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register, UsedMemory};

/// An instruction, as far as its time is concerned.
#[derive(Default)]
pub(super) struct Decoded {
    /// The memory that it reads and writes.
    pub(super) memory: Vec<UsedMemory>,
    /// Registers besides addresses that make its time or the bytes that it touches: how often it is repeated, what it
    /// divides, which elements a mask lets it touch.
    pub(super) numbers: Vec<Register>,
    /// The memory's content is such a number, too.
    pub(super) is_content_a_number: bool,
    /// Whether its addresses or its time follow from what is not looked at here, such as a vector of indices.
    pub(super) is_refused: bool,
    /// Whether it calls the system.
    pub(super) is_call: bool,
}

impl Decoded {
    /// The instruction that begins with these bytes.
    pub(super) fn new(bytes: &[u8], address: u64) -> Self {
        let instruction = Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).decode();
        let mnemonic = instruction.mnemonic();
        if mnemonic == Mnemonic::INVALID || instruction.is_vsib() || has_other_addresses(&instruction) {
            return Self { is_refused: true, ..Self::default() };
        }
        let memory = InstructionInfoFactory::new().info(&instruction).used_memory().to_vec();
        let mut numbers = Vec::new();
        if instruction.has_rep_prefix() || instruction.has_repne_prefix() {
            numbers.push(Register::RCX);
        }
        if !memory.is_empty() && instruction.has_op_mask() {
            numbers.push(instruction.op_mask());
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

/// A mask in a vector, or a bit whose number may lead beyond the operand.
fn has_other_addresses(instruction: &Instruction) -> bool {
    match instruction.mnemonic() {
        Mnemonic::Bt | Mnemonic::Bts | Mnemonic::Btr | Mnemonic::Btc => {
            instruction.op0_kind() == OpKind::Memory && instruction.op1_kind() == OpKind::Register
        }
        Mnemonic::Maskmovq | Mnemonic::Maskmovdqu | Mnemonic::Vmaskmovdqu => true,
        Mnemonic::Vmaskmovps | Mnemonic::Vmaskmovpd | Mnemonic::Vpmaskmovd | Mnemonic::Vpmaskmovq => true,
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
    // div ebp; idiv qword [rbx].
    assert_eq!(numbers(&[0xf7, 0xf5]), (0, vec![Register::RAX, Register::RDX, Register::RBP], false));
    assert_eq!(numbers(&[0x48, 0xf7, 0x3b]), (1, vec![Register::RAX, Register::RDX], true));
}

#[test]
fn what_is_not_looked_at_is_refused() {
    for bytes in [
        // vpgatherqq zmm0 {k1}, [rax + zmm1]; vpscatterqq [rax + zmm1] {k1}, zmm0; vpgatherqq ymm0, [rax + ymm1], ymm2.
        [0x62, 0xf2, 0xfd, 0x49, 0x91, 0x04, 0x08].as_slice(),
        &[0x62, 0xf2, 0xfd, 0x49, 0xa1, 0x04, 0x08],
        &[0xc4, 0xe2, 0xed, 0x91, 0x04, 0x08],
        // vpmaskmovq ymm0, ymm1, [rdi]; bt [rdi], rax; nothing.
        &[0xc4, 0xe2, 0xf5, 0x8c, 0x07],
        &[0x48, 0x0f, 0xa3, 0x07],
        &[0x06],
    ] {
        assert!(Decoded::new(bytes, 0).is_refused, "{bytes:02x?}");
    }
    // bt rdi, rax.
    assert!(!Decoded::new(&[0x48, 0x0f, 0xa3, 0xc7], 0).is_refused);
}
