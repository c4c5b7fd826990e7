import { MessageChannel, type MessagePort } from "node:worker_threads";

/** What a call returns, and the port in which what it sends lies for another thread: it never comes to this one. */
export async function sentPort<Step>(
  call: (port: MessagePort) => Promise<Step>,
): Promise<{ readonly step: Step; readonly port: MessagePort }> {
  const { port1, port2 } = new MessageChannel();
  try {
    return { step: await call(port1), port: port2 };
  } catch (cause) {
    port2.close();
    throw cause;
  }
}
