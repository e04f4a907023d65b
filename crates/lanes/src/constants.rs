//! The constants of RFC 9496 section 4.1, and what else the formulas take, in limbs of 51 bits.

use crate::vector::Limbs;

/// 0.
pub(crate) const ZERO: Limbs = [0; 5];
/// 1.
pub(crate) const ONE: Limbs = [1, 0, 0, 0, 0];
/// -1.
pub(crate) const MINUS_ONE: Limbs =
    [0x7_ffff_ffff_ffec, 0x7_ffff_ffff_ffff, 0x7_ffff_ffff_ffff, 0x7_ffff_ffff_ffff, 0x7_ffff_ffff_ffff];
/// 2 · D, for D = -121665/121666.
pub(crate) const D2: Limbs =
    [0x6_9b94_26b2_f159, 0x3_5050_762a_dd7a, 0x3_cf44_c003_8052, 0x6_738c_c740_7977, 0x2_406d_9dc5_6dff];
/// -D.
pub(crate) const MINUS_D: Limbs =
    [0x4_b235_eca6_874a, 0x6_57d7_c4ea_9142, 0x2_185d_9ffe_3fd6, 0x0_c639_9c5f_c344, 0x2_dfc9_311d_4900];
/// `SQRT_M1`, the square root i of -1.
pub(crate) const SQRT_M1: Limbs =
    [0x6_1b27_4a0e_a0b0, 0x0_d5a5_fc8f_189d, 0x7_ef5e_9cbd_0c60, 0x7_8595_a680_4c9e, 0x2_b832_4804_fc1d];
/// -i.
pub(crate) const MINUS_SQRT_M1: Limbs =
    [0x1_e4d8_b5f1_5f3d, 0x7_2a5a_0370_e762, 0x0_10a1_6342_f39f, 0x0_7a6a_597f_b361, 0x5_47cd_b7fb_03e2];
/// `SQRT_AD_MINUS_ONE`.
pub(crate) const SQRT_AD_MINUS_ONE: Limbs =
    [0x7_f6a0_497b_2e1b, 0x1_836f_0a97_afd2, 0x7_d747_f6be_7638, 0x4_5607_9e7e_6498, 0x3_7693_1bf2_b834];
/// `INVSQRT_A_MINUS_D`.
pub(crate) const INVSQRT_A_MINUS_D: Limbs =
    [0x0_fdaa_805d_40ea, 0x2_eb48_2e57_d339, 0x0_0761_0274_bc58, 0x6_510b_613d_c8ff, 0x7_86c8_905c_faff];
/// `ONE_MINUS_D_SQ`.
pub(crate) const ONE_MINUS_D_SQ: Limbs =
    [0x4_09c1_945f_c176, 0x7_19ab_c6a1_fc4f, 0x1_c37f_90b2_0684, 0x0_6bcc_ca55_eedf, 0x0_2907_2a8b_2b3e];
/// `D_MINUS_ONE_SQ`.
pub(crate) const D_MINUS_ONE_SQ: Limbs =
    [0x5_5aaa_44ed_4d20, 0x5_9603_c333_2635, 0x2_6d3b_af4a_7928, 0x1_20a6_6e69_97a9, 0x5_968b_37af_66c2];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{bytes_from_limbs, limbs_from_bytes};

    /// The decimal numbers of RFC 9496 section 4.1.
    #[test]
    fn constants_are_those_of_the_rfc() {
        for (limbs, decimal) in [
            (SQRT_M1, "19681161376707505956807079304988542015446066515923890162744021073123829784752"),
            (SQRT_AD_MINUS_ONE, "25063068953384623474111414158702152701244531502492656460079210482610430750235"),
            (INVSQRT_A_MINUS_D, "54469307008909316920995813868745141605393597292927456921205312896311721017578"),
            (ONE_MINUS_D_SQ, "1159843021668779879193775521855586647937357759715417654439879720876111806838"),
            (D_MINUS_ONE_SQ, "40440834346308536858101042469323190826248399146238708352240133220865137265952"),
            (MINUS_D, "20800338683988658368647408995589388737092878452977063003340006470870624536394"),
            (MINUS_ONE, "57896044618658097711785492504343953926634992332820282019728792003956564819948"),
        ] {
            let mut bytes = [0_u8; 32];
            for digit in decimal.bytes() {
                let mut carry = u16::from(digit - b'0');
                for byte in &mut bytes {
                    let [low, high] = (u16::from(*byte) * 10 + carry).to_le_bytes();
                    (*byte, carry) = (low, u16::from(high));
                }
            }
            assert_eq!(limbs_from_bytes(&bytes), limbs, "{decimal}");
            assert_eq!(bytes_from_limbs(&limbs), bytes);
        }
    }
}
