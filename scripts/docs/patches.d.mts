// Stands for the module of a reader of docs/extending/add-a-model.md.
export const patches: import("@unsam/core/models").NetworkFamily;
