/** One click with a granularity, as the native decoder takes it. */
export const click = {
  coords: Float32Array.of(20, 30, 0, 0),
  labels: Int32Array.of(1, -1),
  granularity: 0.5,
  maskLogits: null,
};
