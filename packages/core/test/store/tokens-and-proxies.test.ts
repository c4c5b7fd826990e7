import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import path from "node:path";
import { sendRange } from "@unsam/test-support";
import { afterEach, describe, expect, it, vi } from "vitest";
import { hubSetting, someBytes } from "./hub-setting.js";

const setting = hubSetting();
const REPO = "some-body/some.model";
const NAME = `hf:${REPO}/model.pt`;
const bytes = someBytes(5000);
const TOKEN = "hf_SecretSecretSecret";

describe("the token", () => {
  it("goes to the hub and to no other host, from the variable or from the file of hf auth login", async () => {
    const { hub, pull, cache } = setting;
    hub.add(REPO, "model.pt", bytes);
    mkdirSync(path.dirname(cache), { recursive: true });
    writeFileSync(path.join(path.dirname(cache), "token"), `${TOKEN}\n`);
    await pull(NAME);
    expect(hub.seen.length).toBeGreaterThan(3);
    for (const { host, headers } of hub.seen) {
      expect(headers.authorization, host).toBe(host === "hub" ? `Bearer ${TOKEN}` : undefined);
    }
    hub.seen.length = 0;
    vi.stubEnv("HF_TOKEN", "hf_other");
    await pull(NAME, { update: true });
    expect(hub.seen[0].headers.authorization).toBe("Bearer hf_other");
    hub.seen.length = 0;
    vi.stubEnv("HF_TOKEN", undefined);
    vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    await pull(NAME, { update: true });
    expect(hub.seen[0].headers.authorization).toBe(undefined);
  });

  it("is not sent to an address that is not the hub's", async () => {
    const { hub, pull } = setting;
    vi.stubEnv("HF_TOKEN", TOKEN);
    hub.interfere = (request, response) => {
      sendRange(request, bytes, response);
      return true;
    };
    await pull(`${hub.storeOrigin}/file.pt`);
    await pull(`${hub.endpoint}/file.pt`);
    for (const { headers } of hub.seen) expect(headers.authorization).toBe(undefined);
  });

  it("appears in no error and in nothing that is told", async () => {
    const { hub, pull, told } = setting;
    vi.stubEnv("HF_TOKEN", TOKEN);
    for (const status of [401, 403, 404, 418, 503]) {
      hub.interfere = ({ headers }, response) => {
        // Some servers say again what they were told.
        response
          .writeHead(status, { "x-error-message": `${headers.authorization}` })
          .end(headers.authorization);
        return true;
      };
      const problem = await pull(NAME).catch((error: Error) => error);
      expect(problem).toMatchObject({ code: "E_DOWNLOAD" });
      expect(`${problem} ${JSON.stringify(problem)} ${(problem as Error).stack}`).not.toContain("Secret");
    }
    expect(JSON.stringify(told)).not.toContain("Secret");
    vi.stubEnv("HF_TOKEN", "hf_Secret\r\nx-evil: 1");
    await expect(pull(NAME)).rejects.toMatchObject({
      code: "E_BAD_OPTION",
      message: expect.not.stringContaining("Secret"),
    });
  });

  it("that is refused is said to be so", async () => {
    const { hub, pull } = setting;
    vi.stubEnv("HF_TOKEN", TOKEN);
    hub.interfere = (_, response) => {
      response.writeHead(401).end();
      return true;
    };
    await expect(pull(NAME)).rejects.toThrow(/your token has expired or lacks access/);
  });
});

describe("proxies", () => {
  let proxy: Server | null = null;
  const tunnels: string[] = [];
  afterEach(() => {
    proxy?.closeAllConnections();
    proxy?.close();
    tunnels.length = 0;
  });

  async function startProxy(): Promise<string> {
    proxy = createServer((request, response) => {
      tunnels.push(`${request.method} ${request.url}`);
      response.writeHead(501).end();
    });
    proxy.on("connect", (request, socket) => {
      tunnels.push(request.url ?? "");
      const [host, port] = (request.url ?? "").split(":");
      const onward = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
      socket.on("close", () => onward.destroy());
    });
    await new Promise<void>((resolve) => proxy?.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  }

  it("are those of the environment", async () => {
    const { hub, pull } = setting;
    hub.add(REPO, "model.pt", bytes);
    vi.stubEnv("HTTP_PROXY", await startProxy());
    expect(await pull(NAME)).toMatchObject({ downloaded: true });
    const hosts = [hub.endpoint, hub.storeOrigin].map((origin) => new URL(origin).host);
    expect([...new Set(tunnels)].sort()).toEqual(hosts.sort());
  });

  it("are passed by for hosts in NO_PROXY", async () => {
    const { hub, pull } = setting;
    hub.add(REPO, "model.pt", bytes);
    vi.stubEnv("HTTP_PROXY", await startProxy());
    vi.stubEnv("NO_PROXY", "127.0.0.1,localhost,example.org");
    expect(await pull(NAME)).toMatchObject({ downloaded: true });
    expect(tunnels).toEqual([]);
  });

  it("that make no sense or do not answer are one sentence, without their password", async () => {
    const { pull } = setting;
    vi.stubEnv("HTTP_PROXY", "::nonsense::");
    await expect(pull(NAME)).rejects.toMatchObject({
      code: "E_DOWNLOAD",
      message: expect.stringMatching(/no address of a proxy/),
    });
    vi.stubEnv("HTTP_PROXY", "http://user:geheim@127.0.0.1:1");
    await expect(pull(NAME)).rejects.toMatchObject({
      code: "E_DOWNLOAD",
      message: expect.not.stringContaining("geheim"),
    });
  });
});
