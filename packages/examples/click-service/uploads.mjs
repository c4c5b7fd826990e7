import { Busy } from "./admission.mjs";

/** Reads uploads into memory: each of at most so many bytes, all that are there at once of at most so many. */
export class Uploads {
  #mostEach;
  #mostTogether;
  #bytes = 0;

  constructor({ mostEach, mostTogether }) {
    this.#mostEach = mostEach;
    this.#mostTogether = mostTogether;
  }

  get bytes() {
    return this.#bytes;
  }

  /** The bytes of a request; they count until `response` is closed. Throws `Busy`, and 413 for too large an upload. */
  read(stream, response) {
    let held = 0;
    response.once("close", () => {
      this.#bytes -= held;
      held = 0;
    });
    return new Promise((resolve, reject) => {
      const parts = [];
      let isRefused = false;
      // Whoever is refused may go on sending: it is read and dropped, so that the answer arrives.
      const refuse = (why) => {
        isRefused = true;
        parts.length = 0;
        this.#bytes -= held;
        held = 0;
        reject(why);
      };
      stream.on("data", (part) => {
        if (isRefused || response.closed) return;
        held += part.length;
        this.#bytes += part.length;
        parts.push(part);
        if (held > this.#mostEach) {
          const tooLarge = new Error(`At most ${this.#mostEach} bytes are taken.`);
          refuse(Object.assign(tooLarge, { statusCode: 413, code: "E_TOO_LARGE" }));
        } else if (this.#bytes > this.#mostTogether) refuse(new Busy(2));
      });
      stream.once("end", () => resolve(Buffer.concat(parts)));
      // Its sender has hung up, or was cut off.
      const cutOff = () => reject(Object.assign(new Error("The upload was cut off."), { statusCode: 400 }));
      stream.once("error", cutOff);
      stream.once("close", cutOff);
    });
  }
}
