/** At most `limit` of these (null: all), spread evenly over them and in their order. */
export function spreadOver<T>(all: readonly T[], limit: number | null): T[] {
  const count = Math.min(limit ?? all.length, all.length);
  return Array.from({ length: count }, (_, k) => all[Math.floor((k * all.length) / count)]);
}
