// A service that answers clicks on photos over HTTP. node click-service/server.mjs [PORT] [CACHE_MEGABYTES]
//   curl --data-binary @photo.jpg -H "content-type: image/jpeg" localhost:3000/v1/images
//   curl --json '{ "prompts": [{ "points": [[211, 144]], "granularity": 0.5 }] }' localhost:3000/v1/images/ID/segment
import { clickService } from "./service.mjs";

const [port = "3000", megabytes = "512"] = process.argv.slice(2);
const app = await clickService({ cacheBytes: Number(megabytes) * 2 ** 20 });
const address = await app.listen({ port: Number(port), host: "127.0.0.1" });
console.log(`listening on ${address}`);

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => app.close());
