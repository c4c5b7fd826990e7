import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ByteRoom } from "#server/admission/byte-room.js";
import { type FetcherOptions, ImageFetcher } from "#server/remote/fetch-image.js";
import { isPublicAddress } from "#server/remote/public-addresses.js";
import type { ServiceError } from "#server/service-error.js";

describe("addresses of the public internet", () => {
  it.each(["1.1.1.1", "8.8.8.8", "172.32.0.1", "198.20.0.1", "223.255.255.255", "2606:4700:4700::1111"])(
    "hold %s",
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    ...["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"],
    ...["172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1"],
    ...["198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"],
    ...[
      "::",
      "::1",
      "fe80::1",
      "fe80::1%eth0",
      "fc00::1",
      "fd12::1",
      "ff02::1",
      "2001:db8::1",
      "2002:7f00:1::",
    ],
    ...[
      "::ffff:127.0.0.1",
      "::ffff:7f00:1",
      "::ffff:8.8.8.8",
      "64:ff9b::7f00:1",
      "64:ff9b:1::1",
      "2001:0:1::1",
    ],
    ...["::127.0.0.1", "fec0::1", "100::1", "localhost", "", "2130706433", "0x7f.1", "1.1.1"],
  ])("do not hold %s", (address) => expect(isPublicAddress(address)).toBe(false));
});

const PHOTO = Buffer.from("the bytes of a photo");
let host: Server;
let port: number;
let asked: string[] = [];
let answer: RequestListener = () => {};
beforeAll(async () => {
  host = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  port = (host.address() as AddressInfo).port;
});
afterAll(() => {
  host.closeAllConnections();
  return new Promise<unknown>((resolve) => host.close(resolve));
});

const room = new ByteRoom(10_000, "The photo");

/** A fetcher for hosts that all lie on this machine; `10.0.0.1` stands for an address that is refused. */
function fetcher(options: Partial<FetcherOptions> = {}) {
  return new ImageFetcher({
    hosts: [`photos.test:${port}`, `*.wide.test:${port}`, `127.0.0.1:${port}`],
    timeoutMs: 1000,
    resolve: async () => [{ address: "127.0.0.1", family: 4 }],
    mayConnect: (address) => address === "127.0.0.1",
    ...options,
  });
}

/** What a fetch ends with: the text of the photo, or why there is none. */
async function outcome(url: string, options: Partial<FetcherOptions> = {}): Promise<string> {
  asked = [];
  const signal = new AbortController().signal;
  try {
    const { bytes } = await fetcher(options).fetch(url, { maxBytes: 1000, room, signal });
    room.give(bytes.length);
    return Buffer.from(bytes).toString();
  } catch (problem) {
    return `${(problem as ServiceError).code}: ${(problem as Error).message}`;
  }
}

