/**
 * Number of the recipe by which `regionHierarchy` grows a tree: to be raised with every change of its results, here and in
 * native/include/unsam/region_tree.h. It binds saved trees to what made them; native kernels of another number are not
 * used, the TypeScript ones then are.
 */
export const REGION_TREE_RECIPE = 2;

/** The same for what learned cues add. */
export const LEARNED_RECIPE = 2;
