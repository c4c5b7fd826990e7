// What the compiler of test-docs.mjs has to know of programs that are not installed here.
declare module "electron" {
  export const app: { whenReady(): Promise<void>; getAppPath(): string };
  export const utilityProcess: {
    fork(file: string): {
      on(event: "message", listener: (answer: unknown) => void): void;
      postMessage(message: unknown): void;
    };
  };
}

declare namespace NodeJS {
  interface Process {
    /** In a utility process of Electron. */
    parentPort: {
      // biome-ignore lint/suspicious/noExplicitAny: what is posted is up to the reader
      on(event: "message", listener: (event: { data: any }) => void): void;
      postMessage(message: unknown): void;
    };
  }
}
