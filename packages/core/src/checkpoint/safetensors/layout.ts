/** A safetensors file begins with the length of its JSON header, as a 64-bit number. */
export const lengthFieldBytes = 8;

/** The header of a model with a thousand tensors takes about 120 kB. */
export const maximumHeaderBytes = 16 * 1024 * 1024;
