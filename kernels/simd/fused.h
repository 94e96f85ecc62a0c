/* a * b + c, for one instruction set: in one rounding if the set has an instruction for it, in two
 * if not.
 *
 * Compilers fuse a product with a sum by themselves, and one product leaves them no choice. Of two,
 * as in a * b + c * d, they fuse either one, this one in vectors and that one in the numbers that are
 * left over: such an expression says which. So do sums over single numbers, and rules where GCC was
 * seen to fuse the vectors only. It is not written everywhere, since GCC takes it for a call and then
 * merges fewer conditions: exp and its kin take 10 to 20 % longer with it.
 *
 * Included once per instruction set, see common/dispatch.h.
 */

#undef FUSED
#if VL >= 8 || NN_FUSES
#define FUSED(a, b, c) __builtin_fmaf(a, b, c)
#else
#define FUSED(a, b, c) ((a) * (b) + (c))
#endif
