/* a * b + c, for one instruction set: with one rounding if the set has an instruction for it,
 * otherwise with two.
 *
 * Compilers fuse a product and a sum by themselves, and with one product the result is unique. With
 * two, as in a * b + c * d, they may fuse either one, and differently in vectors than in the
 * remaining scalars: such expressions use FUSED to say which. So do sums over scalars, and update
 * rules of which GCC fuses only the vectors. It is not used everywhere: GCC treats it as a call and
 * then merges fewer conditions, which makes exp and similar functions 10 to 20 % slower.
 *
 * Included once per instruction set, see common/dispatch.h.
 */

#undef FUSED
#if VL >= 8 || NN_FUSES
#define FUSED(a, b, c) __builtin_fmaf(a, b, c)
#else
#define FUSED(a, b, c) ((a) * (b) + (c))
#endif