describe("photos by address", () => {
  it("come from hosts of the list, also over a redirect among them", async () => {
    answer = (request, response) => {
      if (request.url === "/a.png")
        response.writeHead(302, { location: `http://b.wide.test:${port}/b.png` }).end();
      else response.end(PHOTO);
    };
    expect(await outcome(`http://photos.test:${port}/a.png#part`)).toBe(PHOTO.toString());
    expect(asked).toEqual([`photos.test:${port}/a.png`, `b.wide.test:${port}/b.png`]);
    expect(room.bytes).toBe(0);
  });

  it.each([
    ["another host", () => `http://other.test:${port}/`],
    ["another port", () => `http://photos.test:${port + 1}/`],
    ["a host that only ends alike", () => `http://evilphotos.test:${port}/`],
    ["the name above a pattern", () => `http://wide.test:${port}/`],
    ["another protocol", () => "file:///etc/passwd"],
    ["a password", () => `http://user:word@photos.test:${port}/`],
    ["a decimal address", () => `http://2130706434:${port}/`],
    ["an octal address", () => `http://0177.0.0.2:${port}/`],
    ["a hexadecimal address", () => `http://0x7f000002:${port}/`],
    ["an address of IPv6", () => `http://[::1]:${port}/`],
    ["an IPv4 address as one of IPv6", () => `http://[::ffff:127.0.0.1]:${port}/`],
    ["no address", () => "not an address"],
  ])("do not come from %s", async (_, url) => {
    answer = (_, response) => void response.end(PHOTO);
    expect(await outcome(url())).toMatch(/^E_URL: /);
    expect(asked).toEqual([]);
  });

  it("do not come from a listed host that resolves to an address which is not public, or to one beside a public one", async () => {
    answer = (_, response) => void response.end(PHOTO);
    const url = `http://photos.test:${port}/`;
    const inside = [{ address: "127.0.0.1", family: 4 }];
    // With the rule as it is for users: the loopback is refused.
    expect(await outcome(url, { mayConnect: isPublicAddress, resolve: async () => inside })).toBe(
      "E_URL: This host is not in the public internet.",
    );
    const both = [
      { address: "127.0.0.1", family: 4 },
      { address: "10.0.0.1", family: 4 },
    ];
    expect(await outcome(url, { resolve: async () => both })).toMatch(/^E_URL: /);
    expect(await outcome(url, { resolve: async () => [] })).toMatch(/^E_URL: /);
    expect(await outcome(`http://127.0.0.1:${port}/`, { mayConnect: isPublicAddress })).toMatch(/^E_URL: /);
    expect(asked).toEqual([]);
  });

  it("connect to the address that was checked: a name is resolved once", async () => {
    answer = (_, response) => void response.end(PHOTO);
    let times = 0;
    const resolve = async () => [{ address: times++ === 0 ? "127.0.0.1" : "10.0.0.1", family: 4 }];
    expect(await outcome(`http://photos.test:${port}/`, { resolve })).toBe(PHOTO.toString());
    expect(times).toBe(1);
  });

  it("do not come over a redirect to elsewhere, or over too many", async () => {
    for (const location of [
      `http://localhost:${port}/`,
      `http://127.0.0.2:${port}/`,
      `http://2130706434:${port}/`,
      `http://[::1]:${port}/`,
      "file:///etc/passwd",
      "http://[",
    ]) {
      answer = (_, response) => void response.writeHead(302, { location }).end();
      expect([location, await outcome(`http://photos.test:${port}/`)]).toEqual([
        location,
        expect.stringMatching(/^E_URL: /),
      ]);
      expect(asked).toHaveLength(1);
    }
    answer = (request, response) => void response.writeHead(302, { location: `${request.url}a` }).end();
    expect(await outcome(`http://photos.test:${port}/`)).toMatch(/more than 5 times/);
    // A name that is listed, and at the second hop resolves to an address that is not public.
    answer = (_, response) =>
      void response.writeHead(302, { location: `http://in.wide.test:${port}/` }).end();
    const resolve = async (name: string) => [
      { address: name === "photos.test" ? "127.0.0.1" : "10.0.0.1", family: 4 },
    ];
    expect(await outcome(`http://photos.test:${port}/`, { resolve })).toMatch(/not in the public internet/);
    expect(asked).toHaveLength(1);
  });

  it("come from a private host that the operator named, with its key, which goes nowhere else", async () => {
    const keys: [string | undefined, string | undefined][] = [];
    answer = ({ headers, url }, response) => {
      keys.push([`${headers.host}${url}`, headers.authorization]);
      if (url === "/data/lead")
        response.writeHead(302, { location: `http://photos.test:${port}/photo` }).end();
      else if (url === "/data/out") response.writeHead(302, { location: "/api/users" }).end();
      else response.end(PHOTO);
    };
    // Nothing but what was named may be connected to.
    const options = {
      hosts: [`photos.test:${port}`],
      mayConnect: () => false,
      named: {
        origin: `http://127.0.0.1:${port}`,
        serves: ({ pathname }: URL) => pathname.startsWith("/data/"),
        authorization: async () => "Token secret",
      },
    };
    const at = (path: string) => outcome(`http://127.0.0.1:${port}${path}`, options);
    expect(await at("/data/a")).toBe(PHOTO.toString());
    expect(await at("/api/users")).toMatch(/^E_URL: /);
    expect(await at("/data/../api/users")).toMatch(/^E_URL: /);
    expect(await at("/data/out")).toMatch(/^E_URL: /);
    expect(await outcome(`http://127.0.0.1:${port + 1}/data/a`, options)).toMatch(/^E_URL: /);
    expect(await at("/data/lead")).toBe("E_URL: This host is not in the public internet.");
    const lead = `http://127.0.0.1:${port}/data/lead`;
    expect(await outcome(lead, { ...options, mayConnect: () => true })).toBe(PHOTO.toString());
    expect(keys).toEqual([
      [`127.0.0.1:${port}/data/a`, "Token secret"],
      [`127.0.0.1:${port}/data/out`, "Token secret"],
      [`127.0.0.1:${port}/data/lead`, "Token secret"],
      [`127.0.0.1:${port}/data/lead`, "Token secret"],
      [`photos.test:${port}/photo`, undefined],
    ]);
  });

  it("are given up where they are too large, too slow, or no answer; nothing stays counted", async () => {
    const url = `http://photos.test:${port}/`;
    answer = (_, response) =>
      void response.writeHead(200, { "content-length": "5000" }).end(Buffer.alloc(5000));
    expect(await outcome(url)).toMatch(/^E_TOO_LARGE/);
    answer = (_, response) => {
      response.write(Buffer.alloc(900));
      response.end(Buffer.alloc(900));
    };
    expect(await outcome(url)).toMatch(/^E_TOO_LARGE/);
    answer = (_, response) => void response.write("x");
    expect(await outcome(url, { timeoutMs: 200 })).toMatch(/^E_URL: .* 200 ms/);
    expect(await outcome(url, { timeoutMs: 200, resolve: () => new Promise(() => {}) })).toMatch(/^E_URL: /);
    answer = (_, response) => void response.writeHead(404).end("a secret page");
    expect(await outcome(url)).toBe("E_URL: The host answered 404, not 200.");
    answer = (_, response) => void response.destroy();
    expect(await outcome(url)).toBe("E_URL: The photo could not be fetched.");
    answer = (_, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end("x");
    expect(await outcome(url)).toMatch(/^E_URL: /);
    expect(room.bytes).toBe(0);
  });
});
