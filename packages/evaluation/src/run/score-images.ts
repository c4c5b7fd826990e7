/** Told at the beginning of a method on a data set (0 done), and after each image. */
export interface Progress {
  readonly dataset: string;
  readonly method: string;
  readonly done: number;
  readonly total: number;
}

/** What became of the images of a data set. */
export interface ScoredImages<Score> {
  readonly scores: readonly Score[];
  /** By the name of the image. */
  readonly failures: readonly { readonly image: string; readonly error: string }[];
}

interface ScoreCall<Thread, Image, Score> {
  readonly threads: readonly Thread[];
  readonly score: (thread: Thread, image: Image) => Promise<Score>;
  readonly tell: (done: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** Scores images on all threads, in their order. One that fails does not stop the others; the signal's reason does. */
export async function scoreImages<Thread, Image extends { readonly name: string }, Score>(
  images: readonly Image[],
  { threads, score, tell, signal }: ScoreCall<Thread, Image, Score>,
): Promise<ScoredImages<Score>> {
  const scores: (Score | null)[] = images.map(() => null);
  const failures: { image: string; error: string }[] = [];
  let next = 0;
  let done = 0;
  tell(done);
  const work = async (thread: Thread) => {
    while (next < images.length) {
      const k = next++;
      try {
        scores[k] = await score(thread, images[k]);
      } catch (error) {
        signal?.throwIfAborted();
        failures.push({ image: images[k].name, error: (error as Error).message });
      }
      tell(++done);
    }
  };
  await Promise.all(threads.map(work));
  failures.sort((a, b) => (a.image < b.image ? -1 : 1));
  return { scores: scores.filter((it) => it !== null), failures };
}
