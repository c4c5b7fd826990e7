import { type LoadOptions, UnSAM } from "@unsam/sdk";
import { describe, expect, it } from "vitest";
import { MODELS, type Row, trees, useModels } from "./models.js";

const models = useModels();
const { loaded, sources } = models;

describe("UnSAM.load", () => {
  const rows: Row[] = [
    [{ device: "auto" }, "same"],
    [{ device: "cpu" }, "same"],
    [{ device: "cuda" }, { "region-tree": "E_UNSUPPORTED", nano: "E_UNSUPPORTED" }],
    [{ encoder: "auto" }, "same"],
    [{ encoder: "onnx" }, { ...trees("E_UNSUPPORTED", "same"), nano: "same" }],
    [{ encoder: "tensorrt" }, "E_BAD_OPTION"],
    [{ encoder: "native", device: "cuda" }, trees("E_UNSUPPORTED", "E_BAD_OPTION")],
    [{ decoder: "auto" }, "same"],
    [{ decoder: "onnx" }, trees("E_UNSUPPORTED", "same")],
    [{ decoder: "cuda:7" }, { "region-tree": "E_UNSUPPORTED", nano: "E_UNSUPPORTED" }],
    [{ precision: "float32" }, "same"],
    [{ precision: "auto" }, "same"],
    [{ precision: "bfloat16", decoder: "onnx" }, trees("E_UNSUPPORTED", "E_BAD_OPTION")],
    [{ threads: 1 }, "same"],
    [{ threads: 0 }, "E_BAD_OPTION"],
    [{ offline: true }, "same"],
    [{ offline: 1 }, "E_BAD_OPTION"],
    [{ onProgress: "tell me" }, "E_BAD_OPTION"],
    [{ device: "gpu" }, "E_BAD_OPTION"],
    [{ modell: "nano" }, "E_BAD_OPTION"],
  ];
  describe.each(MODELS)("%s", (model) => {
    const told = rows.filter(([, effects]) => typeof effects === "string" || effects[model]);
    it.each(told)("%j", { timeout: 60_000 }, async (option, effects) => {
      const effect = typeof effects === "string" ? effects : effects[model]!;
      const loading = UnSAM.load({
        model: sources.get(model),
        cacheDir: models.folder,
        ...option,
      } as LoadOptions);
      if (effect === "same") {
        await using unsam = await loading;
        const own = loaded.get(model)!.unsam.model;
        expect(unsam.model).toMatchObject({ name: own.name, device: "cpu" });
        for (const reason of Object.values(unsam.model.reasons)) expect(reason).toMatch(/^.{10,}\.$/s);
        return;
      }
      await expect(loading).rejects.toMatchObject({ code: effect });
    });
  });

  it.each([{ device: "cuda" }, { decoder: "cuda:7" }] as const)(
    "%j on a network: runs there, or says that it cannot",
    { timeout: 60_000 },
    async (option) => {
      const loading = UnSAM.load({ model: sources.get("unsamv2"), cacheDir: models.folder, ...option });
      const told = await loading.then(
        async (unsam) => {
          const { device, reasons } = unsam.model;
          await unsam.dispose();
          return { code: "E_UNSUPPORTED", message: `${device} ${reasons.device} ${reasons.decoder}` };
        },
        (error) => error,
      );
      expect(["E_UNSUPPORTED", "E_BAD_OPTION"]).toContain(told.code);
      expect(told.message).toMatch(/CUDA|cuda/);
    },
  );

  it("names everything that a built-in model cannot do at once", async () => {
    const options = { model: "nano", decoder: "cuda:7", precision: "bfloat16", device: "cuda" } as const;
    await expect(UnSAM.load(options)).rejects.toThrow(
      'The model "nano" has no part that could do device: "cuda", decoder: "cuda:7", precision: "bfloat16"; ' +
        "leave them out.",
    );
  });

  it.each([
    [{ checkpoint: "a.pt", confg: "b.json" }, /model: there is no option "confg"/],
    [{ weights: "ema" }, /give "region-tree", "nano", .*"unsamv2", .*or \{ checkpoint/],
    ["sam2", /give "region-tree", "nano", .*"sam2.1-small"/],
  ])("refuses the model %j", async (model, message) => {
    await expect(UnSAM.load({ model } as never)).rejects.toMatchObject({
      code: "E_BAD_OPTION",
      message: expect.stringMatching(message),
    });
  });

  it("says what auto chose and why", () => {
    const { device, encoder, decoder, kernels, reasons } = loaded.get("unsamv2")!.unsam.model;
    expect(loaded.get("nano")!.unsam.model.encoder).toBe(encoder);
    expect(loaded.get("nano")!.unsam.model.reasons.encoder).toBe(reasons.encoder);
    expect(encoder).toBe(decoder);
    expect(reasons.encoder).toMatch(encoder === "native" ? /has kernels for the model/ : /./);
    expect(device).toBe("cpu");
    expect(reasons.device).toBe('CUDA is used only where it is asked for (device: "cuda").');
    expect(reasons.decoder).toMatch(decoder === "native" ? /fits the model/ : /./);
    expect(kernels === "native").toBe(decoder === "native");
    expect(loaded.get("nano")!.unsam.model.reasons.decoder).toMatch(/no mask decoder/);
  });
});
