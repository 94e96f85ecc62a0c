/* a * b + c, for one instruction set: in one rounding if the set has an instruction for it, in two
 * if not.
 *
 * A compiler may fuse a product with a sum wherever it finds both, and of a * b + c * d either one.
 * What it does differs between compilers, between vectors and the numbers that are left over, and
 * from one version to the next. So in loops over single numbers every product that is added to
 * something says so. Sums of vectors (vectors.h) have one product each, which all compilers fuse.
 *
 * Included once per instruction set, see common/dispatch.h.
 */

#undef FUSED
#if VL >= 8 || NN_FUSES
#define FUSED(a, b, c) __builtin_fmaf(a, b, c)
#else
#define FUSED(a, b, c) ((a) * (b) + (c))
#endif
