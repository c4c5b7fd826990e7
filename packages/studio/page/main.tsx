import { render } from "preact";
import { App } from "./app.tsx";
import { StudioService } from "./service/studio-service.ts";
import { takeToken } from "./service/token.ts";
import { Studio } from "./session/studio.ts";
import "./style/page.css";
import "./style/controls.css";
import "./style/granularity.css";
import "./style/panels.css";

const token = takeToken();
if (token === null) {
  render(
    <main class="no-token">
      <h1>UnSAM studio</h1>
      <p>Open the address that the command printed, whole: it ends in a key for this page behind #.</p>
    </main>,
    document.body,
  );
} else {
  const studio = new Studio(new StudioService(location.origin, token));
  render(<App studio={studio} />, document.body);
  studio.begin().catch((problem) => studio.fail(problem));
}
